// Transactions seen from outside: DescribeTransactions 65, ListTransactions 66, WriteTxnMarkers 27, InitProducerId 22.
#include "by_topic.hpp"
#include "carry_out.hpp"
#include "operations.hpp"

#include <weir/protocol/messages/describe_transactions.hpp>
#include <weir/protocol/messages/init_producer_id.hpp>
#include <weir/protocol/messages/list_transactions.hpp>
#include <weir/protocol/messages/write_txn_markers.hpp>

#include <fmt/format.h>

namespace weir::detail {
namespace {

std::string named(const std::string& id) { return fmt::format("transactional id '{}'", id); }

struct describe_transactions_plan : plan_of<protocol::describe_transactions_request, std::string, transaction_description> {
    std::vector<std::string> ids;

    std::vector<std::string> keys() const { return ids; }
    place where(std::size_t i) const { return transaction_coordinator(ids[i]); }
    request ask(std::span<const std::size_t> which, const ask_context&) const {
        request asked;
        for (const auto i : which) asked.transactional_ids.push_back(ids[i]);
        return asked;
    }
    static error read(const response& answer, std::span<const std::size_t>, answers& into) {
        for (const auto& each : answer.transaction_states) {
            if (auto why = refusal(each.error_code, {}, named(each.transactional_id))) {
                into.settle(each.transactional_id, std::move(why));
                continue;
            }
            transaction_description found{-1, parse_transaction_state(each.transaction_state), each.producer_id, each.producer_epoch, duration{each.transaction_timeout_ms},
                                          some_time(each.transaction_start_time_ms), {}};
            for (const auto& topic : each.topics) {
                for (const auto partition : topic.partitions) found.partitions.insert({topic.topic, partition});
            }
            into.settle(each.transactional_id, std::move(found));
        }
        return {};
    }
};

struct list_transactions_plan : plan_of<protocol::list_transactions_request, std::int32_t, std::vector<transaction_listing>> {
    std::vector<std::int32_t> brokers;
    list_transactions_options options;

    std::vector<std::int32_t> keys() const { return brokers; }
    place where(std::size_t i) const { return on_broker(brokers[i]); }
    static std::size_t capacity(std::int16_t) { return 1; }
    request ask(std::span<const std::size_t>, const ask_context&) const {
        request asked;
        for (const auto each : options.states) asked.state_filters.emplace_back(to_string(each));
        asked.producer_id_filters = options.producer_ids;
        if (options.running_longer_than) asked.duration_filter = options.running_longer_than->count();
        asked.transactional_id_pattern = options.transactional_id_pattern;
        return asked;
    }
    static error read(response& answer, std::span<const std::size_t> which, answers& into) {
        const auto broker = into.key(which.front());
        if (auto why = refusal(answer.error_code, {}, fmt::format("transactions of broker {}", broker))) return why;
        std::vector<transaction_listing> found;
        for (auto& each : answer.transaction_states) found.push_back({std::move(each.transactional_id), each.producer_id, parse_transaction_state(each.transaction_state), broker});
        into.settle(which.front(), std::move(found));
        return {};
    }
};

/// A new epoch for the transactional id ends what its producers have open.
struct fence_producers_plan : plan_of<protocol::init_producer_id_request, std::string, fenced_producer> {
    static constexpr std::int16_t newest = 5;  // 6 is not settled yet
    std::vector<std::string> ids;

    std::vector<std::string> keys() const { return ids; }
    place where(std::size_t i) const { return transaction_coordinator(ids[i]); }
    static std::size_t capacity(std::int16_t) { return 1; }
    request ask(std::span<const std::size_t> which, const ask_context& context) const {
        request asked;
        asked.transactional_id = ids[which.front()];
        // A transaction timeout is needed, and nothing follows that could run into it: what is left for this call.
        asked.transaction_timeout_ms = context.timeout_ms;
        return asked;
    }
    error read(const response& answer, std::span<const std::size_t> which, answers& into) const {
        into.settle(which.front(), failed_or(refusal(answer.error_code, {}, named(ids[which.front()])), fenced_producer{answer.producer_id, answer.producer_epoch}));
        return {};
    }
};

}  // namespace

task_of_outcomes<transaction_description> describe_transactions(call_ptr call, std::vector<std::string> ids) {
    auto describing = carry_out(call, describe_transactions_plan{{}, std::move(ids)});
    auto all = co_await describing;
    if (!all) co_return all;
    for (auto& [id, outcome] : all->items()) {
        if (outcome) outcome->coordinator = call->view->known_coordinator(coordinator_kind::transaction, id);
    }
    co_return all;
}

task<result<std::vector<transaction_listing>>> list_transactions(call_ptr call, list_transactions_options options) {
    auto looking = all_brokers(call);
    auto brokers = co_await looking;
    if (!brokers) co_return brokers.error();
    auto listing = carry_out(std::move(call), list_transactions_plan{{}, *std::move(brokers), std::move(options)});
    auto by_broker = co_await listing;
    if (!by_broker) co_return by_broker.error();
    std::vector<transaction_listing> all;
    for (auto& [broker, found] : by_broker->items()) {
        if (!found) co_return error{found.code(), fmt::format("broker {} does not tell its transactions", broker), found.error()};
        std::move(found->begin(), found->end(), std::back_inserter(all));
    }
    co_return all;
}

task<result<void>> abort_transaction(call_ptr call, abort_transaction_request which) {
    protocol::write_txn_markers_request request;
    auto& marker = request.markers.emplace_back();
    marker.producer_id = which.producer_id;
    marker.producer_epoch = which.producer_epoch;
    marker.coordinator_epoch = which.coordinator_epoch;
    marker.transaction_result = false;
    auto& topic = marker.topics.emplace_back();
    topic.name = which.where.topic;
    topic.partition_indexes.push_back(which.where.partition);
    auto asking = ask(std::move(call), leader_of(which.where), std::move(request), [](const protocol::write_txn_markers_response& answer) {
        for (const auto& each : answer.markers) {
            for (const auto& name : each.topics) {
                for (const auto& part : name.partitions) {
                    const topic_partition where{name.name, part.partition_index};
                    // Of a producer that is ahead of it, or that the partition does not know any more.
                    if (auto why = refusal(part.error_code, where)) return why;
                }
            }
        }
        return error{};
    });
    auto got = co_await asking;
    co_return result<void>{got.error()};
}

task_of_outcomes<fenced_producer> fence_producers(call_ptr call, std::vector<std::string> ids) {
    return carry_out(std::move(call), fence_producers_plan{{}, std::move(ids)});
}

task<result<void>> force_terminate_transaction(call_ptr call, std::string id) {
    auto fencing = fence_producers(std::move(call), {std::move(id)});
    auto fenced = only(co_await fencing);
    co_return result<void>{fenced.error()};
}

}  // namespace weir::detail

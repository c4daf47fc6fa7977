// What the leaders of partitions know: ListOffsets 2, DeleteRecords 21, DescribeProducers 61.
#include "by_topic.hpp"
#include "carry_out.hpp"
#include "operations.hpp"

#include <weir/protocol/messages/delete_records.hpp>
#include <weir/protocol/messages/describe_producers.hpp>
#include <weir/protocol/messages/list_offsets.hpp>

#include <fmt/format.h>

namespace weir::detail {
namespace {

using kind = at::position::kind;

/// Timestamps below zero are places (KIP-79, KIP-734, KIP-405, KIP-1005, KIP-1023).
std::int64_t wire_time(at::position where, timestamp_ms now) {
    switch (where.what) {
        case kind::time: return where.value;
        case kind::ago: return std::max<std::int64_t>(0, now - where.value);
        case kind::earliest: return -2;
        case kind::max_timestamp: return -3;
        case kind::earliest_local: return -4;
        case kind::latest_tiered: return -5;
        case kind::earliest_pending_upload: return -6;
        default: return -1;
    }
}
std::int16_t oldest_version(at::position where) {
    switch (where.what) {
        case kind::max_timestamp: return 7;
        case kind::earliest_local: return 8;
        case kind::latest_tiered: return 9;
        case kind::earliest_pending_upload: return 11;
        default: return 1;
    }
}

struct list_offsets_plan : plan_of<protocol::list_offsets_request, topic_partition, listed_offset> {
    std::vector<std::pair<topic_partition, at::position>> wanted;
    isolation level = isolation::read_uncommitted;
    timestamp_ms now = 0;

    std::vector<topic_partition> keys() const {
        std::vector<topic_partition> all;
        for (const auto& each : wanted) all.push_back(each.first);
        return all;
    }
    place where(std::size_t i) const { return leader_of(wanted[i].first); }
    request ask(std::span<const std::size_t> which, const ask_context& context) const {
        request asked;
        asked.replica_id = -1;
        asked.isolation_level = static_cast<std::int8_t>(level);
        asked.timeout_ms = context.timeout_ms;
        for (const auto i : which) {
            const auto& [where, position] = wanted[i];
            if (context.version >= 0 && oldest_version(position) > context.version) continue;
            auto& each = entry_of(asked.topics, &request::list_offsets_topic::name, where.topic).partitions.emplace_back();
            each.partition_index = where.partition;
            each.timestamp = wire_time(position, now);
        }
        return asked;
    }
    error read(const response& answer, std::span<const std::size_t> which, answers& into) const {
        for (const auto& topic : answer.topics) {
            for (const auto& part : topic.partitions) {
                const topic_partition where{topic.name, part.partition_index};
                into.settle(where, failed_or(refusal(part.error_code, where), listed_offset{part.offset, some_time(part.timestamp), part.leader_epoch}));
            }
        }
        for (const auto i : which) {
            if (!into.open(i) || into.obstacle(i) || oldest_version(wanted[i].second) <= 1) continue;
            into.close(i, error{errc::unsupported_version, fmt::format("{}: the leader's ListOffsets is older than version {}, which finds that place", to_string(wanted[i].first), oldest_version(wanted[i].second))});
        }
        return {};
    }
};

struct delete_records_plan : plan_of<protocol::delete_records_request, topic_partition, std::int64_t> {
    std::vector<std::pair<topic_partition, std::int64_t>> before;

    std::vector<topic_partition> keys() const {
        std::vector<topic_partition> all;
        for (const auto& each : before) all.push_back(each.first);
        return all;
    }
    place where(std::size_t i) const { return leader_of(before[i].first); }
    request ask(std::span<const std::size_t> which, const ask_context& context) const {
        request asked;
        asked.timeout_ms = context.timeout_ms;
        for (const auto i : which) {
            auto& each = entry_of(asked.topics, &request::delete_records_topic::name, before[i].first.topic).partitions.emplace_back();
            each.partition_index = before[i].first.partition;
            each.offset = before[i].second;
        }
        return asked;
    }
    static error read(const response& answer, std::span<const std::size_t>, answers& into) {
        for (const auto& topic : answer.topics) {
            for (const auto& part : topic.partitions) {
                const topic_partition where{topic.name, part.partition_index};
                into.settle(where, failed_or(refusal(part.error_code, where), part.low_watermark));
            }
        }
        return {};
    }
};

struct describe_producers_plan : plan_of<protocol::describe_producers_request, topic_partition, std::vector<producer_state>> {
    std::vector<topic_partition> partitions;
    std::optional<std::int32_t> broker;

    std::vector<topic_partition> keys() const { return partitions; }
    place where(std::size_t i) const { return broker ? on_broker(*broker) : leader_of(partitions[i]); }
    request ask(std::span<const std::size_t> which, const ask_context&) const {
        request asked;
        for (const auto i : which) entry_of(asked.topics, &request::topic_request::name, partitions[i].topic).partition_indexes.push_back(partitions[i].partition);
        return asked;
    }
    static error read(const response& answer, std::span<const std::size_t>, answers& into) {
        for (const auto& topic : answer.topics) {
            for (const auto& part : topic.partitions) {
                const topic_partition where{topic.name, part.partition_index};
                std::vector<producer_state> states;
                for (const auto& each : part.active_producers) {
                    auto& state = states.emplace_back(producer_state{each.producer_id, each.producer_epoch, each.last_sequence, some_time(each.last_timestamp), each.coordinator_epoch});
                    if (each.current_txn_start_offset >= 0) state.transaction_start = each.current_txn_start_offset;
                }
                into.settle(where, failed_or(refusal(part.error_code, part.error_message, where), std::move(states)));
            }
        }
        return {};
    }
};

using offsets = outcomes<listed_offset, topic_partition>;

task<result<offsets>> ask_offsets(call_ptr call, std::vector<std::pair<topic_partition, at::position>> wanted, isolation level) {
    const auto now = call->view->loop().wall_now();
    return carry_out(std::move(call), list_offsets_plan{{}, std::move(wanted), level, now});
}

}  // namespace

task_of_outcomes<listed_offset, topic_partition> list_offsets(call_ptr call, std::map<topic_partition, at::position> wanted, isolation level) {
    // Offsets given need no question; counting from the end needs both ends.
    std::vector<std::pair<topic_partition, at::position>> places;
    std::vector<std::pair<topic_partition, at::position>> beginnings;
    for (const auto& [where, position] : wanted) {
        if (position.what == kind::committed) co_return error{errc::invalid_request, fmt::format("{}: list_offsets knows no group whose committed offset it could tell", to_string(where))};
        places.emplace_back(where, position);
        if (position.what == kind::before_end) beginnings.emplace_back(where, at::earliest);
    }
    auto asking = ask_offsets(call, std::move(places), level);
    auto found = co_await asking;
    if (!found) co_return found;
    offsets first;
    if (!beginnings.empty()) {
        auto asking_first = ask_offsets(call, std::move(beginnings), level);
        auto got = co_await asking_first;
        if (!got) co_return got;
        first = *std::move(got);
    }
    auto begin = first.begin();
    for (auto& [where, outcome] : found->items()) {
        const auto position = wanted.find(where)->second;
        if (position.what == kind::offset && outcome) outcome = listed_offset{position.value};
        if (position.what != kind::before_end) continue;
        const auto& earliest = begin++->outcome;
        if (outcome && !earliest) outcome = earliest.error();
        else if (outcome) outcome->offset = std::max(outcome->offset - position.value, earliest->offset);
    }
    co_return found;
}

task_of_outcomes<listed_offset, topic_partition> list_offsets_of(call_ptr call, std::vector<std::string> topics, at::position where, isolation level) {
    auto counting = count_partitions(call, std::move(topics));
    auto counts = co_await counting;
    if (!counts) co_return counts.error();
    std::map<topic_partition, at::position> wanted;
    for (const auto& [name, count] : *counts) {
        if (!count) co_return count.error();
        for (std::int32_t i = 0; i < *count; ++i) wanted.emplace(topic_partition{name, i}, where);
    }
    auto listing = list_offsets(std::move(call), std::move(wanted), level);
    co_return co_await listing;
}

task_of_outcomes<std::int64_t, topic_partition> delete_records(call_ptr call, std::map<topic_partition, std::int64_t> before) {
    return carry_out(std::move(call), delete_records_plan{{}, {before.begin(), before.end()}});
}

task<result<std::int64_t>> delete_records_of(call_ptr call, topic_partition where, at::position before) {
    std::map<topic_partition, std::int64_t> cut;
    if (before.what == kind::latest) {
        cut.emplace(where, -1);
    } else {
        auto listing = list_offsets(call, {{where, before}}, isolation::read_uncommitted);
        auto found = only(co_await listing);
        if (!found) co_return found.error();
        // Nothing of that time or later: everything is older.
        cut.emplace(where, found->offset);
    }
    auto deleting = delete_records(std::move(call), std::move(cut));
    co_return only(co_await deleting);
}

task_of_outcomes<std::vector<producer_state>, topic_partition> describe_producers(call_ptr call, std::vector<topic_partition> partitions, std::optional<std::int32_t> broker) {
    return carry_out(std::move(call), describe_producers_plan{{}, sorted(std::move(partitions)), broker});
}

}  // namespace weir::detail

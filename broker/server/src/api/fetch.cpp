// Fetch (key 1), v4-v18. v7: sessions. v9: leader epochs. v12: flexible, divergence. v13: topics by id. v15: replica state.
// v16: endpoints of new leaders. v18: high watermark of followers.
#include "../api.hpp"
#include "handlers.hpp"

#include <weir/metadata/image.hpp>
#include <weir/protocol/messages/fetch.hpp>
#include <weir/replica/fetch.hpp>
#include <weir/replica/replicas.hpp>

namespace weir::server {
namespace {

using protocol::fetch_request;
using protocol::fetch_response;

// A position of the plan beside what became of it.
struct asked {
    fetch_target target;
    errc refused = errc::none;
    std::size_t item = 0;  // into the fetch's items when not refused
};

replica::read_request to_read(const fetch_position& position, const fetch_request& request) {
    replica::read_request read;
    read.offset = position.fetch_offset;
    read.max_bytes = static_cast<std::uint64_t>(std::max(position.max_bytes, 0));
    read.current_leader_epoch = position.current_leader_epoch;
    read.last_fetched_epoch = position.last_fetched_epoch;
    read.read_committed = request.isolation_level == 1;
    read.beyond_high_watermark = request.replica_id == -2;  // the debugging consumer
    return read;
}

// Clients of old versions do not know the error of a disk, and would take it for the end.
std::int16_t error_for(errc code, std::int16_t version) {
    constexpr std::int16_t knows_storage_errors = 6;
    return wire_code(code == errc::kafka_storage_error && version < knows_storage_errors ? errc::not_leader_or_follower : code);
}

fetch_response::partition_data to_answer(const replica::read_answer& read, bool read_committed, std::int16_t version) {
    fetch_response::partition_data part;
    part.error_code = error_for(read.code, version);
    part.high_watermark = read.high_watermark;
    part.last_stable_offset = read.last_stable_offset;
    part.log_start_offset = read.log_start_offset;
    if (read.diverging) {
        part.diverging_epoch.epoch = read.diverging->epoch;
        part.diverging_epoch.end_offset = read.diverging->end_offset;
    }
    if (read_committed && read.code == errc::none && !read.diverging) {
        part.aborted_transactions.emplace();
        for (const auto& aborted : read.aborted) {
            auto& each = part.aborted_transactions->emplace_back();
            each.producer_id = aborted.producer_id;
            each.first_offset = aborted.first_offset;
        }
    } else {
        part.aborted_transactions.reset();
    }
    if (read.records.size > 0)
        part.records = protocol::record_data{read.records.source, read.records.position, read.records.size};
    else
        part.records = protocol::record_data{bytes_view{}};  // empty, not null: Java clients insist
    return part;
}

fetch_response::fetchable_topic_response& topic_of(fetch_response& response, const fetch_target& target) {
    if (response.responses.empty() || response.responses.back().topic_id != target.topic_id ||
        response.responses.back().topic != target.topic) {
        auto& topic = response.responses.emplace_back();
        topic.topic = target.topic;
        topic.topic_id = target.topic_id;
    }
    return response.responses.back();
}

bool is_news(const fetch_response::partition_data& part, const fetch_position& told) {
    return part.error_code != 0 || part.records.size() > 0 || part.high_watermark != told.told_high_watermark ||
           part.log_start_offset != told.told_log_start || part.diverging_epoch.epoch >= 0;
}

}  // namespace

task<fetch_response> handle_fetch(request_context& context, fetch_request request) {
    fetch_response response;
    if (context.version() >= 15 && request.replica_state.replica_id != -1) request.replica_id = request.replica_state.replica_id;
    const auto image = context.image();
    auto plan = context.core.sessions.plan(request, context.version(), context.core.loop.now());
    if (plan.code != errc::none) {
        response.error_code = wire_code(plan.code);
        co_return response;
    }
    if (const auto id = plan.ended_elsewhere; id != 0) {
        auto& owner = *context.core.all[context.core.sessions.core_of(id)];
        owner.loop.post([&owner, id] { owner.sessions.end(id); });
    }
    const bool by_id = context.version() >= 13;
    std::vector<asked> all;
    std::vector<replica::fetch_item> items;
    bool refused_any = false;
    for (const auto& position : plan.wanted()) {
        auto& each = all.emplace_back();
        each.target = position.target;
        const auto found = find_topic(*image, by_id, position.target.topic, position.target.topic_id);
        std::shared_ptr<replica::partition> where;
        each.refused = locate(context, found, position.target.partition, where);
        if (each.refused != errc::none) {
            refused_any = true;
            continue;
        }
        each.item = items.size();
        replica::fetch_item item;
        item.who = std::move(where);
        item.request = to_read(position, request);
        items.push_back(std::move(item));
    }
    replica::fetch_limits limits;
    limits.min_bytes = refused_any ? 0 : static_cast<std::uint64_t>(std::max(request.min_bytes, 0));
    limits.max_bytes = static_cast<std::uint64_t>(std::clamp(request.max_bytes, 0, context.broker.config.fetch_max_bytes));
    // Nobody can be given more than the most: such a request would always wait for its deadline.
    limits.min_bytes = std::min(limits.min_bytes, limits.max_bytes);
    limits.deadline = context.core.loop.now() + milliseconds{std::max(request.max_wait_ms, 0)};
    limits.parked = &context.core.metrics.parked_fetches();
    co_await replica::fetch(context.core.loop, items, limits);

    response.session_id = plan.answer_session_id();
    auto& traffic = context.core.metrics.all_topics();
    traffic.fetch_requests->add(all.size());
    for (const auto& each : all) {
        auto part = each.refused == errc::none
                        ? to_answer(items[each.item].answer, request.isolation_level == 1, context.version())
                        : fetch_response::partition_data{};
        part.partition_index = each.target.partition;
        if (each.refused != errc::none) {
            part.error_code = error_for(each.refused, context.version());
            part.high_watermark = -1;
            part.records = protocol::record_data{bytes_view{}};
        }
        const auto code = errc_from_wire(part.error_code);
        if (context.version() >= 16 && (code == errc::not_leader_or_follower || code == errc::fenced_leader_epoch)) {
            const auto found = find_topic(*image, by_id, each.target.topic, each.target.topic_id);
            hint_leader(*image, found, each.target.partition, code, part.current_leader, response.node_endpoints, *context.connection.listener);
        }
        if (plan.session) {
            // The session may have been changed by another connection meanwhile.
            auto& known = plan.session->positions;
            const auto told = known.find(each.target);
            if (told == known.end()) continue;
            const bool news = is_news(part, *told);
            told->told_high_watermark = part.high_watermark;
            told->told_log_start = part.log_start_offset;
            if (part.records.size() > 0) known.move_to_end(told);
            if (plan.incremental && !news) continue;
        }
        // A topic's own numbers are of what was said about it: a partition without news costs nothing.
        traffic.bytes_out->add(part.records.size());
        if (part.error_code != 0) traffic.failed_fetch->add();
        if (each.refused == errc::none) {
            auto& own = context.core.metrics.topic(items[each.item].who->topic());
            own.fetch_requests->add();
            own.bytes_out->add(part.records.size());
            if (part.error_code != 0) own.failed_fetch->add();
        }
        topic_of(response, each.target).partitions.push_back(std::move(part));
    }
    co_return response;
}

}  // namespace weir::server

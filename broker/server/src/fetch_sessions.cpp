#include "fetch_sessions.hpp"

namespace weir::server {
namespace {

using namespace std::chrono_literals;

// A session may be pushed out when it was not used, or (for a larger one) has lived, this long.
constexpr auto eviction_age = 120s;
constexpr std::int32_t final_epoch = -1;
constexpr std::int32_t initial_epoch = 0;

std::int32_t next_epoch(std::int32_t epoch) noexcept { return epoch == INT32_MAX ? 1 : epoch + 1; }

void put_all(const protocol::fetch_request& request, fetch_positions& into) {
    for (const auto& topic : request.topics)
        for (const auto& part : topic.partitions) {
            fetch_position wanted;
            wanted.target = {topic.topic_id, topic.topic, part.partition};
            wanted.fetch_offset = part.fetch_offset;
            wanted.max_bytes = part.partition_max_bytes;
            wanted.current_leader_epoch = part.current_leader_epoch;
            wanted.last_fetched_epoch = part.last_fetched_epoch;
            into.put(std::move(wanted));
        }
}

}  // namespace

void fetch_positions::put(fetch_position wanted) {
    if (const auto known = find(wanted.target); known != end()) {
        auto& position = *known;
        position.fetch_offset = wanted.fetch_offset;
        position.max_bytes = wanted.max_bytes;
        position.current_leader_epoch = wanted.current_leader_epoch;
        position.last_fetched_epoch = wanted.last_fetched_epoch;
        return;
    }
    order_.push_back(std::move(wanted));
    index_.insert(std::prev(order_.end()));
}

fetch_positions::iterator fetch_positions::find(const fetch_target& target) {
    const auto known = index_.find(target);
    return known == index_.end() ? end() : *known;
}

void fetch_positions::forget(const fetch_target& target) {
    const auto known = index_.find(target);
    if (known == index_.end()) return;
    const auto position = *known;
    index_.erase(known);
    order_.erase(position);
}

fetch_plan fetch_session_cache::plan(const protocol::fetch_request& request, std::int16_t version, time_point now) {
    fetch_plan plan;
    const bool by_id = version >= 13;
    if (request.session_epoch == final_epoch || request.session_epoch == initial_epoch) {
        // A full fetch; whatever session it names is over.
        if (request.session_id > 0 && request.session_id % cores_ != core_) plan.ended_elsewhere = request.session_id;
        else end(request.session_id);
        put_all(request, plan.positions);
        if (request.session_epoch == initial_epoch) plan.session = create(by_id, plan.positions.size(), now);
        if (plan.session) plan.session->positions = std::move(plan.positions);
        return plan;
    }
    const auto known = sessions_.find(request.session_id);
    if (known == sessions_.end()) {
        plan.code = errc::fetch_session_id_not_found;
        return plan;
    }
    auto& session = *known->second;
    if (session.by_id() != by_id) {
        plan.code = errc::fetch_session_topic_id_error;
        return plan;
    }
    if (request.session_epoch != session.expected_epoch_) {
        plan.code = errc::invalid_fetch_session_epoch;
        return plan;
    }
    session.expected_epoch_ = next_epoch(session.expected_epoch_);
    session.used_ = now;
    put_all(request, session.positions);
    for (const auto& topic : request.forgotten_topics_data)
        for (const auto partition : topic.partitions) session.positions.forget({topic.topic_id, topic.topic, partition});
    plan.session = known->second;
    plan.incremental = true;
    return plan;
}

std::shared_ptr<fetch_session> fetch_session_cache::create(bool by_id, std::size_t partitions, time_point now) {
    if (partitions == 0 || !make_room(partitions, now)) return nullptr;
    for (;;) {
        const auto id = static_cast<std::int32_t>(random_.below(static_cast<std::uint64_t>(INT32_MAX / cores_))) * cores_ + core_;
        if (id == 0 || sessions_.contains(id)) continue;
        auto session = std::make_shared<fetch_session>(id, by_id, now);
        sessions_.emplace(id, session);
        return session;
    }
}

// The least recently used gives way when it is stale; else the smallest, when the new one is larger and it has had its time.
bool fetch_session_cache::make_room(std::size_t for_partitions, time_point now) {
    if (sessions_.size() < slots_) return true;
    if (slots_ == 0) return false;
    auto oldest = sessions_.begin();
    auto smallest = sessions_.begin();
    for (auto each = sessions_.begin(); each != sessions_.end(); ++each) {
        if (each->second->used_ < oldest->second->used_) oldest = each;
        if (each->second->positions.size() < smallest->second->positions.size()) smallest = each;
    }
    auto victim = sessions_.end();
    if (now - oldest->second->used_ > eviction_age) victim = oldest;
    else if (smallest->second->positions.size() < for_partitions && now - smallest->second->created_ > eviction_age) victim = smallest;
    if (victim == sessions_.end()) return false;
    sessions_.erase(victim);
    ++evictions_;
    return true;
}

std::size_t fetch_session_cache::partitions() const noexcept {
    std::size_t count = 0;
    for (const auto& [id, session] : sessions_) count += session->positions.size();
    return count;
}

}  // namespace weir::server

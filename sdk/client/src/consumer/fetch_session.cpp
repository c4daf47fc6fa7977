#include "fetch_session.hpp"

#include <limits>
#include <utility>

namespace weir::detail {

void fetch_session::want(number who, const std::string& topic, const uuid& topic_id, std::int32_t partition, const fetch_want& what) {
    if (who >= entries_.size()) entries_.resize(who + 1);
    auto& each = entries_[who];
    if (each.topic.empty()) {
        each.topic = topic;
        each.partition = partition;
        names_[topic][partition] = who;
    }
    if (each.topic_id != topic_id) {
        if (each.known || each.forget) failed();  // the topic was made anew: no request may name both
        if (each.wanted && each.topic_id.is_zero()) --without_id_;
        if (each.wanted && topic_id.is_zero()) ++without_id_;
        each.topic_id = topic_id;
        if (!topic_id.is_zero()) ids_[topic_id] = topic;
    }
    const bool fresh = !std::exchange(each.wanted, true);
    if (fresh) {
        ++wanted_;
        if (topic_id.is_zero()) ++without_id_;
    }
    // Forgetting and asking for it in one request would end in forgetting.
    if (std::exchange(each.forget, false)) each.known = true;
    if (each.known && each.what == what) return;
    each.what = what;
    if (!std::exchange(each.changed, true)) changed_.push_back(who);
}

void fetch_session::drop(number who) {
    if (!wants(who)) return;
    auto& each = entries_[who];
    each.wanted = false;
    --wanted_;
    if (each.topic_id.is_zero()) --without_id_;
    if (!std::exchange(each.known, false)) return;
    each.forget = true;
    forgotten_.push_back(who);
}

void fetch_session::put(protocol::fetch_request& into, const entry& of, bool by_id) {
    auto& topics = into.topics;
    if (topics.empty() || (by_id ? topics.back().topic_id != of.topic_id : topics.back().topic != of.topic)) {
        auto& topic = topics.emplace_back();
        if (by_id) topic.topic_id = of.topic_id;
        else topic.topic = of.topic;
    }
    auto& part = topics.back().partitions.emplace_back();
    part.partition = of.partition;
    part.fetch_offset = of.what.offset;
    part.current_leader_epoch = of.what.leader_epoch;
    part.partition_max_bytes = of.what.max_bytes;
}

void fetch_session::ask(protocol::fetch_request& into, bool by_id) {
    full_ = epoch_ == 0;
    renewed_ = false;
    into.session_id = id_;
    into.session_epoch = epoch_;
    if (full_) {
        for (auto& each : entries_) {
            each.known = each.wanted;
            if (each.wanted) put(into, each, by_id);
        }
    }
    for (const auto who : std::exchange(changed_, {})) {
        auto& each = entries_[who];
        each.changed = false;
        if (full_ || !each.wanted) continue;
        each.known = true;
        put(into, each, by_id);
    }
    for (const auto who : std::exchange(forgotten_, {})) {
        auto& each = entries_[who];
        if (!std::exchange(each.forget, false) || full_) continue;
        auto& topics = into.forgotten_topics_data;
        if (topics.empty() || (by_id ? topics.back().topic_id != each.topic_id : topics.back().topic != each.topic)) {
            auto& topic = topics.emplace_back();
            if (by_id) topic.topic_id = each.topic_id;
            else topic.topic = each.topic;
        }
        topics.back().partitions.push_back(each.partition);
    }
}

void fetch_session::answered(std::int32_t session_id) {
    if (full_) id_ = session_id;
    if (id_ == 0 || renewed_) epoch_ = 0;
    else epoch_ = epoch_ == std::numeric_limits<std::int32_t>::max() ? 1 : epoch_ + 1;
}

void fetch_session::failed(bool session_is_gone) {
    if (session_is_gone) id_ = 0;
    epoch_ = 0;
    renewed_ = true;
    for (auto& each : entries_) each.known = each.forget = false;
    forgotten_.clear();
}

bool fetch_session::end(protocol::fetch_request& into) {
    if (id_ == 0) return false;
    constexpr std::int32_t final_epoch = -1;
    into.session_id = std::exchange(id_, 0);
    into.session_epoch = final_epoch;
    failed();
    return true;
}

std::int64_t fetch_session::find(const std::string& topic, const uuid& topic_id, std::int32_t partition) const {
    const auto* name = &topic;
    if (!topic_id.is_zero()) {
        const auto id = ids_.find(topic_id);
        if (id == ids_.end()) return -1;
        name = &id->second;
    }
    const auto of = names_.find(*name);
    if (of == names_.end()) return -1;
    const auto at = of->second.find(partition);
    if (at == of->second.end()) return -1;
    const auto& each = entries_[at->second];
    if (!topic_id.is_zero() && each.topic_id != topic_id) return -1;  // of a topic that had the name before
    return each.wanted && !each.changed ? std::int64_t{at->second} : -1;
}

}  // namespace weir::detail

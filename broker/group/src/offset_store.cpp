#include "offset_store.hpp"

namespace weir::group {

namespace {

bool insert(offset_store::by_topic& topics, std::string_view topic, std::int32_t partition, committed_offset value) {
    auto at = topics.find(topic);
    if (at == topics.end()) at = topics.emplace(std::string{topic}, offset_store::by_partition{}).first;
    return at->second.insert_or_assign(partition, std::move(value)).second;
}

const committed_offset* look_up(const offset_store::by_topic& topics, std::string_view topic, std::int32_t partition) {
    const auto at = topics.find(topic);
    if (at == topics.end()) return nullptr;
    const auto found = at->second.find(partition);
    return found == at->second.end() ? nullptr : &found->second;
}

}  // namespace

void offset_store::put(std::string_view group, std::string_view topic, std::int32_t partition, committed_offset value) {
    if (insert(committed_[std::string{group}], topic, partition, std::move(value))) ++size_;
}

void offset_store::put_pending(std::int64_t producer_id, std::string_view group, std::string_view topic,
                               std::int32_t partition, committed_offset value) {
    insert(pending_[producer_id][std::string{group}], topic, partition, std::move(value));
    open_[std::string{group}].insert(producer_id);
}

std::size_t offset_store::erase(by_group& from, const std::string& group, std::string_view topic,
                                std::int32_t partition) {
    const auto topics = from.find(group);
    if (topics == from.end()) return 0;
    const auto partitions = topics->second.find(topic);
    if (partitions == topics->second.end()) return 0;
    const auto erased = partitions->second.erase(partition);
    if (partitions->second.empty()) topics->second.erase(partitions);
    if (topics->second.empty()) from.erase(topics);
    return erased;
}

void offset_store::remove(std::string_view group, std::string_view topic, std::int32_t partition) {
    const std::string name{group};
    size_ -= erase(committed_, name, topic, partition);
    const auto open = open_.find(name);
    if (open == open_.end()) return;
    // The transaction itself stays open until its marker, even with nothing left in it.
    for (const auto producer : open->second) {
        if (const auto at = pending_.find(producer); at != pending_.end()) erase(at->second, name, topic, partition);
    }
}

void offset_store::end_transaction(std::int64_t producer_id, bool committed) {
    for (auto at = open_.begin(); at != open_.end();) {
        at->second.erase(producer_id);
        at = at->second.empty() ? open_.erase(at) : std::next(at);
    }
    auto ended = pending_.extract(producer_id);
    if (!ended || !committed) return;
    for (auto& [group, topics] : ended.mapped()) {
        for (auto& [topic, partitions] : topics) {
            for (auto& [partition, value] : partitions) {
                const auto* present = find(group, topic, partition);
                if (!present || value.log_offset > present->log_offset) put(group, topic, partition, std::move(value));
            }
        }
    }
}

const committed_offset* offset_store::find(std::string_view group, std::string_view topic,
                                           std::int32_t partition) const {
    const auto* topics = of_group(group);
    return topics ? look_up(*topics, topic, partition) : nullptr;
}

const offset_store::by_topic* offset_store::of_group(std::string_view group) const {
    const auto at = committed_.find(std::string{group});
    return at == committed_.end() ? nullptr : &at->second;
}

bool offset_store::has_pending(std::string_view group, std::string_view topic, std::int32_t partition) const {
    const std::string name{group};
    const auto open = open_.find(name);
    if (open == open_.end()) return false;
    for (const auto producer : open->second) {
        const auto at = pending_.find(producer);
        if (at == pending_.end()) continue;
        const auto topics = at->second.find(name);
        if (topics != at->second.end() && look_up(topics->second, topic, partition)) return true;
    }
    return false;
}

std::vector<topic_partition_name> offset_store::all_of(std::string_view group) const {
    std::set<topic_partition_name> all;
    const auto add = [&all](const by_topic& topics) {
        for (const auto& [topic, partitions] : topics) {
            for (const auto& entry : partitions) all.insert({topic, entry.first});
        }
    };
    const std::string name{group};
    if (const auto* topics = of_group(group)) add(*topics);
    if (const auto open = open_.find(name); open != open_.end()) {
        for (const auto producer : open->second) {
            const auto at = pending_.find(producer);
            if (at == pending_.end()) continue;
            if (const auto topics = at->second.find(name); topics != at->second.end()) add(topics->second);
        }
    }
    return {all.begin(), all.end()};
}

void offset_store::for_each_of_topic(
    std::string_view topic, const std::function<void(const std::string& group, std::int32_t partition)>& visit) const {
    const auto walk = [&](const by_group& groups) {
        for (const auto& [group, topics] : groups) {
            const auto at = topics.find(topic);
            if (at == topics.end()) continue;
            for (const auto& entry : at->second) visit(group, entry.first);
        }
    };
    walk(committed_);
    for (const auto& [producer, groups] : pending_) walk(groups);
}

}  // namespace weir::group

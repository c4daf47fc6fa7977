#include <weir/metadata/image.hpp>

#include <algorithm>

namespace weir::metadata {

namespace {

/// A config_resource that is only looked for: no string is made.
struct resource_view {
    config_type type;
    std::string_view name;
};
bool operator<(const config_resource& a, const resource_view& b) noexcept {
    return a.type != b.type ? a.type < b.type : a.name < b.name;
}
bool operator<(const resource_view& a, const config_resource& b) noexcept {
    return a.type != b.type ? a.type < b.type : a.name < b.name;
}

}  // namespace

const endpoint* broker::find_endpoint(std::string_view listener) const noexcept {
    const auto at = std::find_if(endpoints.begin(), endpoints.end(),
                                 [&](const endpoint& each) { return each.listener == listener; });
    return at == endpoints.end() ? nullptr : &*at;
}

bool broker::has_online(const uuid& directory) const noexcept {
    if (directory == directory_lost) return false;
    return directory == directory_migrating || directory == directory_unassigned || log_dirs.empty() ||
           std::binary_search(log_dirs.begin(), log_dirs.end(), directory);
}

uuid partition::directory_of(broker_id id) const noexcept {
    const auto at = std::find(replicas.begin(), replicas.end(), id);
    const auto index = static_cast<std::size_t>(at - replicas.begin());
    return index < directories.size() ? directories[index] : directory_migrating;
}

std::int16_t image::feature(std::string_view name) const noexcept {
    if (name == "metadata.version") return metadata_version_;
    const auto at = features_.find(name);
    return at == features_.end() ? std::int16_t{0} : at->second;
}

const topic* image::find_topic(std::string_view name) const noexcept {
    const auto* found = topics_.find(name);
    return found ? found->get() : nullptr;
}
const topic* image::find_topic(const uuid& id) const noexcept {
    const auto* found = topics_by_id_.find(id);
    return found ? found->get() : nullptr;
}
topic_ref image::share_topic(std::string_view name) const noexcept {
    const auto* found = topics_.find(name);
    return found ? *found : nullptr;
}
topic_ref image::share_topic(const uuid& id) const noexcept {
    const auto* found = topics_by_id_.find(id);
    return found ? *found : nullptr;
}
bool image::offline(const partition& of, broker_id replica) const noexcept {
    const auto* known = find_broker(replica);
    return !known || known->fenced || !known->has_online(of.directory_of(replica));
}
const partition* image::find_partition(std::string_view topic, std::int32_t index) const noexcept {
    const auto* found = find_topic(topic);
    return found ? found->partitions.find(index) : nullptr;
}
const partition* image::find_partition(const uuid& topic, std::int32_t index) const noexcept {
    const auto* found = find_topic(topic);
    return found ? found->partitions.find(index) : nullptr;
}

const config_entries& image::configs_of(config_type type, std::string_view name) const noexcept {
    static const config_entries none;
    const auto* found = configs_.find(resource_view{type, name});
    return found ? **found : none;
}
const std::string* image::config(config_type type, std::string_view name, std::string_view key) const noexcept {
    const auto& all = configs_of(type, name);
    const auto at = all.find(key);
    return at == all.end() ? nullptr : &at->second;
}

bool image::same_content(const image& other) const {
    const auto same_topic = [](const auto& a, const auto& b) {
        return a.first == b.first && (a.second == b.second || *a.second == *b.second);
    };
    const auto same_config = same_topic;
    return metadata_version_ == other.metadata_version_ && features_ == other.features_ && brokers_ == other.brokers_ &&
           controllers_ == other.controllers_ && topics_.size() == other.topics_.size() &&
           std::equal(topics_.begin(), topics_.end(), other.topics_.begin(), same_topic) &&
           topics_by_id_.size() == other.topics_by_id_.size() && partition_count_ == other.partition_count_ &&
           configs_.size() == other.configs_.size() &&
           std::equal(configs_.begin(), configs_.end(), other.configs_.begin(), same_config) &&
           quotas_ == other.quotas_ && next_producer_id_ == other.next_producer_id_ && acls_ == other.acls_ &&
           scram_ == other.scram_ && tokens_ == other.tokens_;
}

}  // namespace weir::metadata

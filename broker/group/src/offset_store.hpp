// Committed offsets by group, topic and partition, and those of open transactions beside them.
#pragma once
#include <weir/group/group_shard.hpp>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace weir::group {

struct topic_partition_name {
    std::string topic;
    std::int32_t partition = 0;
    auto operator<=>(const topic_partition_name&) const = default;
};

class offset_store {
public:
    using by_partition = std::map<std::int32_t, committed_offset>;
    using by_topic = std::map<std::string, by_partition, std::less<>>;

    void put(std::string_view group, std::string_view topic, std::int32_t partition, committed_offset value);
    /// Into the transaction of `producer_id`: not visible until its marker.
    void put_pending(std::int64_t producer_id, std::string_view group, std::string_view topic, std::int32_t partition,
                     committed_offset value);
    /// A tombstone: the offset goes, and so does what open transactions hold for it.
    void remove(std::string_view group, std::string_view topic, std::int32_t partition);
    /// Of a pending and a plain commit the one later in the log wins; compaction may keep both.
    void end_transaction(std::int64_t producer_id, bool committed);

    const committed_offset* find(std::string_view group, std::string_view topic, std::int32_t partition) const;
    /// nullptr when nothing is committed.
    const by_topic* of_group(std::string_view group) const;
    bool has_pending(std::string_view group, std::string_view topic, std::int32_t partition) const;
    bool has_open_transactions(std::string_view group) const { return open_.contains(std::string{group}); }
    /// Everything a group has, pending ones included, each once.
    std::vector<topic_partition_name> all_of(std::string_view group) const;
    /// Everything any group has for `topic`.
    void for_each_of_topic(std::string_view topic,
                           const std::function<void(const std::string& group, std::int32_t partition)>& visit) const;
    std::size_t size() const noexcept { return size_; }

private:
    using by_group = std::unordered_map<std::string, by_topic>;
    std::size_t erase(by_group& from, const std::string& group, std::string_view topic, std::int32_t partition);

    by_group committed_;
    std::map<std::int64_t, by_group> pending_;                      // by producer id
    std::unordered_map<std::string, std::set<std::int64_t>> open_;  // group -> producers with pending offsets
    std::size_t size_ = 0;
};

}  // namespace weir::group

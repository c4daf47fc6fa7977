// The nouns of the metadata quorum: who is in it, where a log ends, what a replica keeps on disk.
#pragma once
#include <weir/base/uuid.hpp>

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace weir::raft {

using node_id = std::int32_t;
using quorum_epoch = std::int32_t;
using log_offset = std::int64_t;

inline constexpr node_id no_node = -1;
/// The topic everything here is about; it has one partition, 0.
inline constexpr const char* metadata_topic = "__cluster_metadata";
inline constexpr uuid metadata_topic_id{0, 1};
/// Kafka's bound for one batch of the metadata log.
inline constexpr std::size_t max_batch_bytes = 8 << 20;

/// A replica is a node *and* the directory it keeps its log in: a node that lost its disk is another replica
/// (KIP-853). The directory is zero while kraft.version is 0.
struct replica_key {
    node_id id = no_node;
    uuid directory;
    auto operator<=>(const replica_key&) const = default;
    /// Same node, and the same directory unless one of the two does not say.
    bool matches(const replica_key& other) const noexcept {
        return id == other.id && (directory.is_zero() || other.directory.is_zero() || directory == other.directory);
    }
};

struct endpoint {
    std::string listener;
    std::string host;
    std::uint16_t port = 0;
    bool operator==(const endpoint&) const = default;
};

struct voter {
    replica_key key;
    std::vector<endpoint> endpoints;
    std::int16_t min_kraft_version = 0;
    std::int16_t max_kraft_version = 1;
    bool operator==(const voter&) const = default;
};

/// The voters, sorted by id, each id once.
class voter_set {
public:
    voter_set() = default;
    explicit voter_set(std::vector<voter> members);

    bool contains(const replica_key& key) const noexcept { return find(key) != nullptr; }
    const voter* find(const replica_key& key) const noexcept;  ///< by matches(); nullptr when absent
    const voter* find(node_id id) const noexcept;
    std::size_t size() const noexcept { return members_.size(); }
    bool empty() const noexcept { return members_.empty(); }
    std::size_t majority() const noexcept { return members_.size() / 2 + 1; }
    auto begin() const noexcept { return members_.begin(); }
    auto end() const noexcept { return members_.end(); }

    voter_set with(voter added) const;            ///< replaces an entry of the same id
    voter_set without(node_id removed) const;
    bool operator==(const voter_set&) const = default;

private:
    std::vector<voter> members_;
};

/// An exclusive end of a log (or of a snapshot) and the epoch of the last record below it; {0, 0} when there is none.
struct log_position {
    log_offset offset = 0;
    quorum_epoch epoch = 0;
    bool operator==(const log_position&) const = default;
    /// "More up to date" as elections mean it: later epoch first, then longer.
    bool covers(const log_position& other) const noexcept {
        return epoch > other.epoch || (epoch == other.epoch && offset >= other.offset);
    }
};
using snapshot_id = log_position;

/// What the control records at the head of a snapshot say.
struct snapshot_info {
    snapshot_id id;
    std::int16_t kraft_version = 0;
    std::optional<voter_set> voters;  ///< only with kraft.version 1
};

/// What must survive a restart besides the log: the file quorum-state.
struct quorum_state {
    node_id leader_id = no_node;
    quorum_epoch leader_epoch = 0;
    replica_key voted;  ///< id -1: no vote in this epoch
    bool operator==(const quorum_state&) const = default;
};

struct leader_and_epoch {
    node_id leader_id = no_node;
    quorum_epoch epoch = 0;
    bool operator==(const leader_and_epoch&) const = default;
};

}  // namespace weir::raft

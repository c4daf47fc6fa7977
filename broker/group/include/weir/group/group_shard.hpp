// The groups and committed offsets of one partition of __consumer_offsets: classic group membership, stepped by hand.
#pragma once
#include <weir/group/group_config.hpp>
#include <weir/group/types.hpp>
#include <weir/protocol/messages/delete_groups.hpp>
#include <weir/protocol/messages/describe_groups.hpp>
#include <weir/protocol/messages/heartbeat.hpp>
#include <weir/protocol/messages/leave_group.hpp>
#include <weir/protocol/messages/list_groups.hpp>
#include <weir/protocol/messages/offset_commit.hpp>
#include <weir/protocol/messages/offset_delete.hpp>
#include <weir/protocol/messages/offset_fetch.hpp>
#include <weir/protocol/messages/txn_offset_commit.hpp>

#include <memory>
#include <span>

namespace weir::group {

/// A committed offset, as replayed.
struct committed_offset {
    std::int64_t offset = -1;
    std::int32_t leader_epoch = -1;
    std::string metadata;
    timestamp_ms commit_timestamp = 0;
    timestamp_ms expire_timestamp = -1;  ///< set by OffsetCommit 2-4 with its own retention
    uuid topic_id;
    std::int64_t log_offset = -1;  ///< where the record is; the later of two commits wins
    bool operator==(const committed_offset&) const = default;
};

enum class group_state : std::uint8_t { empty, preparing_rebalance, completing_rebalance, stable };
/// Kafka's spelling: "PreparingRebalance".
std::string_view to_string(group_state state) noexcept;

/// A copy of what the shard knows about one group, for tests, logs and metrics.
struct group_snapshot {
    struct member {
        std::string id;
        std::optional<std::string> instance_id;
        std::string client_id;
        std::string client_host;
        milliseconds rebalance_timeout{};
        milliseconds session_timeout{};
        bytes subscription;  ///< metadata under the selected protocol
        bytes assignment;
        bool operator==(const member&) const = default;
    };
    std::string id;
    bool recorded = false;  ///< a reload of the log would find it
    group_state state = group_state::empty;
    std::int32_t generation = 0;
    std::optional<std::string> protocol_type;
    std::optional<std::string> protocol;
    std::optional<std::string> leader;
    timestamp_ms state_timestamp = -1;
    std::vector<member> members;  ///< by id
    bool operator==(const group_snapshot&) const = default;
};

/// Running totals and present sizes.
struct shard_counters {
    std::size_t groups = 0;
    std::size_t empty_groups = 0;
    std::size_t preparing_groups = 0;
    std::size_t completing_groups = 0;
    std::size_t stable_groups = 0;
    std::size_t offsets = 0;
    std::uint64_t offset_commits = 0;
    std::uint64_t offset_expirations = 0;
    std::uint64_t offset_deletions = 0;
    std::uint64_t completed_rebalances = 0;
    std::uint64_t skipped_records = 0;  ///< replayed records of kinds this coordinator does not use, or unreadable
};

/// Decides and replays; holds no thread, file, socket or clock. For every call that yields records the caller must, in
/// this order: append them, replay() each, take_replies(), and send response and replies once all of it is committed.
/// When an append fails the shard is of no use any more: shut it down with shut_down(), make a new one, replay the log.
/// What the log says (group generations that finished, assignments, offsets) changes in replay() alone. The rest of the
/// classic protocol (parked joins and syncs, heartbeat deadlines, a rebalance under way) is soft state, gone on reload,
/// as in Apache Kafka. Not thread-safe.
class group_shard {
public:
    /// `topics` must outlive the shard. `seed` makes member ids.
    group_shard(group_config config, const topic_directory& topics, std::uint64_t seed);
    ~group_shard();
    group_shard(group_shard&&) noexcept;
    group_shard& operator=(group_shard&&) noexcept;

    // Requests. Error codes are in the responses; nothing here fails otherwise.
    decision<protocol::join_group_response> join_group(const request_context&, protocol::join_group_request,
                                                       reply_token, instant now);
    decision<protocol::sync_group_response> sync_group(const request_context&, protocol::sync_group_request,
                                                       reply_token, instant now);
    decision<protocol::heartbeat_response> heartbeat(const protocol::heartbeat_request&, instant now);
    decision<protocol::leave_group_response> leave_group(const request_context&, const protocol::leave_group_request&,
                                                         instant now);
    decision<protocol::offset_commit_response> offset_commit(const request_context&,
                                                             const protocol::offset_commit_request&, instant now);
    /// Records of a transaction: append them under the producer's id and epoch, replay them with it.
    decision<protocol::txn_offset_commit_response> txn_offset_commit(const protocol::txn_offset_commit_request&,
                                                                     instant now);
    decision<protocol::offset_delete_response> offset_delete(const protocol::offset_delete_request&);
    decision<std::vector<protocol::delete_groups_response::deletable_group_result>> delete_groups(
        std::span<const std::string> ids);
    /// Offsets of partitions of these topics are dropped: the topics were deleted.
    std::vector<record> topics_deleted(std::span<const std::string> names);

    /// One group of an OffsetFetch. No topics (null): all offsets of the group. `request` may name topics by id (v10).
    protocol::offset_fetch_response::offset_fetch_response_group offset_fetch(
        const protocol::offset_fetch_request::offset_fetch_request_group& request, std::int16_t api_version,
        bool require_stable) const;
    std::vector<protocol::list_groups_response::listed_group> list_groups(const protocol::list_groups_request&) const;
    std::vector<protocol::describe_groups_response::described_group> describe_groups(std::span<const std::string> ids,
                                                                                     std::int16_t api_version) const;

    // The log.
    /// Applies one record found at `log_offset`. `producer_id` of its batch when transactional, else -1. Records of
    /// other group protocols and unreadable ones are counted, logged and skipped.
    void replay(std::int64_t log_offset, std::int64_t producer_id, bytes_view key, std::optional<bytes_view> value);
    /// A transaction of `producer_id` ended: its offsets become visible, or go.
    void replay_marker(std::int64_t producer_id, bool committed);
    /// The whole log was replayed: members get a full session to make themselves heard.
    void loaded(instant now);

    // Time and effects.
    /// When tick() should next run; nullopt while nothing is timed (before loaded()).
    std::optional<time_point> next_deadline() const;
    /// Lets the deadlines that have passed take effect; harmless when early. Records as from a request.
    std::vector<record> tick(instant now);
    /// Parked answers that became ready; drains.
    std::vector<reply> take_replies();
    /// Answers everything parked with `why` (not_coordinator); collect them with take_replies().
    void shut_down(errc why);

    // Looking in.
    std::vector<group_snapshot> groups() const;  ///< by id
    std::optional<group_snapshot> find(std::string_view group_id) const;
    const committed_offset* find_offset(std::string_view group_id, std::string_view topic,
                                        std::int32_t partition) const;
    shard_counters counters() const;

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace weir::group

// What brokers say about offsets: ListOffsets, and OffsetForLeaderEpoch (KIP-320), each to the leaders of its partitions.
#pragma once
#include "../cluster.hpp"

#include <weir/consumer_config.hpp>

namespace weir::detail {

/// Trying again may help: what Kafka calls retriable, and connections that break or cannot be made.
inline bool transient(const error& why) {
    const auto code = why.code();
    return why.retriable() || code == errc::timed_out || code == errc::refused || code == errc::io_error || code == errc::broker_not_available;
}

/// What was asked for did not come in time: "<what> within 60000 ms (default.api.timeout.ms)", and whom it was asked of.
error out_of_time(std::string_view what, milliseconds patience, std::string_view of, const error& last);
/// "; its leader is broker 2 (kafka-2:9092)"; empty when none is known.
std::string leader_named(const cluster& view, const topic_partition& where);
/// The same of a group.
std::string coordinator_named(const cluster& view, const std::string& group);

/// Why a partition has no leader to ask, as far as this client knows.
error no_leader(const cluster& view, const topic_partition& where);

struct offset_query {
    topic_partition where;
    std::int64_t timestamp = -1;  ///< or one of the two below
};
inline constexpr std::int64_t latest_offset = -1, earliest_offset = -2;

struct found_offset {
    std::int64_t offset = -1;  ///< -1: no record of that time or later
    std::int64_t time = -1;
    std::int32_t leader_epoch = -1;
};

/// One attempt; the answers are in the order of the questions. Retriable errors are the caller's to retry: the cluster was
/// told to refresh when that may help. Errors name topic and partition. The caller keeps the topics wanted.
task<std::vector<result<found_offset>>> list_offsets(std::shared_ptr<cluster> view, std::vector<offset_query> asked, isolation level);

struct epoch_query {
    topic_partition where;
    std::int32_t epoch = -1;  ///< of the last record read
};
struct epoch_end {
    std::int32_t epoch = -1;  ///< the largest known that is not above the asked one; -1: none
    std::int64_t end = -1;    ///< where its records end
};
task<std::vector<result<epoch_end>>> epoch_ends(std::shared_ptr<cluster> view, std::vector<epoch_query> asked);

/// The same with retries, until `patience` is over.
task<result<std::vector<found_offset>>> find_offsets(std::shared_ptr<cluster> view, std::vector<offset_query> asked, isolation level, milliseconds patience);

}  // namespace weir::detail

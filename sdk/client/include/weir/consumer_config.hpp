// How a consumer is set up.
#pragma once
#include <weir/base/error.hpp>
#include <weir/base/function.hpp>
#include <weir/group.hpp>
#include <weir/position.hpp>
#include <weir/properties.hpp>
#include <weir/record.hpp>
#include <weir/topic.hpp>

#include <optional>
#include <span>
#include <vector>

namespace weir {

enum class group_protocol : std::uint8_t {
    classic,   ///< members agree among themselves
    consumer,  ///< the coordinator assigns (KIP-848)
};
/// What happens to a record whose key or value cannot be decoded.
enum class on_bad_record : std::uint8_t {
    stop,         ///< the loop or poll() ends with errc::malformed, which tells topic, partition and offset; seek() past it to go on
    skip,         ///< it is left out
    dead_letter,  ///< it is sent to dead_letter_topic unchanged, with headers that tell where it was and why; a commit covers it once it is there
};

/// What close() tells the group (Kafka's CloseOptions, KIP-1092).
enum class farewell : std::uint8_t {
    standard,         ///< a dynamic member leaves; a static one (group.instance.id) keeps its partitions until its session ends
    leave_group,      ///< any member leaves: its partitions go to others at once
    remain_in_group,  ///< nobody leaves: the partitions stay this member's until its session ends
};

/// A record as hooks see it: undecoded.
struct incoming_record {
    const record_info& info;
    std::optional<bytes_view> key{}, value{};     ///< nullopt: null
};

/// The names are Kafka's, dots as underscores.
struct consumer_config {
    std::string group_id{};                       ///< group.id; empty: no group, assign() alone
    std::string group_instance_id{};              ///< group.instance.id: a static member
    at::position start = at::latest;              ///< auto.offset.reset: where to start when nothing is committed, or the committed offset is gone; at::none: errc::no_offset
    bool auto_commit = true;                      ///< enable.auto.commit: commits what the application has moved past. Only in a group; asked for by name without group_id it is refused
    duration auto_commit_interval{5'000};         ///< auto.commit.interval.ms
    weir::isolation isolation = weir::isolation::read_uncommitted;  ///< isolation.level
    int max_poll_records = 500;                   ///< max.poll.records: the most records in one batch of poll()
    std::size_t fetch_max_bytes = 50u << 20;      ///< fetch.max.bytes: the most a broker sends in one answer
    std::size_t max_partition_fetch_bytes = 1u << 20;  ///< max.partition.fetch.bytes: the most of one partition in one answer
    std::size_t buffer_memory = 64u << 20;        ///< the most bytes of fetched and decompressed data in memory, batches you hold included. Kafka's consumers have no such limit
    std::size_t fetch_min_bytes = 1;              ///< fetch.min.bytes: a broker that has less waits for more ...
    duration fetch_max_wait{500};                 ///< fetch.max.wait.ms: ... for at most this long
    bool check_crcs = true;                       ///< check.crcs: verifies the checksum of each batch
    std::string rack{};                           ///< client.rack: where this program runs; it fetches from a replica there, if the brokers say so (KIP-392)
    weir::group_protocol group_protocol = weir::group_protocol::classic;  ///< group.protocol
    std::vector<std::string> assignors{"range", "cooperative-sticky"};    ///< partition.assignment.strategy, of classic groups; the preferred one first
    std::string remote_assignor{};                ///< group.remote.assignor, of group_protocol::consumer; empty: the coordinator's choice
    duration session_timeout{45'000};             ///< session.timeout.ms: a classic member that sends no heartbeat for this long is removed from the group
    duration heartbeat_interval{3'000};           ///< heartbeat.interval.ms, of classic groups
    duration max_poll_interval{300'000};          ///< max.poll.interval.ms: an application that asks for no records for this long loses its partitions
    weir::on_bad_record on_bad_record = weir::on_bad_record::stop;
    bool exclude_internal_topics = true;          ///< exclude.internal.topics: subscribe_matching() leaves them out. With group_protocol::consumer the coordinator decides
    std::string dead_letter_topic{};              ///< where on_bad_record::dead_letter sends records; it adds headers named __consumer.errors.*
    bool allow_auto_create_topics = true;         ///< allow.auto.create.topics: subscribing to a topic creates it, where brokers have auto.create.topics.enable
    duration default_api_timeout{60'000};         ///< default.api.timeout.ms: how long commit(), committed(), lag() and the like may take
    duration stall_timeout{30'000};               ///< on_error gets errc::stalled when there is more to read and no fetch for this long
    duration close_timeout{30'000};               ///< how long the destructor waits for the last commit and for leaving the group
    /// Gets errors that do not end the consumer: errc::stalled, auto-commits that failed. On the client's callback strand. What
    /// it throws is logged.
    function<void(const error&)> on_error{};
    /// Gets each record just before the application does. On the thread that asks for records. What it throws is logged.
    function<void(const incoming_record&)> on_consume{};
    /// Gets the offsets of every commit, automatic or not. On the client's callback strand. What it throws is logged.
    function<void(const std::vector<partition_offset>&)> on_commit{};
    properties extra{};                           ///< any setting of a consumer by Kafka's or librdkafka's name

    static std::span<const setting> settings();   ///< the names that `extra`, properties files and the reference have
};

/// Called on the client's callback strand while the application is between records: nothing is handed out meanwhile. So
/// `assigned` may seek, and `revoked` may commit.
struct rebalance_listener {
    function<void(std::span<const topic_partition>)> assigned{};
    function<void(std::span<const topic_partition>)> revoked{};  ///< still owned while it runs
    function<void(std::span<const topic_partition>)> lost{};     ///< others may own them already; not set: `revoked` is called
};

struct offset_and_time {
    topic_partition where{};
    std::int64_t offset = -1;  ///< -1: no such record
    timestamp time{};
};

}  // namespace weir

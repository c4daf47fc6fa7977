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
/// What becomes of a record that key or value cannot be decoded of.
enum class on_bad_record : std::uint8_t {
    stop,         ///< the loop or poll ends with errc::malformed, located; seek() past it to go on
    skip,
    dead_letter,  ///< goes to dead_letter_topic as it is, with headers that say where it was and why; committed past once it is there
};

/// What close() tells the group (Kafka's CloseOptions, KIP-1092).
enum class farewell : std::uint8_t {
    standard,         ///< as leave_group, but a static member's place waits for it until its session is over
    leave_group,      ///< its partitions go to others at once, a static member's (group.instance.id) too
    remain_in_group,  ///< nothing: its partitions wait until its session is over, and nothing is rebalanced before
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
    at::position start = at::latest;              ///< auto.offset.reset: where nothing is committed, or what was is gone; at::none: errc::no_offset
    bool auto_commit = true;                      ///< enable.auto.commit: of what the application has moved past, in a group; by name, true is refused without group_id
    duration auto_commit_interval{5'000};         ///< auto.commit.interval.ms
    weir::isolation isolation = weir::isolation::read_uncommitted;  ///< isolation.level
    int max_poll_records = 500;                   ///< max.poll.records: in one batch of poll()
    std::size_t fetch_max_bytes = 50u << 20;      ///< fetch.max.bytes: in one answer of a broker
    std::size_t max_partition_fetch_bytes = 1u << 20;  ///< max.partition.fetch.bytes
    std::size_t buffer_memory = 64u << 20;        ///< of bytes fetched or decompressed and not yet let go of, batches you hold included; Kafka's consumers have no such bound
    std::size_t fetch_min_bytes = 1;              ///< fetch.min.bytes
    duration fetch_max_wait{500};                 ///< fetch.max.wait.ms: of a broker that has less than fetch_min_bytes
    bool check_crcs = true;                       ///< check.crcs
    std::string rack{};                           ///< client.rack: fetches from the nearest replica (KIP-392)
    weir::group_protocol group_protocol = weir::group_protocol::classic;  ///< group.protocol
    std::vector<std::string> assignors{"range", "cooperative-sticky"};    ///< partition.assignment.strategy
    std::string remote_assignor{};                ///< group.remote.assignor
    duration session_timeout{45'000};             ///< session.timeout.ms
    duration heartbeat_interval{3'000};           ///< heartbeat.interval.ms
    duration max_poll_interval{300'000};          ///< max.poll.interval.ms: asks for no records for that long: no member any more
    weir::on_bad_record on_bad_record = weir::on_bad_record::stop;
    bool exclude_internal_topics = true;          ///< exclude.internal.topics: of subscribe_matching(); with group_protocol::consumer the coordinator matches, and decides
    std::string dead_letter_topic{};              ///< of on_bad_record::dead_letter; the headers are named __consumer.errors.*
    bool allow_auto_create_topics = true;         ///< allow.auto.create.topics: asking for a topic may make it, where brokers have auto.create.topics.enable
    duration default_api_timeout{60'000};         ///< default.api.timeout.ms: of commit(), committed(), lag() and the like
    duration stall_timeout{30'000};               ///< no fetch for that long although there is more to read: on_error hears of it
    duration close_timeout{30'000};               ///< how long the destructor waits for commit and farewell
    /// What goes wrong without ending anything: errc::stalled, auto-commits that failed. On the client's callback strand. What
    /// it throws is logged.
    function<void(const error&)> on_error{};
    /// Hears of each record just before the application gets it. On the thread that asks for records. What it throws is logged.
    function<void(const incoming_record&)> on_consume{};
    /// Hears of offsets that were committed, whoever asked for that. On the client's callback strand. What it throws is logged.
    function<void(const std::vector<partition_offset>&)> on_commit{};
    properties extra{};                           ///< further settings, by Kafka's names

    static std::span<const setting> settings();   ///< what `extra`, property files and the reference know
};

/// Told of the group's decisions, on the client's callback strand, while the application is between records: nothing is
/// handed out meanwhile. Seeking in `assigned`, or committing in `revoked`, comes in time.
struct rebalance_listener {
    function<void(std::span<const topic_partition>)> assigned{};
    function<void(std::span<const topic_partition>)> revoked{};  ///< still owned while it runs
    function<void(std::span<const topic_partition>)> lost{};     ///< none: revoked hears of it
};

struct offset_and_time {
    topic_partition where{};
    std::int64_t offset = -1;  ///< -1: no such record
    timestamp time{};
};

}  // namespace weir

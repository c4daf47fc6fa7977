// Topics, partitions, replicas, and what is in them.
#pragma once
#include <weir/admin/access.hpp>
#include <weir/admin/configs.hpp>
#include <weir/topic.hpp>

namespace weir {

using broker_ids = std::vector<std::int32_t>;

struct new_topic {
    std::string name{};
    std::int32_t partitions = -1;                 ///< -1: num.partitions of the broker
    std::int16_t replication = -1;                ///< -1: default.replication.factor
    topic_config config{};
    std::vector<broker_ids> assignments{};        ///< replicas of partition 0, 1, ..., preferred leader first; instead of the two numbers
};
struct create_topics_options {
    bool validate_only = false;
    bool retry_on_quota_violation = true;         ///< KIP-599
};
struct created_topic {
    uuid id{};
    std::int32_t partitions = -1;                 ///< -1: the broker is too old to tell
    std::int16_t replication = -1;
    std::vector<config_entry> configs{};
    error configs_withheld{};                     ///< why there are no configs
};
struct delete_topics_options {
    bool retry_on_quota_violation = true;
};

struct topic_listing {
    std::string name{};
    uuid id{};
    bool internal = false;
};
struct list_topics_options {
    bool internal = false;                        ///< the cluster's own, such as __consumer_offsets, too
};
struct partition_description {
    std::int32_t id = 0;
    std::int32_t leader = -1;                     ///< -1: none
    std::int32_t leader_epoch = -1;
    broker_ids replicas{};                        ///< preferred leader first
    broker_ids in_sync{};
    broker_ids offline{};
    std::optional<broker_ids> eligible_leaders{}; ///< KIP-966: may lead without loss although not in sync
    std::optional<broker_ids> last_known_eligible_leaders{};
};
struct topic_description {
    std::string name{};
    uuid id{};
    bool internal = false;
    std::vector<partition_description> partitions{};  ///< by id
    authorized_operations operations{};
};
struct describe_topics_options {
    bool authorized_operations = false;
    std::int32_t partitions_per_answer = 2'000;
};

struct new_partitions {
    std::string topic{};
    std::int32_t total = 0;                       ///< those there are, too
    std::vector<broker_ids> assignments{};        ///< of the new ones; empty: the cluster chooses
};
struct create_partitions_options {
    bool validate_only = false;
    bool retry_on_quota_violation = true;
};

enum class election : std::int8_t {
    preferred = 0,  ///< the first replica takes over, when it is in sync
    unclean = 1,    ///< any replica that lives; may lose records
};
struct new_reassignment {
    topic_partition where{};
    std::optional<broker_ids> replicas{};         ///< nullopt: cancel the reassignment that is going on
};
struct reassign_options {
    bool allow_replication_factor_change = true;
};
struct reassignment {
    broker_ids replicas{};                        ///< all there are now
    broker_ids adding{};
    broker_ids removing{};
};

struct listed_offset {
    std::int64_t offset = -1;                     ///< -1: there is none such, e.g. no record of that time or later
    std::optional<timestamp> time{};              ///< of the record found by time
    std::int32_t leader_epoch = -1;
};

struct producer_state {
    std::int64_t producer_id = -1;
    std::int32_t epoch = -1;
    std::int32_t last_sequence = -1;
    std::optional<timestamp> last_time{};
    std::int32_t coordinator_epoch = -1;          ///< -1: never in a transaction
    std::optional<std::int64_t> transaction_start{};  ///< first offset of the open transaction
};

// --- log directories ---

struct replica_size {
    std::int64_t bytes = 0;
    std::int64_t lag = 0;                         ///< records behind the high watermark, of a future one behind the current replica
    bool future = false;                          ///< being moved here from another directory
};
struct log_dir {
    std::string path{};
    error failure{};                              ///< why nothing is known of it, e.g. errc::kafka_storage_error
    std::map<topic_partition, replica_size> replicas{};
    std::optional<std::int64_t> total_bytes{};    ///< of the volume
    std::optional<std::int64_t> usable_bytes{};
    bool cordoned = false;                        ///< takes no new replicas (KIP-1066)
};
struct topic_partition_replica {
    std::string topic{};
    std::int32_t partition = 0;
    std::int32_t broker = 0;
    friend auto operator<=>(const topic_partition_replica&, const topic_partition_replica&) = default;
};
struct replica_log_dir {
    std::string current{};                        ///< empty: the replica is not there
    std::int64_t current_lag = 0;
    std::string future{};                         ///< empty: it is not moving
    std::int64_t future_lag = 0;
};

// --- what replicas hold ---

struct replica_position {
    topic_partition where{};
    uuid topic_id{};                              ///< as describe_topics() tells it
    std::int64_t offset = 0;
};
struct read_replicas_options {
    std::int32_t max_bytes = 1 << 20;             ///< of each partition
    duration max_wait{1'000};                     ///< while there is nothing at all
};
struct held_batch {
    std::int64_t base_offset = 0;
    std::int64_t last_offset = 0;
    std::uint32_t crc = 0;                        ///< as stored; the records themselves are not looked at
};
struct held_records {
    std::int64_t high_watermark = -1;             ///< as this replica knows it
    std::vector<held_batch> batches{};
};

}  // namespace weir

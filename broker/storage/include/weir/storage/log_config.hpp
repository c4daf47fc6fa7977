// The settings of one topic, as its logs see them: Kafka's names and defaults, one field per setting.
#pragma once
#include <weir/base/setting.hpp>
#include <weir/base/time.hpp>

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace weir::storage {

/// What a duration of "for ever" is in Kafka's settings.
inline constexpr milliseconds unlimited{std::numeric_limits<std::int64_t>::max()};

struct log_config {
    std::int32_t segment_bytes = 1 << 30;
    milliseconds segment_ms{604'800'000};
    milliseconds segment_jitter_ms{0};
    std::int32_t segment_index_bytes = 10 << 20;
    std::int64_t flush_messages = std::numeric_limits<std::int64_t>::max();
    milliseconds flush_ms = unlimited;
    std::int64_t retention_bytes = -1;           ///< -1: no limit
    milliseconds retention_ms{604'800'000};      ///< -1: for ever
    std::int32_t max_message_bytes = 1'048'588;  ///< of one batch as received, header included
    std::int32_t index_interval_bytes = 4096;
    milliseconds delete_retention_ms{86'400'000};
    milliseconds min_compaction_lag_ms{0};
    milliseconds max_compaction_lag_ms = unlimited;
    milliseconds file_delete_delay_ms{60'000};
    double min_cleanable_dirty_ratio = 0.5;
    std::vector<std::string> cleanup_policy{"delete"};
    bool unclean_leader_election_enable = false;
    std::int32_t min_insync_replicas = 1;
    std::string compression_type = "producer";
    std::int32_t compression_gzip_level = -1;
    std::int32_t compression_lz4_level = 9;
    std::int32_t compression_zstd_level = 3;
    bool preallocate = false;
    std::string message_timestamp_type = "CreateTime";
    milliseconds message_timestamp_before_max_ms = unlimited;
    milliseconds message_timestamp_after_max_ms{3'600'000};
    std::vector<std::string> leader_replication_throttled_replicas;
    std::vector<std::string> follower_replication_throttled_replicas;
    // Of tiered storage, which there is not yet: check() refuses to enable it, and without it the others say nothing, as in Kafka.
    bool remote_storage_enable = false;
    bool remote_log_copy_disable = false;
    bool remote_log_delete_on_disable = false;
    std::int64_t local_retention_bytes = -2;
    milliseconds local_retention_ms{-2};
    /// Ours: an answer to acks=all waits until the data is on the disk. false gives Kafka's behaviour.
    bool flush_before_ack = true;

    /// Not a topic setting: the broker's producer.id.expiration.ms, handed along so that the log knows when to forget.
    milliseconds producer_id_expiration_ms{86'400'000};

    bool deletes() const noexcept;
    bool compacts() const noexcept;
    bool stamps_append_time() const noexcept { return message_timestamp_type == "LogAppendTime"; }

    static std::span<const setting> settings();
    /// The same rows as the broker's own settings, their synonyms, are read: below zero log.retention.* are all "for ever",
    /// and 0 is refused, which a topic may have.
    static std::span<const setting> server_settings();
    /// What no single row can say: errc::invalid_setting names the settings that contradict each other, or what there is not.
    result<void> check() const;
    bool operator==(const log_config&) const = default;
};

}  // namespace weir::storage

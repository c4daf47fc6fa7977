#include <weir/storage/log_config.hpp>

#include <algorithm>

namespace weir::storage {
namespace {

bool throttled_replica(std::string_view text) {
    if (text == "*") return true;
    const auto colon = text.find(':');
    const auto digits = [](std::string_view part) {
        return !part.empty() && part.size() <= 10 &&
               std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
    };
    return colon != std::string_view::npos && digits(text.substr(0, colon)) && digits(text.substr(colon + 1));
}

}  // namespace

bool log_config::deletes() const noexcept {
    return std::find(cleanup_policy.begin(), cleanup_policy.end(), "delete") != cleanup_policy.end();
}

bool log_config::compacts() const noexcept {
    return std::find(cleanup_policy.begin(), cleanup_policy.end(), "compact") != cleanup_policy.end();
}

std::span<const setting> log_config::settings() {
    using self = log_config;
    static const setting all[] = {
        make_setting<&self::segment_bytes>("segment.bytes", at_least(1 << 20),
                                           "Bytes at which a segment file is closed and the next one begun.",
                                           synonym("log.segment.bytes")),
        make_setting<&self::segment_ms>(
            "segment.ms", at_least(1), "Age, by record timestamps, at which a segment is closed even when it is small.",
            synonym("log.roll.ms"), synonym("log.roll.hours", 3'600'000)),
        make_setting<&self::segment_jitter_ms>("segment.jitter.ms", at_least(0),
                                               "At most this much is taken off segment.ms, differently for each "
                                               "segment, so that they do not all close at once.",
                                               synonym("log.roll.jitter.ms"),
                                               synonym("log.roll.jitter.hours", 3'600'000)),
        make_setting<&self::segment_index_bytes>("segment.index.bytes", at_least(4),
                                                 "Largest size of an index file; a full index closes its segment.",
                                                 synonym("log.index.size.max.bytes")),
        make_setting<&self::flush_messages>("flush.messages", at_least(1),
                                            "Records after which a log is flushed even when nobody waits for it.",
                                            synonym("log.flush.interval.messages")),
        make_setting<&self::flush_ms>("flush.ms", at_least(0),
                                      "Age of unflushed data at which a log is flushed even when nobody waits for it.",
                                      synonym("log.flush.interval.ms"), synonym("log.flush.scheduler.interval.ms")),
        make_setting<&self::retention_bytes>("retention.bytes", any(),
                                             "Size of a partition above which its oldest segments go; -1: no limit.",
                                             synonym("log.retention.bytes")),
        make_setting<&self::retention_ms>("retention.ms", at_least(-1),
                                          "Age of its newest record at which a segment goes; -1: never.",
                                          synonym("log.retention.ms"), synonym("log.retention.minutes", 60'000),
                                          synonym("log.retention.hours", 3'600'000)),
        make_setting<&self::max_message_bytes>("max.message.bytes", at_least(0),
                                               "Largest record batch that is accepted, as it arrives.",
                                               synonym("message.max.bytes")),
        make_setting<&self::index_interval_bytes>("index.interval.bytes", at_least(0),
                                                  "Log bytes between two index entries.",
                                                  synonym("log.index.interval.bytes")),
        make_setting<&self::delete_retention_ms>(
            "delete.retention.ms", at_least(0),
            "How long tombstones and transaction markers stay after compaction first saw them.",
            synonym("log.cleaner.delete.retention.ms")),
        make_setting<&self::min_compaction_lag_ms>("min.compaction.lag.ms", at_least(0),
                                                   "Age below which a record is not compacted.",
                                                   synonym("log.cleaner.min.compaction.lag.ms")),
        make_setting<&self::max_compaction_lag_ms>("max.compaction.lag.ms", at_least(1),
                                                   "Age at which a record is compacted whatever the dirty ratio.",
                                                   synonym("log.cleaner.max.compaction.lag.ms")),
        make_setting<&self::file_delete_delay_ms>(
            "file.delete.delay.ms", at_least(0),
            "How long a dropped file stays on the disk, for those who still read it.",
            synonym("log.segment.delete.delay.ms")),
        make_setting<&self::min_cleanable_dirty_ratio>("min.cleanable.dirty.ratio", between(0.0, 1.0),
                                                       "Uncompacted share of a log at which it is compacted.",
                                                       synonym("log.cleaner.min.cleanable.ratio")),
        make_setting<&self::cleanup_policy>("cleanup.policy", one_of("compact", "delete"),
                                            "What happens to old records: delete, compact, or both.",
                                            synonym("log.cleanup.policy")),
        make_setting<&self::unclean_leader_election_enable>(
            "unclean.leader.election.enable", any(),
            "Whether a replica that may lack records can become leader when no other is left.",
            synonym("unclean.leader.election.enable")),
        make_setting<&self::min_insync_replicas>("min.insync.replicas", at_least(1),
                                                 "Replicas that must be in sync for a write with acks=all.",
                                                 synonym("min.insync.replicas")),
        make_setting<&self::compression_type>(
            "compression.type", one_of("uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"),
            "Codec batches are stored with; producer: as they come.", synonym("compression.type")),
        make_setting<&self::compression_gzip_level>("compression.gzip.level", between(-1, 9),
                                                    "Level for compression.type=gzip; -1: the library's own.",
                                                    synonym("compression.gzip.level")),
        make_setting<&self::compression_lz4_level>("compression.lz4.level", between(1, 17),
                                                   "Level for compression.type=lz4.", synonym("compression.lz4.level")),
        make_setting<&self::compression_zstd_level>("compression.zstd.level", between(-131072, 22),
                                                    "Level for compression.type=zstd.",
                                                    synonym("compression.zstd.level")),
        make_setting<&self::preallocate>("preallocate", any(),
                                         "Whether a segment file gets its full size when it is made.",
                                         synonym("log.preallocate")),
        make_setting<&self::message_timestamp_type>("message.timestamp.type", one_of("CreateTime", "LogAppendTime"),
                                                    "Whose clock a record's timestamp comes from.",
                                                    synonym("log.message.timestamp.type")),
        make_setting<&self::message_timestamp_before_max_ms>(
            "message.timestamp.before.max.ms", at_least(0),
            "How far a producer's timestamp may lie behind the broker's clock.",
            synonym("log.message.timestamp.before.max.ms")),
        make_setting<&self::message_timestamp_after_max_ms>(
            "message.timestamp.after.max.ms", at_least(0),
            "How far a producer's timestamp may lie before the broker's clock.",
            synonym("log.message.timestamp.after.max.ms")),
        make_setting<&self::leader_replication_throttled_replicas>(
            "leader.replication.throttled.replicas", checked(throttled_replica, "partition:broker pairs or *"),
            "Replicas whose replication is throttled on the leader."),
        make_setting<&self::follower_replication_throttled_replicas>(
            "follower.replication.throttled.replicas", checked(throttled_replica, "partition:broker pairs or *"),
            "Replicas whose replication is throttled on the follower."),
        make_setting<&self::remote_storage_enable>("remote.storage.enable", any(),
                                                   "Whether old segments go to tiered storage, which there is not yet: "
                                                   "false alone is taken."),
        make_setting<&self::remote_log_copy_disable>("remote.log.copy.disable", any(),
                                                     "Counts with remote.storage.enable=true alone."),
        make_setting<&self::remote_log_delete_on_disable>("remote.log.delete.on.disable", any(),
                                                          "Counts with remote.storage.enable=true alone."),
        make_setting<&self::local_retention_bytes>("local.retention.bytes", at_least(-2),
                                                   "Counts with remote.storage.enable=true alone; -2: as retention.bytes."),
        make_setting<&self::local_retention_ms>("local.retention.ms", at_least(-2),
                                                "Counts with remote.storage.enable=true alone; -2: as retention.ms."),
        make_setting<&self::flush_before_ack>(
            "flush.before.ack", any(),
            "Whether an answer to acks=all waits until the data is on the disk; false gives Kafka's behaviour.",
            synonym("flush.before.ack")),
    };
    return all;
}

namespace {

result<void> read_server_retention(const setting& row, void* into, std::string_view text, std::int64_t factor) {
    milliseconds given{0};
    if (auto fine = detail::parse_field(row, text, factor, given); !fine) return fine;
    if (given.count() == 0)
        return error{errc::invalid_setting, std::string{row.name} + "=" + std::string{text} +
                                                ": allowed is a whole number of at least 1, or -1: never"};
    static_cast<log_config*>(into)->retention_ms = std::max(given, milliseconds{-1});
    return {};
}

}  // namespace

std::span<const setting> log_config::server_settings() {
    static const std::vector<setting> all = [] {
        const auto rows = settings();
        std::vector<setting> made(rows.begin(), rows.end());
        for (auto& row : made) {
            if (row.name != "retention.ms") continue;
            row.range = any();
            row.parse_ = &read_server_retention;
        }
        return made;
    }();
    return all;
}

result<void> log_config::check() const {
    if (remote_storage_enable)  // in Kafka's words
        return error{errc::invalid_setting, "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage."};
    if (compression_gzip_level == 0)
        return error{errc::invalid_setting, "compression.gzip.level=0: a number from 1 to 9, or -1, is allowed"};
    if (min_compaction_lag_ms > max_compaction_lag_ms)
        return error{errc::invalid_setting, "min.compaction.lag.ms " + std::to_string(min_compaction_lag_ms.count()) +
                                                " is above max.compaction.lag.ms " +
                                                std::to_string(max_compaction_lag_ms.count())};
    return {};
}

}  // namespace weir::storage

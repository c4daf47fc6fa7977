// What an append asks of a topic's settings, in a form without words to compare: made once for each change of them.
#pragma once
#include <weir/protocol/compression.hpp>
#include <weir/storage/log_config.hpp>

#include <algorithm>
#include <optional>

namespace weir::storage {

struct append_settings {
    explicit append_settings(const log_config& config)
        : compacts(config.compacts()),
          stamps_append_time(config.stamps_append_time()),
          before_max(config.message_timestamp_before_max_ms),
          after_max(config.message_timestamp_after_max_ms),
          // A segment that must be compacted by some age has to be closed by then.
          max_segment_age(compacts ? std::min(config.segment_ms, config.max_compaction_lag_ms) : config.segment_ms),
          segment_jitter(std::min(config.segment_jitter_ms, max_segment_age)) {
        if (config.compression_type == "producer") return;
        codec = config.compression_type == "uncompressed" ? protocol::codec::none
                                                          : protocol::codec_from_name(config.compression_type);
        if (codec == protocol::codec::gzip) level = config.compression_gzip_level;
        if (codec == protocol::codec::lz4) level = config.compression_lz4_level;
        if (codec == protocol::codec::zstd) level = config.compression_zstd_level;
    }

    bool compacts;
    bool stamps_append_time;
    milliseconds before_max;
    milliseconds after_max;
    milliseconds max_segment_age;
    milliseconds segment_jitter;
    std::optional<protocol::codec> codec;  ///< none: as the producer encoded it
    std::optional<std::int32_t> level;
};

}  // namespace weir::storage

// The small files of a log directory: offsets per partition, and the note of a clean stop.
#pragma once
#include <weir/base/files.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir::storage {

inline constexpr std::string_view recovery_point_checkpoint = "recovery-point-offset-checkpoint";
inline constexpr std::string_view log_start_checkpoint = "log-start-offset-checkpoint";
inline constexpr std::string_view high_watermark_checkpoint = "replication-offset-checkpoint";
inline constexpr std::string_view cleaner_checkpoint = "cleaner-offset-checkpoint";
inline constexpr std::string_view clean_shutdown_file = ".kafka_cleanshutdown";

struct partition_offset {
    std::string topic;
    std::int32_t partition = 0;
    std::int64_t offset = 0;
    bool operator==(const partition_offset&) const = default;
};

std::string print_offset_checkpoint(std::span<const partition_offset> entries);
/// errc::malformed says which line is wrong, without the file's name.
result<std::vector<partition_offset>> parse_offset_checkpoint(std::string_view text);
/// Nothing when the file is missing; errc::malformed names file and line.
result<std::vector<partition_offset>> read_offset_checkpoint(file_system& files, const std::string& path);
/// Durable when it returns.
result<void> write_offset_checkpoint(file_system& files, const std::string& path,
                                     std::span<const partition_offset> entries);

struct clean_shutdown {
    std::int64_t broker_epoch = -1;  ///< -1: unknown, as older brokers leave it
};
/// nullopt when the last stop was not clean. A file that cannot be read as JSON still says "clean".
result<std::optional<clean_shutdown>> read_clean_shutdown(file_system& files, const std::string& directory);
result<void> write_clean_shutdown(file_system& files, const std::string& directory, const clean_shutdown& note);
/// Durable when it returns: from now on the directory counts as not cleanly stopped.
result<void> remove_clean_shutdown(file_system& files, const std::string& directory);

}  // namespace weir::storage

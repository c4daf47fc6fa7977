// Names of the files of a partition.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::storage {

namespace suffix {
inline constexpr std::string_view log = ".log";
inline constexpr std::string_view index = ".index";
inline constexpr std::string_view time_index = ".timeindex";
inline constexpr std::string_view txn_index = ".txnindex";
inline constexpr std::string_view snapshot = ".snapshot";
inline constexpr std::string_view deleted = ".deleted";
inline constexpr std::string_view cleaned = ".cleaned";
inline constexpr std::string_view swap = ".swap";
}  // namespace suffix

/// In the folder of a copy that holds all its log does and is about to take its place. Ours alone; Kafka passes it over.
inline constexpr std::string_view complete_copy_file = "copy-complete";

/// "<directory>/<20 digits><kind>".
std::string offset_path(std::string_view directory, std::int64_t offset, std::string_view kind);

struct offset_name {
    std::int64_t offset = 0;
    std::string_view kind;  ///< all from the dot on: ".log", ".log.deleted"
};
/// nullopt when the name is not 20 digits and a suffix.
std::optional<offset_name> parse_offset_name(std::string_view name) noexcept;

}  // namespace weir::storage

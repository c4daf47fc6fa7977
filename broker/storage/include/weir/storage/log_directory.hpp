// Names of the folders in a log directory.
#pragma once
#include <weir/base/uuid.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::storage {

enum class folder_kind : std::uint8_t {
    live,
    deleting,  ///< "-delete": to be removed; its topic name may be shortened
    future,    ///< "-future": a replica on its way from another directory
    stray,     ///< "-stray": not in the metadata; kept for a human to look at
};

struct partition_folder {
    std::string topic;
    std::int32_t partition = 0;
    folder_kind kind = folder_kind::live;
};

/// 1 to 249 characters of [a-zA-Z0-9._-], and not "." or "..".
bool valid_topic_name(std::string_view name) noexcept;
/// nullopt when the name is none of a partition's.
std::optional<partition_folder> parse_partition_folder(std::string_view name);
/// "<topic>-<partition>".
std::string folder_name(std::string_view topic, std::int32_t partition);
/// "<topic>-<partition>.<32 hex>-delete" and so on; a name that is to be deleted is shortened to fit 255 bytes.
std::string folder_name(std::string_view topic, std::int32_t partition, folder_kind kind, const uuid& unique);

}  // namespace weir::storage

// `partition.metadata`: which topic a folder belongs to.
#pragma once
#include <weir/base/files.hpp>
#include <weir/base/uuid.hpp>

#include <string>
#include <string_view>

namespace weir::storage {

inline constexpr std::string_view partition_metadata_file = "partition.metadata";

/// errc::not_found without one; errc::malformed names the file and what is wrong in it.
result<uuid> read_partition_metadata(file_system& files, const std::string& folder);
/// Not synced: the metadata log has the id too. Replaced as a whole, so a crash leaves the old one, the new one or none.
result<void> write_partition_metadata(file_system& files, const std::string& folder, const uuid& topic_id);

}  // namespace weir::storage

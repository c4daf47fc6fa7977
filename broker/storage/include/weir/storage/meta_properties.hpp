// `meta.properties`: whose a log directory is.
#pragma once
#include <weir/base/files.hpp>
#include <weir/base/uuid.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace weir::storage {

inline constexpr std::string_view meta_properties_file = "meta.properties";

struct meta_properties {
    std::string cluster_id;
    std::int32_t node_id = -1;
    uuid directory_id;
    bool operator==(const meta_properties&) const = default;
};

/// errc::not_found when the directory is not formatted; errc::unsupported_version for a file this version cannot read;
/// errc::malformed names what is missing. Touches nothing.
result<meta_properties> read_meta_properties(file_system& files, const std::string& directory);
/// Formats a directory, or says anew whose it is. `now` goes into the comment, as in Java's files.
result<void> write_meta_properties(file_system& files, const std::string& directory, const meta_properties& whose);
/// errc::inconsistent_cluster_id or errc::invalid_setting when `directory` belongs to another cluster or node: the error
/// names the directory, what it holds and what was expected.
result<void> check_meta_properties(const meta_properties& found, const std::string& directory,
                                   std::string_view cluster_id, std::int32_t node_id);

}  // namespace weir::storage

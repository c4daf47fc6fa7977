// The features of Kafka 4.3 and their levels: names, defaults of releases, what needs what. Source: KIP-584, KIP-1022.
#pragma once
#include <weir/base/error.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace weir::protocol {

inline constexpr std::string_view metadata_version = "metadata.version";
inline constexpr std::int16_t oldest_metadata_level = 7;
inline constexpr std::int16_t latest_metadata_level = 30;

/// "4.3-IV0"; empty for levels this version does not know.
std::string_view metadata_version_name(std::int16_t level) noexcept;
/// Of "4.3-IV0", or of the last level of a release: "4.3". errc::invalid_request names those there are.
result<std::int16_t> metadata_level_of(std::string_view release);

struct feature_info {
    std::string_view name;
    std::int16_t latest;             ///< highest level
    std::int16_t default_from[3];    ///< [n]: the metadata.version from which level n is the default; 0: never
    std::int16_t needs_metadata;     ///< what its levels above 0 depend on; 0: nothing
};
/// Beside metadata.version, in the order of Kafka's tools.
std::span<const feature_info> other_features() noexcept;
const feature_info* find_feature(std::string_view name) noexcept;
std::int16_t default_level(const feature_info& of, std::int16_t metadata_level) noexcept;

/// A level as `features describe` shows it: the release for metadata.version, else the number.
std::string level_text(std::string_view feature, std::int16_t level);
/// The level of every feature in a release, as version-mapping of Kafka's tools prints them: a line each.
std::string release_text(std::int16_t metadata_level, std::string_view release);
/// What a level of a feature that is known needs, as feature-dependencies of Kafka's tools prints it.
std::string dependencies_text(std::string_view feature, std::int16_t level);

}  // namespace weir::protocol

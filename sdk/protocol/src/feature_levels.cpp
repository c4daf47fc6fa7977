#include <weir/protocol/feature_levels.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

namespace weir::protocol {

namespace {

constexpr std::string_view names[] = {  // from level 7
    "3.3-IV3", "3.4-IV0", "3.5-IV0", "3.5-IV1", "3.5-IV2", "3.6-IV0", "3.6-IV1", "3.6-IV2", "3.7-IV0", "3.7-IV1", "3.7-IV2", "3.7-IV3",
    "3.7-IV4", "3.8-IV0", "3.9-IV0", "4.0-IV0", "4.0-IV1", "4.0-IV2", "4.0-IV3", "4.1-IV0", "4.1-IV1", "4.2-IV0", "4.2-IV1", "4.3-IV0",
};
static_assert(std::size(names) == latest_metadata_level - oldest_metadata_level + 1);

constexpr feature_info features[] = {
    {"kraft.version", 1, {7, 21, 0}, 0},
    {"transaction.version", 2, {7, 0, 24}, 0},
    {"group.version", 1, {7, 22, 0}, 0},
    {"eligible.leader.replicas.version", 1, {7, 26, 0}, 23},
    {"share.version", 1, {7, 28, 0}, 0},
    {"streams.version", 1, {7, 29, 0}, 0},
};

}  // namespace

std::string_view metadata_version_name(std::int16_t level) noexcept {
    return level < oldest_metadata_level || level > latest_metadata_level ? std::string_view{} : names[level - oldest_metadata_level];
}

result<std::int16_t> metadata_level_of(std::string_view release) {
    for (auto level = latest_metadata_level; level >= oldest_metadata_level; --level) {
        const auto name = metadata_version_name(level);
        if (name == release || name.substr(0, name.find('-')) == release) return level;
    }
    return error{errc::invalid_request, fmt::format("Unknown metadata.version '{}'. Supported metadata.version are: {}", release, fmt::join(names, ", "))};
}

std::span<const feature_info> other_features() noexcept { return features; }

const feature_info* find_feature(std::string_view name) noexcept {
    const auto* found = std::find_if(std::begin(features), std::end(features), [&](const feature_info& each) { return each.name == name; });
    return found == std::end(features) ? nullptr : found;
}

std::int16_t default_level(const feature_info& of, std::int16_t metadata_level) noexcept {
    for (auto level = of.latest; level > 0; --level)
        if (of.default_from[level] > 0 && metadata_level >= of.default_from[level]) return level;
    return 0;
}

std::string level_text(std::string_view feature, std::int16_t level) {
    if (feature != metadata_version) return std::to_string(level);
    const auto name = metadata_version_name(level);
    return name.empty() ? "UNKNOWN [" + std::to_string(level) + "]" : std::string{name};
}

std::string release_text(std::int16_t metadata_level, std::string_view release) {
    auto text = fmt::format("{}={} ({})", metadata_version, metadata_level, release);
    for (const auto& each : features) text += fmt::format("\n{}={}", each.name, default_level(each, metadata_level));
    return text;
}

std::string dependencies_text(std::string_view feature, std::int16_t level) {
    if (feature == metadata_version) return fmt::format("{}={} ({}) has no dependencies.", feature, level, metadata_version_name(level));
    const auto* known = find_feature(feature);
    if (!known || level == 0 || known->needs_metadata == 0) return fmt::format("{}={} has no dependencies.", feature, level);
    return fmt::format("{}={} requires:\n    {}={} ({})", feature, level, metadata_version, known->needs_metadata, metadata_version_name(known->needs_metadata));
}

}  // namespace weir::protocol

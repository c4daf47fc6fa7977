// The table of APIs: versions, headers, who serves them. Printed as docs/reference/protocol.md.
#pragma once
#include <weir/protocol/message.hpp>

#include <cstdint>
#include <span>
#include <string_view>

namespace weir::protocol {

struct header_versions {
    std::int16_t request = 0;
    std::int16_t response = 0;
    bool operator==(const header_versions&) const = default;
};

/// One API. An API whose versions were all removed has max_version -1.
struct api_info {
    api_key key;
    std::string_view name;  ///< "CreateTopics"
    std::int16_t min_version;
    std::int16_t max_version;
    bool unstable_latest;        ///< the highest version is hidden unless unstable versions are enabled
    std::int16_t flexible_from;  ///< never_flexible when none is
    bool on_broker;              ///< a broker serves it
    bool on_controller;          ///< a controller serves it
    bool cluster_action;         ///< needs the ClusterAction permission
    bool forwarded;              ///< a broker passes it to the active controller inside Envelope

    bool exists() const noexcept { return max_version >= 0; }
    bool has_version(std::int16_t version) const noexcept { return version >= min_version && version <= max_version; }
    /// The highest version to offer; pass what the server was configured to.
    std::int16_t latest(bool unstable_enabled) const noexcept {
        return unstable_latest && !unstable_enabled ? static_cast<std::int16_t>(max_version - 1) : max_version;
    }
    bool flexible(std::int16_t version) const noexcept { return version >= flexible_from; }
    /// Which headers go with a version of the message. An answer to ApiVersions always has response header 0, so that a
    /// client can read the answer of a server that did not understand its version (KIP-511).
    header_versions headers(std::int16_t version) const noexcept {
        if (!flexible(version)) return {1, 0};
        return {2, static_cast<std::int16_t>(key == api_key::api_versions ? 0 : 1)};
    }
};

/// All APIs in the order of their keys, the removed ones included.
std::span<const api_info> all_apis() noexcept;
/// nullptr for keys that do not exist.
const api_info* find_api(std::int16_t key) noexcept;
const api_info& info(api_key key) noexcept;

}  // namespace weir::protocol

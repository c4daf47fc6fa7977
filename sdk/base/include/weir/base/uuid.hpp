// Kafka's 128-bit ids: topics, directories, incarnations.
#pragma once
#include <weir/base/error.hpp>
#include <weir/base/random.hpp>

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace weir {

/// Most significant half first, as on the wire. All zeros stands for "none".
struct uuid {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    bool is_zero() const noexcept { return high == 0 && low == 0; }
    auto operator<=>(const uuid&) const = default;
};

/// 22 characters of URL-safe base64 without padding.
std::string to_string(const uuid& id);
result<uuid> parse_uuid(std::string_view text);
/// Version 4; never one of the reserved ids, nor one whose text starts with '-', which confuses command lines.
uuid random_uuid(random_source& random);

}  // namespace weir

template <>
struct std::hash<weir::uuid> {
    std::size_t operator()(const weir::uuid& id) const noexcept {
        return static_cast<std::size_t>(id.high * 0x9e3779b97f4a7c15 ^ id.low);
    }
};

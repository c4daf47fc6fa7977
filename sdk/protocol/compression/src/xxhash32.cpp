#include "xxhash32.hpp"

#include <bit>

namespace weir::protocol::detail {
namespace {

constexpr std::uint32_t prime1 = 2654435761u;
constexpr std::uint32_t prime2 = 2246822519u;
constexpr std::uint32_t prime3 = 3266489917u;
constexpr std::uint32_t prime4 = 668265263u;
constexpr std::uint32_t prime5 = 374761393u;

std::uint32_t little_endian(const std::byte* from) noexcept {
    std::uint32_t value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

std::uint32_t lane(std::uint32_t accumulated, const std::byte* from) noexcept {
    return std::rotl(accumulated + little_endian(from) * prime2, 13) * prime1;
}

}  // namespace

std::uint32_t xxhash32(bytes_view data) noexcept {
    const std::byte* at = data.data();
    std::size_t left = data.size();
    std::uint32_t hash = prime5;
    if (left >= 16) {
        std::uint32_t a = prime1 + prime2;
        std::uint32_t b = prime2;
        std::uint32_t c = 0;
        std::uint32_t d = 0u - prime1;
        for (; left >= 16; left -= 16, at += 16) {
            a = lane(a, at);
            b = lane(b, at + 4);
            c = lane(c, at + 8);
            d = lane(d, at + 12);
        }
        hash = std::rotl(a, 1) + std::rotl(b, 7) + std::rotl(c, 12) + std::rotl(d, 18);
    }
    hash += static_cast<std::uint32_t>(data.size());
    for (; left >= 4; left -= 4, at += 4) hash = std::rotl(hash + little_endian(at) * prime3, 17) * prime4;
    for (; left > 0; --left, ++at) hash = std::rotl(hash + static_cast<std::uint8_t>(*at) * prime5, 11) * prime1;
    hash = (hash ^ (hash >> 15)) * prime2;
    hash = (hash ^ (hash >> 13)) * prime3;
    return hash ^ (hash >> 16);
}

}  // namespace weir::protocol::detail

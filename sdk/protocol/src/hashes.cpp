#include <weir/protocol/hashes.hpp>

namespace weir::protocol {

std::int32_t murmur2(bytes_view data) noexcept {
    constexpr std::uint32_t multiplier = 0x5bd1e995;
    const auto at = [&](std::size_t place) { return static_cast<std::uint32_t>(data[place]); };
    std::uint32_t hash = 0x9747b28c ^ static_cast<std::uint32_t>(data.size());
    std::size_t place = 0;
    for (; data.size() - place >= 4; place += 4) {
        std::uint32_t word = at(place) | at(place + 1) << 8 | at(place + 2) << 16 | at(place + 3) << 24;
        word *= multiplier;
        word ^= word >> 24;
        word *= multiplier;
        hash = (hash * multiplier) ^ word;
    }
    if (place < data.size()) {
        for (std::size_t left = data.size() - place; left > 0; --left) hash ^= at(place + left - 1) << (8 * (left - 1));
        hash *= multiplier;
    }
    hash ^= hash >> 13;
    hash *= multiplier;
    hash ^= hash >> 15;
    return static_cast<std::int32_t>(hash);
}

std::int32_t partition_for_key(bytes_view key, std::int32_t partitions) noexcept {
    return (murmur2(key) & 0x7fffffff) % partitions;
}

namespace {
// Takes one code point off the front of `text`; U+FFFD for a byte that starts none.
std::uint32_t next_code_point(std::string_view& text) noexcept {
    constexpr std::uint32_t replacement = 0xfffd;
    const auto first = static_cast<std::uint8_t>(text[0]);
    const std::size_t length = first < 0x80 ? 1 : first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : first >> 3 == 30 ? 4 : 0;
    if (length == 0 || length > text.size()) {
        text.remove_prefix(1);
        return replacement;
    }
    std::uint32_t point = length == 1 ? first : first & (0x7fu >> length);
    for (std::size_t place = 1; place < length; ++place) {
        const auto next = static_cast<std::uint8_t>(text[place]);
        if ((next & 0xc0) != 0x80) {
            text.remove_prefix(place);
            return replacement;
        }
        point = point << 6 | (next & 0x3f);
    }
    text.remove_prefix(length);
    return point;
}
}  // namespace

std::int32_t java_string_hash(std::string_view text) noexcept {
    std::uint32_t hash = 0;
    while (!text.empty()) {
        const auto point = next_code_point(text);
        if (point < 0x10000) {
            hash = 31 * hash + point;
        } else {
            hash = 31 * hash + (0xd800 + ((point - 0x10000) >> 10));
            hash = 31 * hash + (0xdc00 + ((point - 0x10000) & 0x3ff));
        }
    }
    return static_cast<std::int32_t>(hash);
}

std::int32_t coordinator_partition(std::string_view id, std::int32_t partitions) noexcept {
    const auto hash = java_string_hash(id);
    // The smallest integer has no positive counterpart; Kafka counts it as 0.
    const auto positive = hash == INT32_MIN ? 0 : hash < 0 ? -hash : hash;
    return positive % partitions;
}

}  // namespace weir::protocol

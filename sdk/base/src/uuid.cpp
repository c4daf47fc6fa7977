#include <weir/base/uuid.hpp>

namespace weir {
namespace {

constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

}  // namespace

std::string to_string(const uuid& id) {
    std::string text(22, 'A');
    unsigned __int128 value = (static_cast<unsigned __int128>(id.high) << 64) | id.low;
    text[21] = digits[static_cast<std::size_t>(value & 0x3) << 4];  // 128 bits are 21 digits and two bits
    value >>= 2;
    for (int i = 20; i >= 0; --i, value >>= 6) text[static_cast<std::size_t>(i)] = digits[static_cast<std::size_t>(value & 0x3f)];
    return text;
}

result<uuid> parse_uuid(std::string_view text) {
    if (text.size() != 22) return error{errc::malformed, "'" + std::string{text} + "' is not a uuid: 22 characters of base64"};
    unsigned __int128 value = 0;
    for (std::size_t i = 0; i < 22; ++i) {
        const auto digit = digits.find(text[i]);
        if (digit == std::string_view::npos) return error{errc::malformed, "'" + std::string{text} + "' is not a uuid"};
        if (i < 21) value = (value << 6) | digit;
        else value = (value << 2) | (digit >> 4);
    }
    return uuid{static_cast<std::uint64_t>(value >> 64), static_cast<std::uint64_t>(value)};
}

uuid random_uuid(random_source& random) {
    for (;;) {
        uuid id{random(), random()};
        id.high = (id.high & ~std::uint64_t{0xf000}) | 0x4000;
        id.low = (id.low & ~(std::uint64_t{3} << 62)) | (std::uint64_t{1} << 63);
        if ((id.high >> 58) != 62) return id;  // 62 is '-'
    }
}

}  // namespace weir

#include <weir/serde.hpp>

#include <algorithm>

namespace weir {

timestamp now() { return std::chrono::floor<duration>(std::chrono::system_clock::now()); }  // lint: the program's own question, nothing of ours depends on it

void byte_sink::grow(std::size_t count) {
    const auto used = static_cast<std::size_t>(at_ - storage_.data());
    storage_.resize(std::max<std::size_t>({storage_.size() * 2, used + count, 256}));
    at_ = storage_.data() + used;
    end_ = storage_.data() + storage_.size();
}

error detail::null_value(const char* type) {
    return error{errc::malformed, std::string{"null where "} + type + " is expected; std::optional takes nulls"};
}

error detail::wrong_size(const char* type, std::size_t expected, std::size_t got) {
    return error{errc::malformed, std::to_string(expected) + " bytes of " + type + " are expected, there are " + std::to_string(got)};
}

error serde_traits<bool>::decode(bytes_view data, bool& out) {
    if (!data.data()) return detail::null_value("a boolean");
    if (data.size() != 1) return detail::wrong_size("boolean", 1, data.size());
    const auto byte = std::to_integer<int>(data[0]);
    if (byte > 1) return error{errc::malformed, "a boolean is 0 or 1, not " + std::to_string(byte)};
    out = byte == 1;
    return {};
}

void serde_traits<uuid>::encode(const uuid& value, byte_sink& sink) {
    static constexpr char digits[] = "0123456789abcdef";
    char text[36];
    std::size_t at = 0;
    for (int nibble = 0; nibble < 32; ++nibble) {
        if (nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20) text[at++] = '-';
        const auto half = nibble < 16 ? value.high : value.low;
        text[at++] = digits[(half >> (60 - 4 * (nibble % 16))) & 15];
    }
    sink.write(text, sizeof text);
}

error serde_traits<uuid>::decode(bytes_view data, uuid& out) {
    if (!data.data()) return detail::null_value("UUID text");
    if (data.size() != 36) return detail::wrong_size("UUID text", 36, data.size());
    uuid read;
    int nibble = 0;
    for (std::size_t i = 0; i < 36; ++i) {
        const char c = static_cast<char>(data[i]);
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        const char lower = c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c;
        const int digit = lower >= '0' && lower <= '9' ? lower - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
        if (dash ? c != '-' : digit < 0) return error{errc::malformed, "a UUID is 8, 4, 4, 4 and 12 hexadecimal digits with dashes between"};
        if (dash) continue;
        auto& half = nibble++ < 16 ? read.high : read.low;
        half = half << 4 | static_cast<std::uint64_t>(digit);
    }
    out = read;
    return {};
}

}  // namespace weir

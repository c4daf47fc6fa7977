#include <weir/record.hpp>

#include <weir/base/varint.hpp>

#include <algorithm>

namespace weir {

void record_headers::iterator::load() noexcept {
    if (left_ <= 0) return;
    const auto take = [&](std::int32_t& length) {
        const auto found = read_varint(rest_);
        length = found.value;
        rest_ = rest_.subspan(found.bytes);
        const auto field = rest_.first(static_cast<std::size_t>(std::max(length, 0)));
        rest_ = rest_.subspan(field.size());
        return field;
    };
    std::int32_t length = 0;
    now_.name = as_text(take(length));
    const auto value = take(length);
    now_.value = length < 0 ? std::nullopt : std::optional<bytes_view>{value};
}

std::optional<header_view> record_headers::find(std::string_view name) const noexcept {
    std::optional<header_view> last;
    for (const auto& each : *this)
        if (each.name == name) last = each;
    return last;
}

}  // namespace weir

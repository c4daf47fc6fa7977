#include "text_lines.hpp"

namespace weir::storage {
namespace {

std::optional<std::string_view> take_line(std::string_view& rest) noexcept {
    if (rest.empty()) return std::nullopt;
    const auto end = rest.find('\n');
    auto line = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    return line;
}

}  // namespace

result<checkpoint_lines> checkpoint_lines::open(std::string_view text) {
    checkpoint_lines lines;
    lines.rest_ = text;
    const auto version = take_line(lines.rest_);
    if (!version) return error{errc::malformed, "the file is empty"};
    if (*version != "0")
        return error{errc::malformed, "line 1: version \"" + std::string{*version} + "\" is not known, 0 is"};
    const auto count = take_line(lines.rest_);
    const auto announced = count ? parse_number<std::int64_t>(*count) : std::nullopt;
    if (!announced || *announced < 0) return error{errc::malformed, "line 2: the number of entries is missing"};
    lines.announced_ = *announced;
    return lines;
}

std::optional<std::string_view> checkpoint_lines::next() noexcept {
    auto line = take_line(rest_);
    if (line) ++taken_;
    return line;
}

result<void> checkpoint_lines::finished() const {
    if (taken_ == announced_) return {};
    return error{errc::malformed,
                 "line 2 announces " + std::to_string(announced_) + " entries, " + std::to_string(taken_) + " follow"};
}

error checkpoint_lines::bad_line(std::string_view line) const {
    return error{errc::malformed,
                 "line " + std::to_string(taken_ + 2) + ": \"" + std::string{line.substr(0, 80)} + "\" is no entry"};
}

}  // namespace weir::storage

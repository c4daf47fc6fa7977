// Lines and numbers of Kafka's small text files.
#pragma once
#include <weir/base/error.hpp>

#include <charconv>
#include <optional>
#include <string>
#include <string_view>

namespace weir::storage {

template <class Int>
std::optional<Int> parse_number(std::string_view text) noexcept {
    Int value{};
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
    return value;
}

/// A checkpoint: the version 0, the number of lines that follow, the lines.
class checkpoint_lines {
public:
    static result<checkpoint_lines> open(std::string_view text);
    std::optional<std::string_view> next() noexcept;
    /// errc::malformed when there were fewer or more lines than announced.
    result<void> finished() const;
    error bad_line(std::string_view line) const;

private:
    std::string_view rest_;
    std::int64_t announced_ = 0;
    std::int64_t taken_ = 0;
};

}  // namespace weir::storage

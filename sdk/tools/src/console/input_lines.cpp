#include "input_lines.hpp"

#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>

namespace weir::tools {

input_lines::~input_lines() { std::free(line_); }

result<std::optional<std::string_view>> input_lines::next() {
    const auto size = ::getline(&line_, &room_, from_);
    if (size < 0) {
        if (std::feof(from_)) return std::optional<std::string_view>{};
        return error{errc::io_error, std::string{name_} + ": " + std::generic_category().message(errno)};
    }
    std::string_view line{line_, static_cast<std::size_t>(size)};
    if (line.ends_with('\n')) line.remove_suffix(1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return std::optional{line};
}

}  // namespace weir::tools

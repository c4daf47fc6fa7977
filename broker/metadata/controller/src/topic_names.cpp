#include "topic_names.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace weir::metadata {

namespace {
constexpr std::size_t max_name_length = 249;

constexpr bool legal(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
}
}  // namespace

result<void> validate_topic_name(std::string_view name) {
    if (name.empty()) return error{errc::invalid_topic, "Topic name is invalid: it is empty"};
    if (name == "." || name == "..")
        return error{errc::invalid_topic, fmt::format("Topic name is invalid: '{}' is not allowed", name)};
    if (name.size() > max_name_length)
        return error{errc::invalid_topic,
                     fmt::format("Topic name is invalid: it has {} characters, at most {} are allowed: {}", name.size(),
                                 max_name_length, name)};
    if (!std::all_of(name.begin(), name.end(), legal))
        return error{errc::invalid_topic, fmt::format("Topic name is invalid: '{}' has characters other than ASCII "
                                                      "letters, digits, '.', '_' and '-'",
                                                      name)};
    return {};
}

bool may_collide(std::string_view name) noexcept { return name.find_first_of("._") != std::string_view::npos; }

std::string unify_colliding(std::string_view name) {
    std::string unified{name};
    std::replace(unified.begin(), unified.end(), '.', '_');
    return unified;
}

}  // namespace weir::metadata

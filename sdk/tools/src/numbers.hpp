// Numbers as users write them, beside those that are values of options (arguments.hpp).
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::tools {

/// A partition, or the id of a node: a whole number of 31 bits. nullopt for any other, so that none is taken for another.
std::optional<std::int32_t> parse_id(std::string_view text) noexcept;
/// A number that may have a fraction and an exponent, and nothing behind it.
std::optional<double> parse_decimal(std::string_view text) noexcept;

}  // namespace weir::tools

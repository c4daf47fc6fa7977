// Lists in settings and options: "a, b,c".
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// The parts between `separator`, white space around them dropped, empty ones left out.
std::vector<std::string> split_list(std::string_view text, char separator = ',');

}  // namespace weir

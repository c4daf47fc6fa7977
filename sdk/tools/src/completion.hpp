// Completion in shells. The scripts ask the program itself, so that they never fall behind it.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir::tools {

/// The script for "bash", "zsh" or "fish"; empty for others.
std::string completion_script(std::string_view shell);

/// What may stand in place of the last of `words`, the first being the program's name as typed. Candidates begin with what
/// is there already; "name\tdescription" each. Empty where a file name or free text belongs.
std::vector<std::string> complete(std::span<const std::string_view> words);

}  // namespace weir::tools

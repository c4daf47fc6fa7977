// The text of --help, from the declarations.
#pragma once
#include "tool.hpp"

#include <string>

namespace weir::tools {

/// Of one tool; `called` is how it was started: "weir topics" or "kafka-topics".
std::string help_of(const tool& which, std::string_view called);
/// Of the program: all tools with a sentence each.
std::string overview();

}  // namespace weir::tools

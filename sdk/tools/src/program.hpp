// The program: which tool is meant, and what becomes of its result.
#pragma once
#include "tool.hpp"

#include <span>

namespace weir::tools {

/// main(): `words` are argv. The exit code is 0, or 1 for whatever failed, as Kafka's tools have it; that of weir-X for an
/// external tool.
int run_program(std::span<const char* const> words);

/// One tool with the words after its name; `called` is how it was started, for messages.
int run_tool(const tool& which, std::string_view called, std::span<const char* const> words);

}  // namespace weir::tools

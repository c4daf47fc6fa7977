// The names under which the program is started.
#pragma once
#include <string>
#include <string_view>

namespace weir::tools {

/// Words that `weir` understands beside the tools.
inline constexpr std::string_view program_commands[] = {"completion", "help", "install-links"};

/// A tool that is a program of its own, weir-NAME: it needs the broker's code, which this one does not have.
struct companion {
    std::string_view name;
    std::string_view purpose;
};
inline constexpr companion companions[] = {{"storage", "Format log directories, and show what they hold. (Runs weir-storage.)"}};

/// "kafka-topics" for "topics".
inline std::string kafka_name(std::string_view tool) { return "kafka-" + std::string{tool}; }

/// "topics" for ".../kafka-topics.sh" and "kafka-topics"; empty for other names.
inline std::string_view tool_called(std::string_view program) {
    program.remove_prefix(program.find_last_of('/') + 1);
    if (program.ends_with(".sh")) program.remove_suffix(3);
    return program.starts_with("kafka-") ? program.substr(6) : std::string_view{};
}

}  // namespace weir::tools

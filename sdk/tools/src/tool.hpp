// What a tool declares about itself: parsing, help, completion and suggestions all follow from it.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace weir::tools {

class arguments;
class output;

/// One option. Declared as a constant, with the words below:
///
///     constexpr option options[] = {
///         flag("create", "Create a topic."),
///         value("partitions", "count", "How many partitions it gets."),
///         value("config", "name=value", "A setting of the topic.").repeatable(),
///         value("producer.config", "file", "").instead("command-config"),
///     };
struct option {
    enum class takes : std::uint8_t { nothing, value, maybe_value, values };

    std::string_view name;      ///< without the dashes
    std::string_view argument;  ///< what its value is called in the help
    std::string_view help;
    takes kind = takes::nothing;
    bool is_required = false;
    bool is_repeatable = false;
    char short_name = 0;
    std::string_view replacement{};  ///< old name: taken, with a warning that names this one
    std::string_view values{};       ///< "none|gzip": the only ones allowed, also offered by completion

    constexpr option required() const { auto changed = *this; changed.is_required = true; return changed; }
    constexpr option repeatable() const { auto changed = *this; changed.is_repeatable = true; return changed; }
    constexpr option letter(char c) const { auto changed = *this; changed.short_name = c; return changed; }
    /// An old name: its value counts as given for `newer`.
    constexpr option instead(std::string_view newer) const { auto changed = *this; changed.replacement = newer; return changed; }
    constexpr option one_of(std::string_view bar_separated) const { auto changed = *this; changed.values = bar_separated; return changed; }
};

constexpr option flag(std::string_view name, std::string_view help) { return {name, {}, help}; }
constexpr option value(std::string_view name, std::string_view argument, std::string_view help) {
    return {name, argument, help, option::takes::value};
}
/// `--state` alone, or with a value that does not begin with a dash, unless it is a number.
constexpr option maybe_value(std::string_view name, std::string_view argument, std::string_view help) {
    return {name, argument, help, option::takes::maybe_value};
}
/// All that follows up to the next option, as in `--producer-props acks=all linger.ms=5`.
constexpr option values(std::string_view name, std::string_view argument, std::string_view help) {
    auto made = option{name, argument, help, option::takes::values};
    made.is_repeatable = true;
    return made;
}

/// Tables of options one behind the other, for tools that have some in common.
template <std::size_t... N>
constexpr std::array<option, (N + ...)> joined(const option (&...parts)[N]) {
    std::array<option, (N + ...)> all{};
    auto* to = all.data();
    const auto add = [&](const auto& part) { for (const auto& each : part) *to++ = each; };
    (add(parts), ...);
    return all;
}

/// What stands first after the tool's name, in tools such as `features describe`.
struct command {
    std::string_view name;
    std::string_view purpose;
    std::span<const option> options;
};

/// What a running tool gets.
struct invocation {
    const arguments& args;
    output& out;
};

/// How Kafka's tool tells a failure: the text before it, {} in which is the command line, and on which stream.
struct failure_style {
    std::string_view prefix;
    bool on_stdout = false;
};

/// One built-in tool. `run` gives the exit code; a weir::exception that it lets out is printed as `failure` says, and
/// usage_error (arguments.hpp) with a pointer to the help. Both end with 1, as Kafka's tools do.
struct tool {
    std::string_view name;     ///< `weir topics`, kafka-topics, kafka-topics.sh
    std::string_view purpose;  ///< one sentence
    std::span<const option> options;
    std::span<const command> commands;
    std::span<const std::string_view> by_place;  ///< a deprecated form: only the values of these options, of which the last may be left out
    failure_style failure;
    int (*run)(const invocation& call);
};

/// Every built-in tool, in alphabetical order.
std::span<const tool* const> all_tools() noexcept;
/// nullptr when there is none.
const tool* find_tool(std::string_view name) noexcept;

}  // namespace weir::tools

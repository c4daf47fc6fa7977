// The command line of one tool, understood as Kafka's tools understand theirs.
#pragma once
#include "tool.hpp"

#include <weir/base/error.hpp>

#include <initializer_list>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace weir::tools {

/// The command line asks for something that cannot be; the tool's help says what can.
class usage_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Reads `--name value`, `--name=value`, `-name value`, `-n value` and flags; a long name may be cut short (`--bootstrap-s`). A value may begin with a dash (`--throughput -1`), but an
/// option's own name is never taken for one. An option that takes one value is refused when it comes twice.
class arguments {
public:
    /// Throws usage_error for what `of` does not declare, naming the nearest name it does. Leaves missing required options
    /// to check_required(), so that --help works without them.
    arguments(const tool& of, std::span<const char* const> words);

    bool has(std::string_view name) const noexcept { return find(name) != nullptr; }
    /// The tool declares such an option.
    bool knows(std::string_view name) const noexcept { return declared(name) != nullptr; }
    bool empty() const noexcept { return given_.empty() && !command_; }
    /// The value, `otherwise` when the option or its value was not given.
    std::string_view text(std::string_view name, std::string_view otherwise = {}) const noexcept;
    /// All values of a repeatable option, in order.
    std::vector<std::string> all(std::string_view name) const;
    /// Which of these were given, once for each time and in that order.
    std::vector<std::string_view> in_order(std::initializer_list<std::string_view> names) const;
    /// Throws usage_error when it is not a whole number between `least` and `most`.
    std::optional<std::int64_t> number(std::string_view name, std::int64_t least, std::int64_t most) const;
    std::int64_t number_or(std::string_view name, std::int64_t otherwise, std::int64_t least, std::int64_t most) const;
    /// "a=b" values in order; throws usage_error for one without '='.
    std::vector<std::pair<std::string, std::string>> pairs(std::string_view name) const;

    /// Empty when the tool has no commands.
    std::string_view command() const noexcept { return command_ ? command_->name : std::string_view{}; }
    /// Lines for stderr: old names and forms that were used.
    const std::vector<std::string>& warnings() const noexcept { return warnings_; }

    /// Throws usage_error when something required is missing.
    void check_required() const;
    /// Throws usage_error unless exactly one of these was given.
    std::string_view exactly_one(std::initializer_list<std::string_view> names) const;
    /// Throws usage_error when `name` was given together with one of `others`.
    void excludes(std::string_view name, std::initializer_list<std::string_view> others) const;
    /// Throws usage_error when `name` was given without `other`.
    void needs(std::string_view name, std::string_view other) const;

private:
    struct item {
        std::string_view name;
        std::optional<std::string> value;
    };
    const item* find(std::string_view name) const noexcept;
    const option* declared(std::string_view name) const noexcept;
    const option* declared(char letter) const noexcept;
    /// "--name", "-name" (as Kafka's parser has it, too), either with "=value" behind it.
    const option* named(std::string_view word) const noexcept;
    /// Of "--na": the option whose name begins so. Throws usage_error when several do.
    const option* abbreviated(std::string_view word) const;
    template <class Visit>
    void each_option(Visit visit) const;
    bool is_option(std::string_view word) const noexcept;
    void take_by_place(std::span<const char* const> words);
    void take(const option& which, std::optional<std::string> value);
    [[noreturn]] void unknown(std::string_view word) const;

    const tool& tool_;
    const weir::tools::command* command_ = nullptr;
    std::vector<item> given_;
    std::vector<std::string> warnings_;
};

/// A whole number, also negative; nullopt for anything else.
std::optional<std::int64_t> parse_number(std::string_view text) noexcept;

}  // namespace weir::tools

#include "arguments.hpp"

#include "common_options.hpp"
#include "numbers.hpp"
#include "suggest.hpp"

#include <algorithm>
#include <charconv>

namespace weir::tools {

namespace {

std::string dashed(std::string_view name) { return "--" + std::string{name}; }

bool allowed(const option& which, std::string_view value) {
    for (auto rest = which.values; !rest.empty();) {
        const auto end = std::min(rest.find('|'), rest.size());
        if (rest.substr(0, end) == value) return true;
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return which.values.empty();
}

}  // namespace

template <class Visit>
void arguments::each_option(Visit visit) const {
    if (command_)
        for (const auto& each : command_->options) visit(each);
    for (const auto& each : tool_.options) visit(each);
    for (const auto& each : built_in_options) visit(each);
}

const option* arguments::declared(std::string_view name) const noexcept {
    const option* found = nullptr;
    each_option([&](const option& each) { if (!found && each.name == name) found = &each; });
    return found;
}

const option* arguments::declared(char letter) const noexcept {
    const option* found = nullptr;
    each_option([&](const option& each) { if (!found && letter != 0 && each.short_name == letter) found = &each; });
    return found;
}

const option* arguments::named(std::string_view word) const noexcept {
    word.remove_prefix(word.starts_with("--") ? 2 : 1);
    return declared(word.substr(0, word.find('=')));
}

const option* arguments::abbreviated(std::string_view word) const {
    const auto begun = word.substr(0, word.find('=')).substr(2);
    if (begun.empty()) return nullptr;
    std::vector<const option*> found;
    each_option([&](const option& each) { if (each.name.starts_with(begun) && declared(each.name) == &each) found.push_back(&each); });
    if (found.size() < 2) return found.empty() ? nullptr : found.front();
    std::string names;
    for (const auto* each : found) names += (each == found.front() ? "" : each == found.back() ? " or " : ", ") + dashed(each->name);
    throw usage_error{dashed(begun) + " is not a recognized option; did you mean " + names + "?"};
}

bool arguments::is_option(std::string_view word) const noexcept {
    return word.size() >= 2 && word[0] == '-' && (named(word) || (!word.starts_with("--") && declared(word[1])));
}

void arguments::unknown(std::string_view word) const {
    std::vector<std::string_view> names;
    each_option([&](const option& each) { names.push_back(each.name); });
    const auto name = word.substr(0, word.find('='));
    std::string why = std::string{name} + " is not a recognized option";
    if (command_) why += " of '" + std::string{tool_.name} + " " + std::string{command_->name} + "'";
    const auto near = nearest(name.substr(std::min(name.find_first_not_of('-'), name.size())), names);
    if (!near.empty()) why += "; did you mean " + dashed(near) + "?";
    throw usage_error{why};
}

void arguments::take(const option& which, std::optional<std::string> value) {
    const option* target = &which;
    if (!which.replacement.empty()) {
        auto warning = "Warning: " + dashed(which.name) + " is deprecated and will be removed in a future version of Kafka; use " + dashed(which.replacement) + " instead.";
        if (std::find(warnings_.begin(), warnings_.end(), warning) == warnings_.end()) warnings_.push_back(std::move(warning));  // once for all its values
        if (const auto* newer = declared(which.replacement)) target = newer;
    }
    if (value && !allowed(*target, *value)) {
        std::string choices{target->values};
        std::replace(choices.begin(), choices.end(), '|', ',');
        throw usage_error{dashed(target->name) + " cannot be '" + *value + "'; it is one of " + choices};
    }
    if (!target->is_repeatable && find(target->name)) {
        if (target->kind == option::takes::nothing) return;
        throw usage_error{"Found multiple arguments for option " + std::string{target->name} + ", but you asked for only one"};
    }
    given_.push_back({target->name, std::move(value)});
}

void arguments::take_by_place(std::span<const char* const> words) {
    const auto& places = tool_.by_place;
    std::string listed;
    for (const auto& each : places) listed += (listed.empty() ? "" : &each == &places.back() ? " [optional] " : " ") + std::string{each};
    if (words.size() + 1 != places.size() && words.size() != places.size())
        throw usage_error{"Invalid number of arguments. Expected " + std::to_string(places.size() - 1) + " or " + std::to_string(places.size()) +
                          " positional arguments, but got " + std::to_string(words.size()) + ". Usage: " + listed};
    for (std::size_t at = 0; at < words.size(); ++at) take(*declared(places[at]), words[at]);
    std::string names;
    for (const auto& each : places) names += (names.empty() ? "" : ", ") + dashed(each);
    warnings_.push_back("WARNING: Positional argument usage is deprecated and will be removed in Apache Kafka 5.0. Please use named arguments instead: " + names);
}

arguments::arguments(const tool& of, std::span<const char* const> words) : tool_(of) {
    if (!tool_.by_place.empty() && !words.empty() && words.front()[0] != '-') {
        take_by_place(words);
        return;
    }
    for (std::size_t at = 0; at < words.size(); ++at) {
        const std::string_view word = words[at];
        const auto next = [&]() -> std::optional<std::string> {
            if (at + 1 >= words.size()) return std::nullopt;
            return std::string{words[++at]};
        };
        if (word.size() < 2 || word[0] != '-' || parse_number(word)) {
            if (!tool_.commands.empty() && !command_) {
                const auto chosen = std::find_if(tool_.commands.begin(), tool_.commands.end(), [&](const auto& each) { return each.name == word; });
                if (chosen == tool_.commands.end()) {
                    std::vector<std::string_view> names;
                    for (const auto& each : tool_.commands) names.push_back(each.name);
                    const auto near = nearest(word, names);
                    throw usage_error{"'" + std::string{word} + "' is not a command of " + std::string{tool_.name} +
                                      (near.empty() ? std::string{} : "; did you mean '" + std::string{near} + "'?")};
                }
                command_ = &*chosen;
            } else {
                throw usage_error{"'" + std::string{word} + "' is not expected here; options begin with --"};
            }
            continue;
        }
        const auto equals = word.find('=');
        const auto* which = named(word);
        const bool long_form = which || word.starts_with("--");
        if (!long_form) which = declared(word[1]);
        if (!which && long_form) which = abbreviated(word);
        if (!which) unknown(word);
        std::optional<std::string> attached;
        if (equals != word.npos) attached = std::string{word.substr(equals + 1)};
        else if (!long_form && word.size() > 2) attached = std::string{word.substr(2)};
        const auto follows_value = [&] { return at + 1 < words.size() && !is_option(words[at + 1]); };
        switch (which->kind) {
            case option::takes::nothing:
                if (attached) throw usage_error{dashed(which->name) + " takes no value"};
                take(*which, std::nullopt);
                break;
            case option::takes::value:
                if (!attached && !follows_value()) throw usage_error{"Option " + std::string{which->name} + " requires an argument"};
                take(*which, attached ? attached : next());
                break;
            case option::takes::maybe_value:
                if (!attached && follows_value() && (words[at + 1][0] != '-' || parse_number(words[at + 1]))) attached = next();
                take(*which, std::move(attached));
                break;
            case option::takes::values:
                if (!attached && !follows_value()) throw usage_error{"Option " + std::string{which->name} + " requires an argument"};
                take(*which, attached ? attached : next());
                while (!attached && follows_value() && words[at + 1][0] != '-') take(*which, next());
                break;
        }
    }
}

const arguments::item* arguments::find(std::string_view name) const noexcept {
    for (const auto& each : given_)
        if (each.name == name) return &each;
    return nullptr;
}

std::string_view arguments::text(std::string_view name, std::string_view otherwise) const noexcept {
    const auto* found = find(name);
    return found && found->value ? std::string_view{*found->value} : otherwise;
}

std::vector<std::string> arguments::all(std::string_view name) const {
    std::vector<std::string> found;
    for (const auto& each : given_)
        if (each.name == name && each.value) found.push_back(*each.value);
    return found;
}

std::vector<std::string_view> arguments::in_order(std::initializer_list<std::string_view> names) const {
    std::vector<std::string_view> found;
    for (const auto& each : given_)
        if (std::find(names.begin(), names.end(), each.name) != names.end()) found.push_back(each.name);
    return found;
}

std::optional<std::int64_t> arguments::number(std::string_view name, std::int64_t least, std::int64_t most) const {
    const auto* found = find(name);
    if (!found || !found->value) return std::nullopt;
    const auto parsed = parse_number(*found->value);
    if (!parsed) throw usage_error{"Cannot parse argument '" + *found->value + "' of option " + std::string{name} + ": it is no whole number"};
    if (*parsed < least || *parsed > most)
        throw usage_error{dashed(name) + " is " + *found->value + ", which is not between " + std::to_string(least) + " and " + std::to_string(most)};
    return parsed;
}

std::int64_t arguments::number_or(std::string_view name, std::int64_t otherwise, std::int64_t least, std::int64_t most) const {
    return number(name, least, most).value_or(otherwise);
}

std::vector<std::pair<std::string, std::string>> arguments::pairs(std::string_view name) const {
    std::vector<std::pair<std::string, std::string>> found;
    for (auto& each : all(name)) {
        const auto equals = each.find('=');
        if (equals == each.npos || equals == 0) throw usage_error{"'" + each + "' is not of the form name=value (" + dashed(name) + ")"};
        found.emplace_back(each.substr(0, equals), each.substr(equals + 1));
    }
    return found;
}

void arguments::check_required() const {
    if (!tool_.commands.empty() && !command_) {
        std::string names;
        for (const auto& each : tool_.commands) names += (names.empty() ? "" : ", ") + std::string{each.name};
        throw usage_error{"say what to do, one of: " + names};
    }
    std::string missing;
    each_option([&](const option& each) {
        if (each.is_required && !has(each.name) && missing.empty()) missing = each.name;
    });
    if (!missing.empty()) throw usage_error{"Missing required argument \"[" + missing + "]\""};
}

std::string_view arguments::exactly_one(std::initializer_list<std::string_view> names) const {
    std::string_view found;
    std::string listed;
    int count = 0;
    std::size_t place = 0;
    for (const auto each : names) {
        listed += (place == 0 ? "" : place + 1 == names.size() ? " or " : ", ") + dashed(each);
        ++place;
        if (!has(each)) continue;
        found = each;
        ++count;
    }
    if (count != 1) throw usage_error{"Command must include exactly one action: " + listed};
    return found;
}

void arguments::excludes(std::string_view name, std::initializer_list<std::string_view> others) const {
    if (!has(name)) return;
    for (const auto other : others)
        if (other != name && has(other)) throw usage_error{"Option \"[" + std::string{name} + "]\" can't be used with option \"[" + std::string{other} + "]\""};
}

void arguments::needs(std::string_view name, std::string_view other) const {
    if (has(name) && !has(other)) throw usage_error{dashed(name) + " needs " + dashed(other) + " as well"};
}

namespace {

template <class Number>
std::optional<Number> parse_whole(std::string_view text) noexcept {
    if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
    Number parsed{};
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), parsed);
    if (failed != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return parsed;
}

}  // namespace

std::optional<std::int64_t> parse_number(std::string_view text) noexcept { return parse_whole<std::int64_t>(text); }
std::optional<std::int32_t> parse_id(std::string_view text) noexcept {
    const auto parsed = parse_whole<std::int32_t>(text);
    return parsed && *parsed >= 0 ? parsed : std::nullopt;
}
std::optional<double> parse_decimal(std::string_view text) noexcept { return parse_whole<double>(text); }

}  // namespace weir::tools

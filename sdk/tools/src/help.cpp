#include "help.hpp"

#include "common_options.hpp"
#include "names.hpp"

#include <algorithm>
#include <iterator>
#include <vector>

namespace weir::tools {

namespace {

constexpr std::size_t page_width = 100;
constexpr std::size_t widest_left = 34;

/// `left` in a column of `width`, `text` beside it, wrapped.
void entry(std::string& page, std::string_view left, std::size_t width, std::string_view text) {
    page += "  ";
    page += left;
    std::size_t column = left.size() + 2;
    if (left.size() > width) {
        page += '\n';
        column = 0;
    }
    const auto indent = width + 4;
    page.append(indent - column, ' ');
    column = indent;
    bool first = true;
    while (!text.empty()) {
        const auto end = std::min(text.find(' '), text.size());
        const auto word = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (!first && column + 1 + word.size() > page_width) {
            page += '\n';
            page.append(indent, ' ');
            column = indent;
            first = true;
        }
        if (!first) {
            page += ' ';
            ++column;
        }
        page += word;
        column += word.size();
        first = false;
    }
    page += '\n';
}

std::string left_of(const option& each) {
    std::string left;
    if (each.short_name) left = std::string{'-', each.short_name, ',', ' '};
    left += "--" + std::string{each.name};
    switch (each.kind) {
        case option::takes::nothing: break;
        case option::takes::value: left += " <" + std::string{each.argument} + ">"; break;
        case option::takes::maybe_value: left += " [" + std::string{each.argument} + "]"; break;
        case option::takes::values: left += " <" + std::string{each.argument} + "> ..."; break;
    }
    return left;
}

std::string text_of(const option& each) {
    std::string text;
    if (each.is_required) text = "REQUIRED: ";
    if (!each.replacement.empty()) text += "DEPRECATED: use --" + std::string{each.replacement} + " instead. ";
    text += each.help;
    if (!each.values.empty()) {
        std::string choices{each.values};
        for (std::size_t at = 0; (at = choices.find('|', at)) != choices.npos; at += 2) choices.replace(at, 1, ", ");
        text += (text.empty() ? "One of " : " One of ") + choices + ".";
    }
    if (each.is_repeatable && each.kind == option::takes::value) text += " May be repeated.";
    return text;
}

void add_options(std::string& page, std::span<const option> options) {
    std::vector<const option*> sorted;
    std::size_t width = 0;
    for (const auto& each : options) {
        sorted.push_back(&each);
        if (const auto left = left_of(each).size(); left <= widest_left) width = std::max(width, left);
    }
    // What must be given comes first, what should not be used last.
    std::stable_sort(sorted.begin(), sorted.end(), [](const option* a, const option* b) {
        const auto rank = [](const option* o) { return o->is_required ? 0 : o->replacement.empty() ? 1 : 2; };
        return rank(a) != rank(b) ? rank(a) < rank(b) : a->name < b->name;
    });
    for (const auto* each : sorted) entry(page, left_of(*each), width, text_of(*each));
}

}  // namespace

std::string help_of(const tool& which, std::string_view called) {
    std::string page{which.purpose};
    page += "\n\nUsage: " + std::string{called};
    if (!which.commands.empty()) page += " [OPTION]... COMMAND";
    page += " [OPTION]...";
    page += "\n\n";
    if (!which.commands.empty()) {
        page += "Commands:\n";
        for (const auto& each : which.commands) {
            page += "\n";
            entry(page, each.name, 24, each.purpose);
            std::string listed;
            add_options(listed, each.options);
            for (std::size_t from = 0; from < listed.size();) {
                const auto end = listed.find('\n', from) + 1;
                page += "    " + listed.substr(from, end - from);
                from = end;
            }
        }
        page += "\nOptions:\n";
    }
    std::vector<option> all(which.options.begin(), which.options.end());
    all.insert(all.end(), std::begin(built_in_options), std::end(built_in_options));
    add_options(page, all);
    return page;
}

std::string overview() {
    std::string page =
        "Talks to Kafka clusters: one program in place of Kafka's shell tools.\n"
        "\n"
        "Usage: weir TOOL [OPTION]...      weir TOOL --help says more\n"
        "\n"
        "Started under the name kafka-TOOL or kafka-TOOL.sh it is that tool.\n"
        "\n";
    std::vector<companion> tools(std::begin(companions), std::end(companions));
    for (const auto* each : all_tools()) tools.push_back({each->name, each->purpose});
    std::sort(tools.begin(), tools.end(), [](const companion& a, const companion& b) { return a.name < b.name; });
    std::size_t width = 0;
    for (const auto& each : tools) width = std::max(width, each.name.size());
    for (const auto& each : tools) entry(page, each.name, width, each.purpose);
    page += "\n";
    entry(page, "completion SHELL", 24, "Print the completion script of bash, zsh or fish.");
    entry(page, "install-links DIR", 24, "Make links with Kafka's names (kafka-topics, kafka-topics.sh, ...) to this program.");
    entry(page, "help [TOOL]", 24, "Show this text, or that of a tool.");
    entry(page, "--version", 24, "Show the version.");
    page += "\nAny other word X runs the program weir-X, beside this one or on the PATH.\n";
    return page;
}

}  // namespace weir::tools

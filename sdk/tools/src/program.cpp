#include "program.hpp"

#include "arguments.hpp"
#include "completion.hpp"
#include "external.hpp"
#include "help.hpp"
#include "names.hpp"
#include "output.hpp"
#include "suggest.hpp"

#include <cstdio>
#include <string>
#include <vector>

namespace weir::tools {

namespace {

void print(std::FILE* to, std::string_view text) { std::fwrite(text.data(), 1, text.size(), to); }
void print_line(std::FILE* to, std::string_view text) {
    print(to, text);
    print(to, "\n");
}

/// Under one of Kafka's names the version of the tool it stands for comes first, where scripts look for it.
int print_version(std::string_view called = {}) {
    print_line(stdout, called.starts_with("kafka-") ? "4.3.1 (weir " WEIR_VERSION ")" : "weir " WEIR_VERSION " (Kafka 4.3.1)");
    return 0;
}

/// The words of the command line in place of {} in a tool's prefix.
std::string prefix_of(const tool& which, std::span<const char* const> words) {
    std::string prefix{which.failure.prefix};
    const auto at = prefix.find("{}");
    if (at == prefix.npos) return prefix;
    std::string all;
    for (const auto* each : words) all += (all.empty() ? "" : " ") + std::string{each};
    return prefix.replace(at, 2, all);
}

int unknown_tool(std::string_view name) {
    std::vector<std::string_view> names(std::begin(program_commands), std::end(program_commands));
    for (const auto* each : all_tools()) names.push_back(each->name);
    for (const auto& each : companions) names.push_back(each.name);
    auto why = "weir: there is no tool '" + std::string{name} + "', and no program weir-" + std::string{name} + " beside this one or on the PATH";
    if (const auto near = nearest(name, names); !near.empty()) why += "; did you mean '" + std::string{near} + "'?";
    print_line(stderr, why);
    print_line(stderr, "'weir --help' lists the tools.");
    return 1;
}

int run_named(std::string_view name, const std::string& called, std::span<const char* const> words) {
    if (const auto* which = find_tool(name)) return run_tool(*which, called, words);
    if (const auto code = run_external(name, words)) return *code;
    return unknown_tool(name);
}

int print_completion(std::span<const char* const> words) {
    const auto script = words.size() == 1 ? completion_script(words[0]) : std::string{};
    if (script.empty()) {
        print_line(stderr, "weir completion: name a shell: bash, zsh or fish");
        return 1;
    }
    print(stdout, script);
    return 0;
}

int print_candidates(std::span<const char* const> words) {
    const std::vector<std::string_view> typed(words.begin(), words.end());
    for (const auto& each : complete(typed)) print_line(stdout, each);
    return 0;
}

}  // namespace

int run_tool(const tool& which, std::string_view called, std::span<const char* const> words) {
    try {
        const arguments args{which, words};
        if (args.has("help") || args.empty()) {
            print(args.has("help") ? stdout : stderr, help_of(which, called));
            return args.has("help") ? 0 : 1;
        }
        if (args.has("version")) return print_version(called);
        for (const auto& each : args.warnings()) print_line(stderr, each);
        args.check_required();
        output out{stdout, args.text("output") == "json" ? output::format::json : output::format::text};
        try {
            const int code = which.run({args, out});
            out.flush();
            return out.failed() ? 1 : code;
        } catch (const exception& failed) {
            out.flush();
            print_line(which.failure.on_stdout ? stdout : stderr, prefix_of(which, words) + sentence(failed.error()));
            return 1;
        }
    } catch (const usage_error& wrong) {
        print_line(stderr, wrong.what());
        print_line(stderr, "'" + std::string{called} + " --help' lists the options.");
        return 1;
    } catch (const std::exception& unforeseen) {  // a bug here, or no memory: a sentence and an exit code all the same
        print_line(stderr, std::string{called} + ": unexpected: " + unforeseen.what());
        return 1;
    }
}

int run_program(std::span<const char* const> words) {
    const std::string_view program = words.empty() ? "weir" : words[0];
    if (const auto name = tool_called(program); !name.empty()) return run_named(name, kafka_name(name), words.subspan(1));
    const auto rest = words.subspan(std::min<std::size_t>(1, words.size()));
    if (rest.empty()) {
        print(stderr, overview());
        return 1;
    }
    const std::string_view word = rest[0];
    const auto after = rest.subspan(1);
    if (word == "--version") return print_version();
    if (word == "--help" || word == "-h" || (word == "help" && after.empty())) {
        print(stdout, overview());
        return 0;
    }
    if (word == "help") {
        const char* const asked[] = {"--help"};
        return run_named(after[0], "weir " + std::string{after[0]}, asked);
    }
    if (word == "completion") return print_completion(after);
    if (word == "complete") return print_candidates(after);
    if (word == "install-links") return install_links(after);
    return run_named(word, "weir " + std::string{word}, after);
}

}  // namespace weir::tools

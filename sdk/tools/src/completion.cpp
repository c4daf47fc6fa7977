#include "completion.hpp"

#include "common_options.hpp"
#include "names.hpp"
#include "tool.hpp"

#include <algorithm>

namespace weir::tools {

namespace {

constexpr std::string_view bash_script = R"(# weir completion bash > /etc/bash_completion.d/weir
_weir() {
    local IFS=$'\n' word=${COMP_WORDS[COMP_CWORD]}
    [ "$word" = "=" ] && word=
    COMPREPLY=($(weir complete "${COMP_WORDS[@]:0:COMP_CWORD}" "$word" 2>/dev/null | cut -f1))
}
complete -o default -F _weir weir @NAMES@
)";

constexpr std::string_view zsh_script = R"(#compdef weir @NAMES@
# weir completion zsh > "${fpath[1]}/_weir"
_weir() {
    local -a found
    local line
    for line in "${(@f)$(weir complete "${(@)words[1,CURRENT]}" 2>/dev/null)}"; do
        [ -n "$line" ] && found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
    done
    if (( ${#found} )); then _describe weir found; else _files; fi
}
if [ "$funcstack[1]" = _weir ]; then _weir "$@"; else compdef _weir weir @NAMES@; fi
)";

constexpr std::string_view fish_script = R"(# weir completion fish > ~/.config/fish/completions/weir.fish
function __weir_complete
    set -l words (commandline -opc) (commandline -ct)
    weir complete $words 2>/dev/null
end
for name in weir @NAMES@
    complete -c $name -a '(__weir_complete)'
end
)";

std::string with_names(std::string_view script) {
    std::string names;
    for (const auto* each : all_tools()) names += (names.empty() ? "" : " ") + kafka_name(each->name) + " " + kafka_name(each->name) + ".sh";
    std::string text{script};
    for (std::size_t at = 0; (at = text.find("@NAMES@", at)) != text.npos;) text.replace(at, 7, names);
    return text;
}

struct collector {
    std::string_view begun;
    std::vector<std::string> found;
    void offer(std::string_view word, std::string_view description) {
        if (word.starts_with(begun)) found.push_back(std::string{word} + "\t" + std::string{description});
    }
    void offer_choices(const option& of, std::string_view before) {
        for (auto rest = of.values; !rest.empty();) {
            const auto end = std::min(rest.find('|'), rest.size());
            offer(std::string{before} + std::string{rest.substr(0, end)}, of.name);
            rest.remove_prefix(std::min(end + 1, rest.size()));
        }
    }
};

void complete_tool(const tool& which, std::span<const std::string_view> words, collector& into) {
    const command* chosen = nullptr;
    for (const auto word : words.first(words.size() - 1))
        for (const auto& each : which.commands)
            if (each.name == word) chosen = &each;
    std::vector<option> options(which.options.begin(), which.options.end());
    if (chosen) options.insert(options.end(), chosen->options.begin(), chosen->options.end());
    options.insert(options.end(), std::begin(built_in_options), std::end(built_in_options));

    const auto previous = words.size() > 1 ? words[words.size() - 2] : std::string_view{};
    for (const auto& each : options) {
        const auto dashed = "--" + std::string{each.name};
        if (into.begun.starts_with(dashed + "=")) return into.offer_choices(each, dashed + "=");
        if (previous == dashed && each.kind != option::takes::nothing) {
            into.offer_choices(each, {});
            if (each.kind != option::takes::maybe_value) return;
        }
    }
    if (!into.begun.starts_with('-') && !chosen)
        for (const auto& each : which.commands) into.offer(each.name, each.purpose);
    if (into.begun.starts_with('-') || which.commands.empty() || chosen)
        for (const auto& each : options) {
            if (!each.replacement.empty()) continue;
            const auto dashed = "--" + std::string{each.name};
            const bool given = std::find(words.begin(), words.end() - 1, dashed) != words.end() - 1;
            if (!given || each.is_repeatable) into.offer(dashed, each.help);
        }
}

}  // namespace

std::string completion_script(std::string_view shell) {
    if (shell == "bash") return with_names(bash_script);
    if (shell == "zsh") return with_names(zsh_script);
    if (shell == "fish") return with_names(fish_script);
    return {};
}

std::vector<std::string> complete(std::span<const std::string_view> words) {
    if (words.size() < 2) return {};
    collector into{words.back(), {}};
    const auto* which = find_tool(tool_called(words[0]));
    std::size_t skip = 1;
    if (!which) {
        if (words.size() == 2) {
            for (const auto* each : all_tools()) into.offer(each->name, each->purpose);
            for (const auto& each : companions) into.offer(each.name, each.purpose);
            for (const auto each : program_commands) into.offer(each, "");
            return std::move(into.found);
        }
        if (words[1] == "completion" && words.size() == 3)
            for (const auto shell : {"bash", "zsh", "fish"}) into.offer(shell, "");
        if (words[1] == "help" && words.size() == 3)
            for (const auto* each : all_tools()) into.offer(each->name, each->purpose);
        which = find_tool(words[1]);
        skip = 2;
    }
    if (which && words.size() > skip) complete_tool(*which, words.subspan(skip), into);
    return std::move(into.found);
}

}  // namespace weir::tools

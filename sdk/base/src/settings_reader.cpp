#include <weir/base/settings_reader.hpp>

#include <weir/base/properties.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace weir {

void settings_reader::add_text(std::string_view file, std::string_view text) {
    auto parsed = parse_properties(text);
    if (!parsed) {
        problems_.push_back(fmt::format("{}: {}", file, parsed.error().what()));
        return;
    }
    for (const auto& entry : *parsed) add(entry.name, entry.value, fmt::format("{}:{}", file, entry.line));
}

void settings_reader::add(std::string_view name, std::string_view value, std::string_view where) {
    entries_.insert_or_assign(std::string{name}, given{std::string{value}, std::string{where}});
}

void settings_reader::read(std::span<const setting> rows, void* config, setting_names names) {
    for (const auto& row : rows) {
        bool taken = false;
        const auto take = [&](std::string_view name, std::int64_t factor) {
            known_.emplace(name, true);
            const auto found = entries_.find(name);
            if (found == entries_.end()) return;
            // A value that a better name overrules is still checked: a mistake in it is a mistake.
            std::optional<std::string> before;
            if (taken) before = row.print(config);
            if (auto parsed = row.parse(config, found->second.value, factor); !parsed) {
                auto problem = std::string{parsed.error().what()};
                if (name != row.name && problem.starts_with(row.name)) problem.replace(0, row.name.size(), name);
                problems_.push_back(fmt::format("{}: {}", found->second.where, problem));
            } else if (taken) {
                static_cast<void>(row.parse(config, before.value_or("")));
            }
            taken = true;
        };
        if (names == setting_names::own_and_synonyms) take(row.name, 1);
        for (const auto& other : row.synonyms) take(other.name, other.factor);
    }
}

void settings_reader::accept(std::string_view name) {
    if (name.ends_with('*')) prefixes_.emplace_back(name.substr(0, name.size() - 1));
    else known_.emplace(name, false);
}

const settings_reader::given* settings_reader::find(std::string_view name) const noexcept {
    const auto found = entries_.find(name);
    return found == entries_.end() ? nullptr : &found->second;
}

void settings_reader::report(std::string_view name, std::string_view problem) {
    const auto* entry = find(name);
    problems_.push_back(entry ? fmt::format("{}: {}={}: {}", entry->where, name, entry->value, problem)
                              : fmt::format("{}: {}", name, problem));
}

result<void> settings_reader::finish() const {
    auto problems = problems_;
    std::vector<std::string_view> names;
    for (const auto& [name, read] : known_) names.push_back(name);
    for (const auto& [name, entry] : entries_) {
        if (known_.contains(name)) continue;
        if (std::ranges::any_of(prefixes_, [&](const std::string& prefix) { return name.starts_with(prefix); })) continue;
        const auto near = nearest_name(name, names);
        problems.push_back(near ? fmt::format("{}: there is no setting {}; did you mean {}?", entry.where, name, *near)
                                : fmt::format("{}: there is no setting {}", entry.where, name));
    }
    if (problems.empty()) return {};
    return error{errc::invalid_setting, fmt::format("{}", fmt::join(problems, "\n"))};
}

}  // namespace weir

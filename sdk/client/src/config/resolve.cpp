#include "resolve.hpp"

#include "catalog.hpp"
#include "foreign.hpp"

#include <weir/base/log.hpp>
#include <weir/base/setting.hpp>
#include <weir/setting_name.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace weir::detail {
namespace {

log::logger resolve_logs{"weir.client.config"};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

constexpr std::string_view by_program = "the program";

std::string placed(const properties::entry& given, std::string_view problem) {
    return given.where.empty() ? std::string{problem} : fmt::format("{}: {}", given.where, problem);
}

/// parse_field() speaks of the row's name; the reader looks for the one that was written.
std::string under_its_name(const setting& row, const properties::entry& given, const error& why) {
    auto problem = std::string{why.what()};
    if (given.name != row.name && problem.starts_with(row.name)) problem.replace(0, row.name.size(), given.name);
    return placed(given, problem);
}

std::string shown(const setting& row, const std::optional<std::string>& value) {
    if (row.is_sensitive) return "[hidden]";
    return value.value_or("");
}

/// All names that mean something to somebody, for the nearest one.
std::vector<std::string_view> all_names() {
    std::vector<std::string_view> names;
    for (const auto& kind : config_kinds()) {
        for (const auto& row : kind.settings()) {
            names.push_back(row.name);
            for (const auto& other : row.synonyms) names.push_back(other.name);
        }
    }
    for (const auto& foreign : foreign_settings()) {
        if (!foreign.name.ends_with('*')) names.push_back(foreign.name);
    }
    return names;
}

std::string nobodys(std::string_view name) {
    const auto near = nearest_name(name, all_names());
    return near ? fmt::format("there is no setting {}; did you mean {}?", name, *near) : fmt::format("there is no setting {}", name);
}

bool concerns(std::string_view whose, std::string_view who) {
    return whose.empty() || who.ends_with(whose) || who == "transactor";  // which is a consumer and a producer
}

class merge {
public:
    merge(std::string_view who, std::span<const setting> rows, void* config) : who_(who), rows_(rows), config_(config), given_(rows.size()) {}

    void take_fields() {
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            const auto value = rows_[i].print(config_);
            if (!value || value == rows_[i].default_text) continue;
            if (auto parsed = rows_[i].parse(config_, *value); !parsed) problems_.emplace_back(parsed.error().what());
            given_[i] = {rows_[i].print(config_), std::string{by_program}};  // as it counts: an endless time has become a long one
        }
    }

    /// `unnamed` is what entries that come from no file are called.
    void take_names(const properties& entries, std::string_view unnamed) {
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            take(i, entries.find(rows_[i].name), 1, unnamed);
            for (const auto& other : rows_[i].synonyms) take(i, entries.find(other.name), other.factor, unnamed);
        }
    }

    /// Entries that none of the rows is for.
    void judge(const properties& entries, const client_settings* of_client) {
        for (const auto& entry : entries) {
            if (!find_row(rows_, entry.name)) judge(entry, of_client);
        }
    }

    void add_problem(const error& why) { problems_.emplace_back(why.what()); }
    bool ok() const noexcept { return problems_.empty(); }

    error finish() const {
        if (!problems_.empty()) return error{errc::invalid_setting, fmt::format("{}", fmt::join(problems_, "\n"))};
        if (resolve_logs.enabled(log::level::debug)) resolve_logs.debug(summary());
        return {};
    }

private:
    struct given {
        std::optional<std::string> value;
        std::string origin;  ///< empty: nobody gave it
    };

    void take(std::size_t index, const properties::entry* entry, std::int64_t factor, std::string_view unnamed) {
        if (!entry) return;
        const auto& row = rows_[index];
        if (auto parsed = row.parse(config_, entry->value, factor); !parsed) {
            problems_.push_back(under_its_name(row, *entry, parsed.error()));
            return;
        }
        given now{row.print(config_), entry->where.empty() ? std::string{unnamed} : entry->where};
        for (std::size_t i = 0; i < rows_.size(); ++i) {  // settings of one field under several names contradict each other too
            const auto& before = given_[i];
            if (before.origin.empty() || before.value == rows_[i].print(config_)) continue;
            problems_.push_back(contradiction(rows_[i], before, row, now));
            return;
        }
        if (given_[index].origin.empty()) given_[index] = std::move(now);
    }

    static std::string contradiction(const setting& first, const given& before, const setting& second, const given& now) {
        if (&first != &second) {
            return fmt::format("{} ({}) and {} ({}) contradict each other: give one of them", first.name, before.origin, second.name, now.origin);
        }
        if (first.is_sensitive) return fmt::format("{} has one value from {} and another from {}: give it once", first.name, before.origin, now.origin);
        return fmt::format("{} is {} by {} and {} by {}: give it once", first.name, shown(first, before.value), before.origin, shown(first, now.value), now.origin);
    }

    void judge(const properties::entry& entry, const client_settings* of_client) {
        const bool for_client = of_client == nullptr;
        for (const auto& kind : config_kinds()) {
            const auto found = find_row(kind.settings(), entry.name);
            if (!found) continue;
            if (for_client) {  // kept for what is built on it; a mistake in it is one now
                if (auto parsed = kind.check(*found.row, entry.value, found.factor); !parsed) problems_.push_back(under_its_name(*found.row, entry, parsed.error()));
            } else if (kind.who == "client") {
                agree_with_client(entry, found, *of_client);
            } else {
                problems_.push_back(placed(entry, belongs_to(entry.name, kind.who)));
            }
            return;
        }
        if (const auto* foreign = find_foreign(entry.name)) {
            if (foreign->agrees(entry.value)) return;
            if (!for_client && !concerns(foreign->whose, who_)) {
                problems_.push_back(placed(entry, belongs_to(entry.name, foreign->whose)));
                return;
            }
            auto text = placed(entry, fmt::format("{}: {}", entry.name, foreign->why));
            if (foreign->what == treatment::refused) problems_.push_back(std::move(text));
            else resolve_logs.info(text);
            return;
        }
        problems_.push_back(placed(entry, nobodys(entry.name)));
    }

    std::string belongs_to(std::string_view name, std::string_view other) const {
        return fmt::format("{} is a setting of a {}; a {} has no such setting", name, other, who_);
    }

    /// A file that serves several may name what the client has already; it cannot change it.
    void agree_with_client(const properties::entry& entry, const named_row& found, const client_settings& of_client) {
        const auto* same = of_client.given.find(entry.name);
        if (same && same->value == entry.value) return;
        client_setup scratch;
        if (auto parsed = found.row->parse(&scratch, entry.value, found.factor); !parsed) {
            problems_.push_back(under_its_name(*found.row, entry, parsed.error()));
            return;
        }
        const auto wanted = found.row->print(&scratch);
        const auto has = std::ranges::find(of_client.effective, found.row->name, &client_settings::value::name);
        if (wanted && has->text == wanted) return;
        problems_.push_back(placed(entry, fmt::format("{} belongs to the client, which has another value: give it to client_config or its extra", entry.name)));
    }

    std::string summary() const {
        auto text = fmt::format("{} settings:", who_);
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            const auto value = rows_[i].print(config_);
            if (!value && given_[i].origin.empty()) continue;
            text += fmt::format(" {}={} ({});", rows_[i].name, shown(rows_[i], value), given_[i].origin.empty() ? "default" : given_[i].origin);
        }
        text.pop_back();
        return text;
    }

    std::string_view who_;
    std::span<const setting> rows_;
    void* config_;
    std::vector<given> given_;  // one per row
    std::vector<std::string> problems_;
};

}  // namespace

bool same_word(std::string_view text, std::string_view word) noexcept {
    const auto space = [](char c) { return c == ' ' || c == '\t'; };
    while (!text.empty() && space(text.front())) text.remove_prefix(1);
    while (!text.empty() && space(text.back())) text.remove_suffix(1);
    return std::ranges::equal(text, word, {}, lower, lower);
}

bool given_by_name(std::span<const setting> rows, std::string_view name, const properties& extra, const client_settings& of_client) {
    const auto given = [&](std::string_view by) { return extra.find(by) || of_client.given.find(by); };
    const auto& synonyms = find_row(rows, name).row->synonyms;
    return given(name) || std::ranges::any_of(synonyms, given, &synonym::name);
}

error resolve(std::string_view who, std::span<const setting> rows, void* config, const properties& extra, const client_settings* of_client,
              error (*conclude)(void* config)) {
    merge all{who, rows, config};
    all.take_fields();
    all.take_names(extra, "extra");
    if (of_client) all.take_names(of_client->given, "the client's extra");
    all.judge(extra, of_client);
    if (all.ok() && conclude) {
        if (auto why = conclude(config)) all.add_problem(why);
    }
    return all.finish();
}

}  // namespace weir::detail

namespace weir {

error check_setting_name(std::string_view name) {
    const auto knows = [name](const detail::config_kind& kind) { return bool{detail::find_row(kind.settings(), name)}; };
    if (detail::find_foreign(name) || std::ranges::any_of(detail::config_kinds(), knows)) return {};
    return error{errc::invalid_setting, detail::nobodys(name)};
}

}  // namespace weir

#include "settings_page.hpp"

#include "catalog.hpp"
#include "foreign.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace weir::detail {
namespace {

std::string cell(std::string_view text) {
    std::string escaped;
    for (const char c : text) {
        if (c == '|') escaped += '\\';
        escaped += c;
    }
    return escaped;
}

std::string other_names(const setting& row) {
    std::string names;
    for (const auto& other : row.synonyms) {
        if (!names.empty()) names += ", ";
        names += fmt::format("`{}`", other.name);
        if (other.factor != 1) names += fmt::format(" (x {})", other.factor);
    }
    return names;
}

void print_kind(std::string& page, const config_kind& kind) {
    page += fmt::format("\n## Of a{} {}\n\n| name | type | default | allowed | | other names |\n|---|---|---|---|---|---|\n", kind.who == "admin" ? "n" : "", kind.who);
    std::vector<const setting*> sorted;
    for (const auto& row : kind.settings()) sorted.push_back(&row);
    std::ranges::sort(sorted, {}, [](const setting* row) { return row->name; });
    for (const auto* row : sorted) {
        const auto value = row->default_text.value_or("");
        page += fmt::format("| `{}` | {} | {} | {} | {} | {} |\n", row->name, to_string(row->type), value.empty() ? "" : fmt::format("`{}`", cell(value)), cell(row->allowed()),
                            cell(row->doc), other_names(*row));
    }
}

void print_foreign(std::string& page, treatment what, std::string_view title, std::string_view about) {
    page += fmt::format("\n## {}\n\n{}\n\n| name | no word about | why |\n|---|---|---|\n", title, about);
    for (const auto& each : foreign_settings()) {
        if (each.what != what) continue;
        std::string agreed;
        for (std::size_t at = 0; at < each.agreed.size();) {
            const auto end = std::min(each.agreed.find('|', at), each.agreed.size());
            agreed += fmt::format("{}`{}`", agreed.empty() ? "" : ", ", each.agreed.substr(at, end - at));
            at = end + 1;
        }
        page += fmt::format("| `{}` | {} | {} |\n", each.name, agreed, cell(each.why));
    }
}

}  // namespace

std::string settings_page() {
    std::string page =
        "# Settings of the client\n\nPrinted by `weir-client-settings`; do not edit. Names are Kafka's, and librdkafka's beside them. A program writes the fields of\n"
        "`client_config`, `producer_config` and the others, which have these names with underscores and without a unit (`linger.ms` is\n"
        "`linger`), or the names in `extra`, or a properties file: see the [guide](../guides/configuration.md).\n";
    for (const auto& kind : config_kinds()) print_kind(page, kind);
    print_foreign(page, treatment::refused, "Known and refused", "Something would happen that was not asked for. The values in the middle ask for what is done anyway.");
    print_foreign(page, treatment::ignored, "Known and passed over", "Nothing changes that a program could tell; the log says so once, at info.");
    return page;
}

}  // namespace weir::detail

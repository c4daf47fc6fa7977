#include <weir/broker/settings_page.hpp>

#include "other_settings.hpp"

#include <weir/broker/broker_config.hpp>

#include <algorithm>

namespace weir::broker {
namespace {

std::string cell(std::string text) {
    for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, "\\");
    return text;
}

void print_row(std::string& page, std::string_view name, const setting& row, bool with_default) {
    const auto value = with_default ? row.default_text.value_or("") : std::string{};
    page += "| `" + std::string{name} + "` | " + std::string{to_string(row.type)} + " | " + (value.empty() ? "" : "`" + cell(value) + "`") + " | " +
            cell(row.allowed()) + " | " + cell(std::string{row.doc}) + (row.dynamic == dynamic_mode::read_only ? "" : " *Changes while the broker runs.*") + " |\n";
}

void print_table(std::string& page, std::string_view title, std::span<const setting> rows) {
    page += "\n## " + std::string{title} + "\n\n| name | type | default | allowed | |\n|---|---|---|---|---|\n";
    std::vector<const setting*> sorted;
    for (const auto& row : rows) sorted.push_back(&row);
    std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) { return a->name < b->name; });
    for (const auto* row : sorted) print_row(page, row->name, *row, true);
}

void print_names(std::string& page, std::span<const std::string_view> names) {
    for (const auto name : names) page += "- `" + std::string{name} + "`\n";
}

}  // namespace

std::string settings_page() {
    std::string page =
        "# Settings of the broker\n\nPrinted by `weir-broker --print-settings`; do not edit. Names are Kafka's but for `event.loops`, "
        "`flush.before.ack`,\n`http.listener` and `telemetry.directory`. They go into the file named by `--config`, or into `--override name=value`.\n"
        "Some change while the broker runs (`weir configs --entity-type brokers`), and so do the broker's own values for settings of topics,\n"
        "all but those in minutes and hours.\n";
    print_table(page, "The node", node_config::settings());
    print_table(page, "Listeners, connections, requests", server::server_config::settings());
    page += "\nA listener may have limits of its own, beside those of all:\n\n| name | type | default | allowed | |\n|---|---|---|---|---|\n";
    for (const auto& row : server::listener_limits::settings()) print_row(page, server::listener_prefix("<listener>") + std::string{row.name}, row, true);
    print_table(page, "Consumer groups", group::group_config::settings());
    print_table(page, "Compaction", replica::cleaner_config::settings());
    print_table(page, "Topics", storage::log_config::settings());
    page += "\nThe broker's own value for each, used by topics that do not set it:\n\n| broker setting | topic setting |\n|---|---|\n";
    for (const auto& row : storage::log_config::settings())
        for (const auto& synonym : row.synonyms) page += "| `" + std::string{synonym.name} + "` | `" + std::string{row.name} + "` |\n";
    page += "\n## Refused\n\nUnless the value says what this broker does anyway.\n\n";
    print_names(page, settings_refused());
    page += "\n## Accepted without effect\n";
    for (const auto& group : settings_without_effect()) {
        page += "\n" + std::string{group.why} + "\n\n";
        print_names(page, group.names);
    }
    return page;
}

}  // namespace weir::broker

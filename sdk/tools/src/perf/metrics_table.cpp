#include "metrics_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

namespace weir::tools {

namespace {

std::string dashed(std::string_view name) {
    std::string made{name};
    std::replace(made.begin(), made.end(), '_', '-');
    return made;
}

/// `kafka_producer_producer_metrics_batch_size_avg{client_id="c",producer="1"}` as Kafka's tools name it:
/// `producer-metrics:batch-size-avg:{client-id=c, producer=1}`.
std::string kafka_name(std::string_view prometheus) {
    constexpr std::string_view first = "kafka_", group_ends = "_metrics_";
    auto name = prometheus.substr(0, prometheus.find('{'));
    auto labels = prometheus.substr(name.size());
    name.remove_prefix(first.size());
    name.remove_prefix(name.starts_with("admin_client_") ? std::string_view{"admin_client_"}.size() : name.find('_') + 1);
    const auto end = name.find(group_ends);
    auto made = dashed(name.substr(0, end + group_ends.size() - 1)) + ":" + dashed(name.substr(end + group_ends.size())) + ":{";
    if (labels.size() > 2) labels = labels.substr(1, labels.size() - 2);
    // A label is name="value", with backslashes before quotes in the value.
    for (bool later = false; !labels.empty(); later = true) {
        const auto equals = labels.find('=');
        made += (later ? ", " : "") + dashed(labels.substr(0, equals)) + "=";
        labels.remove_prefix(equals + 2);
        while (!labels.empty() && labels.front() != '"') {
            if (labels.front() == '\\') labels.remove_prefix(1);
            made += labels.front();
            labels.remove_prefix(1);
        }
        labels.remove_prefix(std::min<std::size_t>(labels.size(), 2));  // and the comma
    }
    return made + "}";
}

}  // namespace

void print_metrics(output& out, const weir::client_metrics& of) {
    std::map<std::string, double> all;
    const auto text = of.prometheus_text();
    for (std::string_view rest = text; !rest.empty();) {
        const auto line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        const auto space = line.rfind(' ');
        if (line.starts_with('#') || space == line.npos) continue;
        double value = 0;
        std::from_chars(line.data() + space + 1, line.data() + line.size(), value);
        all[kafka_name(line.substr(0, space))] = value;
    }
    if (out.json()) {
        json_writer document;
        document.begin_array();
        for (const auto& [name, value] : all) {
            document.begin_object();
            document.key("name");
            document.string(name);
            document.key("value");
            document.number(value);
            document.end_object();
        }
        document.end_array();
        out.line(std::move(document));
        return;
    }
    std::size_t widest = 0;
    for (const auto& [name, value] : all) widest = std::max(widest, name.size());
    out.line(fmt::format("\n{:<{}}   Value", "Metric Name", widest));
    for (const auto& [name, value] : all) out.line(fmt::format("{:<{}} : {:.3f}", name, widest, value));
}

}  // namespace weir::tools

#include "samples.hpp"

#include <algorithm>
#include <memory>

namespace weir {
namespace {

/// "kafka_consumer_consumer_fetch_manager_metrics_fetch_total": what the usual rules make of Java's JMX names.
std::string prometheus_name(std::string_view group, std::string_view name) {
    const std::string_view domain = group.starts_with("admin-client") ? "admin_client" : group.substr(0, group.find('-'));
    auto made = std::string{"kafka_"}.append(domain).append("_").append(group).append("_").append(name);
    std::replace(made.begin(), made.end(), '-', '_');
    return made;
}

}  // namespace

std::string client_metrics::prometheus_text() const {
    metrics::registry shown;
    std::vector<std::shared_ptr<const void>> kept;
    for (const auto& each : detail::samples_of(*this)) {
        metrics::labels where{{"client_id", client_id}};
        where.insert(where.end(), each.where.begin(), each.where.end());
        where.insert(where.end(), each.resource.begin(), each.resource.end());
        const auto name = prometheus_name(each.group, each.name);
        if (each.kind == detail::sample_kind::total) {
            const auto one = shown.counter(name, each.help, where);
            one->add(static_cast<std::uint64_t>(each.value));
            kept.push_back(one);
            continue;
        }
        if (each.kind == detail::sample_kind::average && each.weight == 0) continue;
        const auto one = shown.gauge(name, each.help, where);
        one->set(each.value / each.weight);
        kept.push_back(one);
    }
    return shown.text();
}

}  // namespace weir

#include "push_window.hpp"

#include <algorithm>

namespace weir::detail {
namespace {

bool wanted(const std::string& name, const std::vector<std::string>& prefixes) {
    return std::any_of(prefixes.begin(), prefixes.end(), [&](const std::string& each) { return each == "*" || name.starts_with(each); });
}

constexpr std::string_view total = "total";
std::string rate_name(std::string name) {
    return name.replace(name.size() - total.size(), total.size(), "rate");
}

}  // namespace

std::string push_window::key(const sample& of) {
    std::string text{of.group};
    text.append("/").append(of.name);
    for (const auto& [name, value] : of.where) text.append("/").append(name).append("=").append(value);
    return text;
}

std::vector<otlp_point> push_window::points(const std::vector<sample>& now, const std::vector<std::string>& prefixes, temporality of_sums, std::int64_t now_ms) const {
    std::vector<otlp_point> told;
    const auto seconds = static_cast<double>(now_ms - last_ms_) / 1000;
    for (const auto& each : now) {
        const auto tell = [&](std::string name, double value, bool sum) {
            if (!wanted(name, prefixes)) return;
            told.push_back({std::move(name), sum, value, each.where, each.resource, of_sums == temporality::delta ? last_ms_ : began_ms_});
        };
        const auto name = telemetry_name(each.group, each.name);
        if (each.kind == sample_kind::gauge) {
            tell(name, each.value, false);
            continue;
        }
        const auto at = before_.find(key(each));
        const auto before = at == before_.end() ? amount{} : at->second;
        // Less than before: another one that the application counts under this name.
        const auto came = each.value < before.value ? each.value : each.value - before.value;
        if (each.kind == sample_kind::total) {
            tell(name, of_sums == temporality::delta ? came : each.value, true);
            if (seconds > 0 && name.ends_with(total)) tell(rate_name(name), came / seconds, false);
        } else if (each.weight > before.weight) {
            tell(name, came / (each.weight - before.weight), false);
        }
    }
    return told;
}

void push_window::commit(const std::vector<sample>& now, std::int64_t now_ms) {
    before_.clear();
    for (const auto& each : now) {
        if (each.kind != sample_kind::gauge) before_[key(each)] = {each.value, each.weight};
    }
    last_ms_ = now_ms;
}

}  // namespace weir::detail

#include "counters.hpp"

#include "../hook.hpp"

#include <algorithm>

namespace weir::detail {
namespace {
log::logger counters_logs{"weir.client.metrics"};
}

void client_counters::add(const std::shared_ptr<application_metric>& one) {
    const std::lock_guard held{reading_};
    application_.push_back(one);
}

void client_counters::remove(const std::shared_ptr<application_metric>& one) {
    const std::lock_guard held{reading_};
    std::erase(application_, one);
}

std::vector<client_counters::reading> client_counters::read_application() const {
    std::vector<reading> all;
    const std::lock_guard held{reading_};
    for (const auto& each : application_) {
        std::optional<double> value;
        const auto read = [&] { value = each->read(); };
        run_hook(counters_logs, each->name, read);
        if (value) all.push_back({each, *value});
    }
    return all;
}

}  // namespace weir::detail

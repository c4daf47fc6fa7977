#include "api.hpp"

#include <weir/server/request_faults.hpp>

#include <algorithm>

namespace weir::server {
namespace {

// A core's share of what the broker may keep; of less than one for each, one.
std::size_t session_slots(const server_config& config, std::size_t cores) {
    return (static_cast<std::size_t>(config.max_incremental_fetch_session_cache_slots) + cores - 1) / cores;
}

}  // namespace

core_context::core_context(std::size_t at, std::size_t cores, event_loop& on, services& broker, std::uint64_t request_budget, random_source seeded)
    : index(at), loop(on), random(seeded), memory(on, request_budget),
      sessions(session_slots(broker.config, cores), random, at, cores), metrics(broker.metrics) {}

const api_entry* find_api(protocol::api_key key) noexcept {
    const auto table = api_table();
    const auto at = std::lower_bound(table.begin(), table.end(), key, [](const api_entry& row, protocol::api_key wanted) { return row.key < wanted; });
    return at != table.end() && at->key == key ? &*at : nullptr;
}

bool is_served(protocol::api_key api) noexcept { return find_api(api) != nullptr; }

}  // namespace weir::server

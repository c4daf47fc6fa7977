// The groups of the cluster: every broker tells those it coordinates. ListGroups 16.
#include "carry_out.hpp"
#include "operations.hpp"

#include <weir/protocol/messages/list_groups.hpp>

#include <fmt/format.h>

namespace weir::detail {
namespace {

template <class T>
bool wants(const std::vector<T>& among, const T& value) {
    return among.empty() || std::find(among.begin(), among.end(), value) != among.end();
}

struct list_groups_plan : plan_of<protocol::list_groups_request, std::int32_t, std::vector<group_listing>> {
    std::vector<std::int32_t> brokers;
    list_groups_options options;

    std::vector<std::int32_t> keys() const { return brokers; }
    place where(std::size_t i) const { return on_broker(brokers[i]); }
    /// Brokers filter where they can (KIP-518, KIP-848); the rest is filtered here.
    request ask(std::span<const std::size_t>, const ask_context& context) const {
        request asked;
        if (context.version >= 4) {
            for (const auto each : options.states) asked.states_filter.emplace_back(to_string(each));
        }
        if (context.version >= 5) {
            for (const auto each : options.types) asked.types_filter.emplace_back(to_string(each));
        }
        return asked;
    }
    error read(response& answer, std::span<const std::size_t> which, answers& into) const {
        if (auto why = refusal(answer.error_code, {}, fmt::format("groups of broker {}", into.key(which.front())))) return why;
        std::vector<group_listing> groups;
        for (auto& each : answer.groups) {
            group_listing listed{std::move(each.group_id), parse_group_type(each.group_type), std::move(each.protocol_type), parse_group_state(each.group_state)};
            const bool type_told = listed.type != group_type::unknown;
            const bool state_told = listed.state != group_state::unknown;
            if (type_told && !wants(options.types, listed.type)) continue;
            if (!type_told && !wants(options.types, group_type::classic)) continue;
            if (state_told && !wants(options.states, listed.state)) continue;
            if (!wants(options.protocols, listed.protocol)) continue;
            groups.push_back(std::move(listed));
        }
        into.settle(which.front(), std::move(groups));
        return {};
    }
};

}  // namespace

task_of_outcomes<std::vector<group_listing>, std::int32_t> list_groups_by_broker(call_ptr call, list_groups_options options) {
    auto looking = all_brokers(call);
    auto brokers = co_await looking;
    if (!brokers) co_return brokers.error();
    auto listing = carry_out(std::move(call), list_groups_plan{{}, *std::move(brokers), std::move(options)});
    co_return co_await listing;
}

task<result<std::vector<group_listing>>> list_groups(call_ptr call, list_groups_options options) {
    auto listing = list_groups_by_broker(std::move(call), std::move(options));
    auto by_broker = co_await listing;
    if (!by_broker) co_return by_broker.error();
    std::vector<group_listing> all;
    for (auto& [broker, groups] : by_broker->items()) {
        if (!groups) co_return error{groups.code(), fmt::format("broker {} does not tell its groups", broker), groups.error()};
        std::move(groups->begin(), groups->end(), std::back_inserter(all));
    }
    // While a group's coordinator moves, two brokers may tell of it.
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.group < b.group; });
    all.erase(std::unique(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.group == b.group; }), all.end());
    co_return all;
}

}  // namespace weir::detail

#include "cluster_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace weir::metadata {

namespace {

std::int32_t integer_or(const std::optional<std::string>& text, std::int32_t otherwise) {
    if (!text) return otherwise;
    std::int32_t number = otherwise;
    std::from_chars(text->data(), text->data() + text->size(), number);
    return number;
}

}  // namespace

bool cluster_view::is_active(broker_id id) const noexcept {
    const auto* known = cluster.find_broker(id);
    return known && known->active();
}

bool cluster_view::may_lead(const partition& of, broker_id id) const noexcept {
    const auto* known = cluster.find_broker(id);
    return known && known->active() && known->has_online(of.directory_of(id));
}

std::vector<uuid> open_directories(const broker& of) {
    std::vector<uuid> open;
    const auto cordoned = of.cordoned_log_dirs.value_or(std::vector<uuid>{});
    std::set_difference(of.log_dirs.begin(), of.log_dirs.end(), cordoned.begin(), cordoned.end(),
                        std::back_inserter(open));
    return open;
}

uuid cluster_view::default_directory(broker_id id) const {
    const auto* known = cluster.find_broker(id);
    if (!known) return directory_unassigned;
    if (known->log_dirs.empty()) return directory_migrating;
    const auto open = open_directories(*known);
    return open.size() == 1 ? open.front() : directory_unassigned;
}

bool cluster_view::elr_enabled() const noexcept {
    return cluster.metadata_version() >= 23 && cluster.feature("eligible.leader.replicas.version") > 0;
}

bool cluster_view::unclean_election(const std::string& topic) const {
    const auto& own = cluster.configs_of(config_type::topic, topic);
    return topic_setting(own, "unclean.leader.election.enable").value == "true";
}

partition_rules cluster_view::rules_for(const topic& of) const {
    partition_rules rules{cluster.metadata_version(), elr_enabled(), 1};
    if (!rules.elr_enabled || of.partitions.empty()) return rules;
    const auto& own = cluster.configs_of(config_type::topic, of.name);
    const auto wanted = integer_or(topic_setting(own, "min.insync.replicas").value, 1);
    rules.min_isr = std::min(wanted, static_cast<std::int32_t>(of.partitions.begin()->second.replicas.size()));
    return rules;
}

result<void> cluster_view::check_epoch(broker_id id, std::int64_t epoch) const {
    const auto* known = cluster.find_broker(id);
    if (!known) return error{errc::broker_id_not_registered, fmt::format("broker {} is not registered", id)};
    if (known->epoch != epoch)
        return error{errc::stale_broker_epoch, fmt::format("broker {} is registered with epoch {}, the request says {}",
                                                           id, known->epoch, epoch)};
    return {};
}

effective_setting cluster_view::topic_setting(const config_entries& own, const config_key& key) const {
    if (const auto at = own.find(key.name); at != own.end()) return {at->second, config_source::topic};
    const auto node = std::to_string(config.node_id);
    for (const auto& server_key : key.server_keys)
        if (const auto* value = cluster.config(config_type::broker, node, server_key))
            return {*value, config_source::broker};
    for (const auto& server_key : key.server_keys)
        if (const auto* value = cluster.config(config_type::broker, "", server_key))
            return {*value, config_source::broker_default};
    return {key.default_value, key.default_source};
}

effective_setting cluster_view::topic_setting(const config_entries& own, std::string_view key) const {
    if (const auto* known = schema.find(config_type::topic, key)) return topic_setting(own, *known);
    const auto at = own.find(key);
    return at == own.end() ? effective_setting{} : effective_setting{at->second, config_source::topic};
}

namespace {

/// Whether `move` concerns this partition at all.
bool concerned(const leader_move& move, const partition& each) {
    const auto member = [&](broker_id id) { return id != no_broker && (has(each.isr, id) || has(each.elr, id)); };
    if (move.arriving != no_broker && !each.has_leader()) return true;
    if (member(move.unclean_shutdown)) return true;
    if (move.leaving == no_broker || !has(each.isr, move.leaving)) return false;
    return move.directories.empty() || std::find(move.directories.begin(), move.directories.end(),
                                                 each.directory_of(move.leaving)) != move.directories.end();
}

}  // namespace

void move_leaders(const cluster_view& view, const leader_move& move, std::vector<protocol::metadata_record>& records) {
    for (const auto& [name, each] : view.cluster.topics()) {
        std::optional<partition_rules> rules;
        bool unclean = false;
        for (const auto& [index, now] : each->partitions) {
            if (!concerned(move, now)) continue;
            if (!rules) {
                rules = view.rules_for(*each);
                unclean = view.unclean_election(name);
            }
            partition_change change{now, *rules};
            if (unclean) change.how = election::unclean;
            std::erase(change.isr, move.leaving);
            std::erase(change.isr, move.unclean_shutdown);
            change.unclean_shutdown = move.unclean_shutdown;
            auto record = change.build(
                each->id, index,
                [&view, &move, &now](broker_id id) {
                    if (id == move.leaving || id == move.unclean_shutdown) return false;
                    if (id != move.arriving) return view.may_lead(now, id);
                    return view.cluster.find_broker(id)->has_online(now.directory_of(id));
                },
                [&view](broker_id id) { return view.default_directory(id); });
            if (record) records.push_back(std::move(*record));
        }
    }
}

bool leads_anything(const image& cluster, broker_id id) {
    for (const auto& [name, each] : cluster.topics())
        for (const auto& [index, part] : each->partitions)
            if (part.leader == id) return true;
    return false;
}

}  // namespace weir::metadata

// Questions the decisions ask of an image, a schema and the controller's settings together.
#pragma once
#include "partition_change.hpp"

#include <weir/metadata/controller.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::metadata {

struct effective_setting {
    std::optional<std::string> value;
    config_source source = config_source::built_in;
};

/// Where a broker takes new replicas: its directories without the cordoned ones (KIP-1066).
std::vector<uuid> open_directories(const broker& of);

struct cluster_view {
    const image& cluster;
    const controller_config& config;
    const config_schema& schema;

    bool is_active(broker_id id) const noexcept;
    /// Registered, unfenced, not shutting down, and with the directory of its replica online.
    bool may_lead(const partition& of, broker_id id) const noexcept;
    /// For a new replica: the directory of a broker that has one (open for new replicas), else "unassigned".
    uuid default_directory(broker_id id) const;
    bool elr_enabled() const noexcept;
    bool unclean_election(const std::string& topic) const;
    partition_rules rules_for(const topic& of) const;

    /// errc::broker_id_not_registered, errc::stale_broker_epoch.
    result<void> check_epoch(broker_id id, std::int64_t epoch) const;

    /// What holds for a topic that sets `own`: its own value, the broker's dynamic ones, the static or built-in one.
    effective_setting topic_setting(const config_entries& own, const config_key& key) const;
    effective_setting topic_setting(const config_entries& own, std::string_view key) const;
};

/// Moves leadership and ISR membership because brokers come or go. One record per partition that changes.
struct leader_move {
    broker_id leaving = no_broker;           ///< out of every ISR
    broker_id arriving = no_broker;          ///< may lead what has no leader
    broker_id unclean_shutdown = no_broker;  ///< out of every ISR, and out of what is eligible
    /// Only replicas of `leaving` in one of these directories; empty: all.
    std::vector<uuid> directories;
};
void move_leaders(const cluster_view& view, const leader_move& move, std::vector<protocol::metadata_record>& records);
bool leads_anything(const image& cluster, broker_id id);

/// The code and sentence of `why` in a result struct that has error_code and error_message.
template <class Result>
void fail(Result& into, const error& why) {
    into.error_code = wire_code(why.code());
    into.error_message = std::string{why.what()};
}

}  // namespace weir::metadata

// What becomes of one partition when its replicas, its ISR or its brokers change: who leads, who stays eligible.
#pragma once
#include <weir/base/function.hpp>
#include <weir/metadata/image.hpp>
#include <weir/protocol/messages/metadata_records.hpp>

#include <optional>
#include <vector>

namespace weir::metadata {

enum class election {
    online,     ///< keep the leader while it is fit, else the first fit replica
    preferred,  ///< the first replica when it is fit
    unclean     ///< as online; when nobody is fit, any live replica: what only the old leader had is lost
};

/// The circumstances of a change, the same for all partitions of a topic.
struct partition_rules {
    std::int16_t metadata_version = 0;
    bool elr_enabled = false;  ///< eligible leader replicas (KIP-966)
    std::int32_t min_isr = 1;  ///< already capped by the replica count
};

/// Whether these replicas include that broker's.
bool has(const std::vector<broker_id>& in, broker_id id);

/// Describe the targets, then build(). `may_lead` and `default_directory` are only asked during build().
struct partition_change {
    partition_change(const partition& now, partition_rules rules);

    const partition& now;
    partition_rules rules;
    std::vector<broker_id> isr;
    std::vector<broker_id> replicas;
    std::vector<broker_id> removing;
    std::vector<broker_id> adding;
    leader_recovery recovery;
    election how = election::online;
    /// Came back without having shut down in order: may have lost what it had, so it is not eligible.
    broker_id unclean_shutdown = no_broker;

    /// nullopt when nothing would change.
    std::optional<protocol::partition_change_record> build(const uuid& topic, std::int32_t index,
                                                           function<bool(broker_id)> may_lead,
                                                           function<uuid(broker_id)> default_directory);
};

/// The partition after `change`.
partition after(const partition& now, const protocol::partition_change_record& change);

}  // namespace weir::metadata

// What request handlers may use: the parts of the broker that `app` put together.
#pragma once
#include <weir/base/event_loop.hpp>
#include <weir/base/metrics.hpp>
#include <weir/base/network.hpp>
#include <weir/base/task.hpp>
#include <weir/metadata/config_schema.hpp>
#include <weir/metadata/image.hpp>
#include <weir/server/server_config.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace weir::replica { class replicas; }
namespace weir::coordinator { class group_coordinator; }
namespace weir::group { struct group_config; }

namespace weir::server {

class client_telemetry;
class controller_gateway;
class producer_ids;
class quorum_view;
class request_faults;
class storage_view;

struct broker_identity {
    std::int32_t node_id = 1;
    std::string cluster_id;
    std::optional<std::string> rack;
};

struct listener_info {
    std::string name;
    bool for_controllers = false;  ///< named in controller.listener.names: serves what a controller serves
    bool reserved = false;         ///< connections of others give way to its own when there are max.connections
    endpoint bound;
    endpoint advertised;
};

/// The newest image on every core. Reads and waits are for the core's own loop; publish() may come from any.
class metadata_cache {
public:
    explicit metadata_cache(const std::vector<event_loop*>& cores);
    const metadata::image_ref& current(std::size_t core) const noexcept { return slots_[core]->image; }
    /// Completes on `here` when every core has it.
    task<void> publish(event_loop& here, metadata::image_ref next);
    /// Completes once this core's image has everything up to and with `offset`.
    task<void> wait_for(std::size_t core, std::int64_t offset);
    /// No image will come any more: whoever waits goes on with the one there is. Completes on `here`.
    task<void> release(event_loop& here);

private:
    struct waiter {
        std::int64_t offset;
        function<void(bool)> resume;
    };
    struct slot {
        explicit slot(event_loop& on);
        event_loop& loop;
        metadata::image_ref image;
        std::vector<waiter> waiters;
        bool released = false;
    };
    static task<void> set(event_loop& here, slot& where, metadata::image_ref next);
    static task<void> release_slot(event_loop& here, slot& where);
    std::vector<std::unique_ptr<slot>> slots_;
};

/// Lives as long as the server; made by app.
struct services {
    broker_identity identity;
    const server_config& config;
    metadata_cache& metadata;
    replica::replicas& replicas;
    controller_gateway& controller;
    coordinator::group_coordinator& groups;
    const group::group_config& group_config;
    const metadata::config_schema& configs;
    server::producer_ids& producer_ids;
    quorum_view& quorum;
    storage_view& directories;
    metrics::registry& metrics;
    client_telemetry* telemetry = nullptr;  ///< nullptr: clients are not asked for metrics
    request_faults* faults = nullptr;       ///< nullptr: requests meet nothing but what happens
};

}  // namespace weir::server

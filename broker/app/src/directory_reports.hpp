// What the controller is told of this broker's log directories, since it elects leaders and places replicas by it.
#pragma once
#include "log_directories.hpp"

#include <weir/metadata/controller_runtime.hpp>

#include <optional>
#include <string>
#include <vector>

namespace weir::broker {

/// On the controller's loop.
class directory_reports {
public:
    directory_reports(metadata::broker_id node, const log_directories& directories,
                      metadata::controller_runtime& controller)
        : node_(node),
          directories_(directories),
          controller_(controller) {}

    /// Registered: from here on there is somebody to report to.
    void use(std::int64_t broker_epoch) noexcept { broker_epoch_ = broker_epoch; }
    /// Which directories have failed (KIP-858) and which take no new partitions (KIP-1066). Nothing before use().
    task<void> tell();
    /// Where the replicas of this broker were found, before any is opened.
    task<void> assign_found(metadata::image_ref image);
    /// Where these lie, which were opened or have moved.
    task<void> assign(metadata::image_ref image, std::vector<replica::partition_id> which);

private:
    struct place {
        replica::partition_id replica;
        uuid directory;
    };
    uuid found_in(const metadata::topic& topic, std::int32_t index, const uuid& known) const;
    task<void> send(const std::vector<place>& places);

    const metadata::broker_id node_;
    const log_directories& directories_;
    metadata::controller_runtime& controller_;
    std::int64_t broker_epoch_ = -1;
};

}  // namespace weir::broker

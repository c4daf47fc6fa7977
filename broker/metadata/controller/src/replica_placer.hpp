// Where new partitions go.
#pragma once
#include <weir/base/error.hpp>
#include <weir/base/random.hpp>
#include <weir/metadata/image.hpp>

#include <vector>

namespace weir::metadata {

/// Spreads leaders evenly over the active brokers, racks taking turns, and the replicas of each partition over as many
/// racks as there are. Brokers that are fenced or shutting down are taken last, and never lead.
class replica_placer {
public:
    replica_placer(const image& cluster, random_source& random);

    /// errc::invalid_replication_factor when there are not enough brokers, or none that is active.
    result<void> check(std::int32_t replication_factor) const;
    /// The replicas of the next partition, leader first. check() has been asked.
    std::vector<broker_id> next(std::size_t replication_factor);

private:
    struct candidate {
        broker_id id;
        std::size_t rack;
    };
    static std::vector<candidate> take_turns(const std::vector<std::vector<candidate>>& racks);

    std::vector<candidate> active_;
    std::vector<candidate> inactive_;
    std::size_t cordoned_ = 0;  // brokers without a directory that takes replicas
    std::size_t racks_ = 0;
    std::size_t leader_ = 0;  // index into active_
    std::size_t round_ = 0;   // how often every active broker has led: shifts the followers
    std::size_t led_ = 0;
    std::size_t rotation_ = 0;
};

}  // namespace weir::metadata

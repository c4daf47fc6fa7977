// The partitions of __consumer_offsets as the group coordinator uses them.
#pragma once
#include <weir/broker/broker_config.hpp>
#include <weir/coordinator/group_coordinator.hpp>
#include <weir/replica/replicas.hpp>
#include <weir/server/services.hpp>

namespace weir::broker {

class group_partitions final : public coordinator::group_environment {
public:
    group_partitions(const broker_config& config, replica::replicas& replicas, const server::metadata_cache& cache);
    std::vector<event_loop*> loops() override;
    event_loop& loop_of(std::int32_t partition) override;
    std::int32_t partition_count() const override;
    std::unique_ptr<coordinator::partition_store> open(std::int32_t partition) override;
    const group::topic_directory& topics() const override { return topics_; }

private:
    // Reads the image of whichever core asks.
    class directory final : public group::topic_directory {
    public:
        explicit directory(const group_partitions& owner) : owner_(owner) {}
        std::optional<std::string> name_of(const uuid& id) const override;
        uuid id_of(std::string_view name) const override;

    private:
        const group_partitions& owner_;
    };
    std::size_t here() const;
    const metadata::image& image() const { return *cache_.current(here()); }

    const broker_config& config_;
    replica::replicas& replicas_;
    const server::metadata_cache& cache_;
    directory topics_{*this};
};

}  // namespace weir::broker

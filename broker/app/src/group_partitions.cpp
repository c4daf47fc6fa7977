#include "group_partitions.hpp"

#include <weir/protocol/internal_topics.hpp>

namespace weir::broker {
namespace {

using namespace std::chrono_literals;

class replica_store final : public coordinator::partition_store {
public:
    explicit replica_store(std::shared_ptr<replica::partition> where) : where_(std::move(where)) {}

    std::int64_t log_start_offset() const override { return where_->log().log_start_offset(); }
    std::int64_t log_end_offset() const override { return where_->log().log_end_offset(); }

    task<result<bytes>> read(std::int64_t offset, std::int32_t max_bytes) override {
        if (!where_->leads()) co_return error{errc::not_leader_or_follower, where_->topic()};
        const auto& log = where_->log();
        if (offset >= log.log_end_offset()) co_return bytes{};
        auto found = log.read(offset, static_cast<std::uint64_t>(max_bytes), log.log_end_offset(), true, false);
        if (!found) co_return found.error();
        bytes content(found->records.size);
        auto got = found->records.source->read_at(found->records.position, content);
        if (!got) co_return got.error();
        content.resize(*got);
        co_return content;
    }

    // Ends with the commit or a failed disk; how long an answer waits for it is the coordinator's business.
    task<result<std::int64_t>> append(bytes batch) override {
        auto outcome = where_->append(batch, storage::append_origin::coordinator);
        if (!outcome) co_return outcome.error();
        auto committing = completion<result<void>>([&](function<void(result<void>)> done) {
            where_->when_committed(outcome->last_offset + 1, time_point::max(), std::move(done));
        });
        auto committed = co_await committing;
        if (!committed) co_return committed.error();
        co_return outcome->first_offset;
    }

private:
    std::shared_ptr<replica::partition> where_;
};

}  // namespace

group_partitions::group_partitions(const broker_config& config, replica::replicas& replicas, const server::metadata_cache& cache)
    : config_(config), replicas_(replicas), cache_(cache) {}

std::size_t group_partitions::here() const {
    for (std::size_t i = 0; i < replicas_.core_count(); ++i)
        if (replicas_.core(i).running_here()) return i;
    return 0;
}

std::vector<event_loop*> group_partitions::loops() {
    std::vector<event_loop*> all;
    for (std::size_t i = 0; i < replicas_.core_count(); ++i) all.push_back(&replicas_.core(i));
    return all;
}

event_loop& group_partitions::loop_of(std::int32_t partition) { return replicas_.core(replicas_.home_of_internal(partition)); }

std::int32_t group_partitions::partition_count() const {
    const auto* topic = image().find_topic(protocol::group_offsets_topic);
    return topic ? static_cast<std::int32_t>(topic->partitions.size()) : config_.groups.offsets_topic_num_partitions;
}

std::unique_ptr<coordinator::partition_store> group_partitions::open(std::int32_t partition) {
    const auto* topic = image().find_topic(protocol::group_offsets_topic);
    if (!topic) return nullptr;
    const auto& found = replicas_.find(here(), {topic->id, partition});
    if (!found) return nullptr;
    return std::make_unique<replica_store>(found);
}

std::optional<std::string> group_partitions::directory::name_of(const uuid& id) const {
    const auto* topic = owner_.image().find_topic(id);
    return topic ? std::optional{topic->name} : std::nullopt;
}

uuid group_partitions::directory::id_of(std::string_view name) const {
    const auto* topic = owner_.image().find_topic(name);
    return topic ? topic->id : uuid{};
}

}  // namespace weir::broker

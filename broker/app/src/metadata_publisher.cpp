#include "metadata_publisher.hpp"

#include "broker_schema.hpp"

#include <weir/base/log.hpp>
#include <weir/metadata/image_builder.hpp>
#include <weir/metadata/metadata_frames.hpp>
#include <weir/protocol/internal_topics.hpp>
#include <weir/raft/format.hpp>

#include <algorithm>

namespace weir::broker {
namespace {

log::logger metadata_publisher_logs{"weir.broker.metadata"};

}  // namespace

task<void> metadata_publisher::wait_for_leadership() {
    if (parts_.controller.active()) co_return;
    auto waiting = completion<bool>([&](function<void(bool)> resume) { led_ = std::move(resume); });
    co_await waiting;
}

task<void> metadata_publisher::open() {
    open_ = true;
    enqueue(metadata::compare_images(std::make_shared<const metadata::image>(), loader_.current()));
    if (!applying_) co_return;
    auto waiting = completion<bool>([&](function<void(bool)> resume) { applied_.push_back(std::move(resume)); });
    co_await waiting;
}

task<void> metadata_publisher::stop() {
    stopped_ = true;
    queue_.clear();
    left_out_due_ = false;
    if (!applying_) co_return;
    auto waiting = completion<bool>([&](function<void(bool)> resume) { applied_.push_back(std::move(resume)); });
    co_await waiting;
}

void metadata_publisher::on_snapshot(raft::snapshot_reader& snapshot) {
    const auto& id = snapshot.info().id;
    loader_.begin_snapshot(id.offset, id.epoch, snapshot.last_log_timestamp());
    for (;;) {
        auto frames = snapshot.next();
        if (!frames) return on_failure(frames.error());
        if (frames->empty()) break;
        if (auto added = loader_.add_snapshot_frames(*frames); !added) return on_failure(added.error());
    }
    ++counted_.snapshots_loaded;
    enqueue(loader_.finish_snapshot());
}

void metadata_publisher::on_commit(std::span<const raft::committed_batch> batches) {
    std::vector<metadata::log_batch> converted;
    converted.reserve(batches.size());
    for (const auto& batch : batches) converted.push_back({batch.base_offset, batch.last_offset, batch.epoch, batch.timestamp, batch.frames});
    auto change = loader_.apply(converted);
    if (!change) return on_failure(change.error());
    if (*change) enqueue(**std::move(change));
    maybe_snapshot();
}

void metadata_publisher::on_high_watermark(raft::log_offset offset) { parts_.controller.on_high_watermark(offset); }

void metadata_publisher::on_leadership(raft::quorum_epoch epoch) {
    ++counted_.leaderships;
    std::vector<protocol::metadata_record> bootstrap;
    if (loader_.current()->metadata_version() == 0) {
        auto frames = raft::read_bootstrap(parts_.files, parts_.metadata_directory);
        if (!frames) return on_failure(frames.error());
        for (const auto& frame : *frames) {
            auto record = metadata::decode_frame(frame);
            if (!record) return on_failure(record.error());
            bootstrap.push_back(*std::move(record));
        }
    }
    parts_.controller.on_leadership(epoch, loader_.current(), std::move(bootstrap), loader_.in_transaction());
    if (led_) std::exchange(led_, nullptr)(true);
}

void metadata_publisher::on_resign(raft::quorum_epoch) { parts_.controller.on_resign(); }

void metadata_publisher::on_failure(const error& why) {
    stopped_ = true;
    parts_.failed(why);
    if (led_) std::exchange(led_, nullptr)(false);
}

void metadata_publisher::enqueue(metadata::image_change change) {
    if (!open_ || stopped_) return;
    queue_.push_back(std::move(change));
    go_on();
}

void metadata_publisher::try_left_out() {
    if (!open_ || stopped_) return;
    left_out_due_ = true;
    go_on();
}

void metadata_publisher::go_on() {
    if (applying_) return;
    applying_ = true;
    spawn(apply_all(*this));
}

task<void> metadata_publisher::apply_all(metadata_publisher& self) {
    while (!self.queue_.empty() || self.left_out_due_) {
        if (std::exchange(self.left_out_due_, false)) {
            auto trying = self.put_left_out();
            co_await trying;
            continue;
        }
        const auto change = std::move(self.queue_.front());
        self.queue_.pop_front();
        auto applying = self.apply(change);
        co_await applying;
    }
    self.applying_ = false;
    for (auto& resume : std::exchange(self.applied_, {})) resume(true);
}

task<void> metadata_publisher::apply(const metadata::image_change& change) {
    const auto node = parts_.config.node.node_id;
    std::vector<replica::partition_spec> wanted;
    std::vector<replica::partition_id> gone;
    std::vector<std::string> deleted;
    std::vector<replica::partition_id> lost;                     // led here before, and no longer
    std::vector<std::pair<std::int32_t, std::int32_t>> elected;  // of the offsets topic: partition, leader epoch
    std::vector<std::pair<std::int32_t, std::int32_t>> resigned;

    const auto want = [&](const metadata::topic& topic, std::int32_t index, const metadata::partition& partition, const storage::log_config& config) {
        if (partition.leader != node) return;
        wanted.push_back({{topic.id, index}, topic.name, partition.leader_epoch, config});
        if (topic.name == protocol::group_offsets_topic) elected.emplace_back(index, partition.leader_epoch);
    };
    // A broker-wide setting may concern every topic; a topic's own only that one.
    const bool all_configs = std::any_of(change.configs.begin(), change.configs.end(),
                                         [](const auto& resource) { return resource.type == metadata::config_type::broker; });
    const auto reconfigured = [&](const std::string& name) {
        return all_configs || change.configs.contains({metadata::config_type::topic, name});
    };
    for (const auto& [id, each] : change.topics) {
        if (each.before && !each.after) {
            deleted.push_back(each.before->name);
            for (const auto& [index, partition] : each.before->partitions) {
                gone.push_back({id, index});
                if (each.before->name == protocol::group_offsets_topic) resigned.emplace_back(index, partition.leader_epoch + 1);
            }
        }
        if (!each.after) continue;
        const auto config = topic_log_config(parts_.config, *change.after, each.after->name);
        for (const auto index : each.partitions) {
            const auto* partition = each.after->partitions.find(index);
            if (!partition) continue;
            want(*each.after, index, *partition, config);
            const auto* before = each.before ? each.before->partitions.find(index) : nullptr;
            if (partition->leader == node || !before || before->leader != node) continue;
            lost.push_back({id, index});
            if (each.after->name == protocol::group_offsets_topic) resigned.emplace_back(index, partition->leader_epoch);
        }
    }
    std::vector<replica::partition_id> placed;
    for (const auto& spec : wanted) placed.push_back(spec.id);
    if (!change.configs.empty())
        for (const auto& [name, topic] : change.after->topics()) {
            if (!reconfigured(name) || change.topics.contains(topic->id)) continue;
            const auto config = topic_log_config(parts_.config, *change.after, name);
            for (const auto& [index, partition] : topic->partitions) want(*topic, index, partition, config);
        }
    if (all_configs) {
        const auto running = config_in_force(parts_.config, *change.after);
        parts_.reconfigure(running);
        auto setting = parts_.replicas.set_cleaning(parts_.loop, running.cleaner);
        co_await setting;
    }
    for (const auto& [index, epoch] : resigned) parts_.groups.on_resigned(index, epoch);
    if (!lost.empty()) {
        auto resigning = parts_.replicas.resign(parts_.loop, std::move(lost));
        co_await resigning;
    }
    if (!gone.empty()) {
        auto removing = parts_.replicas.remove(parts_.loop, std::move(gone));
        co_await removing;
    }
    if (!wanted.empty()) {
        auto opening = parts_.replicas.put(parts_.loop, std::move(wanted));
        co_await opening;
    }
    auto publishing = parts_.cache.publish(parts_.loop, change.after);
    co_await publishing;
    for (const auto& [index, epoch] : elected) parts_.groups.on_elected(index, epoch);
    if (!deleted.empty()) parts_.groups.on_topics_deleted(deleted);
    if (!placed.empty()) parts_.opened(change.after, std::move(placed));
}

task<void> metadata_publisher::put_left_out() {
    auto putting = parts_.replicas.put_left_out(parts_.loop);
    const auto here_now = co_await putting;
    std::vector<replica::partition_id> placed;
    for (const auto& spec : here_now) {
        placed.push_back(spec.id);
        if (spec.topic == protocol::group_offsets_topic) parts_.groups.on_elected(spec.id.index, spec.leader_epoch);
    }
    if (!placed.empty()) parts_.opened(loader_.current(), std::move(placed));
}

void metadata_publisher::maybe_snapshot() {
    const auto& node = parts_.config.node;
    const metadata::snapshot_policy policy{node.metadata_max_bytes_between_snapshots, node.metadata_max_snapshot_interval};
    const auto now = parts_.loop.wall_now();
    if (last_snapshot_ == 0) last_snapshot_ = now;
    if (snapshotting_ || stopped_ || loader_.in_transaction() || !policy.due(loader_.bytes_since_snapshot(), last_snapshot_, now)) return;
    auto writer = driver_->begin_snapshot(loader_.next_offset());
    if (!writer) {
        metadata_publisher_logs.error("cannot begin a snapshot of the metadata: " + writer.error().message());
        return;
    }
    const auto& image = *loader_.current();
    const auto frames = metadata::encode_frames(metadata::write_snapshot(image), image.metadata_version());
    if (!frames) return metadata_publisher_logs.error("cannot write the metadata as a snapshot: " + frames.error().message());
    std::uint64_t bytes = 0;
    for (const auto& frame : *frames) {
        bytes += frame.size();
        if (auto added = (*writer)->add(frame); !added) return metadata_publisher_logs.error("cannot write a snapshot of the metadata: " + added.error().message());
    }
    snapshotting_ = true;
    last_snapshot_ = now;
    loader_.snapshot_noted();
    // Shared with the callback, which outlives this call.
    std::shared_ptr<raft::snapshot_writer> writing = std::move(*writer);
    writing->finish(parts_.loop, [this, writing, bytes](result<void> finished) {
        snapshotting_ = false;
        if (!finished) return metadata_publisher_logs.error("cannot finish a snapshot of the metadata: " + finished.error().message());
        counted_.snapshot_bytes = bytes;
        counted_.snapshot_time = parts_.loop.wall_now();
        driver_->snapshot_finished(writing->id());
    });
}

}  // namespace weir::broker

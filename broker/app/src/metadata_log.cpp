#include "metadata_log.hpp"

#include <weir/protocol/records/batch.hpp>

#include <algorithm>

namespace weir::broker {
namespace {

storage::log_config config_of(const metadata_log_options& options) {
    storage::log_config config;
    config.segment_bytes = options.segment_bytes;
    config.segment_ms = options.segment_ms;
    config.max_message_bytes = static_cast<std::int32_t>(raft::max_batch_bytes);
    config.retention_bytes = -1;  // snapshots decide what may go, see snapshot_finished()
    config.retention_ms = milliseconds{-1};
    config.file_delete_delay_ms = milliseconds{0};
    return config;
}

}  // namespace

result<std::unique_ptr<metadata_log>> metadata_log::open(file_system& files, event_loop& loop, const std::string& log_directory,
                                                         metadata_log_options options) {
    const auto folder = log_directory + "/" + raft::metadata_topic + "-0";
    if (auto made = files.create_directories(folder); !made) return made.error();
    auto snapshots = raft::snapshot_directory::open(files, folder);
    if (!snapshots) return snapshots.error();
    std::unique_ptr<metadata_log> made{new metadata_log{files, loop, options, std::move(*snapshots)}};
    const auto kept = made->snapshots_.list();
    const auto& newest = made->snapshots_.latest();

    storage::partition_log::open_options how;
    how.directory = folder;
    how.topic = raft::metadata_topic;
    how.topic_id = raft::metadata_topic_id;
    how.config = config_of(options);
    // What a snapshot covers is committed and no longer needed to rebuild anything: only what follows is checked.
    how.recovery_point = newest ? newest->id.offset : 0;
    how.log_start_offset = kept.empty() ? 0 : kept.front().offset;
    auto opened = storage::partition_log::open(files, loop, how);
    if (!opened) return opened.error();
    made->log_ = std::move(*opened);
    auto& log = *made->log_;

    if (newest) {
        // A snapshot that was copied, and then the power failed before the log was restarted behind it.
        const auto at = newest->id.offset;
        const bool behind = log.log_end_offset() < at;
        const bool other_history = !behind && at > log.log_start_offset() && log.epoch_of(at - 1) != newest->id.epoch;
        if (behind || other_history || log.log_start_offset() > at) {
            if (auto done = log.truncate_fully_and_start_at(at); !done) return done.error();
            if (auto done = log.flush(); !done) return done.error();
        }
    }
    for (const auto& id : kept)
        if (id.offset >= log.log_start_offset()) {
            made->start_ = id;
            break;
        }
    if (made->start_.offset > log.log_start_offset())
        if (auto done = log.advance_log_start(made->start_.offset); !done) return done.error();
    if (made->start_.offset == 0 && log.log_start_offset() != 0)
        return error{errc::kafka_storage_error,
                     folder + ": the log begins at offset " + std::to_string(log.log_start_offset()) +
                         " and there is no snapshot for what came before; restore the .checkpoint files"};
    return made;
}

raft::quorum_epoch metadata_log::last_epoch() const {
    return log_->log_end_offset() > start_.offset ? log_->latest_epoch() : start_.epoch;
}

raft::log_position metadata_log::end_of_epoch(raft::quorum_epoch epoch) const {
    const auto end = log_->log_end_offset();
    if (end <= start_.offset || epoch < log_->epoch_of(start_.offset)) return start_;
    if (epoch >= log_->latest_epoch()) return {end, log_->latest_epoch()};
    const auto known = log_->end_of_epoch(epoch);
    return {known.end_offset, known.epoch};
}

result<void> metadata_log::append(bytes_view batch) {
    auto copy = to_bytes(batch);
    const auto header = protocol::batch_view::open(copy);
    if (!header) return header.error();
    const auto done = log_->append(copy, header->leader_epoch(), storage::append_origin::raft);
    return done ? result<void>{} : done.error();
}

result<void> metadata_log::truncate_to(raft::log_offset offset) {
    if (auto done = log_->truncate_to(offset); !done) return done;
    return log_->flush();
}

result<bytes> metadata_log::read(raft::log_offset offset, std::size_t max_bytes) const {
    const auto found = log_->read(offset, max_bytes, log_->log_end_offset(), true, false);
    if (!found) return found.error();
    bytes content(static_cast<std::size_t>(found->records.size));
    if (content.empty()) return content;
    const auto got = found->records.source->read_at(found->records.position, content);
    if (!got) return got.error();
    content.resize(*got);
    std::size_t whole = 0;  // a batch cut by the limit is left out
    while (whole < content.size()) {
        const auto batch = protocol::batch_view::open(bytes_view{content}.subspan(whole));
        if (!batch) {
            if (batch.error().code() == errc::incomplete && whole > 0) break;
            return error{batch.error().code(), directory() + ": reading from offset " + std::to_string(offset), batch.error()};
        }
        whole += batch->size();
    }
    content.resize(whole);
    return content;
}

result<raft::snapshot_chunk> metadata_log::read_snapshot(const raft::snapshot_id& id, std::int64_t position,
                                                         std::size_t max_bytes) const {
    raft::snapshot_chunk chunk;
    auto content = snapshots_.read(id, position, max_bytes, chunk.size);
    if (!content) return content.error();
    chunk.content = std::move(*content);
    return chunk;
}

result<void> metadata_log::receive_snapshot(const raft::snapshot_id& id, std::int64_t position, bytes_view chunk) {
    return snapshots_.receive(id, position, chunk);
}

result<raft::snapshot_info> metadata_log::install_snapshot(const raft::snapshot_id& id) {
    auto info = snapshots_.install(id);
    if (!info) return info;
    if (auto done = log_->truncate_fully_and_start_at(id.offset); !done) return done.error();
    if (auto done = log_->flush(); !done) return done.error();
    start_ = id;
    if (auto done = snapshots_.remove_older(); !done) return done.error();
    return info;
}

void metadata_log::flush(function<void(result<void>)> done) {
    auto ticket = log_->begin_flush();
    auto to_sync = ticket.files;
    files_.sync_all(std::move(to_sync), loop_,
                    [log = log_, ticket = std::move(ticket), done = std::move(done)](std::vector<result<void>> synced) mutable {
                        result<void> all;
                        for (auto& one : synced)
                            if (!one && all) all = std::move(one);
                        log->finish_flush(ticket, all);
                        done(std::move(all));
                    });
}

result<raft::snapshot_reader> metadata_log::open_snapshot(const raft::snapshot_id& id) const {
    return raft::snapshot_reader::open(files_, snapshots_.path_of(id));
}

/// Whether the oldest snapshot, and the log up to the next one, should go.
result<bool> metadata_log::over_budget() const {
    const auto kept = snapshots_.list();
    if (kept.size() < 2) return false;
    auto total = static_cast<std::int64_t>(log_->size_bytes());
    for (const auto& id : kept) {
        const auto size = files_.file_size(snapshots_.path_of(id));
        if (!size) return size.error();
        total += static_cast<std::int64_t>(*size);
    }
    if (options_.retention_bytes >= 0 && total > options_.retention_bytes) return true;
    if (options_.retention_ms.count() < 0) return false;
    const auto oldest = open_snapshot(kept.front());
    if (!oldest) return oldest.error();
    return loop_.wall_now() - oldest->last_log_timestamp() > options_.retention_ms.count();
}

result<void> metadata_log::snapshot_finished(const raft::snapshot_id& id) {
    if (auto done = snapshots_.added(id); !done) return done;
    for (;;) {
        const auto over = over_budget();
        if (!over) return over.error();
        if (!*over) return {};
        const auto kept = snapshots_.list();
        if (auto done = snapshots_.remove_older(kept.size() - 1); !done) return done;
        start_ = kept[1];
        if (auto done = log_->advance_log_start(start_.offset); !done) return done;
        if (auto done = log_->collect_garbage(); !done) return done;
    }
}

}  // namespace weir::broker

// The face of a log, and its durability: what a flush covers, and what a failed one means.
#include "compaction.hpp"

#include <weir/base/log.hpp>

#include <algorithm>

namespace weir::storage {
namespace {

log::logger log_logs{"weir.storage"};

std::string parent_of(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == std::string::npos ? "." : path.substr(0, std::max<std::size_t>(slash, 1));
}

}  // namespace

partition_log::state::state(file_system& files, const clock& time, open_options options)
    : folder{std::move(options.directory),
             options.handles ? std::move(options.handles) : std::make_shared<file_cache>(files, 16),
             options.config.index_interval_bytes},
      time(time),
      topic(std::move(options.topic)),
      partition(options.partition),
      topic_id(options.topic_id),
      config(std::move(options.config)),
      appending(config),
      progress(std::move(options.progress)),
      health(std::move(options.health)),
      recovery_point_at_open(options.recovery_point),
      cleaned_to(options.cleaned_to) {
    if (progress) progress->noted_recovery_point = options.recovery_point;
}

partition_log::state::~state() = default;

std::size_t partition_log::state::segment_of(std::int64_t offset) const noexcept {
    const auto above =
        std::upper_bound(segments.begin(), segments.end(), offset,
                         [](std::int64_t wanted, const auto& each) { return wanted < each->base_offset(); });
    if (above == segments.begin()) return 0;
    return static_cast<std::size_t>(above - segments.begin()) - 1;
}

void partition_log::state::publish() noexcept {
    if (!progress) return;
    progress->recovery_point.store(flushed, std::memory_order_relaxed);
    progress->log_start.store(log_start, std::memory_order_relaxed);
    progress->first_segment.store(segments.empty() ? log_end : segments.front()->base_offset(),
                                  std::memory_order_relaxed);
    progress->log_end.store(log_end, std::memory_order_relaxed);
    progress->size_bytes.store(total_bytes, std::memory_order_relaxed);
    progress->cleaned_to.store(cleaned_to, std::memory_order_relaxed);
    progress->closed.store(false, std::memory_order_relaxed);
}

error partition_log::state::fail(const error& cause) {
    if (!failure) {
        failure = error{errc::kafka_storage_error,
                        name() + " in " + parent_of(folder.path) +
                            " is offline until the broker is restarted: a write or flush failed",
                        cause};
        if (health) health->fail(failure);
        else log_logs.error(failure.message());
        pinned = nullptr;
        for (const auto& each : segments) each->close_files();
    }
    return failure;
}

error partition_log::state::why_offline() const {
    if (failure || !health || !health->failed()) return failure;
    return error{errc::kafka_storage_error, name() + " is offline with its log directory until the broker is restarted", health->failure()};
}

result<void> partition_log::state::refuse_when_offline() const {
    const auto why = why_offline();
    return why ? result<void>{why} : result<void>{};
}

void partition_log::state::tell_health(std::uint64_t bytes, const result<append_outcome>& outcome) {
    if (!health) return;
    if (outcome) health->accepted(bytes);
    else if (outcome.code() == errc::kafka_storage_error && !failure) health->refused(bytes, outcome.error());
}

// Not synced here: the batches say their epochs too, and the file is part of the next flush.
result<void> partition_log::state::write_epochs() {
    const auto path = folder.path + "/leader-epoch-checkpoint";
    const auto opened = files().open(path + ".tmp", open_mode::replace);
    if (!opened) return opened.error();
    if (auto written = (*opened)->write_at(0, as_bytes(print_epochs(epochs.entries()))); !written) return written;
    if (auto renamed = files().rename(path + ".tmp", path); !renamed) return renamed;
    unsynced.push_back(*opened);
    names_unsynced = true;
    epochs_written = true;
    return {};
}

flush_ticket partition_log::state::begin_flush() {
    flush_ticket ticket;
    ticket.end_offset = log_end;
    ticket.generation = generation;
    if (failure) return ticket;
    ticket.files = unsynced;
    for (std::size_t which = segments.size(); which > 0 && end_of(which - 1) > flushed; --which) {
        auto opened = segments[which - 1]->log_file();
        if (!opened) {
            fail(opened.error());
            return {{}, log_end, generation};
        }
        ticket.files.push_back(std::move(*opened));
    }
    unflushed_records = 0;
    last_flush = time.now();
    return ticket;
}

void partition_log::state::finish_flush(const flush_ticket& ticket, const result<void>& synced) {
    if (failure) return;
    if (!synced) {
        fail(synced.error());
        return;
    }
    if (names_unsynced) {
        if (auto named = files().sync_directory(folder.path); !named) {
            fail(named.error());
            return;
        }
        names_unsynced = false;
    }
    if (folder_unsynced) {
        if (auto named = files().sync_directory(parent_of(folder.path)); !named) {
            fail(named.error());
            return;
        }
        folder_unsynced = false;
    }
    std::erase_if(unsynced, [&](const file_ptr& each) {
        return std::find(ticket.files.begin(), ticket.files.end(), each) != ticket.files.end();
    });
    if (ticket.generation != generation) return;
    flushed = std::max(flushed, std::min(ticket.end_offset, log_end));
    if (flushed == log_end) pinned = nullptr;
    publish();
}

result<void> partition_log::state::flush() {
    if (failure) return failure;
    const auto ticket = begin_flush();
    if (failure) return failure;
    result<void> synced;
    for (const auto& each : ticket.files)
        if (synced) synced = each->sync();
    if (!ticket.files.empty() || !synced) finish_flush(ticket, synced);
    return failure ? result<void>{failure} : result<void>{};
}

result<void> partition_log::state::close() {
    if (failure) return failure;
    cleaning.reset();
    if (auto swept = collect_garbage(true); !swept) return swept;
    if (untouched) {
        for (const auto& each : segments) each->close_files();
        if (progress) progress->closed = true;
        return {};
    }
    if (!epochs_written)
        if (auto noted = write_epochs(); !noted) return fail(noted.error());
    if (flushed < log_end || !unsynced.empty() || folder_unsynced)
        if (auto flushed_all = flush(); !flushed_all) return flushed_all;
    // What follows only saves the next start some reading: each file is checked before it is believed, so a broker with
    // ten thousand partitions need not wait for ten thousand syncs.
    if (auto* last = active()) {
        const auto touched = last->finish_indexes();
        if (!touched) return fail(touched.error());
        if (config.preallocate) {
            const auto file = last->log_file();
            if (!file) return fail(file.error());
            if (auto cut = (*file)->truncate(last->size()); !cut) return fail(cut.error());
        }
    }
    if (auto written = write_snapshot(); !written) return fail(written.error());
    unsynced.clear();
    recent.release();
    pinned = nullptr;
    for (const auto& each : segments) each->close_files();
    untouched = true;
    if (progress) progress->closed = true;
    return {};
}

// ---- partition_log: the checked way in

partition_log::partition_log(std::unique_ptr<state> state) : state_(std::move(state)) {}
partition_log::~partition_log() = default;

result<std::unique_ptr<partition_log>> partition_log::open(file_system& files, const clock& clock,
                                                           const open_options& options) {
    auto inside = std::make_unique<state>(files, clock, options);
    if (auto loaded = inside->load(options); !loaded) return loaded.error();
    inside->publish();
    return std::unique_ptr<partition_log>{new partition_log{std::move(inside)}};
}

result<append_outcome> partition_log::append(mutable_bytes batch, std::int32_t leader_epoch, append_origin origin,
                                             std::vector<record_refusal>* refused) {
    auto outcome = state_->append(batch, leader_epoch, origin, refused);
    state_->tell_health(batch.size(), outcome);
    return outcome;
}
result<append_outcome> partition_log::append_replicated(bytes_view batches) {
    auto outcome = state_->append_replicated(batches);
    state_->tell_health(batches.size(), outcome);
    return outcome;
}
result<read_outcome> partition_log::read(std::int64_t offset, std::uint64_t max_bytes, std::int64_t end_offset,
                                         bool at_least_one, bool with_aborted) const {
    return state_->read(offset, max_bytes, end_offset, at_least_one, with_aborted);
}

std::int64_t partition_log::log_start_offset() const noexcept { return state_->log_start; }
std::int64_t partition_log::log_end_offset() const noexcept { return state_->log_end; }
std::int64_t partition_log::flushed_offset() const noexcept { return state_->flushed; }
const compaction_figures& partition_log::compacted() const noexcept { return state_->compacted; }
void partition_log::note_high_watermark(std::int64_t offset) noexcept {
    if (state_->progress) state_->progress->high_watermark.store(offset, std::memory_order_relaxed);
}
std::optional<std::int64_t> partition_log::first_unstable_offset() const noexcept {
    return state_->producers.first_open();
}
std::optional<std::int64_t> partition_log::first_unstable_offset(std::int64_t high_watermark) {
    state_->producers.on_high_watermark(high_watermark);
    return state_->producers.first_unstable(high_watermark);
}
bool partition_log::writable() const noexcept { return !state_->failure && !(state_->health && state_->health->failed()); }
error partition_log::failure() const { return state_->why_offline(); }
std::uint64_t partition_log::size_bytes() const noexcept { return state_->total_bytes; }
std::size_t partition_log::segment_count() const noexcept { return state_->segments.size(); }
std::int32_t partition_log::latest_epoch() const noexcept { return state_->epochs.latest(); }
const uuid& partition_log::topic_id() const noexcept { return state_->topic_id; }
const std::string& partition_log::directory() const noexcept { return state_->folder.path; }
const log_config& partition_log::config() const noexcept { return state_->config; }
void partition_log::set_config(const log_config& config) {
    state_->config = config;
    state_->appending = append_settings{config};
    state_->folder.index_interval_bytes = config.index_interval_bytes;
}
void partition_log::moved_to(std::string directory) {
    for (const auto& each : state_->segments) each->close_files();
    for (auto& each : state_->leftovers) each.path = directory + each.path.substr(state_->folder.path.size());
    state_->folder.path = std::move(directory);
}

result<std::optional<timestamp_offset>> partition_log::offset_for_timestamp(timestamp_ms wanted,
                                                                            std::int64_t end_offset) const {
    return state_->offset_for_timestamp(wanted, end_offset);
}
result<std::optional<timestamp_offset>> partition_log::offset_of_max_timestamp() const {
    return state_->offset_of_max_timestamp();
}
epoch_end partition_log::end_of_epoch(std::int32_t epoch) const noexcept {
    return state_->epochs.end_of(epoch, state_->log_end);
}
std::int32_t partition_log::epoch_of(std::int64_t offset) const noexcept { return state_->epochs.epoch_of(offset); }
void partition_log::begin_epoch(std::int32_t epoch, std::int64_t start_offset) {
    if (state_->epochs.begin(epoch, start_offset)) state_->epochs_written = false;
}

flush_ticket partition_log::begin_flush() { return state_->begin_flush(); }
void partition_log::finish_flush(const flush_ticket& ticket, const result<void>& synced) {
    state_->finish_flush(ticket, synced);
}
bool partition_log::flush_due() const noexcept {
    const auto& log = *state_;
    if (log.failure) return false;
    // The files of closed segments stay open until they are flushed.
    if (log.unsynced.size() > 4) return true;
    if (log.flushed >= log.log_end) return false;
    if (log.unflushed_records >= log.config.flush_messages) return true;
    return log.config.flush_ms != unlimited &&
           log.time.now() - log.last_flush >= std::min(log.config.flush_ms, milliseconds{std::chrono::hours{24 * 365}});
}
result<void> partition_log::flush() { return state_->flush(); }

result<void> partition_log::truncate_to(std::int64_t offset) { return state_->truncate_to(offset); }
result<void> partition_log::truncate_fully_and_start_at(std::int64_t offset) {
    return state_->truncate_fully_and_start_at(offset);
}
result<void> partition_log::advance_log_start(std::int64_t offset) { return state_->advance_log_start(offset); }
result<void> partition_log::roll_if_due() { return state_->roll_if_due(); }
result<std::size_t> partition_log::apply_retention(std::int64_t high_watermark) {
    return state_->apply_retention(high_watermark);
}
result<compaction_step> partition_log::compact(std::int64_t high_watermark, std::uint64_t budget,
                                               std::size_t map_bytes) {
    return state_->compact(high_watermark, budget, map_bytes);
}
bool partition_log::awaits_checkpoint() const noexcept { return state_->awaits_checkpoint(); }

result<void> partition_log::compaction_synced(const file_ptr& which, const result<void>& synced) {
    return state_->compaction_synced(which, synced);
}
result<void> partition_log::collect_garbage() { return state_->collect_garbage(false); }
void partition_log::expire_producers() {
    state_->producers.expire(state_->time.wall_now(), state_->config.producer_id_expiration_ms);
}
std::vector<producer_status> partition_log::producers() const { return state_->producers.list(); }
std::size_t partition_log::producer_count() const noexcept { return state_->producers.size(); }
result<void> partition_log::verify_segments() const { return state_->verify_segments(); }
result<void> partition_log::close() { return state_->close(); }

}  // namespace weir::storage

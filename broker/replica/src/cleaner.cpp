#include <weir/replica/cleaner.hpp>

#include <weir/base/log.hpp>

#include <algorithm>
#include <utility>

namespace weir::replica {
namespace {

log::logger cleaner_logs{"weir.replica.cleaner"};

// Read and written in one go: a few milliseconds of the loop. The syncs are not part of it.
constexpr std::uint64_t slice_bytes = 1 << 20;

}  // namespace

std::span<const setting> cleaner_config::settings() {
    using c = cleaner_config;
    static const setting all[] = {
        make_setting<&c::enabled>("log.cleaner.enable", any(),
                                  "Whether logs with cleanup.policy=compact are compacted."),
        make_setting<&c::backoff>("log.cleaner.backoff.ms", at_least(0),
                                  "How long a round of compaction waits after the last one.",
                                  dynamic_mode::cluster_wide),
        make_setting<&c::dedupe_buffer>("log.cleaner.dedupe.buffer.size", at_least(1 << 20),
                                        "The memory that the keys of a log under compaction may take, on each core. More keys are compacted in "
                                        "several rounds.",
                                        dynamic_mode::cluster_wide),
        make_setting<&c::max_bytes_per_second>("log.cleaner.io.max.bytes.per.second", any(),
                                               "The most that compaction reads and writes in a second, on each core.",
                                               dynamic_mode::cluster_wide),
    };
    return all;
}

cleaner::cleaner(event_loop& loop, flusher& flush, const partitions& mine, cleaner_config config, checkpoint_writer checkpoint)
    : loop_(loop),
      flush_(flush),
      mine_(mine),
      config_(config),
      checkpoint_(std::move(checkpoint)) {}

cleaner::~cleaner() { stop(); }

void cleaner::stop() noexcept {
    stopped_ = true;
    loop_.cancel(std::exchange(timer_, timer_id::none));
}

void cleaner::notice(const partition& changed) {
    if (timer_ == timer_id::none && !waits_for_disk_ && config_.enabled && !stopped_ && changed.log().config().compacts()) wait_for_round();
}

cleaner_figures cleaner::figures() const noexcept {
    cleaner_figures last;
    last.last_run = time_point{nanoseconds{last_run_.load(std::memory_order_relaxed)}};
    last.longest = nanoseconds{longest_.load(std::memory_order_relaxed)};
    last.read = read_.load(std::memory_order_relaxed);
    last.written = written_.load(std::memory_order_relaxed);
    last.overdue = milliseconds{overdue_.load(std::memory_order_relaxed)};
    return last;
}

void cleaner::set_config(const cleaner_config& config) {
    config_ = config;
    if (timer_ == timer_id::none || !left_.empty()) return;
    loop_.cancel(timer_);  // it waits for the next round
    wait_for_round();
}

void cleaner::wait_for_round() {
    timer_ = loop_.call_after(config_.backoff, [this] { begin_round(); });
}

void cleaner::begin_round() {
    timer_ = timer_id::none;
    bool covered = true;
    for (const auto& [id, each] : mine_) {
        if (!each->log().config().compacts()) continue;
        left_.push_back(id);
        covered = covered && !each->log().awaits_checkpoint();
    }
    if (left_.empty()) return;
    if (covered) return clean_first();
    // The interval of checkpoints is longer than that of rounds, and a segment that was closed would wait for both.
    waits_for_disk_ = true;
    checkpoint_([there = std::weak_ptr{here_}] {
        const auto here = there.lock();
        if (!here) return;
        auto& self = **here;
        self.waits_for_disk_ = false;
        if (!self.stopped_) self.clean_first();
    });
}

void cleaner::clean_first() {
    so_far_ = {};
    log_begun_ = loop_.now();
    clean_next();
}

void cleaner::clean_next() {
    timer_ = timer_id::none;
    const auto at = mine_.find(left_.back());
    if (at == mine_.end()) return clean_on(false);
    auto& which = *at->second;
    const auto before = which.log().compacted();
    auto step = which.compact(slice_bytes, static_cast<std::size_t>(config_.dedupe_buffer));
    so_far_.read += which.log().compacted().read - before.read;
    so_far_.written += which.log().compacted().written - before.written;
    so_far_.overdue = std::max(so_far_.overdue, which.log().compacted().overdue);
    if (step.files.empty()) return clean_on(step.more);
    sync(which.id(), std::move(step.files));
}

void cleaner::sync(partition_id of, std::vector<file_ptr> files) {
    waits_for_disk_ = true;
    const auto which = files.front();
    flush_.sync(std::move(files), [of, which, there = std::weak_ptr{here_}](const result<void>& synced) {
        const auto here = there.lock();
        if (!here) return;
        auto& self = **here;
        self.waits_for_disk_ = false;
        if (self.stopped_) return;
        const auto at = self.mine_.find(of);
        if (at != self.mine_.end()) at->second->compaction_synced(which, synced);
        self.clean_on(true);
    });
}

// Goes on after a pause, which lets requests in.
void cleaner::clean_on(bool same_log) {
    if (!same_log) end_log();
    if (left_.empty()) return end_round();
    auto pause = nanoseconds{0};
    if (same_log && config_.max_bytes_per_second < 1e15)
        pause = nanoseconds{
            static_cast<std::int64_t>(2e9 * static_cast<double>(slice_bytes) / config_.max_bytes_per_second)};
    timer_ = loop_.call_after(pause, [this] { clean_next(); });
}

void cleaner::end_log() {
    left_.pop_back();
    const auto now = loop_.now();
    so_far_.longest = std::max(so_far_.longest, now - log_begun_);
    log_begun_ = now;
}

void cleaner::end_round() {
    last_run_.store(loop_.now().time_since_epoch().count(), std::memory_order_relaxed);
    longest_.store(so_far_.longest.count(), std::memory_order_relaxed);
    if (so_far_.read > 0) {
        read_.store(so_far_.read, std::memory_order_relaxed);
        written_.store(so_far_.written, std::memory_order_relaxed);
        overdue_.store(so_far_.overdue.count(), std::memory_order_relaxed);
    }
    wait_for_round();
}

}  // namespace weir::replica

// A partition goes to another log directory while it serves.
#include <weir/base/log.hpp>
#include <weir/replica/flusher.hpp>
#include <weir/replica/replicas.hpp>

namespace weir::replica {

nanoseconds log_source::pause_after_copying(std::uint64_t, time_point) { return nanoseconds{0}; }

namespace {

log::logger partition_move_logs{"weir.replica"};

constexpr std::uint64_t copy_step = 1 << 20;
// The last flush blocks the loop, so little is to be left for it. A log that is written to faster than the disk flushes
// gets it all the same after so many rounds.
constexpr int most_flushes = 10;

}  // namespace

void partition::move_to(std::unique_ptr<storage::partition_log> future, log_source& source) {
    cancel_move();
    copy_ = std::make_shared<log_copy>(std::move(future), source);
    // Before anything is appended: what was lost in a crash must not be taken for what replaces it.
    if (auto aligned = copy_->align(*log_); !aligned) return abandon_move(aligned.error());
    copy_soon();
}

void partition::cancel_move() {
    if (!copy_) return;
    const auto copy = std::exchange(copy_, nullptr);
    home_.cancel(copy->next_step);
    if (auto removed = copy->logs().remove(copy->take()); !removed)
        partition_move_logs.error("removing an unfinished copy of " + log_->directory() + ": " + removed.error().message());
}

void partition::abandon_move(const error& why) {
    partition_move_logs.error("moving " + log_->directory() + " to " + copy_->future().directory() + ": " + why.message());
    cancel_move();
}

void partition::copy_soon(nanoseconds pause) {
    copy_->next_step = home_.call_after(pause, [this] {
        copy_->next_step = timer_id::none;
        copy_more();
    });
}

void partition::copy_more() {
    if (!log_->writable()) return abandon_move(log_->failure());
    const auto before = copy_->unflushed;
    const auto caught_up = copy_->step(*log_, copy_step);
    if (!caught_up) return abandon_move(caught_up.error());
    if (!*caught_up) return copy_soon(copy_->logs().pause_after_copying(copy_->unflushed - before, home_.now()));
    if (copy_->flushes > 0 && (copy_->unflushed <= copy_step || copy_->flushes >= most_flushes)) return finish_move();
    copy_->unflushed = 0;
    auto ticket = copy_->future().begin_flush();
    auto files = ticket.files;
    // The copy may be cancelled, and the partition may be gone, before the disk answers.
    flush_.sync(std::move(files),
                [this, ticket = std::move(ticket), watched = std::weak_ptr{copy_}](const result<void>& synced) {
                    const auto copy = watched.lock();
                    if (!copy) return;
                    copy->future().finish_flush(ticket, synced);
                    if (!synced) return abandon_move(synced.error());
                    ++copy->flushes;
                    copy_soon();
                });
}

// In one turn of the loop: nothing is appended between the last record copied and the first one written here.
void partition::finish_move() {
    if (auto flushed = copy_->future().flush(); !flushed) return abandon_move(flushed.error());
    const auto copy = std::exchange(copy_, nullptr);
    // Flushes on their way speak of the log that goes.
    flush_.forget(*this);
    flush_marks = {};
    auto current = std::exchange(log_, copy->take());
    const auto from = current->directory();
    if (auto promoted = copy->logs().promote(std::move(current), *log_); !promoted) {
        // What is written here might not be found after a restart.
        partition_move_logs.error("moving " + from + " to " + log_->directory() + ": " + promoted.error().message());
        lost_place_ = true;
        return resign();
    }
    partition_move_logs.info(from + " moved to " + log_->directory());
    if (leads() && log_->latest_epoch() < leader_epoch()) log_->begin_epoch(leader_epoch(), log_->log_end_offset());
    log_start_offset_.store(log_->log_start_offset(), std::memory_order_release);
    advance_high_watermark();
    if (!waiters_.empty()) flush_.watch_deadlines(*this);
}

}  // namespace weir::replica

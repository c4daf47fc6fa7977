#include <weir/replica/flusher.hpp>

#include <weir/replica/partition.hpp>

#include <algorithm>
#include <utility>

namespace weir::replica {

using namespace std::chrono_literals;

void flusher::add(partition& written) {
    if (std::exchange(written.flush_marks.dirty, true)) return;
    dirty_.push_back(&written);
    schedule();
}

void flusher::schedule() {
    if (scheduled_ || in_flight_) return;
    scheduled_ = true;
    home_.defer_to_turn_end([this] {
        scheduled_ = false;
        if (!in_flight_) flush();
    });
}

void flusher::forget(partition& gone) noexcept {
    if (gone.flush_marks.dirty) std::erase(dirty_, &gone);
    if (gone.flush_marks.watched) std::erase(waiting_, &gone);
    for (auto& job : running_)
        if (job.who == &gone) job.who = nullptr;
    for (auto* told : {&flushed_, &expiring_}) std::replace(told->begin(), told->end(), &gone, static_cast<partition*>(nullptr));
}

void flusher::sync(std::vector<file_ptr> files, function<void(const result<void>&)> done) {
    files_.sync_all(std::move(files), home_, [done = std::move(done)](std::vector<result<void>> synced) mutable {
        const auto failed = std::find_if(synced.begin(), synced.end(), [](const auto& each) { return !each; });
        done(failed == synced.end() ? result<void>{} : *failed);
    });
}

void flusher::flush() {
    std::vector<file_ptr> files;
    for (auto* who : std::exchange(dirty_, {})) {
        who->flush_marks.dirty = false;
        auto ticket = who->log().begin_flush();
        files.insert(files.end(), ticket.files.begin(), ticket.files.end());
        running_.push_back({who, std::move(ticket)});
    }
    if (files.empty()) {
        finish({});
        return;
    }
    in_flight_ = true;
    began_ = home_.now();
    files_.sync_all(std::move(files), home_, [this](std::vector<result<void>> synced) {
        if (time_) time_->record(static_cast<std::uint64_t>((home_.now() - began_).count() / 1000));
        finish(std::move(synced));
    });
}

void flusher::finish(std::vector<result<void>> synced) {
    in_flight_ = false;
    std::size_t at = 0;
    for (auto& job : std::exchange(running_, {})) {
        result<void> outcome;
        for (std::size_t i = 0; i < job.ticket.files.size(); ++i, ++at)
            if (!synced[at] && outcome) outcome = synced[at].error();
        if (!job.who) continue;
        job.who->log().finish_flush(job.ticket, outcome);
        flushed_.push_back(job.who);
    }
    for (const auto& who : flushed_)
        if (who) who->on_flushed();
    flushed_.clear();
    if (!dirty_.empty()) schedule();
}

void flusher::watch_deadlines(partition& waiting) {
    if (!std::exchange(waiting.flush_marks.watched, true)) waiting_.push_back(&waiting);
    if (timer_ == timer_id::none) timer_ = home_.call_after(1s, [this] { check_deadlines(); });
}

// Deadlines of writers are seconds long and nearly never reached: one coarse timer, only while somebody waits.
void flusher::check_deadlines() {
    timer_ = timer_id::none;
    const auto now = home_.now();
    expiring_ = std::exchange(waiting_, {});
    for (const auto& who : expiring_) {
        if (!who) continue;
        who->flush_marks.watched = false;
        if (who->expire_waiters(now) && who) watch_deadlines(*who);
    }
    expiring_.clear();
}

}  // namespace weir::replica

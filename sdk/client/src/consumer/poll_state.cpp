#include "poll_state.hpp"

#include <algorithm>

namespace weir::detail {

// Called with the reader's lock.
bool poll_state::look(bool mine) {
    // A single record is read at once: only that tells whether there is one.
    const auto got = single_ ? of_->read(1, failure_) : of_->peek(mine ? chunk::look::records : chunk::look::headers, failure_);
    if (got == reader::found::nothing) return false;
    have_one_ = single_ && got == reader::found::records;
    of_->polling_ = false;
    finish();
    return true;
}

void poll_state::begin(duration most) {
    for (;;) {
        if (look(true)) return;
        if (most <= duration{0}) {
            finish();
            return;
        }
        if (most != duration::max()) until = of_->loop_.now() + most;
        of_->polling_ = true;
        if (of_->stopped_.load()) continue;  // between the two
        if (of_->inbox_->wait(self())) break;
    }
    of_->watch(until);
}

void poll_state::ready() {
    const std::lock_guard held{of_->mutex_};
    if (over()) return;  // cancelled, and somebody else may be reading
    while (!look(false)) {
        if (!of_->inbox_->wait(self())) continue;
        return of_->watch(until);  // the alarm may have come while nobody was registered
    }
}

void poll_state::late() {
    const std::lock_guard held{of_->mutex_};
    if (over()) return;
    of_->polling_ = false;
    finish();
}

void poll_state::fail(error why) {
    failure_ = std::move(why);
    finish();
}

void poll_state::take(std::uint32_t index, void* into) {
    if (cancelled(index) && !ended()) failure_ = error{errc::cancelled};
    if (failure_) left_ = 0;
    const std::lock_guard held{of_->mutex_};
    build_(types_.get(), *this, into);
    of_->end(given_ == 0 ? failure_ : error{});
}

bool poll_state::next(raw_part& found, std::vector<std::shared_ptr<const void>>& keep) {
    if (left_ == 0) return false;
    const auto& mine = of_->in_hand_;
    if (!std::exchange(have_one_, false)) {
        if (of_->read(left_, failure_) != reader::found::records) return false;
    }
    // Each partition once: what comes later of one that had its turn waits for the next batch.
    const auto seen = std::find(mine.begin(), mine.end(), of_->of_);
    if (seen != mine.end() && seen + 1 != mine.end()) {
        of_->now_.rewind(of_->records_.front().offset);
        left_ = 0;
        return false;
    }
    left_ -= of_->records_.size();
    given_ += of_->records_.size();
    if (seen == mine.end()) of_->in_hand_.push_back(of_->of_);
    of_->inbox_->holds();
    of_->of_->how_far.handed.store(of_->records_.back().offset + 1, std::memory_order_release);
    found.records = of_->records_;
    found.where = of_->where();
    keep.push_back(of_->of_);
    of_->now_.keep(keep);
    return true;
}

bool poll_state::undecodable(const raw_part& from, const raw_record& which, const error& why) {
    if (of_->pass_over(which, from.where, why, failure_)) {
        --given_;
        ++left_;
        if (single_) failure_ = why;  // when there is no other
        return true;
    }
    given_ -= static_cast<std::size_t>(from.records.data() + from.records.size() - &which);
    left_ = 0;
    return false;
}

}  // namespace weir::detail

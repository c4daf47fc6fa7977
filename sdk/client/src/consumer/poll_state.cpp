#include "poll_state.hpp"

#include <algorithm>

namespace weir::detail {

// What follows, up to take(), is called with the reader's lock.

reader::found poll_state::find(bool may_open) {
    if (tries_) return find_decodable();
    if (!single_) return reader_->peek(may_open ? chunk::look::records : chunk::look::headers, failure_);
    // A single record is read at once: only that tells whether there is one.
    const auto got = reader_->read(1, failure_);
    reader_->ahead_ = got == reader::found::records;
    return got;
}

reader::found poll_state::find_decodable() {
    for (;;) {
        const auto got = reader_->read(1, failure_);
        if (got != reader::found::records) return got;
        const auto& record = reader_->records_.front();
        const auto why = how_.check(types_.get(), record);
        if (!why) {
            reader_->ahead_ = true;
            return got;
        }
        if (!reader_->pass_over(record, reader_->where(), why, failure_)) return reader::found::failed;
        reader_->handed(record.offset + 1);
    }
}

void poll_state::end() {
    reader_->polling_ = false;
    reader_->inbox_->begin(reader_->loop_.now());  // however long this took: the application is there
    finish();
}

void poll_state::see(bool may_open) {
    for (;;) {
        if (over()) return;  // cancelled, and somebody else may be reading
        if (find(may_open) != reader::found::nothing) return end();
        reader_->polling_ = true;
        if (reader_->stopped_.load()) continue;  // between the two
        if (reader_->inbox_->wait(self())) break;
    }
    reader_->watch(until);  // the alarm may have come while nobody was registered
}

void poll_state::begin(duration most) {
    if (most != duration::max()) until = reader_->loop_.now() + most;
    if (most > duration{0}) return see(true);
    static_cast<void>(find(true));
    end();
}

void poll_state::ready() {
    if (tries_) {  // code of users has no business on this thread
        reader_->inbox_->begin(reader_->loop_.now());
        return ask_for_look();
    }
    const std::lock_guard held{reader_->mutex_};
    see(false);
}

void poll_state::look() {
    const std::lock_guard held{reader_->mutex_};
    see(true);
}

void poll_state::late() {
    const std::lock_guard held{reader_->mutex_};
    if (!over()) end();
}

void poll_state::fail(error why) {
    failure_ = std::move(why);
    finish();
}

void poll_state::take(std::uint32_t index, void* into) {
    if (cancelled(index) && !ended()) failure_ = error{errc::cancelled};
    if (failure_) left_ = 0;
    const std::lock_guard held{reader_->mutex_};
    how_.build(types_.get(), *this, into);
    reader_->end(given_ == 0 ? failure_ : error{});
}

bool poll_state::next(raw_part& found, std::vector<std::shared_ptr<const void>>& keep) {
    if (left_ == 0) return false;
    const auto& in_hand = reader_->in_hand_;
    // The one that next() ended with is handed out wherever the application went since.
    if (!(single_ && std::exchange(reader_->ahead_, false))) {
        if (reader_->read(left_, failure_) != reader::found::records) return false;
    }
    // Each partition once: what comes later of one that had its turn waits for the next batch.
    const auto seen = std::find(in_hand.begin(), in_hand.end(), reader_->feed_);
    if (seen != in_hand.end() && seen + 1 != in_hand.end()) {
        reader_->chunk_.rewind(reader_->records_.front().offset);
        left_ = 0;
        return false;
    }
    left_ -= reader_->records_.size();
    given_ += reader_->records_.size();
    if (seen == in_hand.end()) reader_->in_hand_.push_back(reader_->feed_);
    reader_->inbox_->holds();
    reader_->feed_->how_far.handed.store(reader_->records_.back().offset + 1, std::memory_order_release);
    found.records = reader_->records_;
    found.where = reader_->where();
    keep.push_back(reader_->feed_);
    reader_->chunk_.keep(keep);
    return true;
}

bool poll_state::undecodable(const raw_part& from, const raw_record& which, const error& why) {
    if (reader_->pass_over(which, from.where, why, failure_)) {
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

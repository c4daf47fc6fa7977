#include "reader.hpp"

#include "../hook.hpp"
#include "dead_letters.hpp"
#include "poll_state.hpp"

#include <algorithm>

namespace weir::detail {
namespace {

log::logger reader_logs{"weir.client.consumer"};

// Other partitions get their turn after so many records, though a chunk is not at its end.
constexpr std::size_t records_in_turn = 512;

error consumer_stopped() { return error{errc::closed, "the consumer was stopped"}; }

}  // namespace

/// Finds out when two threads are in here at once.
class reader::visit {
public:
    explicit visit(reader& entered) : reader_(entered), alone_(!entered.inside_.exchange(true, std::memory_order_acquire)) {
        if (alone_) reader_.mutex_.lock();
    }
    visit(const visit&) = delete;
    visit& operator=(const visit&) = delete;
    ~visit() {
        if (!alone_) return;
        reader_.mutex_.unlock();
        reader_.inside_.store(false, std::memory_order_release);
    }
    bool alone() const noexcept { return alone_; }

private:
    reader& reader_;
    const bool alone_;
};

error wrong_thread_error() {
    return error{errc::wrong_thread, "two threads ask one consumer for records at once; give each its own, or let one read and hand on"};
}

record_info reader::where() const {
    record_info at;
    at.topic = feed_->topic;
    at.partition = feed_->partition;
    at.leader_epoch = chunk_.epoch();
    at.append_time = chunk_.append_time();
    return at;
}

void reader::give_back() {
    if (!feed_) return;
    chunk_.pack();
    inbox_->put_back(feed_, std::move(chunk_));
    feed_.reset();
}

reader::found reader::acquire(error& why) {
    if (disturbed().load(std::memory_order_relaxed) || (feed_ && since_taken_ >= records_in_turn && !chunk_.unpacked() && inbox_->others_wait())) {
        inbox_->calm();
        unread();
        give_back();
    }
    if (stopped()) {
        why = consumer_stopped();
        return found::failed;
    }
    if (feed_) return found::records;
    since_taken_ = 0;
    switch (inbox_->take(chunk_, feed_, why)) {
        case inbox::outcome::chunk: return found::records;
        case inbox::outcome::failed: return found::failed;
        case inbox::outcome::nothing: break;
    }
    return found::nothing;
}

reader::found reader::read(std::size_t most, error& why) {
    for (;;) {
        if (const auto got = acquire(why); got != found::records) return got;
        if (std::exchange(ahead_, false)) return found::records;
        auto count = chunk_.read(std::span{room_}.first(std::min(most, room_.size())));
        if (!count) return in_vain(count.error(), why);
        if (*count > 0) {
            records_ = std::span{room_}.first(*count);
            since_taken_ += *count;
            feed_->how_far.epoch.store(chunk_.epoch(), std::memory_order_relaxed);
            return found::records;
        }
        finish_chunk();
    }
}

reader::found reader::peek(chunk::look at, error& why) {
    for (;;) {
        if (const auto got = acquire(why); got != found::records || ahead_) return got;
        const auto more = chunk_.more(at);
        if (!more) return in_vain(more.error(), why);
        if (*more) return found::records;
        finish_chunk();
    }
}

void reader::unread() {
    if (std::exchange(ahead_, false)) chunk_.rewind(records_.front().offset);
}

/// Without room for it a batch waits until there is.
reader::found reader::in_vain(const error& of, error& why) {
    if (of.code() == errc::buffer_full) {
        give_back();
        return found::nothing;
    }
    why = located(of);
    return found::failed;
}

void reader::finish_chunk() {
    handed(chunk_.next_offset());
    inbox_->finish(feed_);
    feed_.reset();
    chunk_ = chunk{};
}

error reader::located(const error& why) const {
    return error{why.code(), fmt::format("{}-{}: {}; seek() past it to go on", feed_->topic, feed_->partition, why.what())}.located(feed_->topic, feed_->partition, chunk_.next_offset());
}

/// Up to there the partition is in the application's hands, or has nothing for it.
void reader::handed(std::int64_t next_offset) {
    auto& far = feed_->how_far;
    const bool in_hand = std::find(in_hand_.begin(), in_hand_.end(), feed_) != in_hand_.end();
    if (!in_hand) far.finished.store(next_offset, std::memory_order_release);
    far.handed.store(next_offset, std::memory_order_release);
}

// Who waits is registered by now: either this sees that the alarm is over, or the alarm sees who waits.
void reader::watch(time_point until) {
    if (until >= alarm_at_.load()) return;
    alarm_at_ = until;
    loop_.post([weak = weak_from_this(), until, &loop = loop_] {
        loop.call_at(until, [weak, until] {
            const auto self = weak.lock();
            if (!self) return;
            auto expected = until;
            self->alarm_at_.compare_exchange_strong(expected, time_point::max());
            self->watch(self->inbox_->expire(self->loop_.now()));
        });
    });
}

void reader::move_on() {
    for (const auto& each : in_hand_) each->how_far.finished.store(each->how_far.handed.load(std::memory_order_relaxed), std::memory_order_release);
    in_hand_.clear();
    inbox_->enter(loop_.now(), settings_.max_poll_interval);
}

bool reader::pass_over(const raw_record& which, const record_info& at, const error& why, error& failure) {
    if (settings_.bad == on_bad_record::skip) return true;
    if (const auto letters = settings_.letters.lock()) {
        letters->send(feed_, which, why);
        return true;
    }
    failure = error{errc::malformed, fmt::format("{}-{}: the record at offset {} cannot be decoded: {}; seek() past it to go on, or set on_bad_record", at.topic, at.partition, which.offset, why.what())}
                  .located(std::string{at.topic}, at.partition, which.offset);
    chunk_.rewind(which.offset);
    feed_->how_far.handed.store(which.offset, std::memory_order_release);
    return false;
}

void reader::end(const error& why) {
    const std::lock_guard held{status_mutex_};
    status_ = why.code() == errc::closed ? error{} : why;
}
error reader::status() const {
    const std::lock_guard held{status_mutex_};
    return status_;
}

bool reader::refill(record_window& window) {
    error why;
    for (;;) {
        const visit here{*this};
        if (!here.alone()) {
            end(wrong_thread_error());
            return false;
        }
        if (window.next != window.end) {
            if (feed_) chunk_.rewind(window.next->offset);
            window = {};
        }
        move_on();
        auto got = read(window_records, why);
        if (got == found::records) {
            in_hand_.push_back(feed_);
            inbox_->holds();
            window = {records_.data(), records_.data() + records_.size(), &feed_->how_far, where()};
            end({});
            return true;
        }
        window = {};
        if (got == found::nothing && strand_->would_deadlock()) {
            why = error{errc::would_deadlock, "waiting for records on the client's own thread would be for ever; use poll()"};
            got = found::failed;
        }
        if (got == found::failed) {
            end(why);
            return false;
        }
        if (inbox_->wait(bell_) && !bell_->wait()) {
            inbox_->forget(bell_.get());
            end(error{errc::timed_out, "the simulation went on for a day, and no record came"});
            return false;
        }
    }
}

void reader::leave(record_window& window) {
    const visit here{*this};
    if (!here.alone()) return;
    if (feed_ && window.next != window.end) chunk_.rewind(window.next->offset);
    window = {};
}

bool reader::undecodable(record_window& window, const raw_record& which, const error& why) {
    error failure;
    if (pass_over(which, window.where, why, failure)) return true;
    window = {};
    in_hand_.clear();
    end(failure);
    return false;
}

void reader::hear(const raw_record& which, const record_info& where) const noexcept {
    const auto field = [](const std::byte* at, std::int32_t size) { return size < 0 ? std::nullopt : std::optional{raw_record::field(at, size)}; };
    run_hook(reader_logs, "on_consume", *settings_.on_consume, incoming_record{where, field(which.key, which.key_size), field(which.value, which.value_size)});
}

// What a poll() that waits has to hear takes a lock, which a signal handler may not: the loop says it.
void reader::open() {
    stop_poll_ = loop_.hang_doorbell([weak = weak_from_this()] {
        const auto self = weak.lock();
        if (self && self->polling_.load()) self->inbox_->stop(consumer_stopped());
    });
}

void reader::stop() noexcept {
    stopped_.store(true);
    inbox_->disturb();
    bell_->ring();
    stop_poll_->ring();
}

std::shared_ptr<op_core> reader::poll(duration most, std::size_t records, std::shared_ptr<void> types, poll_types how) {
    auto made = std::make_shared<poll_state>(shared_from_this(), records, std::move(types), how);
    const visit here{*this};
    const auto before = std::static_pointer_cast<poll_state>(waiting_.lock());
    if (!here.alone() || (before && !before->over())) {
        made->fail(wrong_thread_error());
        return made;
    }
    if (before) inbox_->forget(before.get());
    move_on();
    made->begin(most);
    if (!made->over()) waiting_ = made;
    return made;
}

}  // namespace weir::detail

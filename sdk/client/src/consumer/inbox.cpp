#include "inbox.hpp"

#include <algorithm>
#include <utility>

namespace weir::detail {

void inbox::tell() {
    if (!std::exchange(told_, true) && tell_) tell_();
}

void inbox::list(const feed_ptr& which) {
    if (which->paused || which->closed || which->chunks.empty() || which->reading > 0 || std::exchange(which->listed, true)) return;
    ring_.push_back(which);
}

std::shared_ptr<poll_waiter> inbox::wake() { return waiter_ && ready() ? std::exchange(waiter_, nullptr) : nullptr; }

// --- the loop's side ---

void inbox::put(const feed_ptr& of, chunk what) {
    std::shared_ptr<poll_waiter> waiting;
    {
        const std::lock_guard held{mutex_};
        if (of->closed || failure_) return;
        of->bytes += what.size();
        of->chunks.push_back(std::move(what));
        list(of);
        waiting = wake();
    }
    if (waiting) waiting->ready();
}

void inbox::put_error(error why) {
    std::shared_ptr<poll_waiter> waiting;
    {
        const std::lock_guard held{mutex_};
        errors_.push_back(std::move(why));
        waiting = wake();
    }
    if (waiting) waiting->ready();
}

void inbox::open(const feed_ptr& which) {
    const std::lock_guard held{mutex_};
    open_[{which->topic, which->partition}] = which;
}

void inbox::shut(const feed_ptr& which) {
    which->closed = true;
    which->chunks.clear();
    which->bytes = which->reading;
    if (std::exchange(which->listed, false)) std::erase(ring_, which);
    disturb();
}

void inbox::close(const feed_ptr& which) {
    const std::lock_guard held{mutex_};
    shut(which);
    const auto at = open_.find({which->topic, which->partition});
    if (at != open_.end() && at->second == which) open_.erase(at);
}

void inbox::close(const topic_partition& where) {
    const std::lock_guard held{mutex_};
    if (const auto at = open_.find(where); at != open_.end()) shut(at->second);
}

void inbox::hush(const feed_ptr& which, bool yes) {
    which->paused = yes;
    if (!yes) list(which);
    else if (std::exchange(which->listed, false)) std::erase(ring_, which);
    disturb();
}

void inbox::pause(const feed_ptr& which, bool yes) {
    std::shared_ptr<poll_waiter> waiting;
    {
        const std::lock_guard held{mutex_};
        hush(which, yes);
        waiting = wake();
    }
    if (waiting) waiting->ready();
}

// What is to be read again is so once the loop wakes who waits for it.
void inbox::pause(const topic_partition& where, bool yes) {
    const std::lock_guard held{mutex_};
    auto& wish = pause_wishes_[where];
    wish.yes = yes;
    ++wish.steps;
    if (const auto at = open_.find(where); yes && at != open_.end()) hush(at->second, true);
}

bool inbox::settle_pause(const topic_partition& where) {
    const std::lock_guard held{mutex_};
    const auto at = pause_wishes_.find(where);
    const bool yes = at->second.yes;
    if (--at->second.steps == 0) pause_wishes_.erase(at);
    return yes;
}

std::vector<topic_partition> inbox::paused() const {
    const std::lock_guard held{mutex_};
    std::vector<topic_partition> all;
    for (const auto& [where, each] : open_) {
        const auto wish = pause_wishes_.find(where);
        if (wish != pause_wishes_.end() ? wish->second.yes : each->paused) all.push_back(where);
    }
    return all;
}

void inbox::begin(time_point now) {
    const std::lock_guard held{mutex_};
    last_asked_ = std::max(last_asked_, now);
}

bool inbox::hold() {
    const std::lock_guard held{mutex_};
    held_ = true;
    want_hands_ = in_hand_ && !waiter_;
    disturb();
    return !want_hands_;
}

void inbox::release() {
    std::shared_ptr<poll_waiter> waiting;
    {
        const std::lock_guard held{mutex_};
        held_ = false;
        waiting = wake();
    }
    if (waiting) waiting->ready();
}

void inbox::room() {
    std::shared_ptr<poll_waiter> waiting;
    {
        const std::lock_guard held{mutex_};
        waiting = wake();
    }
    if (waiting) waiting->ready();
}

void inbox::letters(std::ptrdiff_t more) {
    const auto now = letters_ += more;
    if (more < 0) room();
    else if (now >= many_letters) disturb();
}

bool inbox::full(const feed_ptr& which) {
    const std::lock_guard held{mutex_};
    which->full = !which->closed && which->bytes >= full_bytes_;
    return which->full;
}

inbox::news inbox::attend() {
    const std::lock_guard held{mutex_};
    told_ = false;
    return std::exchange(news_, {});
}

std::vector<feed_ptr> inbox::touched() const {
    const std::lock_guard held{mutex_};
    return touched_;
}

void inbox::touch(const feed_ptr& which) {
    const std::lock_guard held{mutex_};
    if (!std::exchange(which->touched, true)) touched_.push_back(which);
}

void inbox::untouch(const feed_ptr& which) {
    const std::lock_guard held{mutex_};
    if (!which->closed && which->bytes > 0) return;
    if (std::exchange(which->touched, false)) std::erase(touched_, which);
}

bool inbox::empty() const {
    const std::lock_guard held{mutex_};
    return ring_.empty();
}

void inbox::stop(error why) {
    std::shared_ptr<poll_waiter> waiting;
    {
        const std::lock_guard held{mutex_};
        if (!failure_) failure_ = std::move(why);
        disturb();
        waiting = wake();
    }
    if (waiting) waiting->ready();
}

inbox::extent inbox::measure() const {
    const std::lock_guard held{mutex_};
    extent all{open_.size(), 0};
    for (const auto& [where, each] : open_) {
        const auto handed = each->how_far.handed.load(std::memory_order_relaxed);
        if (handed >= 0) all.lag_max = std::max(all.lag_max, each->end.load(std::memory_order_relaxed) - handed);
    }
    return all;
}

time_point inbox::last_asked(time_point now) {
    const std::lock_guard held{mutex_};
    if (waiter_) last_asked_ = now;
    return last_asked_;
}

bool inbox::has_chunks(const feed_ptr& of) const {
    const std::lock_guard held{mutex_};
    return of->bytes > 0;
}

// --- the application's side ---

inbox::outcome inbox::take(chunk& into, feed_ptr& of, error& why) {
    const std::lock_guard held{mutex_};
    if (failure_) {
        why = failure_;
        return outcome::failed;
    }
    if (!errors_.empty()) {
        why = std::move(errors_.front());
        errors_.pop_front();
        return outcome::failed;
    }
    if (!may_hand_out()) return outcome::nothing;
    of = std::move(ring_.front());
    ring_.pop_front();
    of->listed = false;
    into = std::move(of->chunks.front());
    of->chunks.pop_front();
    of->reading = into.size();
    in_hand_ = true;
    news_.read = true;
    if (!std::exchange(of->touched, true)) touched_.push_back(of);
    return outcome::chunk;
}

void inbox::finish(const feed_ptr& of) {
    const std::lock_guard held{mutex_};
    of->bytes -= std::exchange(of->reading, 0);
    list(of);
    if (!of->full || of->closed || of->bytes >= full_bytes_) return;
    of->full = false;
    news_.hungry.push_back(of);
    tell();
}

void inbox::put_back(const feed_ptr& of, chunk what) {
    const std::lock_guard held{mutex_};
    of->reading = 0;
    if (of->closed) {
        of->bytes = 0;
        return;
    }
    of->chunks.push_front(std::move(what));
    list(of);
}

bool inbox::others_wait() const {
    const std::lock_guard held{mutex_};
    return !ring_.empty();
}

void inbox::rest() {
    in_hand_ = false;
    if (!std::exchange(want_hands_, false)) return;
    news_.hands_empty = true;
    tell();
}

void inbox::enter(time_point now, nanoseconds most) {
    const std::lock_guard held{mutex_};
    // Otherwise it is about to get more: until it waits it counts as busy, so that nothing is taken from under its hands.
    if (want_hands_) rest();
    const auto before = std::exchange(last_asked_, now);
    if (before == time_point{} || now - before <= most) return;
    news_.asks_again = true;
    tell();
}

void inbox::holds() {
    const std::lock_guard held{mutex_};
    in_hand_ = true;
}

bool inbox::wait(std::shared_ptr<poll_waiter> who) {
    const std::lock_guard held{mutex_};
    if (ready()) return false;
    waiter_ = std::move(who);
    rest();
    return true;
}

time_point inbox::expire(time_point now) {
    std::shared_ptr<poll_waiter> late;
    {
        const std::lock_guard held{mutex_};
        if (!waiter_) return time_point::max();
        if (waiter_->until > now) return waiter_->until;
        late = std::exchange(waiter_, nullptr);
    }
    late->late();
    return time_point::max();
}

bool inbox::forget(const poll_waiter* who) {
    std::shared_ptr<poll_waiter> gone;
    const std::lock_guard held{mutex_};
    if (waiter_.get() != who) return false;
    gone = std::move(waiter_);
    return true;
}

}  // namespace weir::detail

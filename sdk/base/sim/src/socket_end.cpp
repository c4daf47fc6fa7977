#include "socket_end.hpp"

#include <weir/base/detail/flatten.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace weir::sim {
namespace {

constexpr std::size_t largest_segment = 64 << 10;

class sim_stream final : public stream {
public:
    explicit sim_stream(std::shared_ptr<socket_end> inner) : inner_(std::move(inner)) {}
    ~sim_stream() override {
        inner_->close();
        inner_->fail_now();
    }
    void read_some(mutable_bytes into, function<void(result<std::size_t>)> done) override {
        inner_->read_some(into, std::move(done));
    }
    // NOLINTNEXTLINE(performance-unnecessary-value-param): the real one takes them over
    void write(std::vector<write_piece> pieces, function<void(result<void>)> done) override {
        inner_->write(pieces, std::move(done));
    }
    void close() noexcept override { inner_->close(); }
    const endpoint& local() const noexcept override { return inner_->local(); }
    const endpoint& remote() const noexcept override { return inner_->remote(); }

private:
    std::shared_ptr<socket_end> inner_;
};

}  // namespace

error socket_end::closed_error() const {
    return error{errc::closed, fmt::format("connection to {} is closed", to_string(remote_))};
}
error socket_end::reset_error() const {
    return error{errc::network_exception, fmt::format("connection to {}: reset by the peer", to_string(remote_))};
}

void socket_end::read_some(mutable_bytes into, function<void(result<std::size_t>)> done) {
    if (!life_.alive) return;
    into_ = into;
    read_done_ = std::move(done);
    if (closed_ || broken_ || peer_finished_ || !unread_.empty()) answer_read();
}

// As a step of its own, which looks again at what there is by then.
void socket_end::answer_read() {
    if (!read_done_ || read_answer_posted_) return;
    read_answer_posted_ = true;
    loop_.post([self = shared_from_this()] {
        self->read_answer_posted_ = false;
        if (!self->read_done_) return;
        auto done = std::move(self->read_done_);
        if (self->closed_) return done(self->closed_error());
        if (self->unread_.empty()) {
            if (self->broken_) return done(self->broken_);
            return done(std::size_t{0});
        }
        std::size_t count = 0;
        while (count < self->into_.size() && !self->unread_.empty()) {
            const auto rest = bytes_view{self->unread_.front()}.subspan(self->read_of_first_);
            const auto now = std::min(rest.size(), self->into_.size() - count);
            std::ranges::copy(rest.first(now), self->into_.begin() + static_cast<std::ptrdiff_t>(count));
            count += now;
            self->read_of_first_ += now;
            if (now < rest.size()) break;
            self->unread_.pop_front();
            self->read_of_first_ = 0;
        }
        segment given;
        given.what = kind::room;
        given.room = count;
        self->transmit(std::move(given));
        done(count);
    });
}

// The content is copied: the pieces go with this call.
void socket_end::write(const std::vector<write_piece>& pieces, function<void(result<void>)> done) {
    if (!life_.alive) return;
    write_done_ = std::move(done);
    if (closed_) return answer_write(closed_error());
    if (broken_) return answer_write(broken_);
    auto content = weir::detail::flatten(pieces);
    if (!content) return answer_write(content.error());
    sending_ = std::move(*content);
    sent_ = 0;
    pump();
}

void socket_end::answer_write(result<void> outcome) {
    sending_.clear();
    sent_ = 0;
    loop_.post([self = shared_from_this(), outcome = std::move(outcome)]() mutable {
        if (!self->write_done_) return;
        auto done = std::move(self->write_done_);
        if (self->closed_) outcome = self->closed_error();
        done(std::move(outcome));
    });
}

void socket_end::pump() {
    if (!write_done_ || closed_ || broken_) return;
    const auto window = link().window;
    while (sent_ < sending_.size() && outstanding_ < window) {
        // Segments of any size: a reader that counts on boundaries is found out.
        const auto most = std::min({sending_.size() - sent_, window - outstanding_, largest_segment});
        const auto size = all_.random.chance(0.2) ? 1 + static_cast<std::size_t>(all_.random.below(most)) : most;
        segment next;
        const auto from = sending_.begin() + static_cast<std::ptrdiff_t>(sent_);
        next.content.assign(from, from + static_cast<std::ptrdiff_t>(size));
        sent_ += size;
        outstanding_ += size;
        transmit(std::move(next));
    }
    if (sent_ == sending_.size()) answer_write({});
}

void socket_end::transmit(segment what) {
    what.first_sent = all_.now;
    what.resend_after = link().resend_after;
    if (what.what == kind::data || what.what == kind::finish) what.order = next_order_++;
    if (const auto to = peer_.lock()) return deliver(to, std::move(what));
    if (what.what != kind::data) return;
    // The other end is gone and forgotten: a machine that is there says so, one that is not says nothing.
    const bool answers = far_.powered && !is_cut();
    const auto learns = all_.now + (answers ? all_.draw_delay(link()) : link().give_up_after);
    all_.happenings.add(learns, [self = shared_from_this()] {
        if (self->life_.alive) self->break_off(self->reset_error());
    });
}

void socket_end::deliver(const std::shared_ptr<socket_end>& to, segment what) {
    const auto when = std::max(all_.now + all_.draw_delay(link()), last_arrival_ + nanoseconds{1});
    last_arrival_ = when;
    all_.happenings.add(when, [self = shared_from_this(), to, what = std::move(what)]() mutable {
        const bool lost = self->all_.random.chance(self->link().loss);
        if (lost && what.what != kind::reset && self->all_.random.chance(self->link().break_after_loss)) {
            if (self->life_.alive) self->break_off(self->reset_error());
            if (to->life_.alive) to->break_off(to->reset_error());
        } else if (lost || self->is_cut() || !self->far_.powered) {
            self->stalled(to, std::move(what));
        } else if (!to->life_.alive) {
            // Another life answers for that address, or none: it knows nothing of this connection.
            if (self->life_.alive) self->break_off(self->reset_error());
        } else {
            to->arrived(std::move(what));
        }
    });
}

// Sent again and again, less and less often. A reset is said once.
void socket_end::stalled(const std::shared_ptr<socket_end>& to, segment what) {
    if (!life_.alive || what.what == kind::reset) return;
    if (all_.now - what.first_sent >= link().give_up_after) {
        break_off(error{errc::network_exception, fmt::format("connection to {}: no answer", to_string(remote_))});
        return;
    }
    const auto wait = what.resend_after;
    what.resend_after = wait * 2;
    all_.happenings.add(all_.now + wait, [self = shared_from_this(), to, what = std::move(what)]() mutable {
        if (self->life_.alive && !self->broken_) self->deliver(to, std::move(what));
    });
}

void socket_end::arrived(segment what) {
    if (what.what == kind::reset) return break_off(reset_error());
    if (what.what == kind::room) {
        outstanding_ -= std::min(outstanding_, what.room);
        return pump();
    }
    early_.emplace(what.order, std::move(what));
    for (auto next = early_.find(expected_); next != early_.end(); next = early_.find(expected_)) {
        auto in_order = std::move(next->second);
        early_.erase(next);
        ++expected_;
        accept_in_order(std::move(in_order));
    }
}

void socket_end::accept_in_order(segment what) {
    if (broken_) return;
    if (what.what == kind::finish) {
        peer_finished_ = true;
    } else if (closed_) {
        // Nobody will read it, and the sender learns that.
        segment refusal;
        refusal.what = kind::reset;
        return transmit(std::move(refusal));
    } else {
        unread_.push_back(std::move(what.content));
    }
    answer_read();
}

void socket_end::break_off(const error& why) {
    if (closed_ || broken_) return;
    broken_ = why;
    answer_read();
    if (write_done_) answer_write(why);
}

void socket_end::close() noexcept {
    if (closed_) return;
    closed_ = true;
    if (!life_.alive) return;
    if (!broken_) {
        segment last;
        last.what = unread_.empty() ? kind::finish : kind::reset;  // as TCP does when data was never read
        transmit(std::move(last));
    }
    unread_.clear();
    answer_read();
    if (write_done_) answer_write(closed_error());
}

void socket_end::fail_now() {
    auto read_done = std::move(read_done_);
    auto write_done = std::move(write_done_);
    if (!life_.alive) return;
    if (read_done) read_done(closed_error());
    if (write_done) write_done(closed_error());
}

void socket_end::abandon(bool tell_peer) {
    const auto read_done = std::move(read_done_);
    const auto write_done = std::move(write_done_);
    sending_.clear();
    unread_.clear();
    closed_ = true;
    const auto to = peer_.lock();
    if (!tell_peer || !to) return;
    // The machine's last word, which may be lost like any other.
    all_.happenings.add(all_.now + all_.draw_delay(link()), [self = shared_from_this(), to] {
        if (self->is_cut()) return;
        if (to->life_.alive) to->break_off(to->reset_error());
    });
}

std::pair<std::unique_ptr<stream>, std::unique_ptr<stream>> make_connection(world::impl& all, life& from,
                                                                            sim_loop& from_loop,
                                                                            const endpoint& from_address, life& to,
                                                                            sim_loop& to_loop,
                                                                            const endpoint& to_address) {
    auto near = std::make_shared<socket_end>(all, from, from_loop, to_loop.home(), from_address, to_address);
    auto far = std::make_shared<socket_end>(all, to, to_loop, from_loop.home(), to_address, from_address);
    near->join(far);
    far->join(near);
    for (auto* owner : {&from, &to}) {
        if (owner->sockets.size() < 64 || owner->sockets.size() < 2 * owner->live_at_sweep) continue;
        std::erase_if(owner->sockets, [](const auto& each) { return each.expired(); });
        owner->live_at_sweep = owner->sockets.size();
    }
    from.sockets.push_back(near);
    to.sockets.push_back(far);
    return {std::make_unique<sim_stream>(std::move(near)), std::make_unique<sim_stream>(std::move(far))};
}

}  // namespace weir::sim

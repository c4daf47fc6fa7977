#include "local_network.hpp"

#include <weir/base/detail/flatten.hpp>

#include <algorithm>
#include <deque>

namespace weir::broker {

namespace {
class pipe_end;

// Bytes written and not yet read; beyond it the writer waits.
constexpr std::size_t window = 1 << 20;
}  // namespace

/// What the two ends share. A side's loop is known to be there as long as `loop` is set: it is unset under the lock, and
/// posts to it happen under the lock.
struct local_pipe {
    struct side {
        event_loop* loop = nullptr;
        std::weak_ptr<pipe_end> end;
        std::deque<bytes> arrived;  // for this side to read
        std::size_t read_of_first = 0;
        std::size_t queued = 0;
        bool reads = false;         // waits for bytes
        bool writes = false;        // waits for room on the other side
    };
    std::mutex mutex;
    side sides[2];
};

namespace {

class pipe_end : public std::enable_shared_from_this<pipe_end> {
public:
    pipe_end(std::shared_ptr<local_pipe> pipe, int side, event_loop& loop, endpoint local, endpoint remote)
        : pipe_(std::move(pipe)), me_(pipe_->sides[side]), other_(pipe_->sides[1 - side]), loop_(loop), local_(std::move(local)),
          remote_(std::move(remote)) {}

    void read_some(mutable_bytes into, function<void(result<std::size_t>)> done) {
        into_ = into;
        read_done_ = std::move(done);
        const std::lock_guard held{pipe_->mutex};
        if (closed_ || !me_.arrived.empty() || !other_.loop) loop_.post([self = shared_from_this()] { self->answer_read(); });
        else me_.reads = true;
    }

    void write(const std::vector<write_piece>& pieces, function<void(result<void>)> done) {
        write_done_ = std::move(done);
        auto content = weir::detail::flatten(pieces);
        if (!content) return answer_write_later(content.error());
        const std::lock_guard held{pipe_->mutex};
        if (closed_ || !other_.loop) return answer_write_later(closed_ ? closed_error() : broken_error());
        other_.queued += content->size();
        if (!content->empty()) other_.arrived.push_back(*std::move(content));
        if (std::exchange(other_.reads, false)) post(other_, &pipe_end::answer_read);
        if (other_.queued <= window) answer_write_later({});
        else me_.writes = true;
    }

    void close() noexcept {
        leave();
        if (!read_done_ && !write_done_) return;
        // Owned by the step: a loop that ends before it drops them with it.
        loop_.post([read_done = std::move(read_done_), write_done = std::move(write_done_), why = closed_error()]() mutable {
            if (read_done) read_done(why);
            if (write_done) write_done(why);
        });
    }

    void leave() noexcept {
        if (std::exchange(closed_, true)) return;
        const std::lock_guard held{pipe_->mutex};
        leave(me_, other_);
        me_.arrived.clear();
    }

    void fail_now() {
        auto read_done = std::move(read_done_);
        auto write_done = std::move(write_done_);
        if (read_done) read_done(closed_error());
        if (write_done) write_done(closed_error());
    }

    /// What waits for this end. With its loop at rest; to be dropped, since nothing comes any more.
    std::pair<function<void(result<std::size_t>)>, function<void(result<void>)>> give_up_waiting() noexcept { return {std::move(read_done_), std::move(write_done_)}; }

    /// This side is gone: nothing is posted to it, and the other one hears of it. Under the lock.
    static void leave(local_pipe::side& gone, local_pipe::side& other) {
        gone.loop = nullptr;
        if (std::exchange(other.reads, false)) post(other, &pipe_end::answer_read);
        if (std::exchange(other.writes, false)) post(other, &pipe_end::answer_write);
    }

    bool is_on(const event_loop& loop) const noexcept { return &loop_ == &loop; }
    const endpoint& local() const noexcept { return local_; }
    const endpoint& remote() const noexcept { return remote_; }

private:
    error closed_error() const { return error{errc::closed, "connection to " + to_string(remote_) + " is closed"}; }
    error broken_error() const { return error{errc::network_exception, "connection to " + to_string(remote_) + ": the other side is gone"}; }

    static void post(local_pipe::side& to, void (pipe_end::*step)()) {
        auto end = to.end.lock();
        if (end && to.loop) to.loop->post([end = std::move(end), step] { ((*end).*step)(); });
    }

    void answer_read() {
        if (!read_done_) return;
        result<std::size_t> outcome{std::size_t{0}};
        {
            const std::lock_guard held{pipe_->mutex};
            if (closed_) {
                outcome = closed_error();
            } else if (!me_.arrived.empty()) {
                outcome = take();
                if (other_.writes && me_.queued <= window) {
                    other_.writes = false;
                    post(other_, &pipe_end::answer_write);
                }
            } else if (other_.loop) {
                me_.reads = true;
                return;
            }
        }
        auto done = std::move(read_done_);
        done(std::move(outcome));
    }

    std::size_t take() {
        std::size_t count = 0;
        while (count < into_.size() && !me_.arrived.empty()) {
            const auto rest = bytes_view{me_.arrived.front()}.subspan(me_.read_of_first);
            const auto now = std::min(rest.size(), into_.size() - count);
            std::copy_n(rest.begin(), now, into_.begin() + static_cast<std::ptrdiff_t>(count));
            count += now;
            me_.read_of_first += now;
            if (now < rest.size()) break;
            me_.arrived.pop_front();
            me_.read_of_first = 0;
        }
        me_.queued -= count;
        return count;
    }

    // The reader made room, or is gone.
    void answer_write() {
        bool gone = false;
        {
            const std::lock_guard held{pipe_->mutex};
            gone = !other_.loop;
        }
        finish_write(gone ? result<void>{broken_error()} : result<void>{});
    }
    void answer_write_later(result<void> outcome) {
        loop_.post([self = shared_from_this(), outcome = std::move(outcome)]() mutable { self->finish_write(std::move(outcome)); });
    }
    void finish_write(result<void> outcome) {
        if (!write_done_) return;
        auto done = std::move(write_done_);
        done(closed_ ? result<void>{closed_error()} : std::move(outcome));
    }

    std::shared_ptr<local_pipe> pipe_;
    local_pipe::side& me_;
    local_pipe::side& other_;
    event_loop& loop_;
    endpoint local_, remote_;
    // Of the loop's own thread.
    bool closed_ = false;
    mutable_bytes into_;
    function<void(result<std::size_t>)> read_done_;
    function<void(result<void>)> write_done_;
};

class local_stream final : public stream {
public:
    explicit local_stream(std::shared_ptr<pipe_end> end) : end_(std::move(end)) {}
    ~local_stream() override {
        end_->leave();
        end_->fail_now();
    }
    void read_some(mutable_bytes into, function<void(result<std::size_t>)> done) override { end_->read_some(into, std::move(done)); }
    // NOLINTNEXTLINE(performance-unnecessary-value-param): sockets take them over
    void write(std::vector<write_piece> pieces, function<void(result<void>)> done) override { end_->write(pieces, std::move(done)); }
    void close() noexcept override { end_->close(); }
    const endpoint& local() const noexcept override { return end_->local(); }
    const endpoint& remote() const noexcept override { return end_->remote(); }

private:
    std::shared_ptr<pipe_end> end_;
};

}  // namespace

class local_network::port final : public listener {
public:
    port(local_network& net, endpoint local) : net_(net), local_(std::move(local)) {}
    ~port() override { close(); }
    const endpoint& local() const noexcept override { return local_; }
    void close() noexcept override {
        const std::lock_guard held{net_.mutex_};
        if (open_) net_.ports_.erase(to_string(local_));
        open_ = false;
    }

private:
    local_network& net_;
    endpoint local_;
    bool open_ = true;
};

void local_network::connect(event_loop& loop, const endpoint& to, const socket_options&, nanoseconds,
                            function<void(result<std::unique_ptr<stream>>)> done) {
    const std::lock_guard held{mutex_};
    const auto found = ports_.find(to_string(to));
    if (found == ports_.end()) {
        loop.post([done = std::move(done), to]() mutable { done(error{errc::refused, "cannot connect to " + to_string(to) + ": nobody listens there"}); });
        return;
    }
    auto& serving = found->second->pick_loop();
    auto pipe = std::make_shared<local_pipe>();
    const endpoint from{to.host, next_port_++};
    auto near = std::make_shared<pipe_end>(pipe, 0, loop, from, to);
    auto far = std::make_shared<pipe_end>(pipe, 1, serving, to, from);
    pipe->sides[0].loop = &loop;
    pipe->sides[0].end = near;
    pipe->sides[1].loop = &serving;
    pipe->sides[1].end = far;
    std::erase_if(pipes_, [](const auto& each) { return each.expired(); });
    pipes_.push_back(pipe);
    serving.post([accepted = found->second->accepted, far = std::make_unique<local_stream>(std::move(far))]() mutable { (*accepted)(std::move(far)); });
    loop.post([done = std::move(done), near = std::make_unique<local_stream>(std::move(near))]() mutable { done(std::unique_ptr<stream>{std::move(near)}); });
}

result<std::unique_ptr<listener>> local_network::listen(event_loop& loop, const endpoint& on, const socket_options&, function<event_loop&()> pick_loop,
                                                        function<void(std::unique_ptr<stream>)> accepted) {
    const std::lock_guard held{mutex_};
    const auto name = to_string(on);
    if (ports_.contains(name)) return error{errc::in_use, "cannot listen on " + name + ": in use"};
    auto opened = std::make_shared<open_port>();
    opened->loop = &loop;
    opened->pick_loop = std::move(pick_loop);
    opened->accepted = std::make_shared<function<void(std::unique_ptr<stream>)>>(std::move(accepted));
    ports_.emplace(name, std::move(opened));
    return std::unique_ptr<listener>{std::make_unique<port>(*this, on)};
}

void local_network::forget(const event_loop& loop) {
    std::vector<std::shared_ptr<pipe_end>> ends;
    {
        const std::lock_guard held{mutex_};
        std::erase_if(ports_, [&](const auto& each) { return each.second->loop == &loop; });
        for (const auto& each : pipes_) {
            const auto pipe = each.lock();
            if (!pipe) continue;
            const std::lock_guard inside{pipe->mutex};
            for (int side = 0; side < 2; ++side) {
                auto end = pipe->sides[side].end.lock();
                if (!end || !end->is_on(loop)) continue;
                if (pipe->sides[side].loop) pipe_end::leave(pipe->sides[side], pipe->sides[1 - side]);
                ends.push_back(std::move(end));
            }
        }
    }
    // Who waits owns the stream it waits for: each would keep the other for ever.
    for (const auto& end : ends) static_cast<void>(end->give_up_waiting());
}

}  // namespace weir::broker

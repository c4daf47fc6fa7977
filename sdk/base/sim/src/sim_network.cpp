#include "world_impl.hpp"

#include "socket_end.hpp"

#include <fmt/format.h>

namespace weir::sim {
namespace {

class sim_listener final : public listener {
public:
    sim_listener(sim_network& net, std::shared_ptr<sim_network::open_port> mine, endpoint local)
        : net_(net), mine_(std::move(mine)), local_(std::move(local)) {}
    ~sim_listener() override { close(); }
    const endpoint& local() const noexcept override { return local_; }
    void close() noexcept override {
        const auto found = net_.ports().find(local_.port);
        if (found != net_.ports().end() && found->second == mine_) net_.ports().erase(found);
    }

private:
    sim_network& net_;
    std::shared_ptr<sim_network::open_port> mine_;
    endpoint local_;
};

/// One call of connect: the first segment goes out, until something comes back or the time is up.
class handshake : public std::enable_shared_from_this<handshake> {
public:
    handshake(world::impl& all, life& from, sim_loop& loop, endpoint to,
              function<void(result<std::unique_ptr<stream>>)> done)
        : all_(all), from_(from), loop_(loop), to_(std::move(to)), done_(std::move(done)) {}

    void start(nanoseconds timeout) {
        deadline_ = loop_.call_after(timeout, [self = shared_from_this()] {
            self->finish(error{errc::timed_out, fmt::format("no connection to {} in time", to_string(self->to_))});
        });
        auto* const target = all_.by_host(to_.host, loop_.home());
        if (!target) {
            finish(error{errc::not_found, fmt::format("cannot resolve {}: there is no such host", to_.host)});
            return;
        }
        knock(*target, std::chrono::seconds{1});
    }

private:
    void knock(machine& target, nanoseconds again_after) {
        const auto& there = all_.link(loop_.home().id, target.id);
        all_.happenings.add(all_.now + all_.draw_delay(there), [self = shared_from_this(), &target, again_after] {
            self->arrive(target, again_after);
        });
    }

    // Any machine on the way may have died: then there is silence, and the next knock or the deadline comes.
    void arrive(machine& target, nanoseconds again_after) {
        if (!done_ || !loop_.alive()) return;
        const auto& there = all_.link(loop_.home().id, target.id);
        const bool lost = all_.is_cut(loop_.home().id, target.id) || all_.is_cut(target.id, loop_.home().id) ||
                          !target.powered || all_.random.chance(there.loss);
        if (lost) {
            all_.happenings.add(all_.now + again_after, [self = shared_from_this(), &target, again_after] {
                if (self->done_ && self->loop_.alive()) self->knock(target, again_after * 2);
            });
            return;
        }
        const auto back = all_.now + all_.draw_delay(all_.link(target.id, loop_.home().id));
        const auto port = target.present().alive ? target.present().net->ports().find(to_.port)
                                                 : target.present().net->ports().end();
        if (port == target.present().net->ports().end()) {
            all_.happenings.add(back, [self = shared_from_this()] {
                self->finish(error{errc::refused, fmt::format("cannot connect to {}: refused", to_string(self->to_))});
            });
            return;
        }
        auto& serving = static_cast<sim_loop&>(port->second->pick_loop());
        const endpoint from{loop_.home().host, loop_.home().next_port++};
        auto ends = make_connection(all_, from_, loop_, from, target.present(), serving, to_);
        serving.post([accepted = port->second->accepted, far = std::move(ends.second)]() mutable {
            (*accepted)(std::move(far));
        });
        all_.happenings.add(back, [self = shared_from_this(), near = std::move(ends.first)]() mutable {
            self->finish(std::move(near));
        });
    }

    void finish(result<std::unique_ptr<stream>> outcome) {
        if (!done_) return;
        loop_.cancel(deadline_);
        loop_.post([done = std::move(done_), outcome = std::move(outcome)]() mutable { done(std::move(outcome)); });
    }

    world::impl& all_;
    life& from_;
    sim_loop& loop_;
    endpoint to_;
    function<void(result<std::unique_ptr<stream>>)> done_;
    timer_id deadline_ = timer_id::none;
};

}  // namespace

void sim_network::connect(event_loop& loop, const endpoint& to, const socket_options&, nanoseconds timeout,
                          function<void(result<std::unique_ptr<stream>>)> done) {
    if (!mine_.alive) return;
    std::make_shared<handshake>(all_, mine_, static_cast<sim_loop&>(loop), to, std::move(done))->start(timeout);
}

result<std::unique_ptr<listener>> sim_network::listen(event_loop& loop, const endpoint& on, const socket_options&,
                                                      function<event_loop&()> pick_loop,
                                                      function<void(std::unique_ptr<stream>)> accepted) {
    auto local = on;
    if (local.host.empty()) local.host = home_.host;
    if (!mine_.alive) return error{errc::closed, fmt::format("cannot listen on {}: the machine is down", to_string(local))};
    while (local.port == 0 || (on.port == 0 && ports_.contains(local.port))) local.port = home_.next_port++;
    if (ports_.contains(local.port)) return error{errc::in_use, fmt::format("cannot listen on {}: in use", to_string(local))};
    auto opened = std::make_shared<open_port>();
    opened->loop = &static_cast<sim_loop&>(loop);
    opened->pick_loop = std::move(pick_loop);
    opened->accepted = std::make_shared<function<void(std::unique_ptr<stream>)>>(std::move(accepted));
    ports_.emplace(local.port, opened);
    return std::unique_ptr<listener>{std::make_unique<sim_listener>(*this, std::move(opened), std::move(local))};
}

void abandon_sockets(world::impl&, life& ended, function<bool()> tell) {
    const auto sockets = std::exchange(ended.sockets, {});
    for (const auto& each : sockets) {
        if (const auto there = each.lock()) there->abandon(tell());
    }
}

}  // namespace weir::sim

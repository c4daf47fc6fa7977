#include <weir/base/asio_runtime.hpp>

#include "sockets.hpp"

#include <boost/asio/signal_set.hpp>

#include <thread>

namespace weir {
namespace {

class tcp_network final : public network {
public:
    void connect(event_loop& loop, const endpoint& to, const socket_options& options, nanoseconds timeout,
                 function<void(result<std::unique_ptr<stream>>)> done) override {
        detail::connect_to(static_cast<detail::asio_loop&>(loop), to, options, timeout, std::move(done));
    }
    result<std::unique_ptr<listener>> listen(event_loop& loop, const endpoint& on, const socket_options& options,
                                             function<event_loop&()> pick_loop,
                                             function<void(std::unique_ptr<stream>)> accepted) override {
        return detail::listen_on(static_cast<detail::asio_loop&>(loop), on, options, std::move(pick_loop), std::move(accepted));
    }
};

struct signal_watch : std::enable_shared_from_this<signal_watch> {
    signal_watch(detail::asio_loop& loop, function<void(int)> handler)
        : loop(loop), signals(loop.io()), handler(std::move(handler)) {}
    void wait() {
        signals.async_wait(loop.handler([self = shared_from_this()](const boost::system::error_code& failure, int number) {
            if (failure) return;
            self->loop.run_in_this_turn([self, number] { self->handler(number); });
            self->wait();
        }));
    }
    detail::asio_loop& loop;
    boost::asio::signal_set signals;
    function<void(int)> handler;
};

}  // namespace

struct runtime::state {
    std::vector<std::unique_ptr<detail::asio_loop>> loops;
    tcp_network net;
    std::vector<std::thread> threads;
};

runtime::runtime(int loops) : state_(std::make_unique<state>()) {
    for (int i = 0; i < loops; ++i) state_->loops.push_back(std::make_unique<detail::asio_loop>());
}

runtime::~runtime() {
    stop();
    join();
    for (auto& loop : state_->loops) loop->shut_down();
}

int runtime::size() const noexcept { return static_cast<int>(state_->loops.size()); }
event_loop& runtime::loop(int index) noexcept { return *state_->loops[static_cast<std::size_t>(index)]; }
nanoseconds runtime::slept(int index) const noexcept { return state_->loops[static_cast<std::size_t>(index)]->slept(); }
network& runtime::net() noexcept { return state_->net; }

void runtime::on_signal(const std::vector<int>& signals, function<void(int)> handler) {
    auto watch = std::make_shared<signal_watch>(*state_->loops[0], std::move(handler));
    for (const int number : signals) watch->signals.add(number);
    watch->wait();
}

void runtime::start() {
    for (auto& loop : state_->loops) state_->threads.emplace_back([&loop = *loop] { loop.run(); });
}

void runtime::run() {
    for (std::size_t i = 1; i < state_->loops.size(); ++i) {
        state_->threads.emplace_back([&loop = *state_->loops[i]] { loop.run(); });
    }
    state_->loops[0]->run();
    join();
}

void runtime::stop() noexcept {
    for (auto& loop : state_->loops) loop->stop();
}

void runtime::join() {
    for (auto& thread : state_->threads) {
        if (thread.joinable()) thread.join();
    }
    state_->threads.clear();
    // Now, while everything they refer to is still there.
    for (auto& loop : state_->loops) loop->drop_steps();
}

}  // namespace weir

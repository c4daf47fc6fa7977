#include "sockets.hpp"

#include <weir/base/log.hpp>

#include <boost/asio/ip/v6_only.hpp>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <utility>

namespace weir::detail {
namespace {

const log::logger logs{"weir.network"};

// Accepted in a row before the loop's other work gets its turn.
constexpr int accepts_per_turn = 16;
// While the process has no descriptor left the kernel keeps the callers queued; trying at once would only spin.
constexpr auto accept_pause = std::chrono::milliseconds{100};

/// Shared by the handle and by accepts under way, perhaps to other loops.
class acceptor : public std::enable_shared_from_this<acceptor> {
public:
    acceptor(asio_loop& loop, const socket_options& options, function<event_loop&()> pick_loop,
             function<void(std::unique_ptr<stream>)> accepted)
        : loop_(loop), options_(options), pick_loop_(std::move(pick_loop)), accepted_(std::move(accepted)) {}

    result<void> open(const tcp::endpoint& where) {
        boost::system::error_code failure;
        auto& socket = sockets_.emplace_back(loop_.io());
        socket.open(where.protocol(), failure);
        if (!failure) socket.set_option(tcp::acceptor::reuse_address(true), failure);
        if (!failure && where.protocol() == tcp::v6()) {
            // "every address" means IPv4 as well; a particular IPv6 address does not.
            socket.set_option(boost::asio::ip::v6_only(!where.address().is_unspecified()), failure);
        }
        // What is accepted inherits these; buffers must be set before the window is negotiated.
        if (!failure) apply_options(socket.native_handle(), options_);
        if (!failure) socket.bind(where, failure);
        if (!failure) socket.listen(options_.backlog, failure);
        if (!failure) socket.native_non_blocking(true, failure);
        if (!failure) return {};
        sockets_.pop_back();
        const auto code = failure == boost::asio::error::address_in_use ? errc::in_use : errc::io_error;
        return error{code, fmt::format("cannot listen on {}: {}", to_string(to_endpoint(where)), failure.message())};
    }

    tcp::endpoint bound() const {
        boost::system::error_code ignored;
        return sockets_.front().local_endpoint(ignored);
    }

    void start() {
        for (auto& socket : sockets_) wait(socket);
    }

    void close() noexcept {
        closed_.store(true, std::memory_order_release);
        loop_.cancel(pause_);
        boost::system::error_code ignored;
        for (auto& socket : sockets_) socket.close(ignored);
    }

private:
    void wait(tcp::acceptor& socket) {
        socket.async_wait(tcp::acceptor::wait_read,
                          loop_.handler([self = shared_from_this(), &socket](const boost::system::error_code& failure) {
                              if (failure) return;
                              self->loop_.run_in_this_turn([self, &socket] { self->accept_some(socket); });
                          }));
    }

    void accept_some(tcp::acceptor& socket) {
        for (int i = 0; i < accepts_per_turn && !closed_; ++i) {
            const int accepted = ::accept4(socket.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (accepted >= 0) {
                starved_ = false;
                hand_over(accepted, socket.local_endpoint().protocol());
                continue;
            }
            if (errno == EINTR || errno == ECONNABORTED) continue;
            if (errno == EAGAIN || errno == EWOULDBLOCK) break;
            const auto text = system_text(errno);
            if (!std::exchange(starved_, true))
                logs.warn(fmt::format("cannot accept connections on {}: {}; trying again every {} ms",
                                      to_string(to_endpoint(socket.local_endpoint())), text, accept_pause.count()));
            pause_ = loop_.call_after(accept_pause, [self = shared_from_this(), &socket] {
                if (!self->closed_) self->accept_some(socket);
            });
            return;
        }
        if (!closed_) wait(socket);
    }

    void hand_over(int descriptor, const tcp& protocol) {
        auto& target = static_cast<asio_loop&>(pick_loop_());
        // Owned, so that a loop that ends before it looks leaves no descriptor open.
        std::unique_ptr<int, void (*)(int*)> owned{new int{descriptor}, [](int* held) {
                                                       if (*held >= 0) ::close(*held);
                                                       delete held;
                                                   }};
        auto arrive = [self = shared_from_this(), &target, protocol, owned = std::move(owned)] {
            if (self->closed_.load(std::memory_order_acquire)) return;
            tcp::socket socket{target.io()};
            boost::system::error_code failure;
            socket.assign(protocol, *owned, failure);
            if (failure) return;
            *owned = -1;
            self->accepted_(make_socket_stream(target, std::move(socket)));
        };
        target.post(std::move(arrive));
    }

    asio_loop& loop_;
    socket_options options_;
    function<event_loop&()> pick_loop_;
    function<void(std::unique_ptr<stream>)> accepted_;
    std::vector<tcp::acceptor> sockets_;
    timer_id pause_ = timer_id::none;
    bool starved_ = false;  // which is told once, until somebody was accepted again
    std::atomic<bool> closed_{false};
};

class socket_listener final : public listener {
public:
    socket_listener(std::shared_ptr<acceptor> inner, endpoint local) : inner_(std::move(inner)), local_(std::move(local)) {}
    ~socket_listener() override { inner_->close(); }
    const endpoint& local() const noexcept override { return local_; }
    void close() noexcept override { inner_->close(); }

private:
    std::shared_ptr<acceptor> inner_;
    endpoint local_;
};

result<std::vector<boost::asio::ip::address>> addresses_of(asio_loop& loop, const std::string& host) {
    auto literal = literal_addresses(host);
    if (!literal.empty()) return literal;
    boost::system::error_code failure;
    tcp::resolver resolver{loop.io()};
    const auto found = resolver.resolve(host, "", tcp::resolver::passive, failure);
    if (failure || found.empty()) return error{errc::io_error, fmt::format("cannot resolve {}: {}", host, failure.message())};
    return std::vector{found.begin()->endpoint().address()};
}

}  // namespace

result<std::unique_ptr<listener>> listen_on(asio_loop& loop, const endpoint& on, const socket_options& options,
                                            function<event_loop&()> pick_loop,
                                            function<void(std::unique_ptr<stream>)> accepted) {
    auto made = std::make_shared<acceptor>(loop, options, std::move(pick_loop), std::move(accepted));
    if (on.host.empty()) {
        // A machine without IPv6 refuses the first.
        auto opened = made->open({tcp::v6(), on.port});
        if (!opened && opened.code() != errc::in_use) opened = made->open({tcp::v4(), on.port});
        if (!opened) return opened.error();
    } else {
        const auto addresses = addresses_of(loop, on.host);
        if (!addresses) return addresses.error();
        if (auto opened = made->open({addresses->front(), on.port}); !opened) return opened.error();
        // localhost has two addresses, and clients differ in which they try first. The second is a courtesy.
        for (std::size_t i = 1; i < addresses->size(); ++i) {
            static_cast<void>(made->open({(*addresses)[i], made->bound().port()}));
        }
    }
    const auto local = to_endpoint(made->bound());
    if (loop.running_here()) made->start();
    else loop.post([made] { made->start(); });
    return std::unique_ptr<listener>{std::make_unique<socket_listener>(std::move(made), local)};
}

}  // namespace weir::detail

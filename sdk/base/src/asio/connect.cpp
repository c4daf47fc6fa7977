#include "sockets.hpp"

#include <fmt/format.h>

namespace weir::detail {
namespace {

/// Tries the addresses of one name in turn, until one answers or the time is up. One that swallows what it gets has its share
/// of the time that is left, and the others have theirs.
class attempt : public std::enable_shared_from_this<attempt> {
public:
    attempt(asio_loop& loop, endpoint to, const socket_options& options,
            function<void(result<std::unique_ptr<stream>>)> done)
        : loop_(loop), to_(std::move(to)), options_(options), done_(std::move(done)), resolver_(loop.io()), socket_(loop.io()) {}

    void start(nanoseconds timeout) {
        until_ = loop_.now() + timeout;
        deadline_ = loop_.call_after(timeout, [self = shared_from_this()] {
            self->finish(error{errc::timed_out, fmt::format("no connection to {} in time", to_string(self->to_))});
        });
        addresses_ = literal_addresses(to_.host);
        if (!addresses_.empty()) {
            try_next();
            return;
        }
        // Asio resolves on a thread of its own: getaddrinfo blocks.
        resolver_.async_resolve(to_.host, "", loop_.handler([self = shared_from_this()](const boost::system::error_code& failure,
                                                                                        const tcp::resolver::results_type& found) {
            if (!self->done_) return;
            for (const auto& entry : found) self->addresses_.push_back(entry.endpoint().address());
            if (failure || self->addresses_.empty()) {
                const auto code = failure == boost::asio::error::host_not_found ? errc::not_found : errc::io_error;
                self->finish(error{code, fmt::format("cannot resolve {}: {}", self->to_.host, failure.message())});
                return;
            }
            self->try_next();
        }));
    }

private:
    void try_next() {
        const tcp::endpoint where{addresses_[next_++], to_.port};
        boost::system::error_code failure;
        socket_.close(failure);
        socket_.open(where.protocol(), failure);
        if (failure) {
            refused(failure);
            return;
        }
        apply_options(socket_.native_handle(), options_);
        loop_.cancel(std::exchange(turn_over_, timer_id::none));
        const auto attempt = next_;
        if (const auto left = static_cast<std::int64_t>(addresses_.size() - next_); left > 0) {
            turn_over_ = loop_.call_after((until_ - loop_.now()) / (left + 1), [self = shared_from_this()] {
                self->turn_over_ = timer_id::none;
                self->refused(boost::asio::error::timed_out);
            });
        }
        socket_.async_connect(where, loop_.handler([self = shared_from_this(), attempt](const boost::system::error_code& outcome) {
            if (!self->done_ || attempt != self->next_) return;  // over, or its turn is
            if (outcome) self->refused(outcome);
            else self->finish(make_socket_stream(self->loop_, std::move(self->socket_)));
        }));
    }

    void refused(const boost::system::error_code& failure) {
        if (next_ < addresses_.size()) {
            try_next();
            return;
        }
        const auto code = failure == boost::asio::error::connection_refused ? errc::refused
                          : failure == boost::asio::error::timed_out        ? errc::timed_out
                                                                            : errc::io_error;
        finish(error{code, fmt::format("cannot connect to {}: {}", to_string(to_), failure.message())});
    }

    void finish(result<std::unique_ptr<stream>> outcome) {
        if (!done_) return;
        loop_.cancel(deadline_);
        loop_.cancel(turn_over_);
        resolver_.cancel();
        boost::system::error_code ignored;
        socket_.close(ignored);
        // As a step, like all callbacks: never inside the call that started it.
        loop_.post([done = std::move(done_), outcome = std::move(outcome)]() mutable { done(std::move(outcome)); });
    }

    asio_loop& loop_;
    endpoint to_;
    socket_options options_;
    function<void(result<std::unique_ptr<stream>>)> done_;
    tcp::resolver resolver_;
    tcp::socket socket_;
    timer_id deadline_ = timer_id::none;
    timer_id turn_over_ = timer_id::none;
    time_point until_;
    std::vector<boost::asio::ip::address> addresses_;
    std::size_t next_ = 0;
};

}  // namespace

void connect_to(asio_loop& loop, const endpoint& to, const socket_options& options, nanoseconds timeout,
                function<void(result<std::unique_ptr<stream>>)> done) {
    std::make_shared<attempt>(loop, to, options, std::move(done))->start(timeout);
}

}  // namespace weir::detail

#include "sockets.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace weir::detail {
namespace {

// What one stream may send before others get their turn: the most that one partition gives by default, with what stands around it.
constexpr std::size_t send_budget = (1 << 20) + (4 << 10);
constexpr std::size_t most_parts = 64;
constexpr std::size_t copy_bytes = 64 << 10;

/// Shared by the handle the user holds and the operations under way, so that either may go first.
class connection : public std::enable_shared_from_this<connection> {
public:
    connection(asio_loop& loop, tcp::socket socket) : loop_(loop), socket_(std::move(socket)) {
        boost::system::error_code ignored;
        local_ = to_endpoint(socket_.local_endpoint(ignored));
        remote_ = to_endpoint(socket_.remote_endpoint(ignored));
        socket_.non_blocking(true, ignored);
    }

    void read_some(mutable_bytes into, function<void(result<std::size_t>)> done) {
        read_done_ = std::move(done);
        if (!socket_.is_open()) {
            fail_later();
            return;
        }
        // Asio tries at once when bytes may be there, and asks the kernel for readiness only when they are not.
        socket_.async_receive(boost::asio::buffer(into.data(), into.size()),
                              loop_.handler([self = shared_from_this()](const boost::system::error_code& failure, std::size_t count) {
                                  self->finish_read(failure, count);
                              }));
    }

    void write(std::vector<write_piece> pieces, function<void(result<void>)> done) {
        pieces_ = std::move(pieces);
        piece_ = 0;
        sent_of_piece_ = 0;
        write_done_ = std::move(done);
        if (!socket_.is_open()) {
            fail_later();
            return;
        }
        send_on();
    }

    /// Nothing touches the caller's buffers afterwards.
    void close() noexcept {
        if (!socket_.is_open()) return;
        boost::system::error_code ignored;
        socket_.close(ignored);
        if (read_done_ || write_done_) fail_later();
    }

    /// Runs what is pending, with errc::closed.
    void fail_now() {
        if (!read_done_ && !write_done_) return;
        const error why{errc::closed, fmt::format("connection to {} is closed", to_string(remote_))};
        pieces_.clear();
        auto read_done = std::move(read_done_);
        auto write_done = std::move(write_done_);
        if (read_done) read_done(why);
        if (write_done) write_done(why);
    }

    const endpoint& local() const noexcept { return local_; }
    const endpoint& remote() const noexcept { return remote_; }

private:
    void fail_later() {
        loop_.post([self = shared_from_this()] { self->fail_now(); });
    }

    error failed(int number) const {
        return error{errc::network_exception, fmt::format("connection to {}: {}", to_string(remote_), system_text(number))};
    }

    void finish_read(const boost::system::error_code& failure, std::size_t count) {
        if (!read_done_ || !socket_.is_open()) return;  // closed meanwhile: fail_now() answers
        // Handed on, so that polling for readiness ends and every stream reads at most once a turn.
        if (!failure || failure == boost::asio::error::eof) {
            loop_.run_in_this_turn([self = shared_from_this(), count = failure ? 0 : count] { self->answer_read(count); });
        } else {
            loop_.run_in_this_turn([self = shared_from_this(), why = failed(failure.value())] { self->answer_read(why); });
        }
    }
    void answer_read(result<std::size_t> outcome) {
        if (!read_done_) return;
        if (!socket_.is_open()) outcome = error{errc::closed, fmt::format("connection to {} is closed", to_string(remote_))};
        auto done = std::move(read_done_);
        done(std::move(outcome));
    }

    void finish_write(result<void> outcome) {
        pieces_.clear();
        loop_.post([self = shared_from_this(), outcome = std::move(outcome)]() mutable {
            if (!self->write_done_) return;
            if (!self->socket_.is_open() && outcome) {
                outcome = error{errc::closed, fmt::format("connection to {} is closed", to_string(self->remote_))};
            }
            auto done = std::move(self->write_done_);
            done(std::move(outcome));
        });
    }

    void send_on() {
        if (!socket_.is_open() || !write_done_) return;
        std::size_t budget = send_budget;
        for (;;) {
            while (piece_ < pieces_.size() && sent_of_piece_ >= pieces_[piece_].size()) next_piece();
            if (piece_ == pieces_.size()) {
                finish_write({});
                return;
            }
            if (budget == 0) {
                loop_.post([self = shared_from_this()] { self->send_on(); });
                return;
            }
            const auto sent = pieces_[piece_].source ? send_file(budget) : send_memory(budget);
            if (sent > 0) {
                budget -= std::min(budget, static_cast<std::size_t>(sent));
                continue;
            }
            const int number = errno;
            if (sent < 0 && number == EINTR) continue;
            if (sent < 0 && (number == EAGAIN || number == EWOULDBLOCK)) {
                socket_.async_wait(tcp::socket::wait_write,
                                   loop_.handler([self = shared_from_this()](const boost::system::error_code& failure) {
                                       if (!failure) self->loop_.run_in_this_turn([self] { self->send_on(); });
                                   }));
                return;
            }
            if (sent < 0) finish_write(failed(number));
            else finish_write(file_problem_ ? file_problem_ : ended_early());
            return;
        }
    }

    void next_piece() {
        auto& done = pieces_[piece_];
        done.owner.reset();
        done.source.reset();
        ++piece_;
        sent_of_piece_ = 0;
    }

    ssize_t send_memory(std::size_t budget) {
        std::array<iovec, most_parts> parts;
        std::size_t count = 0;
        std::size_t total = 0;
        auto skip = sent_of_piece_;
        auto next = piece_;
        for (; next < pieces_.size() && count < parts.size() && !pieces_[next].source && total < budget; ++next, skip = 0) {
            const auto memory = pieces_[next].memory.subspan(skip);
            if (memory.empty()) continue;
            parts[count++] = {const_cast<std::byte*>(memory.data()), memory.size()};
            total += memory.size();
        }
        const auto sent = send_parts(parts.data(), count, next < pieces_.size());
        for (auto left = sent > 0 ? static_cast<std::size_t>(sent) : 0; left > 0;) {
            const auto here = std::min(left, pieces_[piece_].size() - sent_of_piece_);
            sent_of_piece_ += here;
            left -= here;
            if (sent_of_piece_ == pieces_[piece_].size()) next_piece();
        }
        return sent;
    }

    ssize_t send_parts(iovec* parts, std::size_t count, bool more) {
        msghdr message{};
        message.msg_iov = parts;
        message.msg_iovlen = count;
        return ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
    }

    // 0: the file has no more to give.
    ssize_t send_file(std::size_t budget) {
        auto& piece = pieces_[piece_];
        const auto wanted = std::min<std::size_t>(piece.size() - sent_of_piece_, budget);
        const auto from = piece.source_offset + sent_of_piece_;
        ssize_t sent = -1;
        if (piece.source->native_handle() >= 0 && !no_sendfile_) {
            auto offset = static_cast<off_t>(from);
            sent = ::sendfile(socket_.native_handle(), piece.source->native_handle(), &offset, wanted);
            if (sent < 0 && (errno == EINVAL || errno == ENOSYS)) {
                no_sendfile_ = true;  // not from this file system; copy instead
                errno = EINTR;
                return -1;
            }
            if (sent < 0 && errno == EIO) {
                file_problem_ = error{errc::io_error, fmt::format("{}: {}", piece.source->path(), system_text(errno))};
                return 0;
            }
        } else {
            bytes copy(std::min(wanted, copy_bytes));
            const auto got = piece.source->read_at(from, copy);
            if (!got || *got == 0) {
                file_problem_ = got.error();
                return 0;
            }
            iovec part{copy.data(), *got};
            sent = send_parts(&part, 1, false);
        }
        if (sent > 0) sent_of_piece_ += static_cast<std::size_t>(sent);
        return sent;
    }

    error ended_early() const {
        const auto& piece = pieces_[piece_];
        return error{errc::io_error, fmt::format("{} ends before byte {}, which was to be sent to {}", piece.source->path(),
                                                 piece.source_offset + piece.source_bytes, to_string(remote_))};
    }

    asio_loop& loop_;
    tcp::socket socket_;
    endpoint local_, remote_;
    function<void(result<std::size_t>)> read_done_;
    function<void(result<void>)> write_done_;
    std::vector<write_piece> pieces_;
    std::size_t piece_ = 0;
    std::size_t sent_of_piece_ = 0;
    error file_problem_;
    bool no_sendfile_ = false;
};

class socket_stream final : public stream {
public:
    explicit socket_stream(std::shared_ptr<connection> inner) : inner_(std::move(inner)) {}
    ~socket_stream() override {
        inner_->close();
        inner_->fail_now();
    }
    void read_some(mutable_bytes into, function<void(result<std::size_t>)> done) override {
        inner_->read_some(into, std::move(done));
    }
    void write(std::vector<write_piece> pieces, function<void(result<void>)> done) override {
        inner_->write(std::move(pieces), std::move(done));
    }
    void close() noexcept override { inner_->close(); }
    const endpoint& local() const noexcept override { return inner_->local(); }
    const endpoint& remote() const noexcept override { return inner_->remote(); }

private:
    std::shared_ptr<connection> inner_;
};

}  // namespace

std::unique_ptr<stream> make_socket_stream(asio_loop& loop, tcp::socket socket) {
    return std::make_unique<socket_stream>(std::make_shared<connection>(loop, std::move(socket)));
}

void apply_options(int socket, const socket_options& options) noexcept {
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    if (options.send_buffer_bytes >= 0) {
        ::setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &options.send_buffer_bytes, sizeof(int));
    }
    if (options.receive_buffer_bytes >= 0) {
        ::setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &options.receive_buffer_bytes, sizeof(int));
    }
}

std::string system_text(int number) {
    return boost::system::error_code{number, boost::system::system_category()}.message();
}

endpoint to_endpoint(const tcp::endpoint& where) {
    auto address = where.address();
    // A dual-stack listener sees IPv4 peers as mapped addresses; people know them by the other name.
    if (address.is_v6() && address.to_v6().is_v4_mapped()) {
        address = boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address.to_v6());
    }
    return {address.to_string(), where.port()};
}

std::vector<boost::asio::ip::address> literal_addresses(const std::string& host) {
    if (host == "localhost") return {boost::asio::ip::address_v4::loopback(), boost::asio::ip::address_v6::loopback()};
    boost::system::error_code failure;
    const auto address = boost::asio::ip::make_address(host, failure);
    if (failure) return {};
    return {address};
}

}  // namespace weir::detail

// The seam to the network: Boost.Asio sockets in production; links that delay, lose and cut in simulations.
#pragma once
#include <weir/base/bytes.hpp>
#include <weir/base/error.hpp>
#include <weir/base/event_loop.hpp>
#include <weir/base/files.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace weir {

struct endpoint {
    std::string host;
    std::uint16_t port = 0;
    bool operator==(const endpoint&) const = default;
};
/// "host:port", with brackets around an IPv6 address.
std::string to_string(const endpoint& where);

/// A piece of a gather write: memory, or a range of a file that goes out by sendfile where the stream can.
/// `owner` keeps the memory alive until it is sent; it may be empty when the bytes live in `inline_bytes`.
struct write_piece {
    std::shared_ptr<const void> owner;
    bytes_view memory;
    file_ptr source;               ///< when set, `memory` is unused
    std::uint64_t source_offset = 0;
    std::uint64_t source_bytes = 0;
    std::size_t size() const noexcept { return source ? static_cast<std::size_t>(source_bytes) : memory.size(); }
};

/// A connected byte stream. Lives on one loop: every call and every callback is there. At most one read and one write at
/// a time. Callbacks run as steps of the loop, never inside the call that began the operation; only the destructor, which
/// closes, runs what is still pending at once, with errc::closed. Dropping a stream inside its own callback is fine.
/// A connection that the peer or the network broke fails with errc::network_exception.
class stream {
public:
    virtual ~stream() = default;
    /// Reads at least one byte into `into`, which must stay valid until `done`. 0 bytes: the peer has finished.
    virtual void read_some(mutable_bytes into, function<void(result<std::size_t>)> done) = 0;
    /// Writes all pieces in order.
    virtual void write(std::vector<write_piece> pieces, function<void(result<void>)> done) = 0;
    /// Ends the connection; pending operations complete with errc::closed. Harmless when closed.
    virtual void close() noexcept = 0;
    virtual const endpoint& local() const noexcept = 0;
    virtual const endpoint& remote() const noexcept = 0;
};

struct socket_options {
    int send_buffer_bytes = -1;     ///< -1: the system's
    int receive_buffer_bytes = -1;
    int backlog = 50;
};

/// Accepts connections until dropped or closed, on its own loop. `port` is the bound one when 0 was asked for. A stream
/// on its way to another loop may still arrive there while this closes.
class listener {
public:
    virtual ~listener() = default;
    virtual const endpoint& local() const noexcept = 0;
    virtual void close() noexcept = 0;
};

class network {
public:
    virtual ~network() = default;
    /// Connects from `loop`; errc::not_found (no such host), errc::refused, errc::timed_out or errc::io_error with the
    /// endpoint named.
    virtual void connect(event_loop& loop, const endpoint& to, const socket_options& options, nanoseconds timeout,
                         function<void(result<std::unique_ptr<stream>>)> done) = 0;
    /// Listens on `loop`. `pick_loop` chooses the loop each accepted stream lives on; `accepted` then runs on that loop.
    /// An empty host means every address; localhost means IPv4's and, where there is one, IPv6's. errc::in_use when
    /// somebody listens there already.
    virtual result<std::unique_ptr<listener>> listen(event_loop& loop, const endpoint& on, const socket_options& options,
                                                     function<event_loop&()> pick_loop,
                                                     function<void(std::unique_ptr<stream>)> accepted) = 0;
};

}  // namespace weir

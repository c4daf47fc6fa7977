// One end of a simulated connection.
#pragma once
#include "world_impl.hpp"

#include <deque>
#include <memory>
#include <utility>

namespace weir::sim {

/// What TCP promises, under a network that does not: bytes in order, or a connection that stalls and in the end breaks.
/// Shared by the stream the program holds and by the segments under way.
class socket_end : public std::enable_shared_from_this<socket_end> {
public:
    socket_end(world::impl& all, life& mine, sim_loop& loop, machine& far, endpoint local, endpoint remote)
        : all_(all), life_(mine), loop_(loop), far_(far), local_(std::move(local)), remote_(std::move(remote)) {}
    void join(const std::shared_ptr<socket_end>& peer) { peer_ = peer; }

    void read_some(mutable_bytes into, function<void(result<std::size_t>)> done);
    void write(const std::vector<write_piece>& pieces, function<void(result<void>)> done);
    void close() noexcept;
    /// Runs what is pending with errc::closed; nothing in a life that is over.
    void fail_now();
    /// The life of this end is over: callbacks are dropped; the peer hears of it at once or never.
    void abandon(bool tell_peer);
    const endpoint& local() const noexcept { return local_; }
    const endpoint& remote() const noexcept { return remote_; }

private:
    enum class kind : std::uint8_t { data, finish, reset, room };
    struct segment {
        kind what = kind::data;
        std::uint64_t order = 0;  // of data and finish
        bytes content;
        std::size_t room = 0;
        time_point first_sent{};
        nanoseconds resend_after{0};
    };
    const link_config& link() const { return all_.link(loop_.home().id, far_.id); }
    bool is_cut() const { return all_.is_cut(loop_.home().id, far_.id); }
    void transmit(segment what);
    void deliver(const std::shared_ptr<socket_end>& to, segment what);
    void arrived(segment what);
    void accept_in_order(segment what);
    void stalled(const std::shared_ptr<socket_end>& to, segment what);
    void break_off(const error& why);
    void pump();
    void answer_read();
    void answer_write(result<void> outcome);
    error closed_error() const;
    error reset_error() const;

    world::impl& all_;
    life& life_;
    sim_loop& loop_;
    machine& far_;
    endpoint local_, remote_;
    std::weak_ptr<socket_end> peer_;
    bool closed_ = false;
    error broken_;

    std::uint64_t expected_ = 0;
    std::map<std::uint64_t, segment> early_;  // arrived before what was sent before them
    std::deque<bytes> unread_;
    std::size_t read_of_first_ = 0;
    bool peer_finished_ = false;
    mutable_bytes into_;
    function<void(result<std::size_t>)> read_done_;
    bool read_answer_posted_ = false;

    bytes sending_;
    std::size_t sent_ = 0;
    std::size_t outstanding_ = 0;  // sent, and room for it not yet given back
    function<void(result<void>)> write_done_;
    std::uint64_t next_order_ = 0;
    time_point last_arrival_{};    // what is sent later arrives later, when nothing is lost
};

/// The two streams of a new connection.
std::pair<std::unique_ptr<stream>, std::unique_ptr<stream>> make_connection(world::impl& all, life& from, sim_loop& from_loop,
                                                                            const endpoint& from_address, life& to,
                                                                            sim_loop& to_loop, const endpoint& to_address);

}  // namespace weir::sim

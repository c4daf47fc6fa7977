// The heartbeats of a member whose coordinator assigns (KIP-848, KIP-932): when one is due, which epoch it tells, and what its
// answer makes of the member. What else a heartbeat says, and what is owned, is the member's business.
//
// As with the members: inputs in, no I/O and no clock.
#pragma once
#include <weir/base/error.hpp>
#include <weir/net/backoff.hpp>

#include <cstdint>
#include <string_view>

namespace weir::detail {

enum class heartbeat_outcome : std::uint8_t {
    outdated,         ///< nobody waits for this answer any more
    accepted,         ///< a member, with epoch()
    left,             ///< the last heartbeat was answered, or got lost
    fenced,           ///< no member any more; may join again at once
    retry,            ///< the next one follows after a while, and has to tell everything
    retry_elsewhere,  ///< the same, once the coordinator has been found anew
    refused,          ///< no member any more, and another try would not help
};

class heartbeat_session {
public:
    heartbeat_session(net::backoff retry, std::uint64_t seed) : retry_(retry), random_(seed) {}

    bool out() const noexcept { return phase_ == phase::out; }
    bool joining() const noexcept { return phase_ == phase::joining; }
    bool member() const noexcept { return phase_ == phase::member; }
    bool leaving() const noexcept { return phase_ == phase::leaving; }
    /// What the next heartbeat tells: 0 to join, then what the coordinator said last; -1 while out.
    std::int32_t epoch() const noexcept { return epoch_; }

    /// The first heartbeat is due at once.
    void join(time_point now);
    /// A member has something to tell.
    void hurry(time_point now);
    bool due(time_point now) const noexcept { return now >= deadline(); }
    /// When the next one is due; never while an answer is awaited.
    time_point deadline() const noexcept;
    /// A heartbeat goes out: the number by which its answer is known.
    std::uint64_t send();
    /// The last one goes out; an earlier one is not waited for.
    std::uint64_t send_last();
    /// Out, without a word.
    void drop();

    heartbeat_outcome answered(std::uint64_t of, errc code, std::int32_t epoch, milliseconds interval, time_point now);
    heartbeat_outcome failed(std::uint64_t of, const error& why, time_point now);

private:
    enum class phase : std::uint8_t { out, joining, member, leaving };
    /// False: this is not the answer that is awaited.
    bool take(std::uint64_t of);
    heartbeat_outcome end(heartbeat_outcome how);
    heartbeat_outcome again(heartbeat_outcome how, time_point now);

    net::backoff retry_;
    random_source random_;
    phase phase_ = phase::out;
    std::int32_t epoch_ = -1;
    milliseconds interval_{5'000};  // until the coordinator tells its own
    time_point due_at_ = time_point::max();
    int failures_ = 0;
    std::uint64_t last_sent_ = 0;
    std::uint64_t awaited_ = 0;  // 0: none
};

/// `advice`: what this kind of group knows about the code; empty: what holds for any.
error heartbeat_error(std::string_view request, std::string_view group, errc code, std::string_view advice, std::string_view coordinator_says);

}  // namespace weir::detail

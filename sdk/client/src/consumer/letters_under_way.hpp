// Which dead letters of a consumer are not delivered yet: nothing behind them is committed.
#pragma once
#include "inbox.hpp"

#include <set>

namespace weir::detail {

struct letter {
    feed_ptr of;
    std::int64_t offset = -1;
    std::size_t size = 0;
    std::uint64_t number = 0;
};

/// Thread-safe; feed::undelivered tells how far its partition may be committed. The inbox hands nothing out while many bytes
/// are on their way.
class letters_under_way {
public:
    letters_under_way(event_loop& loop, std::shared_ptr<inbox> in) : loop_(loop), inbox_(std::move(in)) {}

    /// False: this one is on its way already.
    bool begin(letter& which);
    /// No error: it was delivered. Otherwise its partition is committed no further. On the loop.
    void end(const letter& which, const error& why);
    /// Why a letter of that feed was lost, if one was.
    error failure(const feed_ptr& of) const;
    /// The application went elsewhere: what became of these letters holds nothing up any more.
    void forget(const feed_ptr& of);
    /// `tell` runs on the loop, once every letter sent so far is delivered or lost.
    void when_settled(function<void()> tell);

private:
    struct of_feed {
        std::set<std::int64_t> offsets;
        error lost;
    };
    event_loop& loop_;
    std::shared_ptr<inbox> inbox_;
    mutable std::mutex mutex_;
    std::map<feed_ptr, of_feed> feeds_;
    std::set<std::uint64_t> under_way_;
    std::uint64_t next_ = 1;
    std::deque<std::pair<std::uint64_t, function<void()>>> waiting_;  // for all below that number
};

}  // namespace weir::detail

// Between the client's loop, which fetches, and the application's thread, which reads: whole chunks change hands here.
#pragma once
#include "../op_state.hpp"
#include "chunk.hpp"

#include <weir/detail/poll_source.hpp>

#include <deque>
#include <map>

namespace weir::detail {

/// One assigned partition from one position on. Assigning or seeking begins a new feed; what is left of the old one is
/// nobody's any more, so nothing has to be compared to find out what is stale.
struct feed {
    feed(std::string of_topic, std::int32_t of_partition, std::uint32_t number)
        : topic(std::move(of_topic)), partition(of_partition), number(number) {}
    const std::string topic;
    const std::int32_t partition;
    const std::uint32_t number;  ///< of the fetcher
    progress how_far;
    std::atomic<std::int64_t> end{-1};  ///< of the partition, as the last answer told it
    std::atomic<std::int64_t> undelivered{-1};  ///< a dead letter below this offset is still on its way: nothing from there on is finished
    std::int64_t settled = -1;  ///< the loop's: the application committed up to here itself, whatever it holds

    // --- under the inbox's lock ---
    std::deque<chunk> chunks;
    std::size_t bytes = 0;   ///< waiting or being read
    std::size_t reading = 0; ///< bytes of the chunk that the application reads
    bool listed = false;     ///< in the ring of those with chunks
    bool paused = false;
    bool closed = false;
    bool full = false;       ///< it has enough: the fetcher wants to hear when that changes
    bool touched = false;    ///< listed for the next commit
};
using feed_ptr = std::shared_ptr<feed>;

/// Who waits in poll().
class poll_waiter {
public:
    virtual ~poll_waiter() = default;
    virtual void ready() = 0;  ///< something is there, or the end; on the thread that brought it. No longer registered
    virtual void late() {}     ///< `until` is here and nothing is there. No longer registered either
    time_point until = time_point::max();
};

/// Thread-safe. Partitions take turns, a chunk each. One reader at a time.
class inbox {
public:
    /// `full_bytes`: what one partition may have here before it is not asked for more. `opened`: while a reader waits for its
    /// room, nothing is handed out. `tell`: posts to the loop that there is something for attend().
    inbox(std::size_t full_bytes, std::shared_ptr<byte_budget> opened, function<void()> tell)
        : full_bytes_(full_bytes), opened_(std::move(opened)), tell_(std::move(tell)) {}

    // --- the loop's side ---
    void put(const feed_ptr& of, chunk what);
    void put_error(error why);
    void open(const feed_ptr& which);
    /// Nothing of it is handed out from now on; what the application holds is its own.
    void close(const feed_ptr& which);
    void pause(const feed_ptr& which, bool yes);
    /// What was last said of it; once for every pause() of the other side.
    bool settle_pause(const topic_partition& where);
    /// The application counts as asking from now on.
    void begin(time_point now);
    /// While held, nothing is handed out. True: the application holds nothing, or waits, and `hands_empty` will not be told.
    bool hold();
    void release();
    /// `opened` has room again.
    void room();
    /// So many bytes of dead letters more, or fewer, are on their way; any thread, the loop's when fewer.
    void letters(std::ptrdiff_t more);
    /// Whether that partition has enough; the fetcher is told when it no longer has.
    bool full(const feed_ptr& which);
    struct news {
        std::vector<feed_ptr> hungry;  ///< were full and are not any more
        bool hands_empty = false;      ///< the application moved on since hold()
        bool asks_again = false;       ///< after a long silence
        bool read = false;             ///< it took something
    };
    news attend();
    /// The feeds that something was read of, until untouch(). Any thread.
    std::vector<feed_ptr> touched() const;
    /// Where it begins is worth committing.
    void touch(const feed_ptr& which);
    /// Everything that was read of it is committed; forgotten unless more of it is waiting.
    void untouch(const feed_ptr& which);
    bool empty() const;  ///< nothing waits to be read
    void stop(error why);  ///< for good
    /// Partitions that are open, and how many records the one furthest behind is behind.
    struct extent {
        std::size_t partitions = 0;
        std::int64_t lag_max = 0;
    };
    extent measure() const;
    /// When the application last asked for records; now, while it waits for some.
    time_point last_asked(time_point now);
    bool has_chunks(const feed_ptr& of) const;

    // --- any thread: what is said between two records holds for the next one, before the loop hears of it ---
    void close(const topic_partition& where);
    void pause(const topic_partition& where, bool yes);
    /// Of the open ones, as pause() last said it.
    std::vector<topic_partition> paused() const;

    // --- the application's side ---
    enum class outcome : std::uint8_t { chunk, nothing, failed };
    /// The next chunk to read, after what the last one left.
    outcome take(chunk& into, feed_ptr& of, error& why);
    /// What was taken is read to its end, or goes back with what is left of it, behind the other partitions.
    void finish(const feed_ptr& of);
    void put_back(const feed_ptr& of, chunk what);
    bool others_wait() const;
    /// The application asks for records: nothing of what it was given is in its hands any more. The loop is told when it
    /// waited for that, or when it was silent for longer than `most`.
    void enter(time_point now, nanoseconds most);
    /// ... and got some.
    void holds();
    /// Registers who waits; false when something is there already.
    bool wait(std::shared_ptr<poll_waiter> who);
    /// False: it was not registered any more.
    bool forget(const poll_waiter* who);
    /// Tells who waits that it is late; or when it will be.
    time_point expire(time_point now);

    const std::atomic<bool>& disturbed() const noexcept { return disturbed_; }
    /// For the reader, before it looks what changed.
    void calm() noexcept { disturbed_.store(false, std::memory_order_relaxed); }
    void disturb() noexcept { disturbed_.store(true, std::memory_order_relaxed); }

private:
    void list(const feed_ptr& which);
    void rest();
    void shut(const feed_ptr& which);
    void hush(const feed_ptr& which, bool yes);
    std::shared_ptr<poll_waiter> wake();
    void tell();
    bool ready() const { return failure_ || !errors_.empty() || may_hand_out(); }
    bool may_hand_out() const { return !held_ && !ring_.empty() && !opened_->starved() && letters_ < many_letters; }

    const std::size_t full_bytes_;
    const std::shared_ptr<byte_budget> opened_;
    function<void()> tell_;
    mutable std::mutex mutex_;
    std::map<topic_partition, feed_ptr> open_;
    struct pause_wish {
        bool yes = false;
        int steps = 0;  // of the loop that are to come
    };
    std::map<topic_partition, pause_wish> pause_wishes_;
    std::deque<feed_ptr> ring_;
    std::deque<error> errors_;
    error failure_;
    std::vector<feed_ptr> touched_;
    std::shared_ptr<poll_waiter> waiter_;
    news news_;
    time_point last_asked_{};
    bool told_ = false;
    bool held_ = false;
    bool in_hand_ = false;
    bool want_hands_ = false;
    std::atomic<std::ptrdiff_t> letters_ = 0;
    static constexpr std::ptrdiff_t many_letters = 1 << 20;
    alignas(64) std::atomic<bool> disturbed_ = false;
};

}  // namespace weir::detail

// The application's side of a consumer: takes chunks from the inbox and cuts records out of them, on its own thread.
#pragma once
#include "inbox.hpp"

#include <weir/consumer_config.hpp>

#include <semaphore.h>

namespace weir::detail {

/// Wakes a thread that blocks for records. ring() may be called from a signal handler.
class bell final : public poll_waiter {
public:
    explicit bell(std::shared_ptr<callbacks> strand) : strand_(std::move(strand)) { ::sem_init(&count_, 0, 0); }
    ~bell() override { ::sem_destroy(&count_); }
    bell(const bell&) = delete;
    bell& operator=(const bell&) = delete;
    void ready() override {
        ring();
        strand_->rouse();
    }
    void ring() noexcept { ::sem_post(&count_); }
    /// Lends the thread meanwhile. False: it does not ring, in a simulation in which nothing comes any more.
    bool wait() {
        if (strand_->in_virtual_time()) {
            if (!strand_->pass_time([this] { return rung(); }, nanoseconds::max())) return false;
        } else {
            strand_->lend_thread([this] { return rung(); }, nanoseconds::max());
        }
        while (::sem_wait(&count_) != 0) {}
        return true;
    }

private:
    bool rung() noexcept {
        int count = 0;
        ::sem_getvalue(&count_, &count);
        return count > 0;
    }
    std::shared_ptr<callbacks> strand_;
    sem_t count_;
};

class dead_letters;

struct reader_settings {
    std::size_t max_poll_records = 500;
    nanoseconds max_poll_interval{};
    on_bad_record bad = on_bad_record::stop;
    std::weak_ptr<dead_letters> letters;
    std::shared_ptr<function<void(const incoming_record&)>> on_consume;  ///< nullptr: nobody listens
};

/// One thread at a time; poll() that waits lends it to the thread that brings something.
class reader : public std::enable_shared_from_this<reader> {
public:
    reader(std::shared_ptr<inbox> from, std::shared_ptr<callbacks> strand, event_loop& loop, reader_settings settings)
        : inbox_(std::move(from)), strand_(std::move(strand)), loop_(loop), settings_(std::move(settings)), bell_(std::make_shared<bell>(strand_)) {}

    // --- the loop over records ---
    /// Blocks; false: the end, status() says why.
    bool refill(record_window& window);
    /// The loop was left: what it had not come to is read again.
    void leave(record_window& window);
    bool undecodable(record_window& window, const raw_record& which, const error& why);
    /// A record is about to be handed out.
    void hear(const raw_record& which, const record_info& where) const noexcept;

    std::shared_ptr<op_core> poll(weir::duration most, std::size_t records, std::shared_ptr<void> types, poll_types how);

    /// Once, before anything else.
    void open();
    /// Signal-safe.
    void stop() noexcept;
    bool stopped() const noexcept { return stopped_.load(std::memory_order_relaxed); }
    error status() const;
    const std::atomic<bool>& disturbed() const noexcept { return inbox_->disturbed(); }

private:
    friend class poll_state;
    enum class found : std::uint8_t { records, nothing, failed };
    class visit;
    /// Records of one batch: records_, feed_. Passes over chunks that are read.
    found read(std::size_t most, error& why);
    found acquire(error& why);
    /// Whether read() would give something, for all that is seen so.
    found peek(chunk::look at, error& why);
    found in_vain(const error& of, error& why);
    /// The one that was looked at is read again, with what follows it.
    void unread();
    void finish_chunk();
    error located(const error& why) const;
    /// The application asks anew: it has finished what it was handed.
    void move_on();
    void give_back();
    void handed(std::int64_t next_offset);
    /// A poll() that waits has to end then. One timer serves all that come before it fires.
    void watch(time_point until);
    /// True: go on with the next record.
    bool pass_over(const raw_record& which, const record_info& where, const error& why, error& failure);
    record_info where() const;
    void end(const error& why);

    std::shared_ptr<inbox> inbox_;
    std::shared_ptr<callbacks> strand_;
    event_loop& loop_;
    reader_settings settings_;
    std::shared_ptr<bell> bell_;
    std::unique_ptr<doorbell> stop_poll_;

    std::mutex mutex_;  // between the application and a thread that ready()s a poll
    std::atomic<bool> inside_ = false;
    std::atomic<bool> stopped_ = false;
    std::atomic<bool> polling_ = false;  // a poll() waits
    std::weak_ptr<poll_waiter> waiting_;
    std::atomic<time_point> alarm_at_ = time_point::max();
    feed_ptr feed_;  // nullptr: no chunk
    chunk chunk_;
    std::size_t since_taken_ = 0;
    std::vector<raw_record> room_ = std::vector<raw_record>(window_records);
    std::span<const raw_record> records_;
    bool ahead_ = false;  // records_ is one that was looked at, and that nobody was handed yet
    std::vector<feed_ptr> in_hand_;
    static constexpr std::size_t window_records = 128;

    mutable std::mutex status_mutex_;
    error status_;
};

}  // namespace weir::detail

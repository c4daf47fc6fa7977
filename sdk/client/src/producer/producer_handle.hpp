// A producer without its client, and the handle that its copies share.
#pragma once
#include "../client_core.hpp"
#include "sender.hpp"
#include "transactions.hpp"

#include <atomic>

namespace weir::detail {

/// What is under way may hold this, and so never the client.
class producer_core : public std::enable_shared_from_this<producer_core> {
public:
    /// The number that records outside transactions carry.
    static constexpr std::int64_t no_transaction = 0;

    producer_core(client_core& on, producer_config config);

    delivery send(std::string_view topic, const erased& key, const erased& value, const send_options* options, std::int64_t transaction);
    op<delivery> enqueue(std::string_view topic, const erased& key, const erased& value, const send_options* options, std::int64_t transaction);
    op<transaction> begin(std::weak_ptr<producer_handle> handle);
    op<> end(std::int64_t number, bool commit);
    void drop(std::int64_t number);
    op<> add_offsets(std::int64_t number, group_metadata group, std::vector<partition_offset> offsets);
    op<> flush();
    op<std::vector<partition_info>> partitions_for(std::string topic);
    op<> close(duration most, bool callbacks_too = true);
    /// Why the last transaction was aborted; for who has just waited for its end.
    const error& abort_cause() const noexcept { return abort_cause_; }
    duration close_timeout() const noexcept { return config_.close_timeout; }
    bool would_deadlock() const noexcept { return strand_->would_deadlock(); }
    bool callbacks_elsewhere() const noexcept { return strand_->elsewhere(); }

private:
    struct outbound;
    /// What waits for its topic or for room, for max.block.ms at most. On the loop.
    class waiting_room : public std::enable_shared_from_this<waiting_room> {
    public:
        enum class outcome : std::uint8_t { over, no_topic, no_room };
        struct guest {
            time_point until;
            function<outcome()> attempt;
            function<void()> too_late;
        };
        explicit waiting_room(event_loop& loop) noexcept : loop_(loop) {}
        /// Records take turns: none goes before another that waits for room.
        void add_record(guest waiting);
        void add_question(guest waiting);
        void retry();
        /// How many records wait here, or are on their way to.
        std::atomic<std::size_t> expected{0};

    private:
        void watch(time_point until);
        void look_at_the_clock();
        event_loop& loop_;
        std::deque<guest> records_;
        std::vector<guest> questions_;
        time_point alarm_at_ = time_point::max();  // one for all: those that do not wait for so long leave none behind
    };

    delivery send_slowly(std::string_view topic, const erased& key, const erased& value, const send_options* options, std::int64_t transaction);
    void run_on_send(outbound& out, std::string_view topic);
    appended try_append(std::string_view topic, outbound& out);
    void wake();
    /// A record did not become part of a batch.
    void refused(const error& why, std::int64_t transaction);
    delivery failed(error why, std::int64_t transaction);
    error late(std::string_view topic, append_outcome what) const;

    producer_config config_;
    const bool hooked_;
    std::shared_ptr<callbacks> strand_;
    std::shared_ptr<cluster> view_;
    event_loop& loop_;
    std::shared_ptr<accumulator> records_;
    std::shared_ptr<transaction_manager> manager_;  // nullptr without a transactional id
    std::shared_ptr<sender> sender_;
    std::shared_ptr<transactions> transactions_;
    error abort_cause_;
    std::shared_ptr<waiting_room> waiting_ = std::make_shared<waiting_room>(loop_);
};

/// Held by producers and transactions only: the last one to go delivers what is under way.
class producer_handle : public std::enable_shared_from_this<producer_handle> {
public:
    producer_handle(const client& on, producer_config config) : client_(on), core_(std::make_shared<producer_core>(client_.core(), std::move(config))) {}
    producer_handle(const producer_handle&) = delete;
    producer_handle& operator=(const producer_handle&) = delete;
    // On the client's own threads nothing may wait for delivery; what is under way is given up. Callbacks on an executor of the
    // user's come when they come: this may be the thread that runs it.
    ~producer_handle() {
        if (!core_->would_deadlock()) (void)core_->close(core_->close_timeout(), !core_->callbacks_elsewhere()).get();
        else (void)core_->close(duration{0});
    }
    producer_core* operator->() const noexcept { return core_.get(); }
    op<transaction> begin() { return core_->begin(weak_from_this()); }

private:
    client client_;
    std::shared_ptr<producer_core> core_;
};

}  // namespace weir::detail

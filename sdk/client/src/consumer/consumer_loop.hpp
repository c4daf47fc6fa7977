// A consumer's part on the client's loop: what is assigned, what is committed, and the group.
#pragma once
#include "commit_queue.hpp"
#include "fetcher.hpp"
#include "letters_under_way.hpp"
#include "partition_questions.hpp"
#include "reader.hpp"

namespace weir::detail {

/// Everything here runs on the loop; handle and application post to it. Coroutines keep it alive, never the client.
class consumer_loop final : public membership_events, public std::enable_shared_from_this<consumer_loop> {
public:
    consumer_loop(std::shared_ptr<cluster> view, std::shared_ptr<callbacks> strand, consumer_config config);

    const std::shared_ptr<inbox>& shared_inbox() const noexcept { return inbox_; }
    const std::shared_ptr<letters_under_way>& letters() const noexcept { return letters_; }
    /// Begins, once there is a shared_ptr.
    void open();

    void subscribe(subscription to);
    void unsubscribe();
    void assign(std::vector<topic_partition> to, at::position from);
    void rejoin(std::string reason);
    void on_rebalance(rebalance_listener listener) { listener_ = std::make_shared<rebalance_listener>(std::move(listener)); }
    /// Nobody is told of anything any more.
    void mute();
    group_metadata metadata() const;
    void seek(const topic_partition& where, at::position to, std::int32_t epoch = -1);
    void seek(const partition_offset& to);
    void pause(const std::vector<topic_partition>& which);  ///< as the inbox was told
    /// The application's side has news.
    void attend();

    /// Of feeds, as the application saw them when it asked.
    void commit_read(const std::vector<std::pair<feed_ptr, partition_offset>>& read, std::shared_ptr<op_state<void>> done);
    void commit(std::vector<partition_offset> offsets, std::shared_ptr<op_state<void>> done);
    void committed(std::vector<topic_partition> of, std::shared_ptr<op_state<std::vector<partition_offset>>> done);
    partition_questions& questions() const noexcept { return *questions_; }

    void close(milliseconds most, farewell how, std::shared_ptr<op_state<void>> done);

    // --- membership_events ---
    void assigned(std::vector<topic_partition> added) override;
    void revoke(std::vector<topic_partition> going, function<void()> done) override;
    void lost(std::vector<topic_partition> gone) override;
    time_point last_polled() const override;
    void failed(error why) override;

    // --- any thread ---
    std::vector<topic_partition> assignment() const;
    /// What was handed out, or with `finished_only` what was moved past.
    std::vector<std::pair<feed_ptr, partition_offset>> read_so_far(bool finished_only) const;

private:
    /// What the group decided. One at a time: the application comes to rest between two records, hears of it, and goes on.
    struct decision {
        enum class kind : std::uint8_t { assigned, revoked, lost } what;
        std::vector<topic_partition> partitions;
        function<void()> done;
    };
    void decide(decision next);
    void next_decision();
    void rest();
    /// The application holds no record.
    void at_rest();
    static task<void> carry_out(std::shared_ptr<consumer_loop> self);
    bool listens_to(const decision& what) const;
    task<void> tell_listener();
    task<void> commit_finished();
    bool closing() const noexcept { return !closing_.empty(); }
    void postpone(function<void(consumer_loop&)> step) { postponed_.push_back(std::move(step)); }
    void has_left(std::uint64_t subscription);
    void drop(const std::vector<topic_partition>& which);
    void tell_assignment();
    void complain(const error& why);
    group_identity identity() const;
    /// Those that are still assigned, and not committed as they are.
    std::vector<partition_offset> uncommitted(const std::vector<std::pair<feed_ptr, partition_offset>>& read);
    /// What commits itself: what was moved past, but never back behind what the application said that it is done with.
    std::vector<partition_offset> finished();
    commit_job asked(std::vector<partition_offset> offsets, std::shared_ptr<op_state<void>> done) const;
    /// What was moved past, without anybody waiting for that.
    void commit_in_passing();
    void auto_commit();
    void arm_auto_commit();
    commit_queue::hooks commit_hooks();
    static task<void> run_committed(std::shared_ptr<consumer_loop> self, std::vector<topic_partition> of, std::shared_ptr<op_state<std::vector<partition_offset>>> done);
    static task<void> run_close(std::shared_ptr<consumer_loop> self);
    void end(const error& why);

    std::shared_ptr<cluster> view_;
    std::shared_ptr<callbacks> strand_;
    consumer_config config_;
    std::shared_ptr<function<void(const error&)>> on_error_;
    std::shared_ptr<function<void(const std::vector<partition_offset>&)>> on_commit_;
    std::shared_ptr<consumer_counters> counters_ = std::make_shared<consumer_counters>();
    // Three quarters of buffer.memory are for what was fetched, an eighth is for decompressed batches in use, and an eighth for the
    // one that is being opened next to them: nobody knows its size before.
    std::shared_ptr<byte_budget> budget_, opened_;
    std::shared_ptr<inbox> inbox_;
    std::shared_ptr<letters_under_way> letters_;  // with on_bad_record::dead_letter
    std::shared_ptr<fetcher> fetcher_;
    std::shared_ptr<partition_questions> questions_;
    std::shared_ptr<commit_queue> commits_;
    std::shared_ptr<membership> member_;  // from the first subscribe() on
    bool subscribed_ = false;
    std::uint64_t subscriptions_ = 0;     // how often subscribe() was called
    bool leaving_ = false;                // unsubscribe() was, and the group has not been left yet
    std::vector<function<void(consumer_loop&)>> postponed_;  // an assign() since, and what came behind it
    std::shared_ptr<rebalance_listener> listener_ = std::make_shared<rebalance_listener>();
    std::deque<decision> decisions_;      // the first is being carried out when deciding_
    bool deciding_ = false;
    bool resting_ = false;                // waits for the application
    timer_id auto_commit_ = timer_id::none;
    timer_id give_up_ = timer_id::none;
    std::vector<std::shared_ptr<op_state<void>>> closing_;
    milliseconds leave_within_{};
    farewell farewell_ = farewell::standard;
    error last_commit_failure_;  // of commit_finished()
    bool ended_ = false;  // takes no more work
    mutable std::mutex assignment_mutex_;
    std::vector<topic_partition> assignment_;
};

}  // namespace weir::detail

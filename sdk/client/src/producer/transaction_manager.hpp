// What a transactional producer asks its coordinators, and what becomes of the transaction by their answers.
#pragma once
#include <weir/base/function.hpp>
#include <weir/base/time.hpp>
#include <weir/group.hpp>
#include <weir/protocol/messages/add_offsets_to_txn.hpp>
#include <weir/protocol/messages/add_partitions_to_txn.hpp>
#include <weir/protocol/messages/end_txn.hpp>
#include <weir/protocol/messages/init_producer_id.hpp>
#include <weir/protocol/messages/txn_offset_commit.hpp>

#include <deque>
#include <set>
#include <variant>
#include <vector>

namespace weir::detail {

struct producer_identity {
    std::int64_t id = -1;
    std::int16_t epoch = -1;
    friend bool operator==(const producer_identity&, const producer_identity&) = default;
};

/// What the driver does after an answer.
enum class then : std::uint8_t {
    go_on,             ///< next()
    retry,             ///< next() after a pause
    find_coordinator,  ///< likewise, and whoever was asked no longer coordinates
};

/// One transactional id, step by step: no I/O, no clock, no threads. The driver asks next() what to send, at most one
/// request at a time, and reports the answer; the sender reports what became of the batches. Retries are made by asking
/// next() again, so that they carry what has come meanwhile.
///
/// Every transaction ends in one of three ways. Committed. Aborted: errc::transaction_aborted, whose cause says why; it may
/// be run again. Dead: an error that is fatal(), from then on and for everything; another producer took over, or nobody knows
/// what became of a commit.
///
/// Protocol V2 (KIP-890): partitions join by being produced to, the coordinator raises the epoch with every end. V1: each
/// partition and group is announced first, and the epoch is raised by InitProducerId when sequences may have gaps (KIP-360).
class transaction_manager {
public:
    using request = std::variant<protocol::init_producer_id_request, protocol::add_partitions_to_txn_request, protocol::add_offsets_to_txn_request,
                                 protocol::txn_offset_commit_request, protocol::end_txn_request>;
    using on_done = function<void(result<void>)>;

    transaction_manager(std::string transactional_id, milliseconds timeout);

    // --- the application's ---
    /// Opens the next transaction when the one before has ended and the coordinator has given an identity.
    void begin(on_done done);
    /// Ends it as `commit` says, after drained(). Committing one that failed aborts it, and says so.
    void end(bool commit, on_done done);
    void add_offsets(group_metadata group, std::vector<partition_offset> offsets, on_done done);

    // --- the sender's ---
    const std::string& id() const noexcept { return id_; }
    const producer_identity& identity() const noexcept { return who_; }
    bool v2() const noexcept { return v2_; }
    /// Counts transactions up; 0 before the first.
    std::int64_t number() const noexcept { return number_; }
    bool is_open() const noexcept { return phase_ == phase::open; }
    /// Something has begun and not ended.
    bool is_busy() const noexcept { return in_transaction() || begun_; }
    /// Whether batches of this partition may go out now; otherwise that is arranged.
    bool admit(const topic_partition& where);
    /// A batch is given up; `sequenced`: it may have left a gap in the sequences.
    void batch_lost(const error& why, bool sequenced);
    /// No batch of the ending transaction is left.
    void drained();
    /// Something else that the transaction needed has failed: it can only abort.
    void fail(const error& why);
    /// Why nothing may be added to the open transaction, if so.
    const error& failure() const noexcept { return death_ ? death_ : failure_; }
    const error& death() const noexcept { return death_; }

    // --- the driver's ---
    /// Which protocol the coordinator's cluster has; holds from the next transaction on.
    void offer_v2(bool has) noexcept { next_v2_ = has; }
    std::optional<request> next();
    then answered(const protocol::init_producer_id_response& answer);
    then answered(const protocol::add_partitions_to_txn_response& answer);
    then answered(const protocol::add_offsets_to_txn_response& answer);
    then answered(const protocol::txn_offset_commit_response& answer);
    then answered(const protocol::end_txn_response& answer);
    /// No answer came; whether the request was carried out is unknown.
    then unanswered(const error& why);
    /// What is asked has been tried for long enough.
    void give_up(const error& why);
    /// Whether the request under way decides the fate of the transaction.
    bool ending() const noexcept { return asking_ == asked::end; }

private:
    enum class phase : std::uint8_t { unborn, ready, open, ending, dead };
    enum class asked : std::uint8_t { nothing, init, partitions, group, offsets, end };
    struct offsets_step {
        group_metadata group;
        std::vector<partition_offset> offsets;
        on_done done;
    };
    void advance();
    void finish(result<void> outcome);
    void die(error why);
    error about(errc code, std::string_view what) const;
    /// What an answer's code means for everything but its own request.
    then judge(errc code, std::string_view what);
    /// True when an answer is still waited for; it is no longer afterwards.
    bool arrived();
    request ask(asked what, request message);
    protocol::add_partitions_to_txn_request announce_partitions();
    protocol::txn_offset_commit_request commit_offsets() const;
    bool in_transaction() const noexcept { return phase_ == phase::open || phase_ == phase::ending; }

    const std::string id_;
    const milliseconds timeout_;
    producer_identity who_;
    bool v2_ = false;
    bool next_v2_ = false;
    phase phase_ = phase::unborn;
    std::int64_t number_ = 0;
    on_done begun_;                     // somebody waits for the next transaction
    on_done ended_;
    bool commit_ = false;
    bool commit_asked_ = false;         // the coordinator may have heard it: there is no way back to abort
    bool drained_ = false;
    bool started_ = false;              // the coordinator may have heard of this transaction
    bool confirmed_ = false;            // it has
    bool bump_ = false;                 // the next transaction needs a higher epoch first
    bool forgotten_ = false;            // the coordinator does not know the producer id: nothing to end there
    std::set<topic_partition> wanted_, added_;
    std::set<std::string> groups_;
    std::deque<offsets_step> offsets_;
    asked asking_ = asked::nothing;
    error failure_;                     // the open transaction can only abort
    error death_;
};

}  // namespace weir::detail

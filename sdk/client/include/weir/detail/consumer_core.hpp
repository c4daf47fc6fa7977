// The part of a consumer that does not depend on its types: compiled once, in the library.
#pragma once
#include <weir/client.hpp>
#include <weir/consumer_config.hpp>

#include <atomic>
#include <initializer_list>
#include <map>

namespace weir {
namespace detail {

class consumer_handle;

/// How far the application came in a partition. Written by its thread for every record, read by the client's loop.
struct progress {
    std::atomic<std::int64_t> finished{-1};  ///< it moved past everything below; -1: nothing was handed out yet
    std::atomic<std::int64_t> handed{-1};    ///< everything below was handed out
    std::atomic<std::int32_t> epoch{-1};     ///< of the leader that appended the last one handed out
};

/// Records found and checked, but not decoded, for the loop: from one batch of one partition.
struct record_window {
    const raw_record* next = nullptr;
    const raw_record* end = nullptr;
    progress* of = nullptr;
    record_info where{};  ///< of all of them
};

struct raw_part {
    std::span<const raw_record> records{};
    record_info where{};  ///< of all of them
};

/// What a poll found. Lives for one call of a builder.
class poll_source {
public:
    virtual ~poll_source() = default;
    /// The next records; false at the end. `keep` gets what keeps their bytes.
    virtual bool next(raw_part& found, std::vector<std::shared_ptr<const void>>& keep) = 0;
    /// True: go on with the next record. False: this is the end of the batch; the record was not handed out.
    virtual bool undecodable(const raw_part& from, const raw_record& which, const error& why) = 0;
    /// Why there are no records, when there are none.
    virtual const error& failure() const = 0;
    /// For consumer_config::on_consume, when there is one: a record is about to be handed out.
    virtual void hear(const raw_record& which, const record_info& where) = 0;
    bool hooked = false;
};

/// What a consumer's types do for a poll.
struct poll_types {
    void (*build)(void* types, poll_source& from, void* into);  ///< makes a result<T> at `into` of what was found
    error (*check)(void* types, const raw_record& which);       ///< why it cannot be decoded
};

class consumer_core {
public:
    consumer_core(consumer_core&&) noexcept;
    consumer_core& operator=(consumer_core&&) = delete;
    ~consumer_core();  ///< as close(close_timeout), and waits for it where waiting is possible

    // --- what to read: subscribe() or assign(), not both ---
    /// These topics, shared with the group's other members.
    void subscribe(std::vector<std::string> topics);
    /// Every topic whose whole name matches, those made later included; docs/guides/groups.md tells the syntax.
    void subscribe_matching(std::string pattern);
    void unsubscribe();
    /// These partitions and no others, without the group's help.
    void assign(const std::vector<topic_partition>& to, at::position from = at::committed);
    std::vector<topic_partition> assignment() const;
    /// What subscribe() or subscribe_matching() said last, or the constructor; empty after assign() and unsubscribe().
    weir::subscription subscription() const;
    /// Before subscribe(), or else from the next rebalance on.
    void on_rebalance(rebalance_listener listener);

    // --- where; from any thread. What is not assigned is passed over ---
    void seek(const topic_partition& where, at::position to);
    /// To what was committed; where that is nothing, as auto.offset.reset says. With a leader epoch, the log is asked first
    /// whether it still has what is before the offset (KIP-320). The metadata is yours.
    void seek(const partition_offset& to);
    void pause(const std::vector<topic_partition>& which);  ///< hands out nothing of these, and fetches nothing
    void resume(const std::vector<topic_partition>& which);
    std::vector<topic_partition> paused() const;  ///< of those assigned
    op<std::int64_t> position(const topic_partition& where);  ///< offset of the next record to be handed out
    /// Records of this partition, or of all that are assigned, that were not handed out yet; of those that a reader of
    /// this isolation may see.
    op<std::int64_t> lag(const topic_partition& of);
    op<std::int64_t> lag();

    // --- commit ---
    /// Everything handed out, the record or batch in hand included. Errors, among others: errc::rebalance_in_progress,
    /// errc::unknown_member_id, errc::illegal_generation: the partitions went to others; errc::timed_out.
    op<> commit();
    /// That partition, up to and including this record.
    op<> commit(const record_info& finished);
    op<> commit(std::vector<partition_offset> offsets);
    op<std::vector<partition_offset>> committed(std::vector<topic_partition> of);
    /// What a transaction needs to commit offsets in this group's name.
    op<group_metadata> metadata();
    /// Has the group assign its partitions anew (Consumer.enforceRebalance); nothing with group_protocol::consumer.
    void rejoin(std::string reason);

    // --- about topics, assigned or not ---
    op<std::vector<partition_info>> partitions_for(const std::string& topic);
    /// Every topic that one may see, internal ones too, with its partitions.
    op<std::map<std::string, std::vector<partition_info>>> list_topics();
    op<std::vector<offset_and_time>> beginning_offsets(std::vector<topic_partition> of);
    op<std::vector<offset_and_time>> end_offsets(std::vector<topic_partition> of);
    /// The first records of that time or later.
    op<std::vector<offset_and_time>> offsets_for_times(std::vector<std::pair<topic_partition, timestamp>> of);

    // --- the end ---
    /// Ends the loop or poll() at the next record: errc::closed without a word in status(). From any thread, and from a signal
    /// handler.
    void stop() noexcept;
    /// Calls stop() at these signals, for as long as the client lives.
    void stop_on(std::initializer_list<int> signals);
    /// Commits what was moved past (auto_commit), tells the listener, leaves the group. A record still in hand has not
    /// been moved past: commit() says that it is done with.
    op<> close(weir::duration most = weir::duration::max(), farewell to_group = farewell::standard);
    /// Why the loop ended; no error after stop().
    error status() const;

protected:
    consumer_core(const client& on, consumer_config config, std::vector<std::string> topics);
    /// Blocks for more records; false at the end: status() says why.
    bool refill();
    /// True: pass over it. False: the loop ends.
    bool undecodable(const raw_record& which, const error& why);
    std::shared_ptr<op_core> start_poll(weir::duration most, std::size_t records, std::shared_ptr<void> types, poll_types how);

    /// For consumer_config::on_consume.
    void hear(const raw_record& which, const record_info& where);

    record_window window_;
    bool hooked_;  ///< there is one
    const std::atomic<bool>* disturbed_;  ///< somebody stopped, moved, paused or took partitions: refill() sorts it out

private:
    std::shared_ptr<consumer_handle> handle_;
};

}  // namespace detail
}  // namespace weir

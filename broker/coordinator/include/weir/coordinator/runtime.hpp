// The write path of every coordinator: decide, append, replay, answer when committed.
#pragma once
#include <weir/base/event_loop.hpp>
#include <weir/base/function.hpp>
#include <weir/base/task.hpp>
#include <weir/coordinator/partition_store.hpp>
#include <weir/group/types.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace weir::coordinator {

using group::instant;
using group::record;

/// Runs once with how it went: errc::none when everything it depends on is committed, else why it never will be,
/// already mapped by coordinator_error().
using answer = function<void(errc)>;

/// What the log keeps, as the runtime sees it. One per loaded partition; a new one for every load.
class state_machine {
public:
    virtual ~state_machine() = default;
    /// The only way its recorded state changes, at load and live. `producer_id` is -1 outside transactions.
    virtual void replay(std::int64_t offset, std::int64_t producer_id, bytes_view key,
                        std::optional<bytes_view> value) = 0;
    virtual void replay_marker(std::int64_t producer_id, bool committed) = 0;
    virtual void loaded(instant now) = 0;
    virtual std::optional<time_point> next_deadline() const = 0;
    /// What passed deadlines lead to; called again while next_deadline() is not in the future.
    virtual std::vector<record> tick(instant now) = 0;
    /// Answers that became ready since the last call; sent when what was appended before is committed.
    virtual std::vector<answer> take_answers() = 0;
    /// Makes everything parked ready, saying `why`.
    virtual void shut_down(errc why) = 0;
};

/// A producer whose transaction records belong to.
struct transaction_producer {
    std::int64_t id = -1;
    std::int16_t epoch = -1;
    bool operator==(const transaction_producer&) const = default;
};

/// What an operation wants written; nothing at all is fine.
struct outcome {
    std::vector<record> records;
    std::optional<transaction_producer> producer;  ///< the records are part of its transaction
    /// Instead of records: ends the transaction of `producer`, true commits. For WriteTxnMarkers.
    std::optional<bool> marker;
    std::int32_t marker_coordinator_epoch = -1;
};

enum class runtime_state : std::uint8_t { unloaded, loading, active, failed };

struct runtime_metrics {
    std::uint64_t loads = 0;
    milliseconds last_load_time{0};
    milliseconds max_load_time{0};
    milliseconds total_load_time{0};
    std::uint64_t appended_batches = 0;
    std::uint64_t appended_records = 0;
    std::uint64_t appended_bytes = 0;
    std::uint64_t failed_appends = 0;
};

struct runtime_options {
    std::string partition;                     ///< "__consumer_offsets-12", for log lines
    std::int32_t load_bytes = 5'242'880;       ///< per read
    std::int32_t max_batch_bytes = 1'048'588;  ///< max.message.bytes of the topic
    milliseconds write_timeout{5'000};         ///< longest wait of an answer for its records
    milliseconds linger{-1};                   ///< gather records for so long; -1 and 0: one turn of the loop
    milliseconds reload_delay{5'000};          ///< until a load that failed is tried again
};

/// One partition of a coordinator's topic. Lives on one loop and is used there only.
/// An operation is decided and replayed at once, so that the next one sees its effect; its records go out with those of
/// every other operation of the same turn in one batch (and, while that is on its way, the next batch gathers). The
/// answers leave in order, once committed. If an append fails, everything that waited is told so and the state is read
/// from the log again, because memory is ahead of it.
class partition_runtime {
public:
    using machine_factory = function<std::unique_ptr<state_machine>()>;
    partition_runtime(event_loop& loop, runtime_options options, machine_factory make);
    /// Unloads first. Appends and loads under way end on their own.
    ~partition_runtime();
    partition_runtime(const partition_runtime&) = delete;
    partition_runtime& operator=(const partition_runtime&) = delete;

    /// This broker leads the partition from `epoch` on. Ignored when it is not newer than the last.
    void load(std::unique_ptr<partition_store> store, std::int32_t epoch);
    /// It no longer does; everything parked or waiting is answered NOT_COORDINATOR. Ignored for an epoch before
    /// load()'s.
    void unload(std::int32_t epoch);

    /// Decides now when active. Otherwise `finish` gets coordinator_load_in_progress or not_coordinator, now.
    /// `decide` must not call back into the runtime. `finish` may.
    void run(function<outcome(state_machine&, instant)> decide, answer finish);
    /// The same for what nobody would ask for again: while it is being read, also after a load that failed, it is decided
    /// later, when everything is there.
    void run_when_loaded(function<outcome(state_machine&, instant)> decide, answer finish);

    runtime_state state() const noexcept;
    std::int32_t epoch() const noexcept;
    /// nullptr unless active.
    const state_machine* machine() const noexcept;
    const runtime_metrics& metrics() const noexcept;
    /// Offsets below this are committed; only when active.
    std::int64_t committed_offset() const noexcept;
    /// True while an append or a load is under way: its store is still in use.
    bool busy() const noexcept;

private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

}  // namespace weir::coordinator

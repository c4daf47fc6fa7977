// Between a consumer, which knows the types, and the library, which has the records.
#pragma once
#include <weir/base/error.hpp>
#include <weir/record.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace weir::detail {

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

}  // namespace weir::detail

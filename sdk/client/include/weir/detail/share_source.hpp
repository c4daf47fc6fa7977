// Between a share consumer, which knows the types, and the library, which has the records and who has them on loan.
#pragma once
#include <weir/record.hpp>
#include <weir/share_config.hpp>

#include <cstdint>
#include <memory>

namespace weir::detail {

class lease_part;

/// One record, borrowed. Copies are the same loan. Thread-safe.
class lease {
public:
    lease() noexcept = default;
    lease(std::shared_ptr<lease_part> of, std::uint32_t index) noexcept : of_(std::move(of)), index_(index) {}
    int delivery_count() const noexcept;
    weir::duration time_left() const noexcept;
    void decide(acknowledgement what) const;
    explicit operator bool() const noexcept { return of_ != nullptr; }

private:
    std::shared_ptr<lease_part> of_;
    std::uint32_t index_ = 0;
};

/// A record before it is decoded.
struct lent_record {
    const raw_record* raw = nullptr;
    record_info where{};
    lease loan{};
};

/// What a poll brought. Lives for one call of a builder.
class share_source {
public:
    virtual ~share_source() = default;
    virtual bool next(lent_record& found) = 0;  ///< false at the end
    /// True: go on with the next record. False: this is the end of the batch.
    virtual bool undecodable(const lent_record& which, const error& why) = 0;
    virtual const error& failure() const = 0;   ///< why there are none, when there are none
};
/// What a share consumer's types do for a poll.
struct share_types {
    void (*build)(void* types, share_source& from, void* into);  ///< makes a result<T> at `into` of what was found
    error (*check)(void* types, const raw_record& which);        ///< why it cannot be decoded
};

}  // namespace weir::detail

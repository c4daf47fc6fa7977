// Where in a partition: for start, seek, offsets asked for, and groups that are moved.
#pragma once
#include <weir/serde.hpp>

#include <cstdint>

namespace weir {

/// Which records count: isolation.level.
enum class isolation : std::uint8_t {
    read_uncommitted,  ///< all
    read_committed,    ///< none of open or aborted transactions; the end is the last stable offset
};

namespace at {

/// Made by the names below.
///
///     in.seek(orders[1], weir::at::ago(1h));
struct position {
    enum class kind : std::uint8_t {
        offset,                   ///< `value` is an offset
        time,                     ///< the first record of that time (milliseconds since 1970) or later; the end when there is none
        ago,                      ///< the first record not older than `value` milliseconds
        before_end,               ///< `value` records before the end, but not before the beginning
        earliest,                 ///< the first record there is
        latest,                   ///< the end: the next record to come
        committed,                ///< what the group has committed
        none,                     ///< nowhere: errc::no_offset (auto.offset.reset=none)
        max_timestamp,            ///< the record with the highest timestamp (KIP-734)
        earliest_local,           ///< the first record on the broker's own disk (KIP-405)
        latest_tiered,            ///< the last record in remote storage (KIP-1005)
        earliest_pending_upload,  ///< the first record not yet in remote storage (KIP-1023)
    };
    kind what = kind::latest;
    std::int64_t value = 0;
    friend bool operator==(const position&, const position&) = default;
};

inline constexpr position earliest{position::kind::earliest};
inline constexpr position latest{position::kind::latest};
inline constexpr position committed{position::kind::committed};
inline constexpr position none{position::kind::none};
inline constexpr position max_timestamp{position::kind::max_timestamp};
inline constexpr position earliest_local{position::kind::earliest_local};
inline constexpr position latest_tiered{position::kind::latest_tiered};
inline constexpr position earliest_pending_upload{position::kind::earliest_pending_upload};
constexpr position offset(std::int64_t value) noexcept { return {position::kind::offset, value}; }
constexpr position time(timestamp value) noexcept { return {position::kind::time, value.time_since_epoch().count()}; }
constexpr position ago(duration value) noexcept { return {position::kind::ago, value.count()}; }
constexpr position before_end(std::int64_t records) noexcept { return {position::kind::before_end, records}; }

}  // namespace at
}  // namespace weir

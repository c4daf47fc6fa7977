// What the coordinator runtime needs of the partition that keeps its records.
#pragma once
#include <weir/base/bytes.hpp>
#include <weir/base/error.hpp>
#include <weir/base/task.hpp>

#include <cstdint>

namespace weir::coordinator {

/// One partition of a coordinator topic, led by this broker. Belongs to the partition's loop. At most one append and
/// one read are under way at a time.
class partition_store {
public:
    virtual ~partition_store() = default;

    virtual std::int64_t log_start_offset() const = 0;
    virtual std::int64_t log_end_offset() const = 0;  ///< exclusive
    /// Whole record batches from the one that holds `offset`, about `max_bytes` but at least one batch when there is
    /// one; up to the log end, not only the high watermark. Empty at the end.
    virtual task<result<bytes>> read(std::int64_t offset, std::int32_t max_bytes) = 0;
    /// Appends one batch, base offset not yet set, and completes with its base offset when it is committed, as for
    /// acks=all. The append to the local log happens before the first suspension. Errors: Kafka's, of Produce.
    virtual task<result<std::int64_t>> append(bytes batch) = 0;
    /// Completes when everything below `offset` is committed; asked once, after loading up to there. The default is for
    /// logs in which all there is is committed.
    virtual task<result<void>> committed(std::int64_t offset);
};

}  // namespace weir::coordinator

// Which batches belong to aborted transactions (KIP-98): what read_committed leaves out.
#pragma once
#include <weir/protocol/records/record_set.hpp>

#include <cstdint>
#include <vector>

namespace weir::detail {

struct aborted_transaction {
    std::int64_t producer_id = -1;
    std::int64_t first_offset = -1;
};

/// Shown the batches of one answer in the order of their offsets. A transaction that a broker lists begins at or after
/// the fetched offset, or is open there; it ends with its abort marker.
class aborted_filter {
public:
    aborted_filter() = default;
    explicit aborted_filter(std::vector<aborted_transaction> all);
    /// True: nobody who reads committed records may see this one. Control batches are for nobody in any case.
    bool hides(const protocol::batch_view& batch);

private:
    std::vector<aborted_transaction> all_;  // by first offset
    std::size_t next_ = 0;
    std::vector<std::int64_t> open_;        // producers whose records are being aborted
};

}  // namespace weir::detail

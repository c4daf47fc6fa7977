#include "aborted_filter.hpp"

#include <weir/protocol/records/control_records.hpp>

#include <algorithm>

namespace weir::detail {
namespace {

bool abort_marker(const protocol::batch_view& batch) {
    protocol::record_reader reader;
    auto cursor = reader.open(batch);
    protocol::record_view record;
    if (!cursor || !cursor->next(record)) return false;
    const auto type = protocol::read_control_type(record);
    return type && *type == protocol::control_type::abort;
}

}  // namespace

aborted_filter::aborted_filter(std::vector<aborted_transaction> all) : all_(std::move(all)) {
    std::sort(all_.begin(), all_.end(), [](const auto& a, const auto& b) { return a.first_offset < b.first_offset; });
}

bool aborted_filter::hides(const protocol::batch_view& batch) {
    if (all_.empty() || !batch.has_producer_id()) return false;
    for (; next_ < all_.size() && all_[next_].first_offset <= batch.last_offset(); ++next_) open_.push_back(all_[next_].producer_id);
    const auto transaction = std::find(open_.begin(), open_.end(), batch.producer_id());
    if (transaction == open_.end()) return false;
    if (!batch.control()) return batch.transactional();
    if (abort_marker(batch)) open_.erase(transaction);
    return true;
}

}  // namespace weir::detail

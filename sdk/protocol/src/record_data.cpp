#include <weir/protocol/record_data.hpp>

#include <algorithm>

namespace weir::protocol {

record_data::record_data(bytes content) {
    auto kept = std::make_shared<const bytes>(std::move(content));
    data_ = kept->data();
    size_ = kept->size();
    null_ = false;
    owner_ = std::move(kept);
}

bool record_data::operator==(const record_data& other) const noexcept {
    if (null_ != other.null_ || size_ != other.size_ || source_ != other.source_) return false;
    if (source_) return offset_ == other.offset_;
    return std::ranges::equal(memory(), other.memory());
}

}  // namespace weir::protocol

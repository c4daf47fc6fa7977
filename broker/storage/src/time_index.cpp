#include "time_index.hpp"

namespace weir::storage {

time_entry time_index::decode(const std::byte* raw) const noexcept {
    return {load_big_endian<std::int64_t>(raw), entries_.base_offset() + load_big_endian<std::int32_t>(raw + 8)};
}

result<void> time_index::load() {
    last_timestamp_.reset();
    return entries_.load();
}

result<std::optional<time_entry>> time_index::before(std::uint64_t count) const {
    if (count == 0) return std::optional<time_entry>{};
    std::byte raw[entry_bytes];
    if (auto read = entries_.read(count - 1, 1, raw); !read) return read.error();
    return std::optional<time_entry>{decode(raw)};
}

result<std::optional<time_entry>> time_index::last() const { return before(count()); }

result<void> time_index::push_if_newer(const time_entry& newest) {
    if (!last_timestamp_) {
        const auto known = last();
        if (!known) return known.error();
        last_timestamp_ = *known ? (*known)->timestamp : no_timestamp;
    }
    if (newest.timestamp <= *last_timestamp_) return {};
    std::byte raw[entry_bytes];
    store_big_endian(raw, newest.timestamp);
    store_big_endian(raw + 8, static_cast<std::int32_t>(newest.offset - entries_.base_offset()));
    last_timestamp_ = newest.timestamp;
    entries_.push(raw);
    return {};
}

result<std::optional<time_entry>> time_index::find(timestamp_ms target) const {
    const auto beyond = entries_.partition_point([&](const std::byte* raw) { return decode(raw).timestamp <= target; });
    if (!beyond) return beyond.error();
    return before(*beyond);
}

result<void> time_index::truncate(std::int64_t offset) {
    const auto keep = entries_.partition_point([&](const std::byte* raw) { return decode(raw).offset < offset; });
    if (!keep) return keep.error();
    last_timestamp_.reset();
    return entries_.truncate(*keep);
}

result<void> time_index::clear() {
    last_timestamp_.reset();
    return entries_.truncate(0);
}

}  // namespace weir::storage

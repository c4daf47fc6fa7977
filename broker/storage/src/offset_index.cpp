#include "offset_index.hpp"

namespace weir::storage {

offset_entry offset_index::decode(const std::byte* raw) const noexcept {
    return {entries_.base_offset() + load_big_endian<std::int32_t>(raw), load_big_endian<std::uint32_t>(raw + 4)};
}

void offset_index::push(std::int64_t offset, std::uint64_t position) {
    std::byte raw[entry_bytes];
    store_big_endian(raw, static_cast<std::int32_t>(offset - entries_.base_offset()));
    store_big_endian(raw + 4, static_cast<std::uint32_t>(position));
    entries_.push(raw);
}

result<offset_entry> offset_index::at(std::uint64_t which) const {
    std::byte raw[entry_bytes];
    if (auto read = entries_.read(which, 1, raw); !read) return read.error();
    return decode(raw);
}

result<std::optional<offset_entry>> offset_index::find(std::int64_t target) const {
    const auto beyond = entries_.partition_point([&](const std::byte* raw) { return decode(raw).offset <= target; });
    if (!beyond) return beyond.error();
    if (*beyond == 0) return std::optional<offset_entry>{};
    const auto entry = at(*beyond - 1);
    if (!entry) return entry.error();
    return std::optional<offset_entry>{*entry};
}

result<std::optional<offset_entry>> offset_index::find_position(std::uint64_t position) const {
    const auto first = entries_.partition_point([&](const std::byte* raw) { return decode(raw).position < position; });
    if (!first) return first.error();
    if (*first == count()) return std::optional<offset_entry>{};
    const auto entry = at(*first);
    if (!entry) return entry.error();
    return std::optional<offset_entry>{*entry};
}

result<void> offset_index::truncate(std::uint64_t position) {
    const auto keep = entries_.partition_point([&](const std::byte* raw) { return decode(raw).position < position; });
    if (!keep) return keep.error();
    return entries_.truncate(*keep);
}

}  // namespace weir::storage

#include "transaction_index.hpp"

#include <weir/base/bytes.hpp>

#include <algorithm>

namespace weir::storage {

result<const std::vector<aborted_entry>*> transaction_index::entries() const {
    if (loaded_) return &*loaded_;
    std::vector<aborted_entry> read;
    if (on_disk_) {
        const auto content = read_file(file_.folder().files(), file_.path());
        if (!content) return content.error();
        const auto bad = [&](const char* why) { return error{errc::corrupt_message, file_.path() + ": " + why}; };
        if (content->size() % entry_bytes != 0) return bad("the size is not a multiple of 34 bytes");
        for (std::size_t at = 0; at < content->size(); at += entry_bytes) {
            const auto* raw = content->data() + at;
            if (load_big_endian<std::int16_t>(raw) != 0) return bad("an entry has an unknown version");
            const aborted_entry entry{load_big_endian<std::int64_t>(raw + 2), load_big_endian<std::int64_t>(raw + 10),
                                      load_big_endian<std::int64_t>(raw + 18), load_big_endian<std::int64_t>(raw + 26)};
            if (entry.first_offset > entry.last_offset || entry.last_offset < file_.base_offset() ||
                (!read.empty() && read.back().last_offset >= entry.last_offset))
                return bad("its offsets do not ascend");
            read.push_back(entry);
        }
    }
    loaded_ = std::move(read);
    return &*loaded_;
}

void transaction_index::print(const aborted_entry& entry, bytes& into) {
    into.resize(into.size() + entry_bytes);
    auto* raw = into.data() + into.size() - entry_bytes;
    store_big_endian(raw, std::int16_t{0});
    store_big_endian(raw + 2, entry.producer_id);
    store_big_endian(raw + 10, entry.first_offset);
    store_big_endian(raw + 18, entry.last_offset);
    store_big_endian(raw + 26, entry.last_stable_offset);
}

result<void> transaction_index::append(const aborted_entry& entry) {
    if (const auto known = entries(); !known) return known.error();
    bytes raw;
    print(entry, raw);
    const auto opened = file_.open(open_mode::create);
    if (!opened) return opened.error();
    on_disk_ = true;
    if (auto written = (*opened)->write_at(loaded_->size() * entry_bytes, bytes_view{raw}); !written) return written;
    loaded_->push_back(entry);
    return {};
}

result<void> transaction_index::truncate(std::int64_t offset) {
    if (!on_disk_) return {};
    if (const auto known = entries(); !known) return known.error();
    while (!loaded_->empty() && loaded_->back().last_offset >= offset) loaded_->pop_back();
    const auto opened = file_.open(open_mode::create);
    if (!opened) return opened.error();
    return (*opened)->truncate(loaded_->size() * entry_bytes);
}

result<void> transaction_index::clear() {
    loaded_.emplace();
    if (!on_disk_) return {};
    file_.close();
    if (auto removed = file_.folder().files().remove(file_.path()); !removed && removed.code() != errc::not_found)
        return removed;
    on_disk_ = false;
    return {};
}

result<file_ptr> transaction_index::opened() const {
    if (!on_disk_) return file_ptr{};
    return file_.open(open_mode::create);
}

}  // namespace weir::storage

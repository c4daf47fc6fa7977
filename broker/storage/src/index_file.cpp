#include "index_file.hpp"

#include <algorithm>

namespace weir::storage {
namespace {

constexpr std::size_t spill_bytes = 8192;

}  // namespace

result<void> index_file::read(std::uint64_t at, std::uint64_t entries, mutable_bytes into) const {
    const auto in_file = at < on_disk_ ? std::min(entries, on_disk_ - at) : 0;
    const auto from_file = static_cast<std::size_t>(in_file) * entry_bytes_;
    if (in_file > 0) {
        const auto opened = file_.open(open_mode::write);
        if (!opened) return opened.error();
        const auto got = (*opened)->read_at(at * entry_bytes_, into.first(from_file));
        if (!got) return got.error();
        if (*got < from_file) return error{errc::corrupt_message, path() + " ends before entry " + std::to_string(at + *got / entry_bytes_)};
    }
    if (in_file < entries) {
        const auto* const begin = tail_.data() + (at + in_file - on_disk_) * entry_bytes_;
        std::memcpy(into.data() + from_file, begin, static_cast<std::size_t>(entries - in_file) * entry_bytes_);
    }
    return {};
}

result<void> index_file::load() {
    tail_.clear();
    on_disk_ = 0;
    const auto size = file_.folder().files().file_size(file_.path());
    if (!size) return size.error();
    on_disk_ = *size / entry_bytes_;
    if (*size % entry_bytes_ == 0) return {};
    return error{errc::corrupt_message,
                 path() + ": " + std::to_string(*size) + " bytes are no whole number of entries"};
}

void index_file::push(bytes_view entry) {
    tail_.insert(tail_.end(), entry.begin(), entry.end());
    // A failure leaves the entries in memory for the next try; where the file counts, spill() is asked and answers.
    if (tail_.size() >= spill_bytes) static_cast<void>(spill().has_value());
}

result<file_ptr> index_file::spill() {
    auto opened = file_.open(open_mode::create);
    if (!opened) return opened.error();
    if (tail_.empty()) return opened;
    if (auto written = (*opened)->write_at(on_disk_ * entry_bytes_, bytes_view{tail_}); !written)
        return written.error();
    on_disk_ += tail_.size() / entry_bytes_;
    bytes{}.swap(tail_);
    return opened;
}

result<void> index_file::truncate(std::uint64_t entries) {
    if (entries >= on_disk_ && entries != 0) {
        if (entries < count()) tail_.resize(static_cast<std::size_t>(entries - on_disk_) * entry_bytes_);
        return {};
    }
    tail_.clear();
    if (entries == 0 && on_disk_ == 0 && !file_.folder().files().exists(path())) return {};
    auto opened = file_.open(open_mode::create);
    if (!opened) return opened.error();
    if (auto cut = (*opened)->truncate(entries * entry_bytes_); !cut) return cut;
    on_disk_ = entries;
    return {};
}

}  // namespace weir::storage

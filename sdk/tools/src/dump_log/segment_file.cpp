#include "segment_file.hpp"

#include <algorithm>

namespace weir::tools {

namespace {

constexpr std::size_t block_bytes = 4u << 20;

/// Base offset and length; then the size is known.
constexpr std::size_t frame_bytes = 12;

}  // namespace

result<segment_file> segment_file::open(file_system& files, const std::string& path, std::uint64_t position, std::uint64_t end) {
    auto opened = files.open(path, open_mode::read);
    if (!opened) return opened.error();
    auto size = (*opened)->size();
    if (!size) return size.error();
    segment_file made;
    made.file_ = *std::move(opened);
    made.file_bytes_ = *size;
    made.seek(position, end);
    return made;
}

void segment_file::seek(std::uint64_t position, std::uint64_t end) {
    at_ = position;
    end_ = std::min(end, file_bytes_);
    if (at_ >= buffer_at_ && at_ <= buffer_at_ + buffer_.size()) return;
    buffer_.clear();
    buffer_at_ = at_;
}

result<void> segment_file::fill(std::size_t least) {
    if (at_ >= end_) return {};
    const auto have = buffer_at_ + buffer_.size() - std::min(at_, buffer_at_ + buffer_.size());
    const auto left = end_ - at_;
    if (have >= std::min<std::uint64_t>(least, left)) return {};
    bytes fresh(static_cast<std::size_t>(std::min<std::uint64_t>(left, std::max(least, block_bytes))));
    auto got = file_->read_at(at_, fresh);
    if (!got) return got.error();
    fresh.resize(*got);
    buffer_ = std::move(fresh);
    buffer_at_ = at_;
    return {};
}

result<std::optional<segment_file::entry>> segment_file::next() {
    const auto rest = [&] {
        const auto behind = bytes_view{buffer_}.subspan(static_cast<std::size_t>(std::min<std::uint64_t>(at_ - buffer_at_, buffer_.size())));
        return behind.first(static_cast<std::size_t>(std::min<std::uint64_t>(behind.size(), end_ - std::min(at_, end_))));
    };
    if (auto filled = fill(frame_bytes); !filled) return filled.error();
    if (rest().size() < frame_bytes) return std::optional<entry>{};
    const auto length = load_big_endian<std::int32_t>(rest().data() + 8);
    if (length <= 0) return std::optional<entry>{};
    if (auto filled = fill(frame_bytes + static_cast<std::size_t>(length)); !filled) return filled.error();
    protocol::record_set one{rest(), protocol::crc_check::skip};
    auto batch = one.next();
    if (!batch) return std::optional<entry>{};
    const auto found = at_;
    at_ += batch->size();
    return std::optional<entry>{entry{*batch, found}};
}

}  // namespace weir::tools

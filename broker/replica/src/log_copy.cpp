#include <weir/replica/log_copy.hpp>

#include <weir/protocol/records/batch.hpp>

#include <algorithm>

namespace weir::replica {
namespace {

// A slice may end within a batch.
std::size_t whole_batches(bytes_view content) {
    std::size_t end = 0;
    while (content.size() - end >= protocol::batch_frame_bytes) {
        const auto size = protocol::batch_frame_bytes + load_big_endian<std::uint32_t>(content.data() + end + 8);
        if (size > content.size() - end) break;
        end += size;
    }
    return end;
}

}  // namespace

result<void> log_copy::align(const storage::partition_log& current) {
    if (future_->log_end_offset() <= current.log_end_offset()) return {};
    if (future_->log_start_offset() >= current.log_end_offset())
        return future_->truncate_fully_and_start_at(current.log_start_offset());
    return future_->truncate_to(current.log_end_offset());
}

result<bool> log_copy::step(const storage::partition_log& current, std::uint64_t budget) {
    if (auto aligned = align(current); !aligned) return aligned.error();
    const auto end = current.log_end_offset();
    const auto start = current.log_start_offset();
    // Nothing of it is left there: it begins again where the log begins now.
    const bool fresh = future_->log_end_offset() < start || future_->size_bytes() == 0;
    if (fresh && (start == end || future_->log_end_offset() < start))
        if (auto begun = future_->truncate_fully_and_start_at(start); !begun) return begun.error();
    if (future_->log_end_offset() < end) {
        auto found = current.read(std::max(future_->log_end_offset(), start), budget, end, true, false);
        if (!found) return found.error();
        bytes content(static_cast<std::size_t>(found->records.size));
        if (content.empty()) return error{errc::corrupt_message, current.directory() + " ends before its end offset"};
        auto got = found->records.source->read_at(found->records.position, content);
        if (!got) return got.error();
        content.resize(std::min(*got, content.size()));
        content.resize(whole_batches(content));
        if (content.empty()) return error{errc::corrupt_message, current.directory() + " holds a part of a batch"};
        // The log may start in the middle of its first batch.
        if (const auto first = load_big_endian<std::int64_t>(content.data());
            fresh && first < future_->log_end_offset())
            if (auto begun = future_->truncate_fully_and_start_at(first); !begun) return begun.error();
        if (auto appended = future_->append_replicated(content); !appended) return appended.error();
        unflushed += content.size();
    }
    if (future_->log_start_offset() < std::min(start, future_->log_end_offset()))
        if (auto moved = future_->advance_log_start(std::min(start, future_->log_end_offset())); !moved)
            return moved.error();
    return future_->log_end_offset() >= end;
}

}  // namespace weir::replica

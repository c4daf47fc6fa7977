#include "segment.hpp"

#include <weir/base/log.hpp>

#include <algorithm>

namespace weir::storage {
namespace {

log::logger segment_logs{"weir.storage"};

constexpr std::size_t scan_window = std::size_t{64} << 10;

}  // namespace

segment::segment(const log_folder& folder, std::int64_t base_offset, std::uint64_t size, bool has_txn_index)
    : folder_(folder),
      base_offset_(base_offset),
      size_(size),
      log_(folder, base_offset, suffix::log),
      index_(folder, base_offset),
      times_(folder, base_offset),
      transactions_(folder, base_offset, has_txn_index),
      loaded_(false),
      times_closed_(true),
      written_here_from_(size) {}

segment::segment(const log_folder& folder, std::int64_t base_offset) : segment(folder, base_offset, 0, false) {
    loaded_ = true;
    times_closed_ = false;
    newest_.emplace();
}

void segment::close_files() noexcept {
    log_.close();
    index_.entries().close();
    times_.entries().close();
    transactions_.close();
}

result<void> segment::added(const batch_header& batch) {
    if (size_ == 0) first_timestamp_ = batch.max_timestamp;
    if (batch.max_timestamp > newest_->timestamp) newest_ = time_entry{batch.max_timestamp, batch.last_offset()};
    if (since_entry_ > static_cast<std::uint64_t>(folder_.index_interval_bytes)) {
        index_.push(batch.last_offset(), batch.position);
        if (auto pushed = times_.push_if_newer(*newest_); !pushed) return pushed;
        since_entry_ = 0;
    }
    since_entry_ += batch.size;
    size_ = batch.end();
    times_closed_ = false;
    return {};
}

result<void> segment::load_indexes() {
    if (size_ == 0) {
        // Whatever an index says of an empty file is wrong.
        if (auto emptied = index_.entries().truncate(0); !emptied) return emptied;
        return times_.clear();
    }
    if (auto read = index_.load(); !read) return read;
    if (auto read = times_.load(); !read) return read;
    std::optional<offset_entry> last;
    if (index_.count() != 0) {
        const auto entry = index_.at(index_.count() - 1);
        if (!entry) return entry.error();
        last = *entry;
        if (auto fits = agrees(*last); !fits) return fits;
    }
    const auto newest = times_.last();
    if (!newest) return newest.error();
    // No entry at all although there are batches: they had no timestamps, or the index lost its content.
    if (!*newest) return error{errc::corrupt_message, times_.entries().path() + " is empty"};
    return agrees(**newest);
}

// An entry is believed when the batch it points to says the same.
result<void> segment::agrees(const offset_entry& entry) const {
    const auto opened = log_file();
    if (!opened) return opened.error();
    batch_scan scan{**opened, std::min(entry.position, size_), size_, protocol::batch_header_bytes};
    const auto step = scan.next();
    if (step == scan_step::failed) return scan.failure();
    if (step == scan_step::batch && scan.header().last_offset() == entry.offset) return {};
    return error{errc::corrupt_message, log_path() + " has no batch that ends at offset " +
                                            std::to_string(entry.offset) + " at position " +
                                            std::to_string(entry.position) + ", as its index says"};
}

result<void> segment::agrees(const time_entry& entry) const {
    const auto near = index_.find(entry.offset);
    if (!near) return near.error();
    const auto opened = log_file();
    if (!opened) return opened.error();
    batch_scan scan{**opened, *near ? std::min((*near)->position, size_) : 0, size_};
    while (scan.next() == scan_step::batch) {
        const auto& batch = scan.header();
        if (batch.last_offset() == entry.offset && batch.max_timestamp == entry.timestamp) return {};
        if (batch.last_offset() >= entry.offset) break;
    }
    if (scan.failure()) return scan.failure();
    return error{errc::corrupt_message, log_path() + " has no batch that ends at offset " +
                                            std::to_string(entry.offset) + " with timestamp " +
                                            std::to_string(entry.timestamp) + ", as its time index says"};
}

result<void> segment::check_indexes() {
    if (loaded_) return {};
    auto read = load_indexes();
    if (read) {
        loaded_ = true;
        return {};
    }
    if (read.code() != errc::not_found && read.code() != errc::corrupt_message) return read;
    if (read.code() == errc::corrupt_message) segment_logs.debug("rebuilding indexes: " + read.error().message());
    return rebuild_indexes();
}

result<void> segment::rebuild_indexes() {
    const auto opened = log_file();
    if (!opened) return opened.error();
    const auto size = size_;
    if (auto emptied = restart(); !emptied) return emptied;
    loaded_ = true;
    batch_scan scan{**opened, 0, size, scan_window};
    for (;;) {
        const auto step = scan.next();
        if (step == scan_step::batch) {
            if (auto noted = added(scan.header()); !noted) return noted;
            continue;
        }
        // What lies behind a damaged batch stays out of the index; reading there finds the damage again.
        size_ = size;
        if (step == scan_step::failed) return scan.failure();
        const auto written = finish_indexes();
        return written ? result<void>{} : result<void>{written.error()};
    }
}

result<std::uint64_t> segment::scan_start(std::int64_t offset) {
    if (auto sound = check_indexes(); !sound) return sound.error();
    for (bool again = false;; again = true) {
        const auto entry = index_.find(offset);
        if (!entry) return entry.error();
        if (!*entry) return std::uint64_t{0};
        const auto fits = agrees(**entry);
        if (fits) return (*entry)->position;
        if (again || fits.code() != errc::corrupt_message) return fits.error();
        segment_logs.warn(fits.error().message() + ": the indexes are rebuilt");
        if (auto rebuilt = rebuild_indexes(); !rebuilt) return rebuilt.error();
    }
}

result<std::uint64_t> segment::scan_start_for_time(timestamp_ms wanted) {
    if (auto sound = check_indexes(); !sound) return sound.error();
    for (bool again = false;; again = true) {
        // Everything up to the entry's offset is older than `wanted`.
        const auto entry = times_.find(wanted - 1);
        if (!entry) return entry.error();
        if (!*entry) return std::uint64_t{0};
        const auto fits = agrees(**entry);
        if (fits) return scan_start((*entry)->offset);
        if (again || fits.code() != errc::corrupt_message) return fits.error();
        segment_logs.warn(fits.error().message() + ": the indexes are rebuilt");
        if (auto rebuilt = rebuild_indexes(); !rebuilt) return rebuilt.error();
    }
}

result<std::optional<std::int64_t>> segment::offset_bound(std::uint64_t position) {
    if (auto sound = check_indexes(); !sound) return sound.error();
    const auto entry = index_.find_position(position);
    if (!entry) return entry.error();
    if (!*entry) return std::optional<std::int64_t>{};
    return std::optional<std::int64_t>{(*entry)->offset};
}

result<void> segment::scan_newest(std::uint64_t position) {
    const auto opened = log_file();
    if (!opened) return opened.error();
    batch_scan scan{**opened, position, size_};
    while (scan.next() == scan_step::batch) {
        const auto& batch = scan.header();
        if (batch.max_timestamp > newest_->timestamp) newest_ = time_entry{batch.max_timestamp, batch.last_offset()};
    }
    return scan.failure() ? result<void>{scan.failure()} : result<void>{};
}

result<time_entry> segment::newest() {
    if (newest_) return *newest_;
    if (auto sound = check_indexes(); !sound) return sound.error();
    if (newest_) return *newest_;  // a rebuild found it
    const auto last = times_.last();
    if (!last) return last.error();
    if (*last && times_closed_) {
        newest_ = **last;
        return *newest_;
    }
    const auto from = *last ? scan_start((*last)->offset) : result<std::uint64_t>{0};
    if (!from) return from.error();
    newest_ = last->value_or(time_entry{});
    if (auto found = scan_newest(*from); !found) {
        newest_.reset();
        return found.error();
    }
    return *newest_;
}

result<timestamp_ms> segment::first_timestamp() {
    if (first_timestamp_) return *first_timestamp_;
    if (size_ == 0) return no_timestamp;
    const auto opened = log_file();
    if (!opened) return opened.error();
    batch_scan scan{**opened, 0, size_, protocol::batch_header_bytes};
    const auto step = scan.next();
    if (step == scan_step::failed) return scan.failure();
    first_timestamp_ = step == scan_step::batch ? scan.header().max_timestamp : no_timestamp;
    return *first_timestamp_;
}

result<std::uint64_t> segment::verify(std::uint64_t position, std::uint64_t end, std::int64_t end_offset) {
    if (position >= written_here_from_ || end <= position) return end;
    auto from = position;
    if (position >= checked_from_ && position < checked_to_)
        from = checked_to_;
    else if (position != checked_to_)
        checked_from_ = checked_to_ = position;
    const auto stop = std::min(end, written_here_from_);
    if (from >= stop) return end;
    const auto opened = log_file();
    if (!opened) return opened.error();
    const auto checked = verify_batches(**opened, from, stop, size_, {base_offset_, end_offset});
    if (checked.end > from) checked_to_ = checked.end;
    if (checked.why) return checked.end == position ? result<std::uint64_t>{checked.why} : checked.end;
    if (checked_to_ >= written_here_from_) written_here_from_ = checked_from_;
    return end;
}

result<std::int64_t> segment::find_end() {
    if (size_ == 0) {
        if (auto sound = check_indexes(); !sound) return sound.error();
        newest_.emplace();
        return base_offset_;
    }
    const auto opened = log_file();
    if (!opened) return opened.error();
    if (auto sound = check_indexes(); !sound) return sound.error();
    std::uint64_t from = 0;
    if (index_.count() != 0) {
        const auto last = index_.at(index_.count() - 1);
        if (!last) return last.error();
        from = last->position;
    }
    const auto known = times_.last();
    if (!known) return known.error();
    if (!newest_) newest_ = known->value_or(time_entry{});
    batch_scan scan{**opened, from, size_};
    auto next_offset = base_offset_;
    for (;;) {
        const auto step = scan.next();
        if (step == scan_step::end) break;
        if (step == scan_step::failed) return scan.failure();
        if (step != scan_step::batch) return scan.fault();
        const auto& batch = scan.header();
        if (batch.base_offset < next_offset)
            return error{errc::corrupt_message,
                         log_path() + ": offsets go back at position " + std::to_string(batch.position)};
        if (batch.max_timestamp > newest_->timestamp) newest_ = time_entry{batch.max_timestamp, batch.last_offset()};
        next_offset = batch.next_offset();
    }
    since_entry_ = size_ - from;
    return next_offset;
}

result<void> segment::restart() {
    if (auto emptied = index_.entries().truncate(0); !emptied) return emptied;
    if (auto emptied = times_.clear(); !emptied) return emptied;
    loaded_ = true;
    times_closed_ = false;
    since_entry_ = 0;
    size_ = 0;
    newest_.emplace();
    first_timestamp_.reset();
    return {};
}

result<void> segment::cut(std::uint64_t position, std::int64_t next_offset) {
    if (auto sound = check_indexes(); !sound) return sound;
    const auto opened = log_file(open_mode::create);
    if (!opened) return opened.error();
    if (auto shorter = (*opened)->truncate(position); !shorter) return shorter;
    size_ = position;
    checked_to_ = std::min(checked_to_, position);
    checked_from_ = std::min(checked_from_, checked_to_);
    written_here_from_ = std::min(written_here_from_, position);
    if (auto shorter = index_.truncate(position); !shorter) return shorter;
    if (auto shorter = times_.truncate(next_offset); !shorter) return shorter;
    if (auto shorter = transactions_.truncate(next_offset); !shorter) return shorter;
    times_closed_ = false;
    newest_.reset();
    if (position == 0) {
        newest_.emplace();
        first_timestamp_.reset();
        since_entry_ = 0;
        return {};
    }
    std::uint64_t last_entry = 0;
    if (index_.count() != 0) {
        const auto last = index_.at(index_.count() - 1);
        if (!last) return last.error();
        last_entry = last->position;
    }
    since_entry_ = position - last_entry;
    const auto found = newest();
    return found ? result<void>{} : result<void>{found.error()};
}

result<std::vector<file_ptr>> segment::finish_indexes() {
    if (auto sound = check_indexes(); !sound) return sound.error();
    const auto latest = newest();
    if (!latest) return latest.error();
    if (latest->timestamp >= 0)
        if (auto pushed = times_.push_if_newer(*latest); !pushed) return pushed.error();
    std::vector<file_ptr> touched;
    for (auto* entries : {&index_.entries(), &times_.entries()}) {
        const auto spilled = entries->spill();
        if (!spilled) return spilled.error();
        touched.push_back(*spilled);
    }
    const auto transactions = transactions_.opened();
    if (!transactions) return transactions.error();
    if (*transactions) touched.push_back(*transactions);
    times_closed_ = true;
    return touched;
}

}  // namespace weir::storage

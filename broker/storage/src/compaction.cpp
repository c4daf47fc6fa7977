#include "compaction.hpp"

#include <weir/protocol/records/control_records.hpp>
#include <weir/protocol/records/recompress.hpp>

#include <algorithm>
#include <utility>

namespace weir::storage {
namespace {

constexpr std::size_t map_entry = 64;                      // what an entry costs besides its key
constexpr std::size_t output_block = std::size_t{1} << 20;
constexpr std::size_t scan_window = std::size_t{64} << 10;
// Writers of the same disk wait while it syncs the output, so that is done in portions.
constexpr std::uint64_t sync_portion = std::uint64_t{8} << 20;

}  // namespace

compaction::compaction(partition_log::state& log, const cleaning_plan& plan, std::vector<std::size_t> group_ends,
                       std::size_t map_bytes)
    : log_(log),
      layout_(log.layout),
      now_(log.time.wall_now()),
      first_dirty_(plan.first_dirty),
      end_(plan.end),
      map_bytes_(map_bytes),
      group_ends_(std::move(group_ends)) {}

compaction::~compaction() {
    if (!output_) return;
    output_.reset();
    static_cast<void>(log_.files().remove(output_path_ + std::string{suffix::cleaned}).has_value());
    if (std::exchange(transactions_, nullptr)) static_cast<void>(log_.files().remove(transactions_path()).has_value());
}

result<compaction::progress> compaction::step(std::uint64_t budget) {
    if (log_.layout != layout_ + merged_) return progress::overtaken;
    if (!begun_) {
        if (auto loaded = load_aborted(); !loaded) return loaded.error();
        which_ = log_.segment_of(first_dirty_);
        begun_ = true;
    }
    if (!mapped_) {
        const auto done = map_some(budget);
        if (!done) return done.error();
        if (!*done) return progress::more;
        mapped_ = true;
        which_ = 0;
        position_ = 0;
    }
    const auto done = rewrite_some(budget);
    waiting_ = done && *done == progress::sync;
    return done;
}

std::vector<file_ptr> compaction::unsynced() const {
    std::vector<file_ptr> files{output_};
    if (transactions_) files.push_back(transactions_);
    return files;
}

result<void> compaction::load_aborted() {
    for (const auto& each : log_.segments) {
        const auto entries = each->transactions().entries();
        if (!entries) return entries.error();
        for (const auto& entry : **entries)
            if (entry.first_offset < end_)
                aborted_[entry.producer_id].push_back({entry.first_offset, entry.last_offset});
    }
    return {};
}

bool compaction::aborted(const batch_header& batch) const {
    if (!batch.transactional() || batch.control()) return false;
    const auto found = aborted_.find(batch.producer_id);
    if (found == aborted_.end()) return false;
    return std::any_of(found->second.begin(), found->second.end(), [&](const span& each) {
        return each.first <= batch.base_offset && batch.last_offset() <= each.last;
    });
}

result<bool> compaction::map_some(std::uint64_t& budget) {
    for (; which_ < log_.segments.size() && log_.segments[which_]->base_offset() < end_; ++which_, position_ = 0) {
        auto& home = *log_.segments[which_];
        const auto opened = home.log_file();
        if (!opened) return opened.error();
        batch_scan scan{**opened, position_, home.size(), scan_window};
        for (;;) {
            if (budget == 0) return false;
            const auto step = scan.next();
            if (step == scan_step::end) break;
            if (step == scan_step::failed) return scan.failure();
            if (step != scan_step::batch) return scan.fault();
            const auto header = scan.header();
            position_ = header.end();
            budget -= std::min(budget, header.size);
            if (header.last_offset() < first_dirty_ || header.control() || aborted(header)) continue;
            if (auto sound = scan.check_crc(); !sound) return sound.error();
            const auto batch = scan.load();
            if (!batch) return batch.error();
            auto records = reader_.open(*batch);
            if (!records) return records.error();
            protocol::record_view record;
            while (records->next(record)) {
                if (!record.key || record.offset < first_dirty_) continue;
                const auto key = as_text(*record.key);
                if (const auto known = latest_.find(key); known != latest_.end()) {
                    known->second = record.offset;
                    continue;
                }
                latest_.emplace(key, record.offset);
                latest_bytes_ += key.size() + map_entry;
            }
            if (auto why = records->failure()) return why;
            if (latest_bytes_ >= map_bytes_) {
                // The rest is for the next time: what is above is left as it is.
                end_ = header.next_offset();
                return true;
            }
        }
    }
    return true;
}

result<compaction::progress> compaction::rewrite_some(std::uint64_t& budget) {
    for (; group_ < group_ends_.size(); ++group_) {
        if (!output_) {
            if (log_.segments[which_]->base_offset() >= end_) break;
            if (auto opened = open_output(); !opened) return opened.error();
        }
        if (!complete_) {
            // A group ends early with the segment that holds `end_`.
            const auto group_end = group_ends_[group_] - merged_;
            for (; which_ < group_end && log_.segments[which_]->base_offset() < end_; ++which_, position_ = 0) {
                const auto made = rewrite_segment(budget);
                if (!made || *made != progress::done) return made;
            }
            if (auto finished = finish_output(); !finished) return finished.error();
            return progress::sync;
        }
        if (auto swapped = swap_in(); !swapped) return swapped.error();
    }
    return progress::done;
}

result<compaction::progress> compaction::rewrite_segment(std::uint64_t& budget) {
    auto& home = *log_.segments[which_];
    const auto opened = home.log_file();
    if (!opened) return opened.error();
    batch_scan scan{**opened, position_, home.size(), scan_window};
    for (;;) {
        if (output_size_ - output_synced_ >= sync_portion) {
            output_synced_ = output_size_;
            return progress::sync;
        }
        if (budget == 0) return progress::more;
        const auto step = scan.next();
        if (step == scan_step::end) return progress::done;
        if (step == scan_step::failed) return scan.failure();
        if (step != scan_step::batch) return scan.fault();
        const auto header = scan.header();
        if (auto sound = scan.check_crc(); !sound) return sound.error();
        const auto batch = scan.load();
        if (!batch) return batch.error();
        auto written = header.base_offset >= end_ ? put(batch->whole())
                       : header.control()         ? rewrite_marker(header, *batch)
                                                  : rewrite(header, *batch);
        if (!written) return written.error();
        position_ = header.end();
        log_.compacted.read += header.size;
        budget -= std::min(budget, header.size);
    }
}

bool compaction::last_of_producer(const batch_header& header) const {
    if (header.producer_id < 0) return false;
    const auto* known = log_.producers.find(header.producer_id);
    if (known == nullptr) return false;
    if (known->newest() != nullptr) return known->newest()->last_offset == header.last_offset();
    return header.control() && header.producer_epoch == known->epoch;
}

result<void> compaction::rewrite(const batch_header& header, const protocol::batch_view& batch) {
    const bool drop_all = aborted(header);
    const bool tombstones_may_go = batch.has_delete_horizon() && batch.base_timestamp() <= now_;
    function<bool(const protocol::record_view&)> keep{[&](const protocol::record_view& record) {
        if (drop_all || !record.key) return false;
        if (!record.value && tombstones_may_go) return false;
        if (const auto newer = latest_.find(as_text(*record.key));
            newer != latest_.end() && newer->second > record.offset)
            return false;
        return true;
    }};
    auto records = reader_.open(batch);
    if (!records) return records.error();
    bool tombstone = false, any = false;
    protocol::record_view record;
    while (records->next(record)) {
        if (!keep(record)) continue;
        any = true;
        tombstone = tombstone || !record.value;
    }
    if (auto why = records->failure()) return why;
    protocol::filter_settings settings;
    if (tombstone && !batch.has_delete_horizon())
        settings.delete_horizon = now_ + log_.config.delete_retention_ms.count();
    if (last_of_producer(header)) settings.when_empty = protocol::emptied_batch::keep_header;
    if (header.transactional() && any) kept_data_[header.producer_id] = true;
    const auto filtered = protocol::filter_records(batch, keep, settings, reader_);
    if (!filtered) return filtered.error();
    return filtered->batch.empty() ? result<void>{} : put(filtered->batch);
}

// A marker may go once no record of its transaction is left and everybody who reads slowly had time to see it.
result<void> compaction::rewrite_marker(const batch_header& header, const protocol::batch_view& batch) {
    const auto kept = kept_data_.extract(header.producer_id);
    const bool may_go = kept.empty() && batch.has_delete_horizon() && batch.base_timestamp() <= now_;
    function<bool(const protocol::record_view&)> keep{[may_go](const protocol::record_view&) { return !may_go; }};
    protocol::filter_settings settings;
    if (kept.empty() && !batch.has_delete_horizon())
        settings.delete_horizon = now_ + log_.config.delete_retention_ms.count();
    if (last_of_producer(header)) settings.when_empty = protocol::emptied_batch::keep_header;
    const auto filtered = protocol::filter_records(batch, keep, settings, reader_);
    if (!filtered) return filtered.error();
    return filtered->batch.empty() ? result<void>{} : put(filtered->batch);
}

result<void> compaction::open_output() {
    output_path_ = log_.segments[which_]->log_path();
    const auto opened = log_.files().open(output_path_ + std::string{suffix::cleaned}, open_mode::replace);
    if (!opened) return opened.error();
    output_ = *opened;
    output_size_ = output_synced_ = 0;
    complete_ = false;
    buffer_.clear();
    return {};
}

result<void> compaction::put(bytes_view batch) {
    buffer_.insert(buffer_.end(), batch.begin(), batch.end());
    log_.compacted.written += batch.size();
    return buffer_.size() < output_block ? result<void>{} : spill();
}

result<void> compaction::spill() {
    if (auto written = output_->write_at(output_size_, bytes_view{buffer_}); !written) return written;
    output_size_ += buffer_.size();
    buffer_.clear();
    return {};
}

std::string compaction::transactions_path() const {
    const auto stem = output_path_.substr(0, output_path_.size() - suffix::log.size());
    return stem + std::string{suffix::txn_index} + std::string{suffix::cleaned};
}

// Below `end_` nothing is left of an aborted transaction. What lies above was copied as it is, and readers have to be
// told of it as before. An index whose segment is gone for that reason must not be missing after a crash either.
result<void> compaction::write_transactions() {
    bytes kept;
    for (auto which = group_begin(); which < which_; ++which) {
        const auto entries = log_.segments[which]->transactions().entries();
        if (!entries) return entries.error();
        for (const auto& entry : **entries)
            if (entry.last_offset >= end_) transaction_index::print(entry, kept);
    }
    if (kept.empty()) return {};
    const auto opened = log_.files().open(transactions_path(), open_mode::replace);
    if (!opened) return opened.error();
    transactions_ = *opened;
    return transactions_->write_at(0, bytes_view{kept});
}

result<void> compaction::finish_output() {
    if (!buffer_.empty())
        if (auto written = spill(); !written) return written;
    if (auto written = write_transactions(); !written) return written;
    complete_ = true;
    return {};
}

// The new files are complete on the disk before the log's name says so, and the old ones go before they take their names:
// a crash at any point leaves either the old segments or what finish_swaps() makes whole.
result<void> compaction::swap_in() {
    const auto first = group_begin();
    const auto swap = output_path_ + std::string{suffix::swap};
    if (auto renamed = log_.files().rename(output_path_ + std::string{suffix::cleaned}, swap); !renamed) return renamed;
    output_.reset();
    const bool has_transactions = std::exchange(transactions_, nullptr) != nullptr;
    if (auto named = log_.files().sync_directory(log_.folder.path); !named) return log_.fail(named.error());
    const auto base = log_.segments[first]->base_offset();
    for (auto which = first; which < which_; ++which) {
        log_.total_bytes -= log_.segments[which]->size();
        if (auto moved = log_.discard(*log_.segments[which]); !moved) return log_.fail(moved.error());
    }
    if (has_transactions) {
        const auto target = transactions_path();
        const auto named = target.substr(0, target.size() - suffix::cleaned.size());
        if (auto renamed = log_.files().rename(target, named); !renamed) return log_.fail(renamed.error());
    }
    if (auto renamed = log_.files().rename(swap, output_path_); !renamed) return log_.fail(renamed.error());
    if (auto named = log_.files().sync_directory(log_.folder.path); !named) return log_.fail(named.error());
    log_.segments[first] = std::make_unique<segment>(log_.folder, base, output_size_, has_transactions);
    log_.total_bytes += output_size_;
    // Kafka's brokers complain of a segment without indexes, so they are made now rather than at the first question.
    const auto indexed = log_.segments[first]->finish_indexes();
    if (!indexed) return log_.fail(indexed.error());
    log_.segments[first]->close_files();
    const auto gone = which_ - first - 1;
    log_.segments.erase(log_.segments.begin() + static_cast<std::ptrdiff_t>(first) + 1,
                        log_.segments.begin() + static_cast<std::ptrdiff_t>(which_));
    merged_ += gone;
    log_.layout += gone;
    which_ = first + 1;
    return {};
}

}  // namespace weir::storage

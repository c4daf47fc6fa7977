// When a log compacts itself, and how far it has come.
#include "compaction.hpp"

#include <weir/base/log.hpp>

namespace weir::storage {
namespace {

log::logger cleaning_logs{"weir.storage.cleaner"};

}  // namespace

// Compaction leaves gaps between segments, and a recovery takes a gap behind the recovery point for a loss.
std::int64_t partition_log::state::noted_recovery_point() const noexcept {
    return progress ? progress->noted_recovery_point.load() : recovery_point_at_open;
}

bool partition_log::state::awaits_checkpoint() const noexcept {
    if (failure || segments.empty() || !config.compacts()) return false;
    return noted_recovery_point() < std::min(flushed, sealed ? log_end : segments.back()->base_offset());
}

result<compaction_step> partition_log::state::compact(std::int64_t high_watermark, std::uint64_t budget,
                                                      std::size_t map_bytes) {
    if (failure) return failure;
    if (!config.compacts() || segments.empty()) {
        cleaning.reset();
        compacted.dirty_ratio = 0;
        compacted.dirty_bytes = 0;
        compacted.overdue = milliseconds{0};
        return compaction_step{};
    }
    if (cleaning && cleaning->waits()) return compaction_step{};
    if (!cleaning) {
        std::vector<segment_facts> closed;
        for (std::size_t which = 0; which < segments.size(); ++which) {
            if (which + 1 == segments.size() && !sealed) break;
            const auto newest = segments[which]->newest();
            if (!newest) return newest.error();
            const auto oldest = segments[which]->first_timestamp();
            if (!oldest) return oldest.error();
            closed.push_back(
                {segments[which]->base_offset(), end_of(which), segments[which]->size(), *oldest, newest->timestamp});
        }
        const auto stable = std::min(
            {high_watermark, flushed, noted_recovery_point(), producers.first_unstable(high_watermark).value_or(high_watermark)});
        const auto plan = plan_cleaning(closed, cleaned_to, stable, config, time.wall_now());
        compacted.dirty_ratio = plan.dirty_ratio;
        compacted.dirty_bytes = plan.dirty_bytes;
        compacted.overdue = plan.overdue;
        if (!plan.due) return compaction_step{};
        untouched = false;
        cleaning = std::make_unique<compaction>(*this, plan, group_segments(closed, plan.segments, config), map_bytes);
    }
    const auto before = total_bytes;
    const auto made = cleaning->step(budget);
    if (!made) {
        cleaning.reset();  // which leaves everything as it is
        return made.error();
    }
    if (*made == compaction::progress::more) return compaction_step{true, {}};
    if (*made == compaction::progress::sync) return compaction_step{true, cleaning->unsynced()};
    if (*made == compaction::progress::done) {
        cleaned_to = cleaning->cleaned_to();
        compacted.dirty_ratio = 0;
        compacted.dirty_bytes = 0;
        cleaning_logs.info(name() + ": compacted up to offset " + std::to_string(cleaned_to) + ", " +
                  std::to_string(total_bytes) + " bytes are left" +
                  (before > total_bytes ? ", " + std::to_string(before - total_bytes) + " fewer at the end" : ""));
        publish();
    }
    cleaning.reset();
    return compaction_step{};
}

// Nothing of the log depends on those files yet; but a disk that cannot write them cannot be trusted with the log either.
result<void> partition_log::state::compaction_synced(const file_ptr& which, const result<void>& synced) {
    if (!cleaning || !cleaning->waits_for(which)) return {};
    if (synced) {
        cleaning->synced();
        return {};
    }
    cleaning.reset();
    return synced.code() == errc::no_space ? synced : result<void>{fail(synced.error())};
}

}  // namespace weir::storage

#include "cleaning_plan.hpp"

#include <algorithm>
#include <limits>

namespace weir::storage {

cleaning_plan plan_cleaning(const std::vector<segment_facts>& closed, std::int64_t first_dirty, std::int64_t stable_end,
                            const log_config& config, timestamp_ms now) {
    cleaning_plan plan;
    if (closed.empty()) return plan;
    plan.first_dirty = std::max(first_dirty, closed.front().base_offset);
    plan.end = plan.first_dirty;
    std::uint64_t clean = 0, dirty = 0;
    auto oldest_dirty = std::numeric_limits<timestamp_ms>::max();
    for (const auto& each : closed) {
        if (each.end_offset > stable_end) break;
        if (config.min_compaction_lag_ms.count() > 0 && each.newest > now - config.min_compaction_lag_ms.count()) break;
        ++plan.segments;
        if (each.end_offset <= plan.first_dirty) {
            clean += each.size;
            continue;
        }
        dirty += each.size;
        plan.end = each.end_offset;
        if (each.oldest >= 0) oldest_dirty = std::min(oldest_dirty, each.oldest);
    }
    if (dirty == 0) return plan;
    plan.dirty_ratio = static_cast<double>(dirty) / static_cast<double>(clean + dirty);
    plan.dirty_bytes = dirty;
    if (config.max_compaction_lag_ms != unlimited && oldest_dirty < now)
        plan.overdue = milliseconds{std::max<std::int64_t>(now - config.max_compaction_lag_ms.count() - oldest_dirty, 0)};
    plan.due = plan.dirty_ratio >= config.min_cleanable_dirty_ratio || plan.overdue > milliseconds{0};
    return plan;
}

std::vector<std::size_t> group_segments(const std::vector<segment_facts>& closed, std::size_t count,
                                        const log_config& config) {
    std::vector<std::size_t> ends;
    for (std::size_t begin = 0; begin < count;) {
        auto size = closed[begin].size;
        auto end = begin + 1;
        while (end < count && size + closed[end].size <= static_cast<std::uint64_t>(config.segment_bytes) &&
               closed[end].end_offset - closed[begin].base_offset <= std::numeric_limits<std::int32_t>::max())
            size += closed[end++].size;
        ends.push_back(end);
        begin = end;
    }
    return ends;
}

}  // namespace weir::storage

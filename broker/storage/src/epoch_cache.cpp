#include "epoch_cache.hpp"

#include "text_lines.hpp"

#include <algorithm>

namespace weir::storage {

std::string print_epochs(const std::vector<epoch_start>& entries) {
    std::string text = "0\n" + std::to_string(entries.size()) + "\n";
    for (const auto& [epoch, start] : entries) text += std::to_string(epoch) + " " + std::to_string(start) + "\n";
    return text;
}

result<std::vector<epoch_start>> parse_epochs(std::string_view text) {
    auto lines = checkpoint_lines::open(text);
    if (!lines) return lines.error();
    std::vector<epoch_start> entries;
    while (auto line = lines->next()) {
        const auto space = line->find(' ');
        const auto epoch = parse_number<std::int32_t>(line->substr(0, space));
        const auto start =
            space == std::string_view::npos ? std::nullopt : parse_number<std::int64_t>(line->substr(space + 1));
        if (!epoch || !start || *epoch < 0 || *start < 0) return lines->bad_line(*line);
        if (!entries.empty() && (entries.back().epoch >= *epoch || entries.back().start_offset > *start))
            return lines->bad_line(*line);
        entries.push_back({*epoch, *start});
    }
    if (auto whole = lines->finished(); !whole) return whole.error();
    return entries;
}

bool epoch_cache::begin(std::int32_t epoch, std::int64_t start_offset) {
    if (epoch < 0) return false;
    if (!entries_.empty() && entries_.back().epoch == epoch && start_offset >= entries_.back().start_offset)
        return false;
    while (!entries_.empty() && (entries_.back().epoch >= epoch || entries_.back().start_offset >= start_offset))
        entries_.pop_back();
    entries_.push_back({epoch, start_offset});
    return true;
}

epoch_end epoch_cache::end_of(std::int32_t epoch, std::int64_t log_end) const noexcept {
    if (epoch == -1 || entries_.empty()) return {};  // -1: the asker knows of no epoch
    if (epoch == latest()) return {epoch, log_end};
    // Asked for an epoch this log has not heard of: there is no answer, the asker is ahead of us.
    if (epoch > latest()) return {};
    const auto above =
        std::find_if(entries_.begin(), entries_.end(), [epoch](const auto& entry) { return entry.epoch > epoch; });
    // Older than all we have: everything the asker has may stay up to where our first epoch begins.
    if (above == entries_.begin()) return {epoch, above->start_offset};
    return {std::prev(above)->epoch, above->start_offset};
}

std::int32_t epoch_cache::epoch_of(std::int64_t offset) const noexcept {
    const auto above = std::find_if(entries_.begin(), entries_.end(),
                                    [offset](const auto& entry) { return entry.start_offset > offset; });
    return above == entries_.begin() ? -1 : std::prev(above)->epoch;
}

bool epoch_cache::truncate_from_end(std::int64_t offset) {
    const auto before = entries_.size();
    while (!entries_.empty() && entries_.back().start_offset >= offset) entries_.pop_back();
    return entries_.size() != before;
}

bool epoch_cache::truncate_from_start(std::int64_t offset) {
    if (entries_.empty() || entries_.front().start_offset >= offset) return false;
    const auto above = std::find_if(entries_.begin(), entries_.end(),
                                    [offset](const auto& entry) { return entry.start_offset > offset; });
    auto last_below = *std::prev(above);
    last_below.start_offset = offset;
    entries_.erase(entries_.begin(), above);
    entries_.insert(entries_.begin(), last_below);
    return true;
}

}  // namespace weir::storage

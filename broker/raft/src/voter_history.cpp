#include "voter_history.hpp"

#include <algorithm>

namespace weir::raft {

void voter_history::restart(const snapshot_info& base) {
    base_ = base;
    voters_.clear();
    versions_.clear();
}

void voter_history::rebase(const snapshot_info& base) {
    base_ = base;
    const auto covered = [&](const auto& entry) { return entry.first < base.id.offset; };
    std::erase_if(voters_, covered);
    std::erase_if(versions_, covered);
}

void voter_history::truncate_to(log_offset offset) {
    const auto gone = [&](const auto& entry) { return entry.first >= offset; };
    std::erase_if(voters_, gone);
    std::erase_if(versions_, gone);
}

const voter_set& voter_history::latest() const noexcept {
    if (!voters_.empty()) return voters_.back().second;
    return base_.voters ? *base_.voters : static_;
}

std::optional<log_offset> voter_history::latest_offset() const noexcept {
    if (voters_.empty()) return std::nullopt;
    return voters_.back().first;
}

bool voter_history::only_formatted() const noexcept {
    return voters_.empty() && base_.id.offset == 0 && base_.kraft_version > 0 && base_.voters.has_value();
}

snapshot_info voter_history::at(log_offset offset) const {
    snapshot_info info = base_;
    for (const auto& [where, voters] : voters_)
        if (where < offset) info.voters = voters;
    for (const auto& [where, version] : versions_)
        if (where < offset) info.kraft_version = version;
    return info;
}

}  // namespace weir::raft

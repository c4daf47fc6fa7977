// Which voters and which kraft.version hold at which offset: a replica must go back when its log is truncated, and a
// snapshot must say what held at its end.
#pragma once
#include <weir/raft/types.hpp>

#include <utility>
#include <vector>

namespace weir::raft {

class voter_history {
public:
    explicit voter_history(voter_set static_voters) : static_(std::move(static_voters)) {}

    void restart(const snapshot_info& base);           ///< forgets the log, starts from a snapshot
    void rebase(const snapshot_info& base);            ///< forgets only what the snapshot covers
    void add_voters(log_offset offset, voter_set voters) { voters_.emplace_back(offset, std::move(voters)); }
    void add_kraft_version(log_offset offset, std::int16_t version) { versions_.emplace_back(offset, version); }
    void truncate_to(log_offset offset);

    const voter_set& latest() const noexcept;
    std::int16_t kraft_version() const noexcept { return versions_.empty() ? base_.kraft_version : versions_.back().second; }
    /// Offset of the voters record in force; nullopt when they come from a snapshot or the configuration.
    std::optional<log_offset> latest_offset() const noexcept;
    /// True when kraft.version 1 was set by formatting and the log does not say so yet.
    bool only_formatted() const noexcept;
    snapshot_info at(log_offset offset) const;

private:
    voter_set static_;
    snapshot_info base_;
    std::vector<std::pair<log_offset, voter_set>> voters_;
    std::vector<std::pair<log_offset, std::int16_t>> versions_;
};

}  // namespace weir::raft

// What must hold after every event, whatever happened.
#include "world.hpp"

#include <algorithm>

namespace weir::simulation {

void world::check(node& touched) {
    const auto& core = *touched.core;
    const auto name = "node " + std::to_string(touched.id);
    if (core.epoch() < touched.epoch) fail(name + ": its epoch went back");
    touched.epoch = core.epoch();
    if (core.high_watermark() < touched.high_watermark) fail(name + ": its high watermark went back");
    if (core.is_leader()) {
        const auto [it, fresh] = leaders_.try_emplace(core.epoch(), touched.id);
        if (it->second != touched.id)
            fail("epoch " + std::to_string(core.epoch()) + " has two leaders: " + std::to_string(it->second) + " and " +
                 std::to_string(touched.id));
    }
    if (core.persisted().leader_epoch != touched.disk.leader_epoch) fail(name + ": its epoch is not on disk");
    if (touched.log.generation() != touched.log_generation) {
        touched.log_generation = touched.log.generation();
        if (touched.log.end_offset() < touched.high_watermark) fail(name + ": it dropped committed records");
    }
}

/// A committed record is on so many disks that no majority can choose a leader without it.
void world::check_durable() {
    const auto end = static_cast<log_offset>(model_.size());
    if (end == 0) return;
    std::size_t have = 0;
    for (const auto& voter : committed_voters_) {
        const auto& log = nodes_[voter.key.id].log;
        if (log.start_offset() >= end) ++have;
        else if (log.flushed_offset() >= end && log.fingerprint(end - 1) == model_.back().fingerprint) ++have;
    }
    if (have < committed_voters_.size() - committed_voters_.majority() + 1)
        fail("offset " + std::to_string(end - 1) + " is committed but durable on " + std::to_string(have) + " of " +
             std::to_string(committed_voters_.size()) + " voters only");
}

/// Logs agree below every high watermark.
void world::check_logs() {
    for (auto& [id, one] : nodes_) {
        if (!one.core) continue;
        const auto end = std::min(one.core->high_watermark(), static_cast<log_offset>(model_.size()));
        for (auto at = one.log.start_offset(); at < end; ++at)
            if (one.log.fingerprint(at) != model_[static_cast<std::size_t>(at)].fingerprint)
                fail("node " + std::to_string(id) + " has another record at offset " + std::to_string(at) +
                     " than was committed there");
    }
}

/// After the storm: everything committed, and so everything acknowledged, is in the log of whoever leads.
void world::check_end() {
    auto* first = leader();
    if (!first) fail("nobody leads after the storm");
    const auto end = static_cast<log_offset>(model_.size());
    if (first->core->high_watermark() < end) fail("the leader does not know what was committed");
    if (first->state != committed_state(first->applied)) fail("the leader's state differs from what was committed");
    for (const auto& one : acknowledged_)
        if (one.last >= end || model_[static_cast<std::size_t>(one.last)].fingerprint != one.fingerprint)
            fail("the acknowledged proposal at offset " + std::to_string(one.last) + " is gone");
    if (acknowledged_.empty()) fail("no proposal was acknowledged at all");
}

}  // namespace weir::simulation

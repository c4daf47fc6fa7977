#include "ledger.hpp"

namespace weir::detail {

void ledger::fail(std::size_t i, const error& why) {
    auto& entry = entries_[i];
    if (entry.open && may_pass(why.code())) entry.obstacle = why;
    else close(i, why);
}

void ledger::close(std::size_t i, const error& why) {
    if (succeed(i)) entries_[i].why = why;
}

bool ledger::succeed(std::size_t i) {
    const bool first = std::exchange(entries_[i].open, false);
    if (first) --open_;
    return first;
}

bool ledger::may_pass(errc code) const {
    if (code == errc::unknown_topic_or_partition) return unknown_topics_pass;
    if (code == errc::throttling_quota_exceeded) return quota_passes;
    return passing(code);
}

}  // namespace weir::detail

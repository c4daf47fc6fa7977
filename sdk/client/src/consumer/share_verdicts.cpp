// What becomes of verdicts: when brokers are told of them, and the application of what came of it.
#include "share_loop.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace weir::detail {
namespace {

constexpr milliseconds tell_within{1'000};  // verdicts that no fetch takes along

}  // namespace

void share_loop::tell_verdicts() {
    const auto now = view_->loop().now();
    const auto waiting = ledger_->waiting();
    if (waiting.empty()) tell_at_ = time_point::max();
    else if (tell_at_ == time_point::max()) tell_at_ = now + tell_within;
    const bool due = now >= tell_at_ || !committers_.empty();
    for (const auto& [from, urgent] : waiting) {
        auto& link = link_to(from.broker);
        if (link.busy || (!due && !urgent)) continue;
        if (due) tell_at_ = time_point::max();
        begin(from.broker, errand::tell, {});
    }
}

// The session ended in which these were lent: whoever lent them has taken them back, or will.
void share_loop::drop_stale_verdicts() {
    for (const auto& [from, urgent] : ledger_->waiting()) {
        if (const auto& link = link_to(from.broker); link.session.number() == from.session && link.session.open()) continue;
        if (link_to(from.broker).busy) continue;
        const auto gone = ledger_->take(from);
        const error why{errc::share_session_not_found, fmt::format("{} does not know of the loan any more", view_->name_of(from.broker))};
        for (const auto* which : {&gone.decided, &gone.renewals, &gone.late}) report(*which, gone.topics, {}, why);
    }
}

void share_loop::settle_committers() {
    const auto now = view_->loop().now();
    std::erase_if(committers_, [&](committer& each) {
        std::erase_if(each.until, [&](const auto& entry) { return link_to(entry.first).answered >= entry.second; });
        if (each.until.empty()) each.done->complete(std::move(each.results));
        else if (now >= each.give_up) each.done->complete(error{errc::timed_out, fmt::format("share group {}: commit: not all brokers answered within {} ms (default.api.timeout.ms)", group_id_, api_timeout_.count())});
        else return false;
        return true;
    });
}

void share_loop::report(const verdicts& which, const std::map<place, std::string>& topics, const std::map<place, error>& whys, const error& of_all) {
    std::vector<acknowledged> results;
    for (const auto& [where, by_offset] : which) {
        const auto single = whys.find(where);
        const auto& why = single == whys.end() ? of_all : single->second;
        const auto topic = topics.find(where);
        const topic_partition named{topic == topics.end() ? "" : topic->second, where.second};
        for (const auto& [offset, what] : by_offset) {
            if (what == verdict::gap) continue;
            const auto said = static_cast<acknowledgement>(what);
            count(said, !why);
            if (!results.empty() && results.back().where == named && results.back().last + 1 == offset && results.back().what == said) {
                results.back().last = offset;
                continue;
            }
            results.push_back({named, offset, offset, said, why ? why.located(named.topic, named.partition, offset) : error{}});
        }
    }
    if (results.empty()) return;
    for (auto& each : committers_) each.results.insert(each.results.end(), results.begin(), results.end());
    if (*on_acknowledged_) strand_->post([told = on_acknowledged_, results = std::move(results)] { (*told)(results); });
}

void share_loop::count(acknowledgement what, bool counts) {
    auto& all = *counters_;
    auto& one = !counts                            ? all.failed
                : what == acknowledgement::accept  ? all.accepted
                : what == acknowledgement::release ? all.released
                : what == acknowledgement::reject  ? all.rejected
                                                   : all.renewed;
    one.add();
}

}  // namespace weir::detail

// What a share consumer says to one broker, one request after the other: ShareFetch and ShareAcknowledge.
#include "share_loop.hpp"

#include <weir/base/log.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace weir::detail {
namespace {

log::logger share_requests_logs{"weir.client.share"};

/// Gaps, which nobody decided about, apart.
std::uint64_t verdicts_in(const verdicts& all) {
    std::uint64_t found = 0;
    for (const auto& [where, by_offset] : all) {
        found += static_cast<std::uint64_t>(std::count_if(by_offset.begin(), by_offset.end(), [](const auto& each) { return each.second != verdict::gap; }));
    }
    return found;
}

/// What it lends can be.
error checked(const protocol::share_fetch_response& answer) {
    for (const auto& topic : answer.responses) {
        for (const auto& part : topic.partitions) {
            if (const auto ranges = acquired_ranges(part.acquired_records, part.records.memory().size()); !ranges) {
                return error{errc::malformed, "ShareFetch", ranges.error()}.located("", part.partition_index);
            }
        }
    }
    return {};
}

/// Whether a record was acquired for all that headers tell: a batch from which nothing was compacted away has one at each offset.
bool surely_has_records(bytes_view content, const std::vector<acquired_range>& acquired) {
    protocol::record_set all{content, protocol::crc_check::skip};
    while (const auto entry = all.next()) {
        const auto* batch = entry->batch();
        if (!batch || batch->control() || batch->record_count() != entry->last_offset() - batch->base_offset() + 1) continue;
        for (const auto& range : acquired) {
            if (range.first <= entry->last_offset() && range.last >= batch->base_offset()) return true;
        }
    }
    return false;
}

/// Cannot get better by asking again.
bool hopeless(errc code) {
    switch (code) {
        case errc::group_authorization_failed:
        case errc::topic_authorization_failed:
        case errc::invalid_group_id:
        case errc::invalid_request:
        case errc::unsupported_version: return true;
        default: return false;
    }
}

}  // namespace

void share_loop::begin(std::int32_t broker, errand what, std::set<place> wanted) {
    link_to(broker).busy = true;
    spawn(converse(shared_from_this(), broker, what, std::move(wanted)));
}

// By value: a coroutine outlives its caller's temporaries.
task<void> share_loop::converse(self_ptr self, std::int32_t broker, errand what, std::set<place> wanted) {  // NOLINT(performance-unnecessary-value-param)
    auto& state = self->link_to(broker);
    const auto turn = ++state.asked;
    auto reaching = cluster::broker(self->view_, broker, self->lane_);
    auto link = co_await reaching;
    share_news told;
    if (state.session.open()) told = self->ledger_->take({broker, state.session.number()});
    self->report(told.late, told.topics, {}, error{errc::invalid_record_state, "its time was up, others may have the record"});
    error why = link ? error{} : link.error();
    if (why) {
        self->report(told.renewals, told.topics, {}, why);
        self->report(told.decided, told.topics, {}, why);
    }
    if (!why && !told.renewals.empty()) {
        auto renewing = renew(self, *link, broker, told);
        why = co_await renewing;
        if (why) self->report(told.decided, told.topics, {}, why);
    }
    if (!why && what == errand::fetch) {
        auto fetching = fetch(self, *link, broker, wanted, told);
        why = co_await fetching;
    } else if (!why && state.session.open() && (what == errand::farewell || !told.decided.empty())) {
        auto telling = acknowledge(self, *link, broker, told, what == errand::farewell);
        why = co_await telling;
    }
    state.busy = false;
    state.answered = turn;
    if (why) {
        share_requests_logs.info(fmt::format("share group {}: {}: {}", self->group_id_, self->view_->name_of(broker), why.message()));
        state.session.failed();
        state.not_before = self->view_->loop().now() + self->view_->retry().after(++state.failures, self->view_->random());
        self->view_->refresh();
        if (hopeless(why.code())) {
            self->failure_ = why;
            self->stopped_ = true;
        }
    } else if (state.not_before <= self->view_->loop().now()) {
        state.failures = 0;
    }
    self->wake();
}

task<error> share_loop::renew(self_ptr self, connection_ptr link, std::int32_t broker, const share_news& told) {  // NOLINT(performance-unnecessary-value-param)
    auto& session = self->link_to(broker).session;
    const auto request = session.acknowledge(told.renewals, true);
    self->counters_->verdicts.add(verdicts_in(told.renewals));
    auto calling = link->call(request);
    auto got = co_await calling;
    const auto code = got ? errc_from_wire(got->message.error_code) : got.code();
    const auto why = got ? (code == errc::none ? error{} : error{code, "ShareAcknowledge"}) : got.error();
    std::map<place, error> single;
    if (!why) {
        session.answered(errc::none);
        self->learn_lock_timeout(got->message.acquisition_lock_timeout_ms);
        for (const auto& topic : got->message.responses) {
            for (const auto& part : topic.partitions) {
                if (part.error_code != 0) single[{topic.topic_id, part.partition_index}] = error{errc_from_wire(part.error_code), part.error_message.value_or("")};
            }
        }
        const auto until = self->end_of_loan();
        for (const auto& part : told.renewing) {
            const auto which = told.renewals.find(part->where());
            if (which != told.renewals.end() && !single.contains(part->where())) part->renewed(which->second, until);
        }
    }
    self->report(told.renewals, told.topics, single, why);
    co_return why;
}

task<error> share_loop::acknowledge(self_ptr self, connection_ptr link, std::int32_t broker, const share_news& told, bool farewell) {  // NOLINT(performance-unnecessary-value-param)
    auto& session = self->link_to(broker).session;
    const auto request = farewell ? session.farewell(told.decided) : session.acknowledge(told.decided, false);
    self->counters_->verdicts.add(verdicts_in(told.decided));
    auto calling = link->call(request);
    auto got = co_await calling;
    const auto code = got ? errc_from_wire(got->message.error_code) : got.code();
    auto why = got ? (code == errc::none ? error{} : error{code, "ShareAcknowledge"}) : got.error();
    std::map<place, error> single;
    if (!why) {
        if (!farewell) session.answered(errc::none);
        self->learn_lock_timeout(got->message.acquisition_lock_timeout_ms);
        for (auto& node : got->message.node_endpoints) self->view_->learn_broker(node.node_id, {node.host, static_cast<std::uint16_t>(node.port)});
        for (const auto& topic : got->message.responses) {
            for (const auto& part : topic.partitions) {
                if (part.error_code == 0) continue;
                const place where{topic.topic_id, part.partition_index};
                const auto name = told.topics.find(where);
                single[where] = self->part_trouble(where, name == told.topics.end() ? "" : name->second, errc_from_wire(part.error_code), part.current_leader.leader_id,
                                                   part.current_leader.leader_epoch);
            }
        }
    }
    self->report(told.decided, told.topics, single, why);
    co_return farewell ? error{} : why;
}

task<error> share_loop::fetch(self_ptr self, connection_ptr link, std::int32_t broker, const std::set<place>& wanted, const share_news& told) {  // NOLINT(performance-unnecessary-value-param)
    auto& state = self->link_to(broker);
    auto& session = state.session;
    bool troubled = false, lent = false;
    const bool fresh = !session.open();
    const auto request = session.fetch(wanted, told.decided, self->limits_);
    self->counters_->verdicts.add(verdicts_in(told.decided));
    const auto began = self->view_->loop().now();
    auto calling = link->call(request, protocol::share_fetch_request::max_version, self->max_wait_);
    auto got = co_await calling;
    const auto code = got ? errc_from_wire(got->message.error_code) : got.code();
    auto why = got ? (code == errc::none ? error{} : error{code, fmt::format("ShareFetch: {}", got->message.error_message.value_or(std::string{describe(code).condition}))}) : got.error();
    std::map<place, error> single;
    if (!why) why = checked(got->message);
    if (!why) {
        session.answered(errc::none);
        auto& counted = *self->counters_;
        counted.fetches.add();
        counted.fetch_latency.record(static_cast<std::uint64_t>((self->view_->loop().now() - began) / std::chrono::microseconds{1}));
        if (fresh) counted.sessions.add();
        std::size_t bytes = 0;
        const auto owner = std::make_shared<net::answer<protocol::share_fetch_response>>(*std::move(got));
        const auto& answer = owner->message;
        self->learn_lock_timeout(answer.acquisition_lock_timeout_ms);
        for (const auto& node : answer.node_endpoints) self->view_->learn_broker(node.node_id, {node.host, static_cast<std::uint16_t>(node.port)});
        for (const auto& topic : answer.responses) {
            for (const auto& part : topic.partitions) {
                const place where{topic.topic_id, part.partition_index};
                const auto named = self->assigned_.find(where);
                const auto said = told.topics.find(where);
                const auto name = named != self->assigned_.end() ? named->second : said != told.topics.end() ? said->second : "";
                if (part.acknowledge_error_code != 0) {
                    single[where] = self->part_trouble(where, name, errc_from_wire(part.acknowledge_error_code), part.current_leader.leader_id, part.current_leader.leader_epoch);
                }
                if (part.error_code != 0) {
                    const auto trouble = self->part_trouble(where, name, errc_from_wire(part.error_code), part.current_leader.leader_id, part.current_leader.leader_epoch);
                    if (hopeless(trouble.code())) why = trouble;
                    troubled = true;
                }
                bytes += part.records.memory().size();
                if (part.acquired_records.empty() || name.empty()) continue;
                self->lend({broker, session.number()}, where, name, part, owner);
                lent = true;
            }
        }
        counted.bytes.add(bytes);
        counted.fetch_bytes.record(bytes);
        // Such answers come at once: nobody waits for records of a partition that is not there.
        if (troubled && !lent) state.not_before = self->view_->loop().now() + self->view_->retry().after(++state.failures, self->view_->random());
    }
    self->report(told.decided, told.topics, single, why);
    co_return why;
}

void share_loop::lend(const lender& from, const place& where, const std::string& topic, const protocol::share_fetch_response::partition_data& part, std::shared_ptr<const void> owner) {
    auto ranges = *acquired_ranges(part.acquired_records, part.records.memory().size());
    for (const auto& each : ranges) counters_->records.add(static_cast<std::uint64_t>(each.last - each.first + 1));
    const auto first = ranges.front().first;
    chunk content{part.records.memory(), std::move(owner), first, {}, chunk_settings{check_crcs_, false}};
    const bool sure = surely_has_records(part.records.memory(), ranges);
    auto loan = std::make_shared<lease_part>(ledger_, from, where, topic, std::move(content), std::move(ranges), end_of_loan());
    // Markers of transactions, and records that have been compacted away, are told of as gaps, and end no poll.
    if (sure || loan->open() || loan->size() > 0) lent_.push_back(std::move(loan));
}

void share_loop::learn_lock_timeout(std::int32_t ms) {
    if (ms > 0) lock_timeout_.store(duration{ms}, std::memory_order_relaxed);
}

time_point share_loop::end_of_loan() const {
    constexpr duration usual{30'000};  // group.share.record.lock.duration.ms
    return view_->loop().now() + lock_timeout().value_or(usual);
}

error share_loop::part_trouble(const place& where, const std::string& topic, errc code, std::int32_t leader, std::int32_t epoch) {
    if (leader >= 0 && epoch >= 0 && !topic.empty()) view_->learn_leader(topic, where.second, leader, epoch);
    if (describe(code).refresh || describe(code).retriable) view_->refresh();
    return error{code, std::string{describe(code).condition}}.located(topic, where.second);
}

}  // namespace weir::detail

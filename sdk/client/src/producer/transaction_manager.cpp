#include "transaction_manager.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace weir::detail {

transaction_manager::transaction_manager(std::string transactional_id, milliseconds timeout) : id_(std::move(transactional_id)), timeout_(timeout) {}

error transaction_manager::about(errc code, std::string_view what) const { return error{code, fmt::format("transactional.id '{}': {}", id_, what)}; }

void transaction_manager::begin(on_done done) {
    if (death_) return done(death_);
    if (begun_ || phase_ == phase::open) return done(about(errc::invalid_request, "a transaction is open already; commit() or abort() it before the next begin()"));
    begun_ = std::move(done);
    if (number_ > 0 && next_v2_ != v2_) bump_ = true;  // the protocols count epochs differently
    advance();
}

void transaction_manager::end(bool commit, on_done done) {
    if (death_) return done(death_);
    if (phase_ != phase::open) return done(about(errc::invalid_request, "the transaction has ended already"));
    phase_ = phase::ending;
    commit_ = commit;
    ended_ = std::move(done);
    if (!commit) fail(about(errc::transaction_aborted, "the application aborts it"));
    advance();
}

void transaction_manager::add_offsets(group_metadata group, std::vector<partition_offset> offsets, on_done done) {
    if (failure()) return done(failure());
    if (phase_ != phase::open) return done(about(errc::invalid_request, "the transaction has ended already"));
    if (offsets.empty()) return done({});
    std::sort(offsets.begin(), offsets.end(), [](const partition_offset& a, const partition_offset& b) { return a.where < b.where; });
    offsets_.push_back({std::move(group), std::move(offsets), std::move(done)});
}

bool transaction_manager::admit(const topic_partition& where) {
    if (!in_transaction() || failure()) return false;
    if (v2_) {
        started_ = true;
        return true;
    }
    if (added_.contains(where)) return true;
    wanted_.insert(where);
    return false;
}

void transaction_manager::batch_lost(const error& why, bool sequenced) {
    if (!in_transaction()) return;
    if (sequenced && !v2_) bump_ = true;
    switch (why.code()) {
        case errc::producer_fenced:
        case errc::transactional_id_authorization_failed:
        case errc::cluster_authorization_failed:
        case errc::unsupported_version: die(why); break;
        case errc::invalid_producer_id_mapping: (void)judge(why.code(), why.what()); break;
        default: fail(why);
    }
    advance();
}

void transaction_manager::drained() {
    drained_ = true;
    advance();
}

// What only waited for the coordinator fails at once; what is under way there ends first.
void transaction_manager::fail(const error& why) {
    if (!in_transaction() || failure_ || commit_asked_) return;
    failure_ = why;
    wanted_.clear();
    for (auto dropped = std::exchange(offsets_, {}); auto& each : dropped) each.done(why);
}

void transaction_manager::die(error why) {
    if (death_) return;
    if (!why.permanent() && why.code() != errc::closed) why = error{errc::invalid_txn_state, fmt::format("transactional.id '{}': this producer cannot go on; close it and make another", id_), why};
    death_ = why.as_fatal();
    phase_ = phase::dead;
    asking_ = asked::nothing;
    for (auto dropped = std::exchange(offsets_, {}); auto& each : dropped) each.done(death_);
    if (auto waiting = std::exchange(begun_, {})) waiting(death_);
    if (auto waiting = std::exchange(ended_, {})) waiting(death_);
}

void transaction_manager::finish(result<void> outcome) {
    phase_ = phase::ready;
    if (auto waiting = std::exchange(ended_, {})) waiting(std::move(outcome));
}

// What needs no coordinator.
void transaction_manager::advance() {
    if (phase_ == phase::ending && drained_ && asking_ == asked::nothing && offsets_.empty() && (!started_ || forgotten_)) {
        if (!commit_) finish({});
        else if (failure_) finish(error{errc::transaction_aborted, fmt::format("transactional.id '{}': the transaction was aborted; run it again", id_), failure_});
        else finish({});
    }
    if (phase_ == phase::ready && begun_ && !bump_) {
        phase_ = phase::open;
        ++number_;
        v2_ = next_v2_;
        commit_ = commit_asked_ = drained_ = started_ = confirmed_ = forgotten_ = false;
        wanted_.clear();
        added_.clear();
        groups_.clear();
        failure_ = {};
        std::exchange(begun_, {})({});
    }
}

transaction_manager::request transaction_manager::ask(asked what, request message) {
    asking_ = what;
    return message;
}

std::optional<transaction_manager::request> transaction_manager::next() {
    if (asking_ != asked::nothing || death_) return std::nullopt;
    if (begun_ && (phase_ == phase::unborn || (phase_ == phase::ready && bump_))) {
        protocol::init_producer_id_request init;
        init.transactional_id = id_;
        init.transaction_timeout_ms = static_cast<std::int32_t>(timeout_.count());
        init.producer_id = who_.id;
        init.producer_epoch = who_.epoch;
        return ask(asked::init, std::move(init));
    }
    if (!in_transaction()) return std::nullopt;
    if (!wanted_.empty()) return ask(asked::partitions, announce_partitions());
    if (!offsets_.empty()) {
        started_ = true;
        const auto& group = offsets_.front().group.group_id;
        if (v2_ || groups_.contains(group)) return ask(asked::offsets, commit_offsets());
        protocol::add_offsets_to_txn_request add;
        add.transactional_id = id_;
        add.producer_id = who_.id;
        add.producer_epoch = who_.epoch;
        add.group_id = group;
        return ask(asked::group, std::move(add));
    }
    if (phase_ != phase::ending || !drained_) return std::nullopt;
    commit_asked_ = commit_ && !failure_;
    protocol::end_txn_request end;
    end.transactional_id = id_;
    end.producer_id = who_.id;
    end.producer_epoch = who_.epoch;
    end.committed = commit_asked_;
    return ask(asked::end, std::move(end));
}

protocol::add_partitions_to_txn_request transaction_manager::announce_partitions() {
    started_ = true;
    protocol::add_partitions_to_txn_request add;
    add.v3_and_below_transactional_id = id_;
    add.v3_and_below_producer_id = who_.id;
    add.v3_and_below_producer_epoch = who_.epoch;
    auto& topics = add.v3_and_below_topics;
    for (const auto& each : wanted_) {
        if (topics.empty() || topics.back().name != each.topic) topics.emplace_back().name = each.topic;
        topics.back().partitions.push_back(each.partition);
    }
    return add;
}

protocol::txn_offset_commit_request transaction_manager::commit_offsets() const {
    const auto& [group, offsets, done] = offsets_.front();
    protocol::txn_offset_commit_request commit;
    commit.transactional_id = id_;
    commit.group_id = group.group_id;
    commit.producer_id = who_.id;
    commit.producer_epoch = who_.epoch;
    commit.generation_id = group.generation;
    commit.member_id = group.member_id;
    if (!group.instance_id.empty()) commit.group_instance_id = group.instance_id;
    for (const auto& each : offsets) {
        if (commit.topics.empty() || commit.topics.back().name != each.where.topic) commit.topics.emplace_back().name = each.where.topic;
        auto& part = commit.topics.back().partitions.emplace_back();
        part.partition_index = each.where.partition;
        part.committed_offset = each.offset;
        part.committed_leader_epoch = each.leader_epoch;
        part.committed_metadata = each.metadata;
    }
    return commit;
}

bool transaction_manager::arrived() {
    const bool waited_for = asking_ != asked::nothing;
    asking_ = asked::nothing;
    return waited_for && !death_;
}

then transaction_manager::judge(errc code, std::string_view what) {
    const auto why = [&] { return about(code, what.empty() ? describe(code).condition : what); };
    switch (code) {
        case errc::none: return then::go_on;
        case errc::not_coordinator:
        case errc::coordinator_not_available: return then::find_coordinator;
        case errc::invalid_producer_epoch:
        case errc::producer_fenced:
            die(error{errc::producer_fenced,
                      fmt::format("transactional.id '{}': another producer took over, or the transaction was open for longer than transaction.timeout.ms={}", id_, timeout_.count()), why()});
            return then::go_on;
        case errc::invalid_producer_id_mapping:
        case errc::unknown_producer_id:
            forgotten_ = bump_ = true;
            fail(why());
            return then::go_on;
        case errc::transactional_id_authorization_failed:
        case errc::cluster_authorization_failed:
        case errc::unsupported_version:
        case errc::invalid_txn_state: die(why()); return then::go_on;
        case errc::transaction_abortable: fail(why()); return then::go_on;
        default: break;
    }
    if (describe(code).retriable) return then::retry;
    fail(why());
    return then::go_on;
}

then transaction_manager::answered(const protocol::init_producer_id_response& answer) {
    if (!arrived()) return then::go_on;
    const auto code = errc_from_wire(answer.error_code);
    if (code == errc::none) {
        who_ = {answer.producer_id, answer.producer_epoch};
        phase_ = phase::ready;
        bump_ = false;
        advance();
        return then::go_on;
    }
    if (code == errc::invalid_transaction_timeout) {
        die(error{errc::invalid_setting, fmt::format("transaction.timeout.ms={}: the cluster allows no more than its transaction.max.timeout.ms", timeout_.count())});
        return then::go_on;
    }
    if (code == errc::invalid_producer_id_mapping || code == errc::unknown_producer_id) return judge(errc::producer_fenced, describe(code).condition);
    const auto next = judge(code, "");
    if (next == then::go_on) die(about(code, "InitProducerId"));
    return next;
}

then transaction_manager::answered(const protocol::add_partitions_to_txn_response& answer) {
    if (!arrived()) return then::go_on;
    auto next = then::go_on;
    for (const auto& topic : answer.results_by_topic_v3_and_below) {
        for (const auto& part : topic.results_by_partition) {
            const topic_partition where{topic.name, part.partition_index};
            const auto code = errc_from_wire(part.partition_error_code);
            if (code == errc::none) {
                confirmed_ = true;
                wanted_.erase(where);
                added_.insert(where);
            } else if (code == errc::operation_not_attempted) {
                next = std::max(next, then::retry);  // for what the others say
            } else {
                next = std::max(next, judge(code, fmt::format("{}-{}: {}", where.topic, where.partition, describe(code).condition)));
            }
        }
    }
    advance();
    return failure() ? then::go_on : next;
}

then transaction_manager::answered(const protocol::add_offsets_to_txn_response& answer) {
    if (!arrived()) return then::go_on;
    const auto code = errc_from_wire(answer.error_code);
    if (code == errc::none) {
        confirmed_ = true;
        if (!offsets_.empty()) groups_.insert(offsets_.front().group.group_id);
    }
    const auto next = judge(code, "");
    advance();
    return next;
}

then transaction_manager::answered(const protocol::txn_offset_commit_response& answer) {
    if (!arrived()) return then::go_on;
    auto next = then::go_on;
    for (const auto& topic : answer.topics) {
        for (const auto& part : topic.partitions) {
            const auto code = errc_from_wire(part.error_code);
            if (code == errc::none) continue;
            const auto what = fmt::format("offset of {}-{}: {}", topic.name, part.partition_index, describe(code).condition);
            next = std::max(next, code == errc::request_timed_out ? then::find_coordinator : judge(code, what));
        }
    }
    if (next == then::go_on && !failure() && !offsets_.empty()) {
        confirmed_ = true;
        auto done = std::move(offsets_.front().done);
        offsets_.pop_front();
        done({});
    }
    advance();
    return failure() ? then::go_on : next;
}

then transaction_manager::answered(const protocol::end_txn_response& answer) {
    if (!arrived()) return then::go_on;
    const auto code = errc_from_wire(answer.error_code);
    const bool committing = std::exchange(commit_asked_, false);
    if (code == errc::none) {
        if (answer.producer_id >= 0) who_ = {answer.producer_id, answer.producer_epoch};
        started_ = false;
        advance();
        return then::go_on;
    }
    if (code == errc::invalid_txn_state && !committing && !confirmed_) {  // it never got there
        started_ = false;
        bump_ = true;
        advance();
        return then::go_on;
    }
    const auto next = judge(code, "");
    if (next != then::go_on) commit_asked_ = committing;
    else if (!death_ && !forgotten_ && !(committing && code == errc::transaction_abortable)) die(about(code, "EndTxn"));
    advance();
    return next;
}

then transaction_manager::unanswered(const error& why) {
    if (!arrived()) return then::go_on;
    switch (why.code()) {
        case errc::timed_out:
        case errc::io_error:
        case errc::refused:
        case errc::broker_not_available: return then::find_coordinator;
        default: break;
    }
    if (why.retriable()) return then::find_coordinator;
    if (phase_ == phase::open) fail(why);
    else die(why);
    advance();
    return then::go_on;
}

void transaction_manager::give_up(const error& why) {
    asking_ = asked::nothing;
    if (phase_ == phase::dead) return;
    if (!in_transaction()) {
        if (auto waiting = std::exchange(begun_, {})) waiting(why);
        return;
    }
    if (failure_ || commit_asked_) {
        die(error{errc::invalid_txn_state, fmt::format("transactional.id '{}': nobody knows whether the transaction {}; close this producer, and another one with the same id will find out", id_,
                                                       commit_asked_ ? "was committed" : "has been aborted yet"), why});
        return;
    }
    fail(why);
    advance();
}

}  // namespace weir::detail

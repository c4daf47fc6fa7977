#include "world.hpp"

#include <algorithm>
#include <cstdio>

namespace weir::simulation {
namespace {

constexpr const char* cluster = "simulated-cluster-0001";

bool later_first(const auto& one, const auto& other) {
    return one.at != other.at ? one.at > other.at : one.order > other.order;
}

std::string describe(const raft::message_body& body) {
    const auto n = [](auto value) { return std::to_string(value); };
    const auto code = [](errc error) { return " " + std::string{weir::describe(error).name}; };
    const auto hint = [&](const raft::leader_hint& told) { return ", leader " + n(told.leader_id) + " of epoch " + n(told.epoch); };
    if (const auto* m = std::get_if<raft::vote_request>(&body))
        return std::string{m->pre_vote ? "pre-vote" : "vote"} + " in epoch " + n(m->epoch) + ", log end " + n(m->log_end.offset) +
               " of epoch " + n(m->log_end.epoch);
    if (const auto* m = std::get_if<raft::vote_response>(&body))
        return std::string{m->granted ? "granted" : "not granted"} + code(m->error) + hint(m->leader);
    if (const auto* m = std::get_if<raft::fetch_request>(&body))
        return "fetch from " + n(m->offset) + " after epoch " + n(m->last_fetched_epoch) + " in epoch " + n(m->epoch);
    if (const auto* m = std::get_if<raft::fetch_response>(&body))
        return "fetched " + n(m->records.size()) + " bytes, committed below " + n(m->high_watermark) + code(m->error) +
               hint(m->leader) + (m->diverging ? ", diverging at " + n(m->diverging->offset) + " of epoch " + n(m->diverging->epoch) : "") +
               (m->snapshot ? ", copy snapshot " + n(m->snapshot->offset) : "");
    if (const auto* m = std::get_if<raft::fetch_snapshot_request>(&body))
        return "fetch snapshot " + n(m->snapshot.offset) + " at " + n(m->position);
    if (const auto* m = std::get_if<raft::fetch_snapshot_response>(&body))
        return "snapshot " + n(m->snapshot.offset) + " at " + n(m->position) + " of " + n(m->size) + code(m->error);
    if (const auto* m = std::get_if<raft::begin_epoch_request>(&body)) return "begin epoch " + n(m->epoch);
    if (const auto* m = std::get_if<raft::end_epoch_request>(&body)) return "end epoch " + n(m->epoch);
    return raft::is_request(body) ? "another request" : "another answer";
}

uuid directory_of(node_id id) { return {0xd000, static_cast<std::uint64_t>(id)}; }

raft::voter voter_of(node_id id, bool with_directory) {
    return {.key = {id, with_directory ? directory_of(id) : uuid{}},
            .endpoints = {{"CONTROLLER", "localhost", static_cast<std::uint16_t>(9000 + id)}}};
}

}  // namespace

world::world(const settings& chosen) : chosen_(chosen), random_(chosen.seed * 0x9e3779b97f4a7c15ull + 17) {
    const int voters = chosen.seed % 2 == 0 ? 3 : 5;
    dynamic_ = chosen.seed % 4 != 3;
    voter_changes_ = dynamic_ && chosen.seed % 3 == 0;
    snapshots_ = chosen.seed % 5 < 2;
    loss_ = random_.chance(0.3) ? 0 : random_.unit() * 0.1;
    most_delay_ = milliseconds{1 + random_.below(random_.chance(0.2) ? 60 : 8)};

    base_.cluster_id = cluster;
    base_.election_timeout = milliseconds{100};
    base_.fetch_timeout = milliseconds{200};
    base_.election_backoff_max = milliseconds{100};
    base_.request_timeout = milliseconds{200};
    base_.retry_backoff = milliseconds{10};
    base_.fetch_max_wait = milliseconds{50};
    base_.fetch_max_bytes = random_.chance(0.5) ? 300 : 1 << 20;
    base_.snapshot_max_bytes = 40;

    std::vector<raft::voter> first;
    for (node_id id = 1; id <= voters; ++id) first.push_back(voter_of(id, dynamic_));
    committed_voters_ = raft::voter_set{first};
    if (!dynamic_) base_.static_voters = committed_voters_;
    const int observers = voter_changes_ ? 2 : 1;
    for (node_id id = 1; id <= voters + observers; ++id) {
        auto& one = nodes_[id];
        one.id = id;
        one.key = {id, directory_of(id)};
        if (dynamic_ && id <= voters) one.log.format(committed_voters_);
        for (node_id peer = 1; peer <= voters; ++peer)
            if (id == 1 && peer != id) base_.bootstrap_peers.push_back(peer);
    }
    if (std::ranges::find(base_.bootstrap_peers, 1) == base_.bootstrap_peers.end()) base_.bootstrap_peers.push_back(1);
}

world::~world() = default;

template <class... Parts>
void world::trace(const Parts&... parts) {
    if (!chosen_.trace) return;
    std::string line;
    const auto add = [&](const auto& part) {
        if constexpr (std::is_arithmetic_v<std::remove_cvref_t<decltype(part)>>) line += std::to_string(part);
        else line += part;
    };
    (add(parts), ...);
    std::printf("%9.3f ms  %s\n", static_cast<double>(now_.time_since_epoch().count()) / 1e6, line.c_str());
}

void world::fail(const std::string& what) const {
    throw violation("seed " + std::to_string(chosen_.seed) + ", event " + std::to_string(totals_.events) + ", at " +
                    std::to_string(now_.time_since_epoch().count() / 1000) + " us: " + what);
}

void world::later(nanoseconds delay, function<void()> step) {
    queue_.push_back({now_ + delay, order_++, std::move(step)});
    std::push_heap(queue_.begin(), queue_.end(), [](const auto& a, const auto& b) { return later_first(a, b); });
}

void world::start(node& which) {
    ++which.incarnation;
    auto config = base_;
    config.self = which.key;
    config.endpoints = {{"CONTROLLER", "localhost", static_cast<std::uint16_t>(9000 + which.id)}};
    std::erase(config.bootstrap_peers, which.id);
    which.applied = which.log.start_offset();
    which.state = which.log.state_at_start();
    which.high_watermark = 0;
    which.flushing = false;
    which.next_flush.reset();
    which.leading.reset();
    which.core = std::make_unique<raft::quorum>(config, which.disk, which.log, random_(), now_);
    if (which.core->epoch() < which.epoch)
        fail("node " + std::to_string(which.id) + " restarted in epoch " + std::to_string(which.core->epoch()) +
             ", it had been in " + std::to_string(which.epoch));
    trace("node ", which.id, " starts, epoch ", which.core->epoch(), ", log end ", which.log.end_offset());
    settle(which);
}

void world::crash(node& which) {
    if (!which.core) return;
    ++totals_.crashes;
    which.core.reset();
    which.log.power_cut(random_);
    trace("node ", which.id, " loses power, log end ", which.log.end_offset());
    ++which.incarnation;
    which.timer = time_point::max();
}

void world::settle(node& which) {
    // Each drain may lead to calls that make more effects; a crash in between ends it.
    for (int rounds = 0; which.core && rounds < 100; ++rounds) {
        auto outcome = which.core->take_effects();
        if (outcome.empty()) break;
        do_effects(which, std::move(outcome));
    }
    if (which.core) {
        check(which);
        arm(which);
    }
}

void world::do_effects(node& which, raft::effects outcome) {
    const auto incarnation = which.incarnation;
    if (outcome.failure) fail("node " + std::to_string(which.id) + " gave up: " + outcome.failure->message());
    if (outcome.persist && chosen_.fault == broken::forget_votes) {
        which.disk.leader_epoch = std::max(which.disk.leader_epoch, outcome.persist->leader_epoch);
        which.disk.leader_id = raft::no_node;  // keeps the epoch, loses the vote
    } else if (outcome.persist) {
        which.disk = *outcome.persist;
    }
    if (!calm_ && random_.chance(0.0005)) return crash(which);  // after the disk, before anybody heard
    for (auto& outgoing : outcome.messages) transmit(which, std::move(outgoing));
    if (outcome.flush) {
        if (which.flushing) which.next_flush = outcome.flush;
        else start_flush(which, *outcome.flush);
    }
    if (outcome.stopped_leading) {
        which.leading.reset();
        trace("node ", which.id, " leads no more");
    }
    if (outcome.load_snapshot) {
        ++totals_.installs;
        which.applied = which.log.start_offset();
        which.state = which.log.state_at_start();
        trace("node ", which.id, " installed a snapshot at ", which.applied);
        if (which.applied > static_cast<log_offset>(model_.size())) fail("a snapshot holds records nobody committed");
        if (which.state != committed_state(which.applied)) fail("a snapshot differs from what was committed");
    }
    if (outcome.high_watermark) apply(which, *outcome.high_watermark);
    if (outcome.began_leading) {
        which.leading = outcome.began_leading;
        ++totals_.elections;
        trace("node ", which.id, " leads epoch ", *outcome.began_leading);
    }
    if (which.incarnation != incarnation) return;
}

void world::start_flush(node& which, raft::flush_request wanted) {
    which.flushing = true;
    const auto generation = which.log.generation();
    const auto id = which.id;
    const auto incarnation = which.incarnation;
    if (chosen_.fault == broken::ack_before_flush) {  // says so at once, writes when it gets round to it
        later(nanoseconds{0}, [this, id, incarnation, wanted] {
            auto& mine = nodes_[id];
            if (mine.incarnation != incarnation || !mine.core) return;
            mine.core->on_flushed(wanted, now_);
            settle(mine);
        });
    }
    later(some(milliseconds{random_.chance(0.02) ? 100 : 4}), [this, id, incarnation, generation, wanted] {
        auto& mine = nodes_[id];
        if (mine.incarnation != incarnation || !mine.core) return;
        mine.flushing = false;
        mine.log.synced(wanted.end, generation);
        mine.core->on_flushed(wanted, now_);
        if (mine.next_flush) start_flush(mine, *std::exchange(mine.next_flush, std::nullopt));
        settle(mine);
    });
}

void world::apply(node& which, log_offset to) {
    if (to < which.high_watermark) fail("the high watermark of node " + std::to_string(which.id) + " went back");
    if (to > which.log.end_offset()) fail("node " + std::to_string(which.id) + " commits beyond its log");
    which.high_watermark = to;
    for (; which.applied < to; ++which.applied) {
        const auto fingerprint = which.log.fingerprint(which.applied);
        which.state = which.state * 0x100000001b3ull + fingerprint;
        if (which.applied < static_cast<log_offset>(model_.size())) {
            if (model_[static_cast<std::size_t>(which.applied)].fingerprint != fingerprint)
                fail("node " + std::to_string(which.id) + " applies another record at offset " +
                     std::to_string(which.applied) + " than was committed there");
        } else {
            model_.push_back({fingerprint, which.state});
            if (which.core->is_leader()) committed_voters_ = which.core->voters();
            ++totals_.committed;
        }
    }
    std::erase_if(waiting_, [&](const proposal& one) {
        if (one.node != which.id || one.incarnation != which.incarnation) return false;
        if (which.core->is_leader() && which.core->epoch() == one.epoch && one.last < to) {
            acknowledged_.push_back(one);
            ++totals_.acknowledged;
            return true;
        }
        return !which.core->is_leader() || which.core->epoch() != one.epoch;
    });
}

void world::arm(node& which) {
    const auto next = which.core->deadline();
    if (next == time_point::max()) return;
    const auto due = std::max(next, now_ + nanoseconds{1000});
    if (which.timer <= due && which.timer > now_) return;
    which.timer = due;
    const auto id = which.id;
    const auto incarnation = which.incarnation;
    later(due - now_, [this, id, incarnation, due] {
        auto& mine = nodes_[id];
        if (mine.incarnation != incarnation || !mine.core) return;
        if (mine.timer == due) mine.timer = time_point::max();
        mine.core->tick(now_);
        settle(mine);
    });
}

void world::note_vote(node_id voter, quorum_epoch epoch, const raft::replica_key& candidate) {
    const auto [it, fresh] = votes_.try_emplace({voter, epoch}, candidate);
    if (!fresh && it->second != candidate)
        fail("node " + std::to_string(voter) + " voted for " + std::to_string(it->second.id) + " and for " +
             std::to_string(candidate.id) + " in epoch " + std::to_string(epoch));
}

void world::transmit(node& from, raft::message outgoing) {
    auto to = outgoing.peer;
    auto id = outgoing.id;
    if (raft::is_request(outgoing.body)) {
        if (const auto* vote = std::get_if<raft::vote_request>(&outgoing.body); vote && !vote->pre_vote)
            note_vote(from.id, vote->epoch, vote->candidate);
        tokens_.push_back({from.id, from.incarnation, id, outgoing.body});
        id = tokens_.size() - 1;
    } else {
        if (id >= tokens_.size()) fail("an answer to nothing");
        const auto& asked = tokens_[id];
        if (const auto* reply = std::get_if<raft::vote_response>(&outgoing.body); reply && reply->granted)
            if (const auto& request = std::get<raft::vote_request>(asked.request); !request.pre_vote)
                note_vote(from.id, request.epoch, request.candidate);
        to = asked.from;
    }
    if (to < 0 || !nodes_.contains(to)) return;  // the client's
    if (cut(from.id, to) || (!calm_ && random_.chance(loss_))) return;
    const auto delay = milliseconds{0} + some(most_delay_);
    later(delay, [this, to, sender = from.id, id, body = std::move(outgoing.body)]() mutable {
        deliver(to, sender, id, std::move(body));
    });
}

void world::deliver(node_id to, node_id from, std::uint64_t id, raft::message_body body) {
    auto& target = nodes_[to];
    if (!target.core || cut(from, to)) return;
    if (chosen_.trace) trace("  ", from, " -> ", to, ": ", describe(body));
    raft::message incoming{from, id, std::move(body)};
    if (!raft::is_request(incoming.body)) {
        if (tokens_[id].incarnation != target.incarnation) return;  // that connection is gone
        incoming.id = tokens_[id].id;
    }
    if (chosen_.fault == broken::forget_truncation)
        if (auto* reply = std::get_if<raft::fetch_response>(&incoming.body)) reply->diverging.reset();
    target.core->step(incoming, now_);
    settle(target);
}

totals world::run() {
    for (auto& [id, one] : nodes_) start(one);
    storm_end_ = now_ + milliseconds{4000 + random_.below(12000)};
    later(milliseconds{5}, [this] { client_turn(); });
    later(milliseconds{30}, [this] { fault_turn(); });
    if (snapshots_) later(milliseconds{200}, [this] { snapshot_turn(); });
    if (voter_changes_) later(milliseconds{150}, [this] { admin_turn(); });
    const auto deadline = storm_end_ + milliseconds{30000};
    const auto goal = [&] {
        auto* first = leader();
        if (!calm_ || !first || !first->leading) return false;
        const auto end = first->core->high_watermark();
        if (end != first->log.end_offset() || first->log.last_epoch() != first->core->epoch()) return false;
        return std::ranges::all_of(nodes_, [&](auto& one) {
            return one.second.core && one.second.high_watermark >= static_cast<log_offset>(model_.size());
        });
    };
    while (!queue_.empty()) {
        std::pop_heap(queue_.begin(), queue_.end(), [](const auto& a, const auto& b) { return later_first(a, b); });
        auto next = std::move(queue_.back());
        queue_.pop_back();
        now_ = std::max(now_, next.at);
        ++totals_.events;
        next.run();
        check_durable();
        if (totals_.events % 512 == 0) check_logs();
        if (!calm_ && now_ >= storm_end_) {
            calm_ = true;
            cuts_.clear();
            trace("the storm is over");
            for (auto& [id, one] : nodes_)
                if (!one.core) start(one);
        }
        if (calm_ && totals_.events % 16 == 0 && goal()) break;
        if (now_ > deadline) {
            for (const auto& [id, one] : nodes_)
                if (one.core)
                    trace("node ", id, ": ", std::string{raft::to_string(one.core->current_role())}, ", epoch ",
                          one.core->epoch(), ", leader ", one.core->leader().leader_id, ", log ", one.log.start_offset(), " to ",
                          one.log.end_offset(), ", durable below ", one.log.flushed_offset(), ", committed below ",
                          one.core->high_watermark(), ", voters ", one.core->voters().size(), " with ", one.core->voters().begin()->key.id);
            fail("no progress 30 s after the last fault");
        }
    }
    check_logs();
    check_end();
    return totals_;
}

world::node* world::leader() {
    node* best = nullptr;
    for (auto& [id, one] : nodes_)
        if (one.core && one.core->is_leader() && (!best || one.core->epoch() > best->core->epoch())) best = &one;
    return best;
}

void world::client_turn() {
    if (!calm_ || totals_.acknowledged == 0) later(milliseconds{2} + some(milliseconds{30}), [this] { client_turn(); });
    for (auto& [id, one] : nodes_) {
        if (!one.core || !one.core->is_leader() || !random_.chance(0.8)) continue;
        std::vector<std::string> values;
        for (auto count = 1 + random_.below(3); count > 0; --count) values.push_back("value " + std::to_string(next_value_++));
        auto batch = testing::data_batch(values);
        const auto last = one.core->propose(batch, now_);
        if (!last) fail("a leader refused a proposal: " + last.error().message());
        ++totals_.proposals;
        waiting_.push_back({one.id, one.incarnation, one.core->epoch(), *last, one.log.fingerprint(*last)});
        settle(one);
    }
}

void world::fault_turn() {
    if (calm_) return;
    later(milliseconds{5} + some(milliseconds{150}), [this] { fault_turn(); });
    auto pick = std::next(nodes_.begin(), static_cast<std::ptrdiff_t>(random_.below(nodes_.size())));
    if (auto* first = leader(); first && random_.chance(0.3)) pick = nodes_.find(first->id);  // leaders are worth it
    auto& victim = pick->second;
    const auto what = random_.below(10);
    if (what < 3) {
        crash(victim);
        const auto id = victim.id;
        later(some(milliseconds{random_.chance(0.2) ? 800 : 100}), [this, id] {
            if (!nodes_[id].core) start(nodes_[id]);
        });
    } else if (what < 4) {  // the lights go out for all
        for (auto& [id, one] : nodes_) {
            crash(one);
            later(some(milliseconds{150}), [this, id = id] {
                if (!nodes_[id].core) start(nodes_[id]);
            });
        }
    } else if (what < 7) {
        for (auto& [id, one] : nodes_) {
            if (id == victim.id || random_.chance(0.2)) continue;
            if (what != 5) cuts_.insert({victim.id, id});
            if (what != 6) cuts_.insert({id, victim.id});
        }
        trace("links of node ", victim.id, " are cut", what == 5 ? " (incoming)" : what == 6 ? " (outgoing)" : "");
    } else if (what < 9) {
        cuts_.clear();
        trace("all links work");
    } else if (victim.core) {
        victim.core->resign(now_);
        settle(victim);
    }
}

void world::snapshot_turn() {
    if (calm_) return;
    later(milliseconds{100} + some(milliseconds{400}), [this] { snapshot_turn(); });
    auto& one = std::next(nodes_.begin(), static_cast<std::ptrdiff_t>(random_.below(nodes_.size())))->second;
    if (!one.core || one.applied <= one.log.start_offset()) return;
    // Ends at a batch, as the runtime's do: it takes them between two batches.
    raft::log_position end{};
    for (const auto& batch : one.log.batches())
        if (batch.next <= one.applied) end = {batch.next, batch.epoch};
    if (end.offset != one.applied) return;
    auto info = one.core->voters_at(end.offset);
    info.id = end;
    one.log.take_snapshot(info, one.state, random_.chance(0.7));
    ++totals_.snapshots;
    trace("node ", one.id, " takes a snapshot at ", end.offset);
    one.core->on_snapshot(now_);
    settle(one);
}

void world::admin_turn() {
    if (calm_) return;
    later(milliseconds{50} + some(milliseconds{300}), [this] { admin_turn(); });
    auto* first = leader();
    if (!first) return;
    const auto voters = first->core->voters();
    auto& subject = std::next(nodes_.begin(), static_cast<std::ptrdiff_t>(random_.below(nodes_.size())))->second;
    raft::message_body wish;
    if (voters.contains(subject.key)) {
        if (voters.size() <= 3 && random_.chance(0.7)) return;
        wish = raft::remove_voter_request{.cluster_id = cluster, .removed = subject.key};
        trace("an operator removes voter ", subject.id);
    } else {
        wish = raft::add_voter_request{.cluster_id = cluster,
                                       .added = voter_of(subject.id, true),
                                       .timeout = milliseconds{500},
                                       .ack_when_committed = random_.chance(0.5)};
        trace("an operator adds voter ", subject.id);
    }
    tokens_.push_back({raft::no_node, 0, 0, wish});
    first->core->step({raft::no_node, tokens_.size() - 1, std::move(wish)}, now_);
    if (first->core->voters() != voters) ++totals_.voter_changes;
    settle(*first);
}

}  // namespace weir::simulation

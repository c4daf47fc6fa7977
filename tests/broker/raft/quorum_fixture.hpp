// A quorum whose messages, flushes and time move only when a test says so.
#pragma once
#include <weir/raft/quorum.hpp>

#include "raft/memory_raft_log.hpp"

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>

namespace weir::testing {

using namespace std::chrono_literals;

inline uuid directory_of(raft::node_id id) { return {0xd000, static_cast<std::uint64_t>(id)}; }
inline raft::voter voter_of(raft::node_id id) {
    return {.key = {id, directory_of(id)}, .endpoints = {{"CONTROLLER", "localhost", static_cast<std::uint16_t>(9000 + id)}}};
}
inline raft::voter_set voters_of(std::initializer_list<raft::node_id> ids) {
    std::vector<raft::voter> members;
    for (const auto id : ids) members.push_back(voter_of(id));
    return raft::voter_set{std::move(members)};
}

class quorum_fixture {
public:
    struct replica {
        memory_raft_log log;
        raft::quorum_state disk;
        std::unique_ptr<raft::quorum> core;
        std::optional<raft::flush_request> flush;   // asked for, not done
        bool slow_disk = false;                     // flushes wait for flush(id)
        std::optional<raft::quorum_epoch> leading;
        std::optional<raft::snapshot_info> loaded;
        std::optional<error> failure;
    };

    /// Nodes 1..voters formatted as voters with kraft.version 1; started, nothing delivered.
    explicit quorum_fixture(int voters, int observers = 0) {
        std::vector<raft::voter> members;
        for (raft::node_id id = 1; id <= voters; ++id) members.push_back(voter_of(id));
        for (raft::node_id id = 1; id <= voters + observers; ++id) {
            if (id <= voters) nodes_[id].log.format(raft::voter_set{members});
            start(id);
        }
    }

    replica& operator[](raft::node_id id) { return nodes_[id]; }
    raft::quorum& core(raft::node_id id) { return *nodes_[id].core; }
    memory_raft_log& log(raft::node_id id) { return nodes_[id].log; }
    raft::log_offset committed(raft::node_id id) { return core(id).high_watermark(); }
    time_point now() const { return now_; }

    void start(raft::node_id id) {
        auto& one = nodes_[id];
        raft::quorum_config config;
        config.self = {id, directory_of(id)};
        config.cluster_id = "the-cluster";
        config.endpoints = voter_of(id).endpoints;
        config.bootstrap_peers = {1, 2};
        std::erase(config.bootstrap_peers, id);
        config.snapshot_max_bytes = 32;
        one.leading.reset();
        one.core = std::make_unique<raft::quorum>(config, one.disk, one.log, static_cast<std::uint64_t>(id), now_);
        settle(id);
    }
    /// The process ends; what was not flushed is lost.
    void crash(raft::node_id id) {
        auto& one = nodes_[id];
        one.core.reset();
        one.flush.reset();
        while (!one.log.batches().empty() && one.log.batches().back().next > one.log.flushed_offset())
            (void)one.log.truncate_to(one.log.batches().back().base);
        std::erase_if(wire_, [&](const auto& flying) { return flying.to == id || flying.from == id; });
    }
    void restart(raft::node_id id) {
        crash(id);
        start(id);
    }

    void cut(raft::node_id id) { cut_.insert(id); }
    void heal() { cut_.clear(); }

    /// Delivers everything that is under way, and what that leads to.
    void run() {
        for (int steps = 0; !wire_.empty() && steps < 100'000; ++steps) {
            auto next = std::move(wire_.front());
            wire_.pop_front();
            if (!nodes_[next.to].core || cut_.contains(next.to) || cut_.contains(next.from)) continue;
            ++delivered_;
            core(next.to).step({next.from, next.id, std::move(next.body)}, now_);
            settle(next.to);
        }
    }
    /// Lets time pass, timers and messages included.
    void advance(nanoseconds span) {
        const auto end = now_ + span;
        run();
        while (true) {
            auto due = end;
            for (auto& [id, one] : nodes_)
                if (one.core) due = std::min(due, std::max(one.core->deadline(), now_ + 1ms));
            if (due >= end) break;
            now_ = due;
            for (auto& [id, one] : nodes_) tick(id);
            run();
        }
        now_ = end;
        for (auto& [id, one] : nodes_) tick(id);
        run();
    }
    void tick(raft::node_id id) {
        if (!nodes_[id].core) return;
        core(id).tick(now_);
        settle(id);
    }
    void flush(raft::node_id id) {
        auto& one = nodes_[id];
        while (one.core && one.flush) {
            const auto done = *std::exchange(one.flush, std::nullopt);
            one.log.synced(done.end, one.log.generation());
            one.core->on_flushed(done, now_);
            drain(id);
        }
    }
    /// Lets time pass until somebody leads, and returns who.
    raft::node_id elect() {
        for (int rounds = 0; rounds < 100; ++rounds) {
            for (auto& [id, one] : nodes_)
                if (one.core && one.leading && one.core->is_leader() && !cut_.contains(id)) return id;
            advance(100ms);
        }
        return raft::no_node;
    }
    /// Makes `id` the leader: whoever leads hands over to it.
    void make_leader(raft::node_id id) {
        for (int rounds = 0; rounds < 20; ++rounds) {
            const auto leader = elect();
            if (leader == id || leader == raft::no_node) return;
            const auto epoch = core(leader).epoch();
            core(leader).resign(now_);
            settle(leader);
            wire_.clear();
            const raft::end_epoch_request farewell{.leader_id = leader, .epoch = epoch, .successors = {{id, directory_of(id)}}};
            for (auto& [other, one] : nodes_)
                if (other != id && other != leader && one.core) ask(other, farewell, leader);
            ask(id, farewell, leader);
            run();
        }
    }
    result<raft::log_offset> propose(raft::node_id id, const std::string& value) {
        const std::vector<std::string> values{value};
        auto batch = data_batch(values);
        auto last = core(id).propose(batch, now_);
        settle(id);
        return last;
    }

    /// Sends one request to a node and returns its answer, unless it waits.
    std::optional<raft::message_body> ask(raft::node_id id, raft::message_body request, raft::node_id from = 99) {
        const auto token = next_token_++;
        answers_.erase(token);
        core(id).step({from, token, std::move(request)}, now_);
        settle(id);
        return answer(token);
    }
    template <class Answer>
    Answer ask(raft::node_id id, raft::message_body request, raft::node_id from = 99) {
        return std::get<Answer>(*ask(id, std::move(request), from));
    }
    std::uint64_t last_token() const { return next_token_ - 1; }
    std::optional<raft::message_body> answer(std::uint64_t token) const {
        const auto it = answers_.find(token);
        return it == answers_.end() ? std::nullopt : std::optional{it->second};
    }
    /// Requests that a node has sent and nobody has received yet.
    template <class Request>
    std::vector<Request> sent_by(raft::node_id id) const {
        std::vector<Request> found;
        for (const auto& one : wire_)
            if (one.from == id)
                if (const auto* body = std::get_if<Request>(&one.body)) found.push_back(*body);
        return found;
    }
    void drop_messages() { wire_.clear(); }
    std::uint64_t delivered() const { return delivered_; }

private:
    struct flying { raft::node_id from, to; std::uint64_t id; raft::message_body body; };

    void drain(raft::node_id id) {
        auto& one = nodes_[id];
        for (auto outcome = one.core->take_effects(); !outcome.empty(); outcome = one.core->take_effects()) {
            if (outcome.persist) one.disk = *outcome.persist;
            for (auto& outgoing : outcome.messages) {
                if (outgoing.id >= first_token) answers_.insert_or_assign(outgoing.id, std::move(outgoing.body));
                else wire_.push_back({id, outgoing.peer, outgoing.id, std::move(outgoing.body)});
            }
            if (outcome.flush) one.flush = outcome.flush;
            if (outcome.stopped_leading) one.leading.reset();
            if (outcome.began_leading) one.leading = outcome.began_leading;
            if (outcome.load_snapshot) one.loaded = outcome.load_snapshot;
            if (outcome.failure) one.failure = outcome.failure;
        }
    }
    void settle(raft::node_id id) {
        drain(id);
        if (!nodes_[id].slow_disk) flush(id);
    }

    static constexpr std::uint64_t first_token = 1'000'000;
    time_point now_{1h};
    std::map<raft::node_id, replica> nodes_;
    std::deque<flying> wire_;
    std::uint64_t delivered_ = 0;
    std::set<raft::node_id> cut_;
    std::uint64_t next_token_ = first_token;
    std::map<std::uint64_t, raft::message_body> answers_;
};

}  // namespace weir::testing

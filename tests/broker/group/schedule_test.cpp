// Random schedules: clients that join, sync, heartbeat, commit, leave, crash and come back, and a coordinator that is
// reloaded from its log at any moment. A failure prints the seed, which replays it.
#include "group_fixture.hpp"

#include <weir/base/random.hpp>

#include <algorithm>
#include <set>

using namespace weir;
using namespace weir::group;
using namespace weir::group::testing;

namespace {

/// A client that behaves as a consumer does.
struct client {
    enum class phase { idle, joining, syncing, member };
    std::string name;
    std::optional<std::string> instance_id;
    std::string member_id;
    std::int32_t generation = -1;
    std::string leader;
    std::vector<std::string> members;  // told to the leader
    std::string protocol;
    std::uint64_t token = 0;
    phase now = phase::idle;
    bool crashed = false;

    std::string name_for_assignment() const { return instance_id ? *instance_id : member_id; }
};

class schedule {
public:
    explicit schedule(std::uint64_t seed) : random_(seed), group_(config(random_)) {
        for (int i = 0; i < 5; ++i) {
            auto& c = clients_.emplace_back();
            c.name = "c" + std::to_string(i);
            if (random_.chance(0.3)) c.instance_id = "i" + std::to_string(i);
        }
    }

    void run(int steps) {
        for (int i = 0; i < steps; ++i) {
            step();
            check();
        }
    }
    int stable_generations() const { return static_cast<int>(generations_.size()); }

private:
    static group_config config(random_source& random) {
        group_config out;
        out.initial_rebalance_delay = milliseconds{random.below(4) * 1000};
        out.offsets_retention_minutes = 30;
        if (random.chance(0.2)) out.max_size = 3;
        return out;
    }

    void step() {
        const auto dice = random_.below(100);
        auto& c = clients_[random_.below(clients_.size())];
        if (dice < 55) {
            act(c);
        } else if (dice < 80) {
            group_.advance(milliseconds{random_.below(3000)});
        } else if (dice < 84) {
            group_.advance(milliseconds{random_.below(20'000)});
        } else if (dice < 88) {
            c.crashed = !c.crashed;
            if (c.crashed && random_.chance(0.5)) forget(c);
        } else if (dice < 91) {
            leave(c);
        } else if (dice < 97) {
            commit(c);
        } else {
            reload();
        }
    }

    void act(client& c) {
        if (c.crashed) return;
        take_answer(c);
        if (c.now == client::phase::idle)
            join(c);
        else if (c.now == client::phase::member)
            heartbeat(c);
    }

    void join(client& c) {
        join_options options;
        options.member_id = c.member_id;
        options.instance_id = c.instance_id;
        options.client_id = c.name;
        options.rebalance_timeout = 20s;
        options.version = random_.chance(0.8) ? 9 : 3;
        if (random_.chance(0.3))
            options.protocols = {{"sticky", {}}, {"range", subscription({"orders"})}};
        else
            options.protocols = {{"range", subscription({"orders"})}, {"sticky", {}}};
        if (c.instance_id && options.version < 5) options.version = 8;
        c.token = group_.send_join(options);
        c.now = client::phase::joining;
        take_answer(c);
    }

    void take_answer(client& c) {
        if (c.now == client::phase::joining && group_.joins.contains(c.token)) {
            const auto& joined = group_.joins[c.token];
            c.now = client::phase::idle;
            switch (code_of(joined)) {
                case errc::none: return on_joined(c, joined);
                case errc::member_id_required: c.member_id = joined.member_id; return;
                case errc::unknown_member_id: c.member_id.clear(); return;
                case errc::fenced_instance_id: c.member_id.clear(); return;
                case errc::group_max_size_reached: c.member_id.clear(); return;
                case errc::rebalance_in_progress: return;
                case errc::not_coordinator: return;
                default: FAIL("JoinGroup ended with " << describe(code_of(joined)).name);
            }
        } else if (c.now == client::phase::syncing && group_.syncs.contains(c.token)) {
            const auto& synced = group_.syncs[c.token];
            c.now = client::phase::idle;
            switch (code_of(synced)) {
                case errc::none: {
                    c.now = client::phase::member;
                    // The assignment names generation and member: nobody has another's, nor an older one.
                    const auto expected = std::to_string(c.generation) + "/" + c.name_for_assignment();
                    if (!synced.assignment.empty()) CHECK(as_text(synced.assignment) == expected);
                    return;
                }
                case errc::unknown_member_id:
                case errc::fenced_instance_id: c.member_id.clear(); return;
                case errc::illegal_generation:
                case errc::rebalance_in_progress:
                case errc::inconsistent_group_protocol:
                case errc::not_coordinator: return;
                default: FAIL("SyncGroup ended with " << describe(code_of(synced)).name);
            }
        }
    }

    void on_joined(client& c, const protocol::join_group_response& joined) {
        c.member_id = joined.member_id;
        c.generation = joined.generation_id;
        c.leader = joined.leader;
        c.protocol = joined.protocol_name.value_or("");
        // One generation has one protocol. Its leader changes only when a static leader comes back under a new id.
        const auto [at, first] = protocols_.emplace(std::pair{incarnation_, c.generation}, c.protocol);
        CHECK(at->second == c.protocol);
        sync_options options;
        options.instance_id = c.instance_id;
        options.protocol = c.protocol;
        if (c.leader == c.member_id && !joined.skip_assignment) {
            std::set<std::string> unique;
            for (const auto& m : joined.members) {
                CHECK(unique.insert(m.member_id).second);
                options.assignments[m.member_id] = std::to_string(c.generation) + "/" + assignee(m);
            }
            CHECK(unique.contains(c.member_id));
        }
        c.token = group_.send_sync(c.member_id, c.generation, options);
        c.now = client::phase::syncing;
    }
    static std::string assignee(const protocol::join_group_response::join_group_response_member& m) {
        // Static members keep their assignment under a new member id.
        return m.group_instance_id ? *m.group_instance_id : m.member_id;
    }

    void heartbeat(client& c) {
        switch (group_.heartbeat(c.member_id, c.generation, c.instance_id)) {
            case errc::none: return;
            case errc::unknown_member_id:
            case errc::fenced_instance_id: c.member_id.clear(); [[fallthrough]];
            case errc::illegal_generation:
            case errc::rebalance_in_progress: c.now = client::phase::idle; return;
            default: FAIL("Heartbeat ended with something else");
        }
    }

    void leave(client& c) {
        if (c.crashed || c.member_id.empty() || c.instance_id) return;
        group_.leave_one(c.member_id);
        forget(c);
    }
    void forget(client& c) {
        c.member_id.clear();
        c.now = client::phase::idle;
        c.generation = -1;
    }

    void commit(client& c) {
        if (c.now != client::phase::member || c.crashed || c.instance_id) return;
        const auto partition = static_cast<std::int32_t>(random_.below(4));
        const auto offset = (last_.contains(partition) ? last_[partition] : 0) + 1;
        if (group_.commit("orders", partition, offset, c.member_id, c.generation) == errc::none)
            last_[partition] = offset;
    }

    /// The coordinator moves: what is not in the log is gone, and everyone parked is told.
    void reload() {
        group_.check_reload();
        group_.shard.shut_down(errc::not_coordinator);
        group_.collect();
        for (auto& c : clients_) {
            const bool parked = c.now == client::phase::joining || c.now == client::phase::syncing;
            if (parked && !c.crashed)
                CHECK((c.now == client::phase::joining ? group_.joins.contains(c.token)
                                                       : group_.syncs.contains(c.token)));
        }
        group_.shard = group_.replayed();
        group_.shard.loaded(group_.now());
        // Generations that never reached the log are counted again.
        for (auto& c : clients_) take_answer(c);
        ++incarnation_;
    }

    void check() {
        for (const auto& g : group_.shard.groups()) {
            if (g.state == group_state::stable || g.state == group_state::completing_rebalance) {
                REQUIRE(g.leader);
                CHECK(std::ranges::count(g.members, *g.leader, &group_snapshot::member::id) == 1);
                REQUIRE(g.protocol);
                if (g.state == group_state::stable) generations_.insert(g.generation);
            }
            if (g.state == group_state::empty) CHECK(g.members.empty());
            // While a rebalance gathers, those it may yet lose count; static members may be away and still belong.
            const auto dynamic = std::ranges::count_if(g.members, [](const auto& m) { return !m.instance_id; });
            if (g.state != group_state::preparing_rebalance) CHECK(dynamic <= group_.config.max_size);
            std::set<std::string> instances;
            for (const auto& m : g.members) {
                if (m.instance_id) CHECK(instances.insert(*m.instance_id).second);
            }
        }
        for (const auto& [partition, offset] : last_) {
            const auto* found = group_.shard.find_offset("g", "orders", partition);
            if (found) CHECK_MESSAGE(found->offset == offset, "a committed offset changed by itself");
            // Gone altogether is fine only when its retention is over; members are subscribed, so it is the group's
            // end.
            else
                CHECK(group_.elapsed > 30min);
        }
    }

    random_source random_;
    group_fixture group_;
    std::vector<client> clients_;
    std::map<std::int32_t, std::int64_t> last_;
    std::map<std::pair<int, std::int32_t>, std::string> protocols_;
    std::set<std::int32_t> generations_;
    int incarnation_ = 0;
};

}  // namespace

TEST_CASE("groups keep their promises under random schedules") {
    int stable = 0;
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        CAPTURE(seed);
        schedule run{seed};
        run.run(400);
        stable += run.stable_generations();
    }
    CHECK(stable > 1000);  // or the schedules do not get far enough to prove anything
}

// Several members of one classic group against a whole broker, on simulated machines. At no time may two of them own one
// partition; in the end every partition has an owner.
#include "broker_fixture.hpp"
#include "consumer/membership.hpp"

#include <weir/protocol/messages/create_partitions.hpp>

#include <map>
#include <set>

using namespace weir;
using namespace weir::detail;
using namespace std::chrono_literals;

namespace {

/// A consumer as far as its group is concerned.
struct probe final : membership_events {
    probe(sim::world& in, std::string host) : world(in), name(std::move(host)), machine(world.add_node(name)) {}
    void open(const membership_config& config) {
        cluster_config parts;
        parts.bootstrap = {{"broker", 9092}};
        parts.connection.client_id = name;
        parts.metadata_max_age = 20s;
        view = std::make_shared<cluster>(world.loop(machine), world.net(machine), parts, world.random()());
        member = make_membership(view, config, *this);
    }
    ~probe() override { close(); }
    void close() {
        if (member && world.is_up(machine)) {
            member->close();
            view->close();
        }
        member.reset();
        view.reset();
    }
    /// The process ends: nobody is told.
    void crash() {
        owned.clear();
        dead = true;
        world.kill(machine);
        member.reset();
        view.reset();
    }
    void start_again(const membership_config& config) {
        world.restart(machine);
        dead = false;
        open(config);
    }

    void assigned(std::vector<topic_partition> added) override {
        ++rebalances;
        for (auto& each : added) CHECK(owned.insert(std::move(each)).second);
    }
    void revoke(std::vector<topic_partition> going, function<void()> done) override {
        CHECK(!going.empty());
        revoked += going.size();
        going_ = std::move(going);
        world.loop(machine).call_after(commit_takes, [this, done = std::move(done)]() mutable {
            if (dead) return;
            for (const auto& each : std::exchange(going_, {})) owned.erase(each);
            done();
        });
    }
    void lost(std::vector<topic_partition> gone) override {
        lost_count += gone.size();
        going_.clear();
        for (const auto& each : gone) CHECK(owned.erase(each) == 1);
    }
    time_point last_polled() const override { return polling ? world.now() : polled_at; }
    void failed(error why) override { failure = std::move(why); }
    void stop_polling() {
        polled_at = world.now();
        polling = false;
    }

    sim::world& world;
    std::string name;
    sim::node_id machine;
    std::shared_ptr<cluster> view;
    std::shared_ptr<membership> member;
    std::set<topic_partition> owned;
    std::vector<topic_partition> going_;
    nanoseconds commit_takes{5ms};
    std::size_t revoked = 0, lost_count = 0;
    int rebalances = 0;
    error failure;
    bool dead = false;
    bool polling = true;
    time_point polled_at;
};

struct group_fixture : broker::test::broker_fixture {
    explicit group_fixture(std::uint64_t seed = 1) : broker_fixture(seed) {
        overrides = {"auto.create.topics.enable=false"};
        start();
        make_topic("a", 4);
        world.after_each_event([this] { check_owners(); });
    }
    ~group_fixture() {
        world.after_each_event({});
        for (auto& each : probes) each->close();
        world.run_for(1s);
    }
    void make_topic(const std::string& name, std::int32_t partitions) {
        auto wire = connect();
        REQUIRE(create_topic(wire, name, partitions) == 0);
    }
    static membership_config config(std::vector<std::string> assignors = {"range"}, const std::string& instance = "") {
        membership_config made;
        made.group_id = "g";
        made.instance_id = instance;
        made.assignors = std::move(assignors);
        made.session_timeout = 6s;
        made.heartbeat_interval = 2s;
        made.max_poll_interval = 20s;
        return made;
    }
    probe& add(const membership_config& with = config(), subscription to = {{"a"}, ""}) {
        auto& made = *probes.emplace_back(std::make_unique<probe>(world, "member" + std::to_string(probes.size())));
        made.open(with);
        made.member->subscribe(std::move(to));
        return made;
    }
    void check_owners() {
        std::set<topic_partition> all;
        for (const auto& each : probes) {
            for (const auto& part : each->owned) {
                if (!all.insert(part).second) FAIL("two owners of " << part.topic << "-" << part.partition);
            }
        }
    }
    std::size_t owned_in_all() const {
        std::size_t count = 0;
        for (const auto& each : probes) count += each->owned.size();
        return count;
    }
    bool settles(std::size_t partitions, nanoseconds within = 60s) {
        const auto shared = [&] {
            return owned_in_all() == partitions;
        };
        return world.run_until(shared, within);
    }
    bool everybody_has(std::size_t each, nanoseconds within = 60s) {
        return world.run_until([&] {
            return std::all_of(probes.begin(), probes.end(), [&](const auto& one) { return one->dead || one->owned.size() == each; });
        }, within);
    }
    bool leaves(probe& who, milliseconds most = 10s) {
        auto done = std::make_shared<bool>(false);
        who.member->leave(most, farewell::standard, [done] { *done = true; });
        return world.run_until([&] { return *done; }, most + 1s);
    }
    std::vector<std::unique_ptr<probe>> probes;
};

const std::vector<std::string> cooperative{"cooperative-sticky"};

}  // namespace

TEST_CASE_FIXTURE(group_fixture, "one member has everything, two share, and who leaves gives back") {
    for (const auto& how : {std::vector<std::string>{"range"}, {"roundrobin"}, {"sticky"}, {"cooperative-sticky"}}) {
        CAPTURE(how.front());
        auto with = config(how);
        with.group_id = how.front();
        auto& one = add(with);
        REQUIRE(everybody_has(4));
        auto& two = add(with);
        REQUIRE(everybody_has(2));
        CHECK(one.member->identity().generation == two.member->identity().generation);
        REQUIRE(leaves(one));
        CHECK(one.owned.empty());
        REQUIRE(world.run_until([&] { return two.owned.size() == 4; }, 4s));  // with the next heartbeat, not when a session ends
        CHECK(one.lost_count + two.lost_count == 0);
        probes.clear();
        world.run_for(1s);
    }
}

TEST_CASE_FIXTURE(group_fixture, "cooperative members give up only what moves") {
    auto& one = add(config(cooperative));
    REQUIRE(everybody_has(4));
    auto& two = add(config(cooperative));
    REQUIRE(everybody_has(2));
    CHECK(one.revoked == 2);
    CHECK(two.revoked == 0);
}

TEST_CASE_FIXTURE(group_fixture, "the partitions of a member that died go to the others") {
    for (const auto& how : {std::vector<std::string>{"range"}, cooperative}) {
        auto with = config(how);
        with.group_id = how.front();
        auto& one = add(with);
        auto& two = add(with);
        REQUIRE(everybody_has(2));
        one.crash();
        REQUIRE(world.run_until([&] { return two.owned.size() == 4; }, 30s));
        probes.clear();
    }
}

TEST_CASE_FIXTURE(group_fixture, "the group survives its coordinator") {
    add();
    add(config(cooperative), {{"a"}, ""}).member->close();  // one that never got anywhere
    auto& two = add();
    REQUIRE(world.run_until([&] { return probes[0]->owned.size() == 2 && two.owned.size() == 2; }, 60s));
    kill();
    world.run_for(3s);
    start();
    world.run_for(30s);
    CHECK(settles(4));
    CHECK(probes[0]->owned.size() == 2);
}

TEST_CASE_FIXTURE(group_fixture, "a coordinator that is away for longer than a session takes the partitions along") {
    auto& one = add();
    REQUIRE(everybody_has(4));
    kill();
    REQUIRE(world.run_until([&] { return one.owned.empty(); }, 8s));
    CHECK(one.lost_count == 4);
    start();
    CHECK(everybody_has(4));
}

TEST_CASE_FIXTURE(group_fixture, "a member that is cut off has lost its partitions before others get them") {
    for (const auto& how : {std::vector<std::string>{"range"}, cooperative}) {
        auto with = config(how);
        with.group_id = how.front();
        auto& one = add(with);
        auto& two = add(with);
        REQUIRE(everybody_has(2));
        world.cut_both(one.machine, machine);
        REQUIRE(world.run_until([&] { return two.owned.size() == 4; }, 60s));
        CHECK(one.owned.empty());
        world.heal_all();
        CHECK(everybody_has(2, 120s));
        probes.clear();
        world.run_for(1s);
    }
}

TEST_CASE_FIXTURE(group_fixture, "partitions that are added find owners") {
    add();
    add();
    REQUIRE(everybody_has(2));
    auto wire = connect();
    protocol::create_partitions_request more;
    auto& topic = more.topics.emplace_back();
    topic.name = "a";
    topic.count = 6;
    topic.assignments.reset();
    more.timeout_ms = 1000;
    REQUIRE(wire.call(more, 3).results.at(0).error_code == 0);
    CHECK(everybody_has(3, 60s));
}

TEST_CASE_FIXTURE(group_fixture, "a topic that is made later is found") {
    add(config(), {{"a", "later"}, ""});
    REQUIRE(everybody_has(4));
    make_topic("later", 3);
    CHECK(everybody_has(7, 10s));
}

TEST_CASE_FIXTURE(group_fixture, "a pattern follows the topics, and whoever leads takes all members' topics into account") {
    add(config(), {{}, "log-.*"});
    add(config(), {{}, "log-.*"});
    REQUIRE(world.run_until([&] { return probes[0]->rebalances > 0 && probes[1]->rebalances > 0; }, 30s));
    CHECK(owned_in_all() == 0);
    make_topic("log-x", 2);
    make_topic("blog-x", 2);
    CHECK(everybody_has(1, 60s));
    add();
    CHECK(world.run_until([&] { return probes[2]->owned.size() == 4; }, 60s));
    CHECK(settles(6));
}

TEST_CASE_FIXTURE(group_fixture, "a pattern that is none is told") {
    auto& one = add(config(), {{}, "log-("});
    REQUIRE(world.run_until([&] { return bool(one.failure); }, 1s));
    CHECK(one.failure.code() == errc::invalid_regular_expression);
}

TEST_CASE_FIXTURE(group_fixture, "from eager to cooperative, member by member") {
    const std::vector<std::string> both{"cooperative-sticky", "range"};
    add();
    add();
    REQUIRE(everybody_has(2));
    for (const auto& step : {both, cooperative}) {
        for (int i = 0; i < 2; ++i) {
            auto& old = *probes.front();
            REQUIRE(leaves(old));
            probes.erase(probes.begin());
            add(config(step));
            REQUIRE(everybody_has(2));
        }
    }
}

TEST_CASE_FIXTURE(group_fixture, "members without an assignor in common are told so") {
    add();
    REQUIRE(everybody_has(4));
    auto& two = add(config({"roundrobin"}));
    REQUIRE(world.run_until([&] { return bool(two.failure); }, 10s));
    CHECK(two.failure.code() == errc::inconsistent_group_protocol);
    CHECK(probes[0]->owned.size() == 4);
}

TEST_CASE_FIXTURE(group_fixture, "who does not poll loses its place, and gets it back") {
    auto& one = add();
    auto& two = add();
    REQUIRE(everybody_has(2));
    one.stop_polling();
    REQUIRE(world.run_until([&] { return two.owned.size() == 4; }, 30s));
    CHECK(one.lost_count == 2);
    one.polling = true;
    one.member->polled();
    CHECK(everybody_has(2));
}

TEST_CASE_FIXTURE(group_fixture, "a static member comes back to its partitions without a rebalance") {
    auto& one = add(config({"range"}, "i-1"));
    auto& two = add(config({"range"}, "i-2"));
    REQUIRE(everybody_has(2));
    const auto mine = one.owned;
    const auto generation = two.member->identity().generation;
    one.crash();
    one.start_again(config({"range"}, "i-1"));
    one.member->subscribe({{"a"}, ""});
    REQUIRE(world.run_until([&] { return one.owned == mine; }, 5s));
    CHECK(two.revoked == 0);
    CHECK(two.member->identity().generation == generation);
}

TEST_CASE_FIXTURE(group_fixture, "of two members with one instance id the older one is fenced") {
    auto& one = add(config({"range"}, "i"));
    REQUIRE(everybody_has(4));
    auto& two = add(config({"range"}, "i"));
    world.after_each_event({});  // the fenced one learns of it by its next heartbeat, as everywhere
    REQUIRE(world.run_until([&] { return bool(one.failure); }, 10s));
    CHECK(one.failure.code() == errc::fenced_instance_id);
    CHECK(one.owned.empty());
    CHECK(two.owned.size() == 4);
}

TEST_CASE_FIXTURE(group_fixture, "leaving ends in time without a coordinator") {
    auto& one = add();
    REQUIRE(everybody_has(4));
    kill();
    CHECK(leaves(one, 2s));
    CHECK(one.owned.empty());
    start();
}

TEST_CASE_FIXTURE(group_fixture, "a subscription can change") {
    make_topic("b", 2);
    auto& one = add();
    REQUIRE(everybody_has(4));
    one.member->subscribe({{"b"}, ""});
    REQUIRE(world.run_until([&] { return one.owned == std::set<topic_partition>{{"b", 0}, {"b", 1}}; }, 10s));
    one.member->subscribe({{"a", "b"}, ""});
    CHECK(everybody_has(6));
}

TEST_CASE_FIXTURE(group_fixture, "a broker without the consumer protocol is named, and what to do") {
    auto with = config();
    with.protocol = group_protocol::consumer;
    auto& one = add(with);
    REQUIRE(world.run_until([&] { return bool(one.failure); }, 10s));
    CHECK(one.failure.code() == errc::unsupported_version);
    CHECK(one.failure.message().find("group.protocol=classic") != std::string::npos);
}

TEST_CASE("whatever happens to members, links and the coordinator: one owner at a time, all owned in the end") {
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
        CAPTURE(seed);
        group_fixture f{seed};
        f.make_topic("b", 3);
        random_source random{seed};
        const auto how = seed % 3 == 0 ? std::vector<std::string>{"range"} : seed % 3 == 1 ? cooperative : std::vector<std::string>{"sticky"};
        const subscription both{{"a", "b"}, ""};
        for (int i = 0; i < 3; ++i) f.add(f.config(how), both).commit_takes = milliseconds{static_cast<std::int64_t>(random.below(500))};
        for (int round = 0; round < 15; ++round) {
            f.world.run_for(milliseconds{static_cast<std::int64_t>(random.below(8'000))});
            auto& who = *f.probes[random.below(f.probes.size())];
            switch (random.below(6)) {
                case 0:
                    if (who.dead) break;
                    who.crash();
                    who.start_again(f.config(how));
                    who.member->subscribe(both);
                    break;
                case 1: f.world.cut_both(who.machine, f.machine); break;
                case 2: f.world.heal_all(); break;
                case 3:
                    f.kill();
                    f.start();
                    break;
                case 4: who.member->rejoin("test"); break;
                case 5: f.add(f.config(how), both); break;
            }
        }
        f.world.heal_all();
        CHECK(f.settles(7, 300s));
        f.world.run_for(60s);
        CHECK(f.owned_in_all() == 7);
        for (const auto& each : f.probes) CHECK_MESSAGE(!each->failure, each->failure.message());
    }
}

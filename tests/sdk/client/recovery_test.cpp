// How a client finds its cluster again, and how long it keeps connections.
#include "scripted_brokers.hpp"

#include "client_core.hpp"
#include "metrics/counters.hpp"

#include <weir/admin.hpp>
#include <weir/consumer.hpp>
#include <weir/producer.hpp>
#include <weir/protocol/messages/list_groups.hpp>

using namespace weir;
using namespace weir::protocol;
using namespace std::chrono_literals;
using weir::test::scripted_brokers;

namespace {

struct recovery_fixture : scripted_brokers {
    recovery_fixture() : scripted_brokers(2) {
        leaders["orders"] = {2};
        on<list_groups_request>([](int, const list_groups_request&) { return list_groups_response{}; });
    }
    ~recovery_fixture() {
        kafka.reset();
        world.run_for(10s);
    }
    void open(client_config config = client_config{}, const std::string& bootstrap = "b1:9092") { kafka.emplace(world.loop(desk), world.net(desk), 1, bootstrap, std::move(config)); }
    const std::shared_ptr<weir::detail::cluster>& view() { return kafka->core().view(); }
    /// Asks for the cluster until it is known.
    bool learn(nanoseconds patience = 60s) {
        world.loop(desk).post([this] { view()->want(this, "orders", true); });
        return world.run_until([&] { return view()->find("orders") != nullptr; }, patience);
    }
    static task<void> run_call(std::shared_ptr<weir::detail::cluster> view, std::int32_t broker, std::optional<error>& outcome) {
        auto reaching = weir::detail::cluster::broker(view, broker);
        auto link = co_await reaching;
        if (!link) {
            outcome = link.error();
            co_return;
        }
        const list_groups_request request;
        auto asking = (*link)->call(request);
        auto got = co_await asking;
        outcome = got.error();
    }
    /// An ordinary request to a broker, and how it ended.
    error call(std::int32_t broker, nanoseconds patience = 60s) {
        std::optional<error> outcome;
        world.loop(desk).post([&] { spawn(run_call(view(), broker, outcome)); });
        REQUIRE(world.run_until([&] { return outcome.has_value(); }, patience));
        return *outcome;
    }
    std::uint64_t connections() const { return kafka->core().view()->counters().traffic.opened.value() - kafka->core().view()->counters().traffic.closed.value(); }

    std::optional<client> kafka;
};

}  // namespace

TEST_CASE_FIXTURE(recovery_fixture, "a connection that nobody used for connections.max.idle.ms is closed, and made again when it is needed") {
    open({.metadata_max_age = 10h, .connections_max_idle = 60s});
    REQUIRE(learn());
    REQUIRE_FALSE(call(2));
    CHECK(connections() == 2);
    world.run_for(40s);
    REQUIRE_FALSE(call(2));
    world.run_for(40s);
    CHECK(connections() == 1);  // broker 2 was used 40 s ago
    world.run_for(30s);
    CHECK(connections() == 0);
    CHECK_FALSE(call(2));
    CHECK(connections() == 1);
}

TEST_CASE_FIXTURE(recovery_fixture, "a negative connections.max.idle.ms keeps connections") {
    open({.metadata_max_age = 10h, .connections_max_idle = -1ms});
    REQUIRE(learn());
    world.run_for(1h);
    CHECK(connections() == 1);
}

TEST_CASE_FIXTURE(recovery_fixture, "a connection whose call is under way is not idle") {
    open({.request_timeout = 10min, .metadata_max_age = 10h, .connections_max_idle = 5s});
    REQUIRE(learn());
    hold(api_key::list_groups);
    std::optional<error> outcome;
    world.loop(desk).post([&] { spawn(run_call(view(), 2, outcome)); });
    world.run_for(60s);
    CHECK_FALSE(outcome);
    CHECK(connections() == 1);
    release();
    REQUIRE(world.run_until([&] { return outcome.has_value(); }, 10s));
    CHECK_FALSE(*outcome);
}

TEST_CASE_FIXTURE(recovery_fixture, "a broker that asks for it sends the client back to its bootstrap servers (KIP-1102)") {
    int refusals = 1;
    on<metadata_request>([&](int, const metadata_request& asked) {
        auto answer = tell(asked);
        if (asked.topics->at(0).name != "payments" || refusals == 0) return answer;
        --refusals;
        return metadata_response{.error_code = static_cast<std::int16_t>(errc::rebootstrap_required)};
    });
    open();
    REQUIRE(learn());
    REQUIRE_FALSE(call(2));
    leaders["payments"] = {1};
    world.loop(desk).post([&] { view()->want(this, "payments", true); });
    REQUIRE(world.run_until([&] { return view()->find("payments") != nullptr; }, 10s));
    CHECK(refusals == 0);
    // Nothing of before stayed open.
    CHECK(kafka->core().view()->counters().traffic.closed.value() == 2);
    CHECK_FALSE(call(2));
}

TEST_CASE_FIXTURE(recovery_fixture, "with metadata.recovery.strategy=none the client stays with the brokers it knows") {
    tells_only = 2;
    open({.metadata_recovery_strategy = metadata_recovery_strategy::none});
    REQUIRE(learn());
    world.kill(machine(2));
    const auto before = count(1, api_key::metadata);
    leaders["payments"] = {1};
    world.loop(desk).post([&] {
        view()->drop_lane(weir::detail::lane::shared);
        view()->want(this, "payments", true);
    });
    world.run_for(30s);
    CHECK(view()->find("payments") == nullptr);
    CHECK(count(1, api_key::metadata) == before);
    CHECK(view()->last_failure().code() == errc::broker_not_available);
}

TEST_CASE_FIXTURE(recovery_fixture, "the bootstrap servers are asked as soon as no known broker can be reached (KIP-899)") {
    tells_only = 2;
    open();
    REQUIRE(learn());
    world.kill(machine(2));
    leaders["payments"] = {1};
    world.loop(desk).post([&] {
        view()->drop_lane(weir::detail::lane::shared);
        view()->want(this, "payments", true);
    });
    CHECK(world.run_until([&] { return view()->find("payments") != nullptr; }, 30s));
}

TEST_CASE_FIXTURE(recovery_fixture, "known brokers that tell nothing for metadata.recovery.rebootstrap.trigger.ms are forgotten") {
    tells_only = 2;  // whose answers are errors soon: it was cut off from its cluster
    bool cut_off = false;
    on<metadata_request>([&](int broker, const metadata_request& asked) {
        if (broker == 2 && cut_off) return metadata_response{.error_code = static_cast<std::int16_t>(errc::unknown_server_error)};
        return tell(asked);
    });
    open({.rebootstrap_trigger = 60s});
    REQUIRE(learn());
    cut_off = true;
    tells_only = 0;
    leaders["payments"] = {1};
    world.loop(desk).post([&] {
        view()->drop_lane(weir::detail::lane::shared);
        view()->watch(this, [&] {
            if (!view()->find("payments")) view()->refresh();  // as a producer does that waits for it
        });
        view()->want(this, "payments", true);
    });
    world.run_for(50s);
    CHECK(view()->find("payments") == nullptr);
    CHECK(world.run_until([&] { return view()->find("payments") != nullptr; }, 20s));
    view()->forget(this);
}

TEST_CASE_FIXTURE(recovery_fixture, "attempts to connect are given more time, and longer breaks between, from one to the next (KIP-601)") {
    // Packets to this broker vanish: each attempt takes all of its time.
    world.cut(machine(1), desk);
    open({.connect_timeout = 1s, .reconnect_backoff = 100ms, .reconnect_backoff_max = 100ms, .connect_timeout_max = 4s});
    std::vector<nanoseconds> failures;
    world.loop(desk).post([&] {
        view()->watch(this, [&] {
            failures.push_back(nanoseconds{world.loop(desk).now().time_since_epoch()});
            if (failures.size() < 5) view()->refresh();
        });
        view()->want(this, "orders", true);
    });
    REQUIRE(world.run_until([&] { return failures.size() == 5; }, 60s));
    const auto took = [&](std::size_t i) { return failures[i] - failures[i - 1]; };
    CHECK(took(1) > 1500ms);   // 2 s +- 20 %, and the break
    CHECK(took(2) > 3200ms);   // 4 s +- 20 %
    CHECK(took(3) < 6200ms);   // no longer than the longest, and the break
    CHECK(kafka->core().view()->counters().traffic.failed.value() == 5);
    view()->forget(this);
}

TEST_CASE_FIXTURE(recovery_fixture, "bootstrap hosts that do not exist: whoever asks hears it at once, each time") {
    open({}, "no-1:9092,no-2:9092");
    const auto tells = [](const error& why) {
        CHECK(why.code() == errc::invalid_setting);
        CHECK(why.message().find("No resolvable bootstrap urls given in bootstrap.servers: there is no host no-") != std::string::npos);
        CHECK(why.message().find("no-1") != std::string::npos);
        CHECK(why.message().find("no-2") != std::string::npos);
    };
    const admin at{*kafka};
    const topic<std::string, std::string> orders{"orders"};
    producer out{*kafka};
    for (int i = 0; i < 2; ++i) {
        auto listed = at.list_topics();
        REQUIRE(world.run_until([&] { return listed.ready(); }, 2s));
        tells(listed.get().error());
        auto handed = out.enqueue(orders, "k", "v");
        REQUIRE(world.run_until([&] { return handed.ready(); }, 2s));
        tells(handed.get().error());
    }
    consumer in{*kafka, consumer_config{.group_id = "g"}, orders};
    auto polled = in.poll(60s);
    REQUIRE(world.run_until([&] { return polled.ready(); }, 2s));
    tells(polled.get().error());
}

TEST_CASE_FIXTURE(recovery_fixture, "a bootstrap list of which one host exists is good, also while that one is away") {
    open({}, "no-1:9092,b1:9092");
    world.kill(machine(1));
    const admin at{*kafka};
    auto listed = at.list_topics();
    world.run_for(30s);
    CHECK_FALSE(listed.ready());
}

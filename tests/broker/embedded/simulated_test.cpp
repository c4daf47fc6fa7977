// The broker in virtual time: programs that block, single-threaded, from a seed.
#include "topics.hpp"

#include <weir/broker/simulated.hpp>

#include <weir/base/sim/world.hpp>
#include <weir/consumer.hpp>
#include <weir/producer.hpp>

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

using namespace weir;
using namespace std::chrono_literals;
using broker::simulated;

namespace {

using test::orders;

broker::simulated_config with_orders(std::uint64_t seed = 1) {
    broker::simulated_config config;
    config.seed = seed;
    config.topics.push_back({.name = "orders"});
    return config;
}
constexpr sim::disk_operation every_operation[] = {sim::disk_operation::open,   sim::disk_operation::read,
                                                   sim::disk_operation::write,  sim::disk_operation::truncate,
                                                   sim::disk_operation::sync,   sim::disk_operation::rename,
                                                   sim::disk_operation::remove, sim::disk_operation::sync_directory};
template <class Step>
std::string reason(Step step) {
    try {
        step();
    } catch (const exception& thrown) { return thrown.error().message(); }
    return {};
}
std::int64_t put(producer& out, const std::string& value) {
    const auto sent = out.send(orders, "k", value).get();
    REQUIRE_MESSAGE(sent, sent.error().message());
    return sent->offset;
}

}  // namespace

TEST_CASE("a program that blocks runs in virtual time") {
    simulated cluster{with_orders()};
    producer out{client{cluster}};
    const auto before = cluster.now();
    CHECK(put(out, "a") == 0);
    CHECK(put(out, "b") == 1);
    CHECK(cluster.now() > before);
    CHECK(cluster.now() < before + 5s);
}

TEST_CASE("a loop over records lets time pass until one comes") {
    simulated cluster{with_orders()};
    const client kafka{cluster};
    producer out{kafka};
    put(out, "a");
    consumer in{kafka, consumer_config{}, orders};
    in.assign({orders[0]}, at::earliest);
    std::vector<std::string> found;
    for (const auto& record : in) {
        found.push_back(record.value);
        if (found.size() == 2) break;
        (void)out.send(orders, "k", "b");  // comes while the loop waits
    }
    CHECK(found == std::vector<std::string>{"a", "b"});
}

TEST_CASE("time moves only on demand") {
    simulated cluster{with_orders()};
    const auto before = cluster.now();
    const auto wall = cluster.wall_now();
    cluster.advance(3h);
    CHECK(cluster.now() == before + 3h);
    CHECK(cluster.wall_now() == wall + 3 * 3'600'000);
    CHECK_FALSE(cluster.run_until([] { return false; }, 1min));
    CHECK(cluster.now() == before + 3h + 1min);
}

TEST_CASE("the same seed gives the same run") {
    const auto run = [](std::uint64_t seed) {
        simulated cluster{with_orders(seed)};
        producer out{client{cluster}};
        std::vector<delivery> sent;
        for (int i = 0; i < 50; ++i) sent.push_back(out.send(orders, "k" + std::to_string(i), "v"));
        cluster.advance(3ms);
        cluster.crash();
        cluster.start();
        for (auto& each : sent) (void)each.get();
        return std::pair{cluster.now().time_since_epoch().count(), cluster.world().events()};
    };
    CHECK(run(5) == run(5));
    CHECK(run(5) != run(6));
}

TEST_CASE("acknowledged records survive crashes, whatever the seed") {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        CAPTURE(seed);
        simulated cluster{with_orders(seed)};
        producer out{client{cluster}};
        std::int64_t next = 0;
        for (int round = 0; round < 3; ++round) {
            for (int i = 0; i < 5; ++i) CHECK(put(out, "v") == next++);
            auto open = out.send(orders, "k", "on its way");
            cluster.advance(nanoseconds{static_cast<std::int64_t>(cluster.world().random().below(3'000'000))});
            cluster.crash();
            cluster.start();
            const auto sent = open.get();
            REQUIRE_MESSAGE(sent, sent.error().message());
            ++next;
        }
        CHECK(put(out, "last") == next);
    }
}

TEST_CASE("a cut stalls, and a heal goes on") {
    simulated cluster{with_orders()};
    const client near{cluster}, far{cluster.from("laptop")};
    producer here{near}, there{far};
    CHECK(put(here, "a") == 0);
    CHECK(put(there, "b") == 1);
    cluster.cut("laptop");
    auto stalled = there.send(orders, "k", "c");
    CHECK(stalled.get_for(20s).code() == errc::timed_out);
    CHECK(put(here, "d") == 2);
    cluster.heal();
    REQUIRE(stalled.get());
    CHECK(put(here, "e") == 4);
}

TEST_CASE("timeouts of minutes take no time") {
    simulated cluster{with_orders()};
    producer out{client{cluster}};
    CHECK(put(out, "a") == 0);
    cluster.kill();
    const auto before = cluster.now();
    CHECK(out.send(orders, "k", "b").get().code() == errc::timed_out);  // delivery.timeout.ms: two minutes
    CHECK(cluster.now() >= before + 120s);
    CHECK_FALSE(cluster.running());
    cluster.start();
    CHECK(out.send(orders, "k", "c").get());
}

TEST_CASE("a full buffer lets time pass instead of blocking for ever") {
    simulated cluster{with_orders()};
    producer_config settings;
    settings.buffer_memory = 20'000;
    producer out{client{cluster}, std::move(settings)};
    std::vector<delivery> sent;
    for (int i = 0; i < 100; ++i) sent.push_back(out.send(orders, "k", std::string(1000, 'x')));
    for (auto& each : sent) CHECK(each.get());
}

TEST_CASE("waiting inside a callback is refused") {
    simulated cluster{with_orders()};
    producer out{client{cluster}};
    std::optional<errc> inside;
    auto first = out.send(orders, "k", "a");
    out.send(orders, "k", "b").then([&](const result<record_metadata>&) { inside = out.flush().get().code(); });
    CHECK(cluster.run_until([&] { return inside.has_value(); }, 10s));
    CHECK(inside == errc::would_deadlock);
    CHECK(first.get());
}

TEST_CASE("scripted faults work in virtual time") {
    simulated cluster{with_orders()};
    producer out{client{cluster}};
    CHECK(put(out, "a") == 0);
    cluster.fail_next("Produce", errc::not_leader_or_follower, 3);
    CHECK(put(out, "b") == 1);
    cluster.delay_next("Produce", 10s);
    const auto before = cluster.now();
    CHECK(put(out, "c") == 2);
    CHECK(cluster.now() >= before + 10s);
    cluster.lose_next_answer("Produce");
    (void)put(out, "d");
    CHECK(put(out, "e") == 4);
}

TEST_CASE("a client may outlive its cluster") {
    std::optional<simulated> cluster{std::in_place, with_orders()};
    producer out{client{*cluster}};
    CHECK(put(out, "a") == 0);
    cluster.reset();
    CHECK_FALSE(out.send(orders, "k", "b").get());
}

TEST_CASE("more than one node is refused") {
    auto config = with_orders();
    config.nodes = 3;
    CHECK_THROWS_AS(simulated{config}, exception);
}

TEST_CASE("a disk that fails for the metadata takes the node down, and says why") {
    simulated cluster{with_orders()};
    cluster.fail_disk({.operation = sim::disk_operation::sync, .path_contains = "__cluster_metadata", .times = 1000});
    producer out{client{cluster}};
    (void)out.send(topic<std::string, std::string>{"created-by-asking"}, "k", "v").get_for(60s);
    CHECK(cluster.failure().code() == errc::io_error);
    cluster.heal_disk();
    cluster.stop();
    cluster.start();
    CHECK_FALSE(cluster.failure());
    CHECK(put(out, "a") == 0);
}

TEST_CASE("whatever the disk refuses, a start ends, and says in which directory") {
    simulated cluster{with_orders()};
    int refused = 0;
    for (const auto operation : every_operation)
        for (std::uint64_t after = 0; after < 40; ++after) {
            CAPTURE(static_cast<int>(operation));
            CAPTURE(after);
            cluster.heal_disk();
            cluster.stop();
            cluster.fail_disk({.operation = operation, .after = after, .times = 1000});
            const auto before = cluster.now();
            const auto why = reason([&] { cluster.start(); });
            CHECK(cluster.now() < before + 1min);
            if (why.empty()) continue;
            ++refused;
            CHECK(why.find("/data") != std::string::npos);
        }
    CHECK(refused > 10);
    cluster.heal_disk();
    cluster.start();
    producer out{client{cluster}};
    CHECK(put(out, "a") == 0);
}

TEST_CASE("whatever the disk refuses, a stop ends, and says in which directory") {
    int refused = 0;
    for (const auto operation : every_operation)
        for (std::uint64_t after = 0; after < 6; ++after) {
            CAPTURE(static_cast<int>(operation));
            CAPTURE(after);
            simulated cluster{with_orders()};
            producer out{client{cluster}};
            CHECK(put(out, "a") == 0);
            auto created = out.enqueue(topic<std::string, std::string>{"waits-for-the-controller"}, "k", "v");
            cluster.advance(1ms);
            cluster.fail_disk({.operation = operation, .after = after, .times = 1000});
            const auto before = cluster.now();
            const auto why = reason([&] { cluster.stop(); });
            CHECK_FALSE(cluster.running());
            CHECK(cluster.now() < before + 1min);
            cluster.heal_disk();
            cluster.start();
            CHECK(put(out, "b") == 1);
            if (why.empty()) continue;
            ++refused;
            CHECK(why.find("/data") != std::string::npos);
        }
    CHECK(refused > 3);
}

TEST_CASE("a node that dies takes along what waits in it") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        simulated cluster{with_orders(seed)};
        producer out{client{cluster}};
        CHECK(put(out, "a") == 0);
        // A topic on its way through the controller, and a record on its way to the disk.
        auto created = out.enqueue(topic<std::string, std::string>{"new"}, "k", "v");
        auto written = out.send(orders, "k", "b");
        cluster.advance(nanoseconds{static_cast<std::int64_t>(cluster.world().random().below(6'000'000))});
        if (seed % 2 == 0) cluster.kill();
        else cluster.crash();
        cluster.start();
        CHECK(written.get());
        CHECK(created.get());
    }
}

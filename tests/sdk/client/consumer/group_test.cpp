// Consumers that share a topic: what the group decides reaches the application between two records.
#include "consumer_fixture.hpp"

#include <map>
#include <set>

using namespace weir;
using namespace weir::test;
using namespace std::chrono_literals;

namespace {

using member = consumer<text, std::string>;

struct group_fixture : consumer_fixture {
    using consumer_fixture::consumer_fixture;
    std::unique_ptr<member> join(consumer_config config = consumer_config{}) {
        if (config.group_id.empty()) config.group_id = "readers";
        config.start = at::earliest;
        return std::make_unique<member>(*kafka, std::move(config), orders);
    }
    /// One poll of every member, and what they got by partition.
    std::map<std::int32_t, std::vector<std::string>> turn(const std::vector<member*>& all, duration most = 100ms) {
        std::map<std::int32_t, std::vector<std::string>> found;
        for (auto* each : all) {
            const auto batch = wait(each->poll(most));
            REQUIRE_MESSAGE(batch, batch.error().message());
            for (const auto& record : *batch) found[record.info.partition].push_back(record.value);
        }
        return found;
    }
    void until_assigned(const std::vector<member*>& all, const std::vector<std::size_t>& counts) {
        const auto until = world.now() + 120s;
        const auto reached = [&] {
            for (std::size_t i = 0; i < all.size(); ++i) if (all[i]->assignment().size() != counts[i]) return false;
            return true;
        };
        while (!reached() && world.now() < until) turn(all);
        for (std::size_t i = 0; i < all.size(); ++i) CHECK(all[i]->assignment().size() == counts[i]);
    }
};

}  // namespace

TEST_CASE_FIXTURE(group_fixture, "a member alone gets every partition, and goes on where the group was") {
    REQUIRE(create_topic(*wire, "orders", 3) == 0);
    for (int p = 0; p < 3; ++p) put(p, numbers(p * 100, 5));
    auto first = join();
    CHECK(values(read(*first, 15)).size() == 15);
    CHECK(first->assignment().size() == 3);
    CHECK((*wait(first->metadata())).group_id == "readers");
    CHECK((*wait(first->metadata())).generation >= 1);
    (void)wait(first->poll(10ms));  // moves past the last batch
    CHECK(wait(first->close()));
    put(1, {"later"});
    auto second = join();
    CHECK(values(read(*second, 1)) == std::vector<std::string>{"later"});
}

TEST_CASE_FIXTURE(group_fixture, "partitions are shared, and go to who is left") {
    REQUIRE(create_topic(*wire, "orders", 4) == 0);
    auto first = join();
    until_assigned({first.get()}, {4});
    auto second = join();
    until_assigned({first.get(), second.get()}, {2, 2});
    const auto one = first->assignment(), other = second->assignment();
    std::set<topic_partition> both{one.begin(), one.end()};
    both.insert(other.begin(), other.end());
    CHECK(both.size() == 4);
    CHECK(wait(second->close()));
    until_assigned({first.get()}, {4});
}

TEST_CASE("every record once in the group, through joins and leaves, eager and cooperative") {
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
        CAPTURE(seed);
        group_fixture at{seed};
        REQUIRE(at.create_topic(*at.wire, "orders", 4) == 0);
        const auto open = [&] {
            consumer_config config;
            config.assignors = {seed % 2 == 0 ? "cooperative-sticky" : "range"};
            config.max_poll_records = 7;
            return at.join(std::move(config));
        };
        std::vector<std::unique_ptr<member>> members;
        members.push_back(open());
        std::map<std::string, int> seen;
        int sent = 0;
        const auto polled = [&] {
            std::vector<member*> all;
            for (const auto& each : members) all.push_back(each.get());
            for (const auto& [partition, found] : at.turn(all, 50ms)) for (const auto& value : found) ++seen[value];
        };
        for (int round = 0; round < 12; ++round) {
            for (int p = 0; p < 4; ++p) at.put(p, at.numbers(sent, 10)), sent += 10;
            polled();
            if (round % 3 == 0) members.push_back(open());
            if (round % 4 == 3) {
                (void)at.wait(members.front()->poll(0ms));  // done with the last batch
                CHECK(at.wait(members.front()->close()));
                members.erase(members.begin());
            }
            for (int i = 0; i < 5; ++i) polled();
        }
        const auto until = at.world.now() + 120s;
        while (seen.size() < static_cast<std::size_t>(sent) && at.world.now() < until) polled();
        CHECK(seen.size() == static_cast<std::size_t>(sent));
        for (const auto& [value, count] : seen) CHECK_MESSAGE(count == 1, value);
        members.clear();
    }
}

TEST_CASE_FIXTURE(group_fixture, "a rebalance waits for the record in hand, tells the listener, and commits before partitions go") {
    REQUIRE(create_topic(*wire, "orders", 2) == 0);
    put(0, numbers(0, 10));
    put(1, numbers(100, 10));
    auto first = join();
    std::vector<std::string> heard;
    rebalance_listener listener;
    listener.assigned = [&](auto parts) { heard.push_back("+" + std::to_string(parts.size())); };
    listener.revoked = [&](auto parts) { heard.push_back("-" + std::to_string(parts.size())); };
    first->on_rebalance(std::move(listener));
    CHECK(read(*first, 20).size() == 20);
    CHECK(heard == std::vector<std::string>{"+2"});
    auto second = join();
    auto polling = second->poll();
    world.run_for(20s);
    CHECK(heard.size() == 1);  // the last batch is still in the application's hands
    CHECK(second->assignment().empty());
    (void)wait(first->poll(100ms));
    world.run_for(10s);
    REQUIRE(heard.size() >= 2);
    CHECK(heard[1] == "-2");
    until_assigned({first.get()}, {1});
    CHECK((*wait(second->committed({orders[0], orders[1]})))[0].offset == 10);
    polling.cancel();
}

TEST_CASE_FIXTURE(group_fixture, "the listener may seek before the first record of a partition is handed out") {
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    put(0, numbers(0, 10));
    auto first = join();
    rebalance_listener listener;
    listener.assigned = [&](auto parts) {
        for (const auto& each : parts) first->seek(each, at::offset(6));
    };
    first->on_rebalance(std::move(listener));
    CHECK(values(read(*first, 4)) == numbers(6, 4));
}

TEST_CASE_FIXTURE(group_fixture, "whoever stops asking for records loses its partitions, and is back when it asks again") {
    REQUIRE(create_topic(*wire, "orders", 2) == 0);
    consumer_config impatient;
    impatient.max_poll_interval = 30s;
    auto first = join(std::move(impatient));
    int lost = 0;
    rebalance_listener listener;
    listener.lost = [&](auto parts) { lost += static_cast<int>(parts.size()); };
    first->on_rebalance(std::move(listener));
    until_assigned({first.get()}, {2});
    put(0, {"a"});
    CHECK(read(*first, 1).size() == 1);  // ... and is busy with it for a minute
    world.run_for(60s);
    CHECK(first->assignment().empty());
    auto second = join();
    until_assigned({second.get()}, {2});
    until_assigned({first.get(), second.get()}, {1, 1});
    CHECK(lost == 2);
}

TEST_CASE_FIXTURE(group_fixture, "whoever waited for records for longer than that is a member as long as it works on what came") {
    REQUIRE(create_topic(*wire, "orders", 2) == 0);
    consumer_config impatient;
    impatient.max_poll_interval = 30s;
    auto alone = join(std::move(impatient));
    until_assigned({alone.get()}, {2});
    SUBCASE("as a poll gives it") {
        auto polled = alone->poll();
        world.run_for(60s);
        put(0, {"a"});
        REQUIRE((*wait(polled)).size() == 1);
    }
    SUBCASE("or does not") { CHECK((*wait(alone->poll(60s))).empty()); }
    world.run_for(25s);
    CHECK(alone->assignment().size() == 2);
    world.run_for(10s);
    CHECK(alone->assignment().empty());
}

TEST_CASE_FIXTURE(group_fixture, "a member that crashes is replaced after its session, and nothing it had not finished is missing") {
    REQUIRE(create_topic(*wire, "orders", 2) == 0);
    const auto laptop = world.add_node("laptop");
    put(0, numbers(0, 10));
    put(1, numbers(100, 10));
    {
        client away{world.loop(laptop), world.net(laptop), world.random()(), "broker:9092", client_config{}};
        consumer_config config;
        config.group_id = "readers";
        config.start = at::earliest;
        config.session_timeout = 10s;
        member gone{away, std::move(config), orders};
        CHECK(read(gone, 20).size() == 20);
        world.kill(laptop);
    }
    auto second = join();
    CHECK(values(read(*second, 20)).size() == 20);
}

TEST_CASE_FIXTURE(group_fixture, "who is closed and remains in its group keeps its partitions until its session is over") {
    REQUIRE(create_topic(*wire, "orders", 2) == 0);
    auto first = join(), second = join();
    until_assigned({first.get(), second.get()}, {1, 1});
    REQUIRE(wait(first->close(10s, farewell::remain_in_group)));
    first.reset();
    const auto until = world.now() + 30s;
    while (world.now() < until) turn({second.get()});
    CHECK(second->assignment().size() == 1);
    until_assigned({second.get()}, {2});
}

TEST_CASE_FIXTURE(group_fixture, "a static member's place waits for it, unless it leaves by name") {
    REQUIRE(create_topic(*wire, "orders", 2) == 0);
    const auto join_again = [&] {
        consumer_config config;
        config.group_instance_id = "one";
        return join(std::move(config));
    };
    auto first = join_again(), second = join();
    until_assigned({first.get(), second.get()}, {1, 1});
    REQUIRE(wait(first->close(10s)));
    for (int i = 0; i < 100; ++i) turn({second.get()});
    CHECK(second->assignment().size() == 1);
    first = join_again();
    until_assigned({first.get(), second.get()}, {1, 1});
    REQUIRE(wait(first->close(10s, farewell::leave_group)));
    for (int i = 0; i < 100; ++i) turn({second.get()});
    CHECK(second->assignment().size() == 2);
}

TEST_CASE_FIXTURE(group_fixture, "a pattern leaves out internal topics, unless they are wanted") {
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    auto first = join();
    until_assigned({first.get()}, {1});  // there is a topic of offsets now, of 4 partitions
    first->subscribe_matching("orders|__consumer_offsets");
    CHECK(first->subscription().pattern == "orders|__consumer_offsets");
    for (int i = 0; i < 100; ++i) turn({first.get()});
    CHECK(first->assignment().size() == 1);
    consumer_config config;
    config.group_id = "watchers";
    config.start = at::latest;
    config.exclude_internal_topics = false;
    consumer<> in_all{*kafka, std::move(config)};
    in_all.subscribe_matching("orders|__consumer_offsets");
    const auto until = world.now() + 60s;
    while (in_all.assignment().size() < 5 && world.now() < until) REQUIRE(wait(in_all.poll(100ms)));
    CHECK(in_all.assignment().size() == 5);
}

TEST_CASE_FIXTURE(group_fixture, "a pattern takes topics that match, and those that are made later") {
    REQUIRE(create_topic(*wire, "orders-eu", 1) == 0);
    REQUIRE(create_topic(*wire, "invoices", 1) == 0);
    client_config eager;
    eager.metadata_max_age = 5s;
    kafka.emplace(world.loop(desk), world.net(desk), world.random()(), "broker:9092", std::move(eager));
    consumer_config config;
    config.group_id = "readers";
    config.start = at::earliest;
    member all{*kafka, std::move(config), topic<text, std::string>{"orders-eu"}};
    all.subscribe_matching("orders-.*");
    put(0, {"a"}, "orders-eu");
    put(0, {"b"}, "invoices");
    CHECK(values(read(all, 1)) == std::vector<std::string>{"a"});
    reconnect();
    REQUIRE(create_topic(*wire, "orders-us", 1) == 0);
    put(0, {"c"}, "orders-us");
    CHECK(values(read(all, 1)) == std::vector<std::string>{"c"});
}

TEST_CASE_FIXTURE(group_fixture, "unsubscribing leaves the group; assigning and subscribing exclude each other") {
    REQUIRE(create_topic(*wire, "orders", 2) == 0);
    auto first = join();
    until_assigned({first.get()}, {2});
    first->assign({orders[0]});
    CHECK(wait(first->poll(1s)).code() == errc::invalid_request);
    first->unsubscribe();
    world.run_for(5s);
    CHECK(first->assignment().empty());
    first->assign({orders[0]}, at::earliest);
    put(0, {"a"});
    CHECK(values(read(*first, 1)) == std::vector<std::string>{"a"});
    open();
    in->subscribe({"orders"});
    CHECK(wait(in->poll(1s)).code() == errc::invalid_group_id);
}

TEST_CASE_FIXTURE(group_fixture, "who unsubscribes and assigns in one breath reads what it assigned, from where it sought") {
    REQUIRE(create_topic(*wire, "orders", 2) == 0);
    for (int p = 0; p < 2; ++p) put(p, numbers(p * 100, 5));
    auto first = join();
    until_assigned({first.get()}, {2});
    first->unsubscribe();
    first->assign({orders[1]}, at::earliest);
    first->seek(orders[1], at::offset(3));
    CHECK(values(read(*first, 2)) == numbers(103, 2));
    CHECK(first->assignment() == std::vector<topic_partition>{orders[1]});
    CHECK((*wait(first->poll(5s))).empty());
    SUBCASE("and may change its mind again") {
        first->unsubscribe();
        first->subscribe({"orders"});
        until_assigned({first.get()}, {2});
    }
    SUBCASE("in the same breath, too") {
        first->unsubscribe();
        first->subscribe({"orders"});
        until_assigned({first.get()}, {2});
        first->unsubscribe();
        first->assign({orders[1]}, at::earliest);
        first->unsubscribe();
        first->subscribe({"orders"});
        world.run_for(1s);
        until_assigned({first.get()}, {2});
    }
}

TEST_CASE_FIXTURE(group_fixture, "who unsubscribes and subscribes in one breath is a member again") {
    REQUIRE(create_topic(*wire, "orders", 2) == 0);
    auto first = join();
    until_assigned({first.get()}, {2});
    first->unsubscribe();
    first->subscribe({"orders"});
    world.run_for(5s);
    until_assigned({first.get()}, {2});
    CHECK((*wait(first->metadata())).generation >= 1);
}

TEST_CASE_FIXTURE(group_fixture, "what was lost before the application heard of it is not read") {
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    REQUIRE(create_topic(*wire, "more", 1) == 0);
    put(0, {"a"});
    consumer_config config;
    config.assignors = {"cooperative-sticky"};
    config.max_poll_interval = 10s;
    auto first = join(std::move(config));
    std::vector<topic_partition> heard, lost, kept;
    rebalance_listener listener;
    listener.assigned = [&](std::span<const topic_partition> which) { heard.insert(heard.end(), which.begin(), which.end()); };
    listener.lost = [&](std::span<const topic_partition> which) {
        lost.assign(which.begin(), which.end());
        kept = first->assignment();
    };
    first->on_rebalance(std::move(listener));
    const auto in_hand = read(*first, 1);
    CHECK(heard == std::vector<topic_partition>{orders[0]});
    first->subscribe({"orders", "more"});  // the group agrees while the application is busy ...
    world.run_for(30s);                    // ... for longer than max.poll.interval.ms
    (void)wait(first->poll(0ms));
    world.run_for(1ms);
    CHECK(lost == std::vector<topic_partition>{orders[0]});
    CHECK(kept.empty());
    until_assigned({first.get()}, {2});
    CHECK(heard.size() == 3);
}

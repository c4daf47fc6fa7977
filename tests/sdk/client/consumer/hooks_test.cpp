// What hooks of a consumer hear, and what a record and a consumer say about themselves.
#include "consumer_fixture.hpp"

#include <weir/admin.hpp>
#include <weir/protocol/messages/delete_topics.hpp>

#include <stdexcept>

using namespace weir;
using namespace weir::test;
using namespace std::chrono_literals;

namespace {

struct hook_fixture : consumer_fixture {
    std::vector<std::string> heard;
    consumer_config hearing() {
        consumer_config config;
        config.group_id = "readers";
        config.start = at::earliest;
        config.max_poll_records = 4;
        config.on_consume = [this](const incoming_record& seen) {
            REQUIRE(seen.value);
            const auto* const value = reinterpret_cast<const char*>(seen.value->data());
            heard.push_back(std::to_string(seen.info.offset) + "=" + std::string{value, seen.value->size()} + (seen.key ? "" : " without a key"));
        };
        return config;
    }
    bool exists(const std::string& name) {
        const auto all = wait(admin{*kafka}.list_topics());
        REQUIRE(all);
        return std::any_of(all->begin(), all->end(), [&](const auto& each) { return each.name == name; });
    }
};

}  // namespace

TEST_CASE_FIXTURE(hook_fixture, "on_consume hears of each record that is handed out, once, and no other") {
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    put(0, numbers(0, 6));
    open(hearing());
    in->assign({orders[0]});
    REQUIRE((*wait(in->poll())).size() == 4);
    CHECK(heard == std::vector<std::string>{"0=0 without a key", "1=1 without a key", "2=2 without a key", "3=3 without a key"});
    REQUIRE((*wait(in->next())).value == "4");
    CHECK(heard.size() == 5);
    in->seek(orders[0], at::offset(1));
    REQUIRE((*wait(in->next())).value == "1");
    CHECK(heard.back() == "1=1 without a key");
    CHECK(heard.size() == 6);
}

TEST_CASE_FIXTURE(hook_fixture, "what on_consume throws is logged, and the record comes all the same") {
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    put(0, numbers(0, 2));
    const broker::test::log_watch lines;
    auto config = hearing();
    config.on_consume = [](const incoming_record&) { throw std::runtime_error{"no tracer"}; };
    open(std::move(config));
    in->assign({orders[0]});
    CHECK((*wait(in->poll())).size() == 2);
    CHECK(lines.count("on_consume threw: no tracer") == 2);
}

TEST_CASE_FIXTURE(hook_fixture, "on_commit hears of every commit, whoever asked for it") {
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    put(0, numbers(0, 6));
    std::vector<std::int64_t> told;
    auto config = hearing();
    config.on_commit = [&](const std::vector<partition_offset>& offsets) {
        REQUIRE(offsets.size() == 1);
        CHECK(offsets[0].where == orders[0]);
        told.push_back(offsets[0].offset);
    };
    open(std::move(config));
    in->assign({orders[0]});
    REQUIRE((*wait(in->poll())).size() == 4);
    REQUIRE(wait(in->commit()));
    REQUIRE((*wait(in->poll())).size() == 2);
    REQUIRE((*wait(in->poll(0ms))).empty());
    world.run_for(10s);
    CHECK(told == std::vector<std::int64_t>{4, 6});
}

TEST_CASE_FIXTURE(hook_fixture, "a record tells whose time it has") {
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    REQUIRE(create_topic(*wire, "stamped", 1, {{"message.timestamp.type", "LogAppendTime"}}) == 0);
    put(0, {"a"});
    put(0, {"b"}, "stamped");
    open();
    in->assign({{"orders", 0}, {"stamped", 0}}, at::earliest);
    for (const auto& each : read(2)) CHECK(each.info.append_time == (each.info.topic == "stamped"));
}

TEST_CASE_FIXTURE(hook_fixture, "whether reading a topic that is not there makes it is allow.auto.create.topics") {
    const auto poll = [this](bool may_be_made, bool assigned = false) {
        consumer_config config;
        config.group_id = "readers";
        config.allow_auto_create_topics = may_be_made;
        open(std::move(config));
        if (assigned) in->assign({orders[0]});
        (void)wait(in->poll(10s));
    };
    SUBCASE("assigned") {
        poll(false, true);
        CHECK_FALSE(exists("orders"));
    }
    SUBCASE("subscribed to") {
        poll(false);
        CHECK_FALSE(exists("orders"));
        // A producer of the same client is not meant.
        out.emplace(*kafka);
        CHECK(wait(out->enqueue(orders, "k", "v")));
        CHECK(exists("orders"));
    }
    SUBCASE("as brokers have it, otherwise") {
        poll(true);
        CHECK(exists("orders"));
    }
}

TEST_CASE_FIXTURE(hook_fixture, "a topic that is deleted is not made anew for those who read it, or once did") {
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    put(0, {"a"});
    enum { subscribed, assigned, unsubscribed, closed, asked } kind = subscribed;
    SUBCASE("subscribed") {}
    SUBCASE("assigned") { kind = assigned; }
    SUBCASE("unsubscribed") { kind = unsubscribed; }
    SUBCASE("closed") { kind = closed; }
    SUBCASE("asked about only") { kind = asked; }
    consumer_config config;
    config.group_id = "readers";
    config.start = at::earliest;
    open(std::move(config));
    if (kind == assigned) in->assign({orders[0]}, at::earliest);
    if (kind != asked) CHECK(read(1).size() == 1);
    if (kind == asked) CHECK((*wait(in->partitions_for("orders"))).size() == 1);
    if (kind == unsubscribed) in->unsubscribe();
    if (kind == closed) CHECK(wait(in->close()));
    world.run_for(5s);
    protocol::delete_topics_request gone;
    gone.topic_names = {"orders"};
    gone.timeout_ms = 5'000;
    REQUIRE(wire->call(gone, 5).responses.at(0).error_code == 0);
    for (int i = 0; i < 15; ++i) {
        if (kind == subscribed || kind == assigned) (void)wait(in->poll(1000ms));
        world.run_for(60s);
        REQUIRE_FALSE(exists("orders"));
    }
}

// What is committed, and what never is.
#include "consumer_fixture.hpp"

using namespace weir;
using namespace weir::test;
using namespace std::chrono_literals;

namespace {

struct commit_fixture : consumer_fixture {
    void start_group(consumer_config config = consumer_config{}) {
        config.group_id = "readers";
        config.start = at::earliest;
        open(std::move(config));
        in->assign({orders[0]});
    }
    std::int64_t committed() { return (*wait(in->committed({orders[0]})))[0].offset; }
};

}  // namespace

TEST_CASE_FIXTURE(commit_fixture, "commit() covers what was handed out, the batch in hand included, and the next run goes on there") {
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    put(0, numbers(0, 10));
    consumer_config few;
    few.max_poll_records = 4;
    few.auto_commit = false;
    start_group(std::move(few));
    REQUIRE((*wait(in->poll())).size() == 4);
    CHECK(committed() == -1);
    CHECK(wait(in->commit()));
    CHECK(committed() == 4);
    const auto batch = *wait(in->poll());
    CHECK(wait(in->commit(batch[1].info)));
    CHECK(committed() == 6);
    CHECK(wait(in->close()));
    start_group();
    CHECK((*wait(in->poll())).begin()->value == "6");
}

TEST_CASE_FIXTURE(commit_fixture, "offsets of one's own choice travel with their metadata") {
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    start_group();
    std::vector<partition_offset> mine(1);
    mine[0] = {orders[0], 7, 0, "checked by hand"};
    CHECK(wait(in->commit(mine)));
    const auto found = (*wait(in->committed({orders[0]})))[0];
    CHECK(found.offset == 7);
    CHECK(found.leader_epoch == 0);
    CHECK(found.metadata == "checked by hand");
}

TEST_CASE_FIXTURE(commit_fixture, "auto-commit covers what was moved past, never what is in hand") {
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    put(0, numbers(0, 10));
    consumer_config few;
    few.max_poll_records = 4;
    start_group(std::move(few));
    REQUIRE((*wait(in->poll())).size() == 4);
    world.run_for(60s);  // the application is busy with them
    CHECK(committed() == 0);
    REQUIRE((*wait(in->poll())).size() == 4);
    world.run_for(60s);
    CHECK(committed() == 4);
    SUBCASE("closing commits what was moved past") {
        REQUIRE((*wait(in->poll())).size() == 2);
        CHECK(wait(in->close()));
        start_group();
        CHECK(committed() == 8);
    }
    SUBCASE("a crash loses nothing: what was in hand comes again") {
        in.reset();
        world.run_for(1s);
        start_group();
        CHECK((*wait(in->poll())).begin()->value == "4");
    }
}

TEST_CASE_FIXTURE(commit_fixture, "what was moved past is committed before its partition is given up") {
    REQUIRE(create_topic(*wire, "orders", 2) == 0);
    put(0, numbers(0, 6));
    consumer_config few;
    few.max_poll_records = 4;
    start_group(std::move(few));
    REQUIRE((*wait(in->poll())).size() == 4);
    const auto in_hand = *wait(in->poll());
    REQUIRE(in_hand.size() == 2);
    SUBCASE("for others") { in->assign({orders[1]}); }
    SUBCASE("for nothing") { in->unsubscribe(); }
    world.run_for(100ms);
    CHECK(committed() == 4);
}

TEST_CASE_FIXTURE(commit_fixture, "what the application committed itself is not taken back") {
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    put(0, numbers(0, 10));
    consumer_config few;
    few.max_poll_records = 4;
    start_group(std::move(few));
    const auto batch = *wait(in->poll());
    REQUIRE(batch.size() == 4);
    SUBCASE("by time") {
        CHECK(wait(in->commit()));
        world.run_for(60s);
        CHECK(committed() == 4);
        REQUIRE((*wait(in->poll())).size() == 4);
        REQUIRE((*wait(in->poll())).size() == 2);
        world.run_for(60s);
        CHECK(committed() == 8);
    }
    SUBCASE("by closing") {
        CHECK(wait(in->commit(batch[2].info)));
        CHECK(wait(in->close()));
        start_group();
        CHECK(committed() == 3);
    }
    SUBCASE("by closing, while it is on its way") {
        auto under_way = in->commit();
        CHECK(wait(in->close()));
        CHECK(wait(under_way));
        start_group();
        CHECK(committed() == 4);
    }
    SUBCASE("but seeking back is meant") {
        CHECK(wait(in->commit()));
        in->seek(orders[0], at::offset(1));
        REQUIRE((*wait(in->poll())).begin()->value == "1");
        REQUIRE((*wait(in->poll())).begin()->value == "5");
        CHECK(wait(in->close()));
        start_group();
        CHECK(committed() == 5);
    }
}

TEST_CASE_FIXTURE(commit_fixture, "a group that has committed nothing commits where it begins: what comes while it is away is not missed") {
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    put(0, numbers(0, 3));
    consumer_config config;
    config.group_id = "readers";
    config.start = at::latest;
    open(std::move(config));
    in->assign({orders[0]});
    CHECK((*wait(in->poll(1s))).empty());
    SUBCASE("by time") {
        world.run_for(10s);
        CHECK(committed() == 3);
    }
    SUBCASE("by closing") {
        CHECK(wait(in->close()));
        put(0, {"new"});
        start_group();
        CHECK((*wait(in->poll())).begin()->value == "new");
    }
}

TEST_CASE_FIXTURE(commit_fixture, "an idle consumer commits nothing again, and no timer runs for it") {
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    put(0, {"a"});
    start_group();
    REQUIRE((*wait(in->poll())).size() == 1);
    CHECK((*wait(in->poll(10s))).empty());
    CHECK(committed() == 1);
    auto waiting = in->poll();
    world.run_for(60s);
    const auto before = world.events();
    world.run_for(100s);
    // 200 long polls of half a second, each a handful of events at both ends.
    CHECK(world.events() - before < 200 * 40);
    in->stop();
    (void)wait(waiting);
}

TEST_CASE_FIXTURE(commit_fixture, "seeking makes the new place the one that is committed") {
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    put(0, numbers(0, 10));
    start_group();
    REQUIRE((*wait(in->poll())).size() == 10);
    CHECK(wait(in->commit()));
    CHECK(committed() == 10);
    in->seek(orders[0], at::offset(3));
    const auto again = *wait(in->poll());
    CHECK(again.begin()->value == "3");
    CHECK(wait(in->commit(again[1].info)));
    CHECK(committed() == 5);
}

TEST_CASE_FIXTURE(commit_fixture, "commits go on when the coordinator restarts") {
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    put(0, numbers(0, 10));
    start_group();
    REQUIRE((*wait(in->poll())).size() == 10);
    CHECK(wait(in->commit()));
    kill();
    auto late = in->commit(std::vector<partition_offset>{{orders[0], 5, 0, ""}});
    world.run_for(3s);
    CHECK_FALSE(late.ready());
    start();
    CHECK(wait(late));
    CHECK(committed() == 5);
}

TEST_CASE_FIXTURE(commit_fixture, "nothing committed and at::none: the error says what to do") {
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    consumer_config config;
    config.group_id = "readers";
    config.start = at::none;
    open(std::move(config));
    in->assign({orders[0]});
    const auto refused = wait(in->poll());
    CHECK(refused.code() == errc::no_offset);
    CHECK(refused.error().topic() == "orders");
    CHECK(refused.error().partition() == 0);
    put(0, {"a"});
    in->seek(orders[0], at::earliest);
    CHECK((*wait(in->poll())).size() == 1);
}

TEST_CASE_FIXTURE(commit_fixture, "a commit without a group is refused") {
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    open();
    in->assign({orders[0]}, at::earliest);
    CHECK(wait(in->commit()).code() == errc::invalid_group_id);
}

#include "replica_fixture.hpp"

#include <weir/base/sim/world.hpp>
#include <weir/replica/fetch.hpp>

using namespace weir;
using namespace weir::replica;
using namespace weir::replica::test;

namespace {

struct running_fetch {
    std::vector<fetch_item> items;
    bool done = false;
};

task<void> run(event_loop& here, std::shared_ptr<running_fetch> self, fetch_limits limits) {
    auto fetching = fetch(here, self->items, limits);
    co_await fetching;
    CHECK(here.running_here());
    self->done = true;
}

fetch_item read_of(std::shared_ptr<partition> who, std::int64_t offset, std::uint64_t max_bytes = 1 << 20) {
    fetch_item item;
    item.who = std::move(who);
    item.request.offset = offset;
    item.request.max_bytes = max_bytes;
    return item;
}

struct fetch_fixture : replica_fixture {
    std::shared_ptr<running_fetch> start(std::vector<fetch_item> items, std::uint64_t min_bytes = 1, nanoseconds patience = 500ms,
                                         std::uint64_t max_bytes = 1 << 20) {
        auto made = std::make_shared<running_fetch>();
        made->items = std::move(items);
        fetch_limits limits;
        limits.min_bytes = min_bytes;
        limits.max_bytes = max_bytes;
        limits.deadline = loop.now() + patience;
        limits.parked = &parked;
        spawn(run(loop, made, limits));
        return made;
    }
    metrics::gauge parked;
    void settle() {
        loop.run_ready();
        loop.advance(5ms);
    }
};

}  // namespace

TEST_CASE_FIXTURE(fetch_fixture, "a fetch with data to read is answered at once") {
    const auto orders = lead("orders");
    append(*orders, {"a", "b"});
    settle();
    const auto reader = start({read_of(orders, 0)});
    REQUIRE(reader->done);
    const auto& answer = reader->items[0].answer;
    CHECK(answer.code == errc::none);
    CHECK(text_of(answer.records) == "0=a 1=b ");
    CHECK(answer.high_watermark == 2);
    CHECK(answer.log_start_offset == 0);
}

TEST_CASE_FIXTURE(fetch_fixture, "records that are not committed are not served") {
    const auto orders = lead("orders");
    append(*orders, {"a"});
    const auto reader = start({read_of(orders, 0)});
    CHECK_FALSE(reader->done);
    settle();  // the flush wakes it
    loop.run_ready();
    REQUIRE(reader->done);
    CHECK(text_of(reader->items[0].answer.records) == "0=a ");
}

TEST_CASE_FIXTURE(fetch_fixture, "an empty fetch waits for its deadline, and says how far the partition is") {
    const auto orders = lead("orders");
    append(*orders);
    settle();
    const auto reader = start({read_of(orders, 1)});
    loop.advance(499ms);
    CHECK_FALSE(reader->done);
    loop.advance(1ms);
    REQUIRE(reader->done);
    CHECK(reader->items[0].answer.records.size == 0);
    CHECK(reader->items[0].answer.high_watermark == 1);
    CHECK(reader->items[0].answer.last_stable_offset == 1);
    CHECK_FALSE(loop.next());
}

TEST_CASE_FIXTURE(fetch_fixture, "min.bytes is waited for over several appends") {
    const auto orders = lead("orders");
    const auto reader = start({read_of(orders, 0)}, 150);
    append(*orders, {"a"});
    settle();
    loop.run_ready();
    CHECK_FALSE(reader->done);  // one batch of 69 bytes
    append(*orders, {"b"});
    settle();
    loop.run_ready();
    CHECK_FALSE(reader->done);
    append(*orders, {"c"});
    settle();
    loop.run_ready();
    REQUIRE(reader->done);
    CHECK(text_of(reader->items[0].answer.records) == "0=a 1=b 2=c ");
}

TEST_CASE_FIXTURE(fetch_fixture, "min.bytes counts all partitions together") {
    const auto orders = lead("orders");
    const auto clicks = lead("clicks");
    append(*orders, {"a"});
    append(*clicks, {"b"});
    settle();
    CHECK(start({read_of(orders, 0), read_of(clicks, 0)}, 130)->done);
    CHECK_FALSE(start({read_of(orders, 0), read_of(clicks, 0)}, 200)->done);
}

TEST_CASE_FIXTURE(fetch_fixture, "the budget is spent in the order of the partitions, whole batches only") {
    const auto orders = lead("orders");
    const auto clicks = lead("clicks");
    const auto views = lead("views");
    for (const auto& each : {orders, clicks, views}) append(*each, {"a"});
    settle();
    const auto reader = start({read_of(orders, 0), read_of(clicks, 0), read_of(views, 0)}, 1, 500ms, 69 * 2 + 10);
    REQUIRE(reader->done);
    CHECK(text_of(reader->items[0].answer.records) == "0=a ");
    CHECK(text_of(reader->items[1].answer.records) == "0=a ");
    CHECK(text_of(reader->items[2].answer.records).empty());
    CHECK(reader->items[2].answer.code == errc::none);
    CHECK(reader->items[2].answer.high_watermark == 1);
}

TEST_CASE_FIXTURE(fetch_fixture, "the first batch comes whole even when it is larger than every limit") {
    const auto orders = lead("orders");
    const auto clicks = lead("clicks");
    append(*orders, {std::string(5000, 'x')});
    append(*clicks, {std::string(5000, 'y')});
    settle();
    const auto reader = start({read_of(orders, 0, 100), read_of(clicks, 0, 100)}, 1, 500ms, 100);
    REQUIRE(reader->done);
    CHECK(reader->items[0].answer.records.size > 5000);
    const auto& second = reader->items[1].answer.records;  // at most a cut batch: the reader is full
    CHECK(second.size <= 100);
}

TEST_CASE_FIXTURE(fetch_fixture, "one partition's error is told at once, beside the others' answers") {
    const auto orders = lead("orders");
    const auto clicks = lead("clicks");
    append(*orders);
    settle();
    const auto reader = start({read_of(orders, 1), read_of(clicks, 17)});
    REQUIRE(reader->done);
    CHECK(reader->items[0].answer.code == errc::none);
    CHECK(reader->items[1].answer.code == errc::offset_out_of_range);
}

TEST_CASE_FIXTURE(fetch_fixture, "beside an error nothing is said of the partition") {
    const auto orders = lead("orders");
    append(*orders);
    settle();
    auto beyond = read_of(orders, 2);
    auto fenced = read_of(orders, 0);
    fenced.request.current_leader_epoch = 9;
    const auto reader = start({beyond, fenced});
    REQUIRE(reader->done);
    CHECK(reader->items[0].answer.code == errc::offset_out_of_range);
    CHECK(reader->items[1].answer.code == errc::unknown_leader_epoch);
    for (const auto& item : reader->items) {
        CHECK(item.answer.high_watermark == -1);
        CHECK(item.answer.last_stable_offset == -1);
        CHECK(item.answer.log_start_offset == -1);
    }
}

TEST_CASE_FIXTURE(fetch_fixture, "a reader that waits is woken when leadership ends") {
    const auto orders = lead("orders");
    const auto reader = start({read_of(orders, 0)});
    loop.run_ready();
    CHECK_FALSE(reader->done);
    orders->resign();
    loop.run_ready();
    REQUIRE(reader->done);
    CHECK(reader->items[0].answer.code == errc::not_leader_or_follower);
}

TEST_CASE_FIXTURE(fetch_fixture, "a reader whose log diverged is told where, at once") {
    const auto orders = lead("orders");
    append(*orders);
    append(*orders);
    settle();
    orders->lead(5);
    append(*orders);
    settle();
    auto item = read_of(orders, 3);
    item.request.last_fetched_epoch = 0;  // it has three records of epoch 0, of which we have two
    const auto reader = start({item});
    REQUIRE(reader->done);
    const auto& diverging = reader->items[0].answer.diverging;
    REQUIRE(diverging);
    CHECK(diverging->epoch == 0);
    CHECK(diverging->end_offset == 2);
}

TEST_CASE("a fetch over two cores misses no append, whenever it comes") {
    // The append is posted after each possible number of events, so that it falls before, between and after the look
    // and the park.
    int tried = 0;
    for (bool parked = false; !parked; ++tried) {
        CAPTURE(tried);
        sim::world world{7};
        const auto node = world.add_node("broker", 2);
        auto& files = world.disk(node);
        REQUIRE(files.create_directories("/data"));
        auto& here = world.loop(node, 0);
        auto& there = world.loop(node, 1);
        flusher flush_here{here, files};
        flusher flush_there{there, files};
        const auto make = [&](const std::string& topic, event_loop& home, flusher& flush) {
            auto log = open_log(files, home, topic, 0);
            const partition_id id{log->topic_id(), 0};
            return std::make_shared<partition>(id, topic, std::move(log), home, flush);
        };
        const auto near = make("near", here, flush_here);
        const auto far = make("far", there, flush_there);
        here.post([&] { near->lead(0); });
        const auto write = [&](const char* value) {
            auto batch = weir::test::make_batch({value}, there.wall_now());
            REQUIRE(far->append(batch, storage::append_origin::client));
        };
        there.post([&] {
            far->lead(0);
            write("early");
        });
        world.run_for(100ms);

        auto reader = std::make_shared<running_fetch>();
        reader->items = {read_of(near, 0), read_of(far, 0)};
        fetch_limits limits;
        limits.min_bytes = 100;  // more than is there: it looks on the other core before it parks
        limits.max_bytes = 1 << 20;
        limits.deadline = here.now() + 3600s;
        here.post([&] { spawn(run(here, reader, limits)); });
        for (int i = 0; i < tried; ++i) world.step();
        parked = world.now() >= limits.deadline;  // nothing was left to happen before it
        if (parked) {
            world.kill(node);  // or the fetch would go with the world, after the flushers
            break;
        }
        there.post([&] { write("late"); });
        const auto began = world.now();
        REQUIRE(world.run_until([&] { return reader->done; }, 7200s));
        CHECK(world.now() - began < 1s);
        CHECK(text_of(reader->items[1].answer.records) == "0=early 1=late ");
        world.run_for(1s);
    }
    CHECK(tried > 4);
}

TEST_CASE_FIXTURE(fetch_fixture, "a fetch is counted as parked while it waits, and not while it reads") {
    const auto orders = lead("orders");
    append(*orders);
    settle();
    const auto reader = start({read_of(orders, 0)});
    REQUIRE(reader->done);
    CHECK(parked.value() == 0);
    const auto first = start({read_of(orders, 1)});
    const auto second = start({read_of(orders, 1)}, 1, 5s);
    CHECK(parked.value() == 2);
    loop.advance(501ms);
    CHECK(first->done);
    CHECK(parked.value() == 1);
    append(*orders);
    settle();
    loop.run_ready();
    REQUIRE(second->done);
    CHECK(parked.value() == 0);
}

TEST_CASE("a fetch on its way to another core is not parked") {
    sim::world world{7};
    const auto node = world.add_node("broker", 2);
    auto& files = world.disk(node);
    REQUIRE(files.create_directories("/data"));
    auto& here = world.loop(node, 0);
    auto& there = world.loop(node, 1);
    flusher flush{there, files};
    auto log = open_log(files, there, "orders", 0);
    const partition_id id{log->topic_id(), 0};
    const auto orders = std::make_shared<partition>(id, "orders", std::move(log), there, flush);
    const auto reader = std::make_shared<running_fetch>();
    metrics::gauge parked;
    there.post([&] {
        orders->lead(0);
        auto batch = weir::test::make_batch({"a"}, there.wall_now());
        CHECK(orders->append(batch, storage::append_origin::client));
    });
    world.run_for(1s);
    here.post([&] {
        reader->items = {read_of(orders, 0)};
        fetch_limits limits;
        limits.max_bytes = 1 << 20;
        limits.deadline = here.now() + 1s;
        limits.parked = &parked;
        spawn(run(here, reader, limits));
    });
    double most = 0;
    REQUIRE(world.run_until(
        [&] {
            most = std::max(most, parked.value());
            return reader->done;
        },
        10s));
    CHECK(most == 0);
    there.post([&] { orders->resign(); });
    world.run_for(1s);
}

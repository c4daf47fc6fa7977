// Reading what a whole broker has, by assignment.
#include "consumer_fixture.hpp"

#include <map>
#include <set>

using namespace weir;
using namespace weir::test;
using namespace std::chrono_literals;

TEST_CASE_FIXTURE(consumer_fixture, "assigned partitions are read from the beginning, in order, with what is known of each record") {
    REQUIRE(create_topic(*wire, "orders", 2) == 0);
    put(0, {"a", "b"});
    put(1, {"c"});
    open();
    in->assign({orders[0], orders[1]}, at::earliest);
    const auto got = read(3);
    std::map<std::pair<int, std::int64_t>, std::string> placed;
    for (const auto& each : got) {
        CHECK(each.info.topic == "orders");
        CHECK(each.info.time.time_since_epoch().count() > 0);
        CHECK(each.info.leader_epoch == 0);
        placed[{each.info.partition, each.info.offset}] = each.value;
    }
    CHECK(placed == std::map<std::pair<int, std::int64_t>, std::string>{{{0, 0}, "a"}, {{0, 1}, "b"}, {{1, 0}, "c"}});
    const auto nothing = wait(in->poll(200ms));
    REQUIRE(nothing);
    CHECK(nothing->empty());
    put(1, {"d"});
    CHECK(values(read(1)) == std::vector<std::string>{"d"});
    CHECK(in->assignment() == std::vector<topic_partition>{orders[0], orders[1]});
}

TEST_CASE_FIXTURE(consumer_fixture, "where to begin: the ends, an offset, a time, before the end; and seeking there later") {
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    put(0, numbers(0, 5));
    world.run_for(1h);
    const auto late = timestamp{duration{world.loop(desk).wall_now()}};
    put(0, numbers(5, 5));
    open();
    const auto first_after = [&](at::position from) {
        in->seek(orders[0], from);
        return (*wait(in->poll(1000ms))).begin()->value;
    };
    in->assign({orders[0]}, at::before_end(3));
    CHECK((*wait(in->poll(1000ms))).begin()->value == "7");
    CHECK(first_after(at::earliest) == "0");
    CHECK(first_after(at::offset(4)) == "4");
    CHECK(first_after(at::time(late)) == "5");
    CHECK(first_after(at::ago(30min)) == "5");
    CHECK(first_after(at::before_end(100)) == "0");
    in->seek(orders[0], at::latest);
    CHECK((*wait(in->poll(1000ms))).empty());
    put(0, {"new"});
    CHECK((*wait(in->poll(1000ms))).begin()->value == "new");
    in->seek(orders[0], at::time(late + 24h));
    CHECK(*wait(in->position(orders[0])) == 11);
    CHECK(*wait(in->lag()) == 0);
    in->seek(orders[0], at::offset(4));
    CHECK(*wait(in->lag(orders[0])) == 7);
}

TEST_CASE_FIXTURE(consumer_fixture, "a batch is a contiguous range that outlives later polls, and splits by partition") {
    REQUIRE(create_topic(*wire, "orders", 3) == 0);
    for (int p = 0; p < 3; ++p) put(p, numbers(p * 100, 50));
    open();
    in->assign({orders[0], orders[1], orders[2]}, at::earliest);
    std::vector<records<text, std::string>> kept;
    std::size_t count = 0;
    while (count < 150) {
        kept.push_back(*wait(in->poll(1000ms)));
        count += kept.back().size();
    }
    std::map<std::int32_t, std::vector<std::string>> found;
    for (const auto& batch : kept) {
        static_assert(std::contiguous_iterator<decltype(batch.begin())>);
        std::size_t sum = 0;
        std::set<std::int32_t> once;
        for (const auto& part : batch.by_partition()) {
            CHECK(once.insert(part.where.partition).second);
            sum += part.size();
            for (const auto& each : part) found[part.where.partition].push_back(each.value);
        }
        CHECK(sum == batch.size());
        const auto next = batch.next_offsets();
        CHECK(next.size() == once.size());
        for (const auto& each : next) {
            CHECK(once.contains(each.where.partition));
            CHECK(each.offset == static_cast<std::int64_t>(found[each.where.partition].size()));
            CHECK(each.leader_epoch >= 0);
        }
    }
    for (int p = 0; p < 3; ++p) CHECK(found[p] == numbers(p * 100, 50));
}

TEST_CASE_FIXTURE(consumer_fixture, "raw bytes are views into what was fetched; next() gives one record at a time") {
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    put(0, {"shoes", "hat"});
    consumer raw{*kafka, consumer_config{}};
    raw.assign({orders[0]}, at::earliest);
    const auto first = wait(raw.next());
    REQUIRE_MESSAGE(first, first.error().message());
    CHECK(as_text(first->value) == "shoes");
    const auto rest = wait(raw.poll());
    REQUIRE(rest->size() == 1);
    CHECK(as_text((*rest)[0].value) == "hat");
    CHECK((*rest)[0].key.data() == nullptr);
    auto later = raw.next();
    world.run_for(2s);
    CHECK_FALSE(later.ready());
    put(0, {"scarf"});
    CHECK(as_text((*wait(later)).value) == "scarf");
}

TEST_CASE_FIXTURE(consumer_fixture, "a paused partition gives nothing until it is resumed, and then goes on where it was") {
    REQUIRE(create_topic(*wire, "orders", 2) == 0);
    put(0, numbers(0, 20));
    put(1, numbers(100, 20));
    consumer_config few;
    few.max_poll_records = 5;
    open(std::move(few));
    in->assign({orders[0], orders[1]}, at::earliest);
    std::vector<std::string> first, second;
    const auto sort = [&](const records<text, std::string>& batch) {
        for (const auto& each : batch) (each.info.partition == 0 ? first : second).push_back(each.value);
    };
    sort(*wait(in->poll()));
    in->pause({orders[0]});
    world.run_for(10ms);
    const auto before = first.size();
    for (int i = 0; i < 10; ++i) sort(*wait(in->poll(300ms)));
    CHECK(first.size() == before);
    CHECK(second == numbers(100, 20));
    in->resume({orders[0]});
    for (int i = 0; i < 10; ++i) sort(*wait(in->poll(300ms)));
    CHECK(first == numbers(0, 20));
}

TEST_CASE_FIXTURE(consumer_fixture, "stop ends a waiting poll and every later one; status stays quiet") {
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    open();
    in->assign({orders[0]}, at::earliest);
    auto waiting = in->poll();
    world.run_for(5s);
    CHECK_FALSE(waiting.ready());
    in->stop();
    CHECK(wait(waiting).code() == errc::closed);
    CHECK(wait(in->poll()).code() == errc::closed);
    CHECK_FALSE(in->status());
    CHECK(wait(in->close()));
}

TEST_CASE_FIXTURE(consumer_fixture, "two polls at once are refused; a cancelled one makes room for the next") {
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    open();
    in->assign({orders[0]}, at::earliest);
    auto first = in->poll();
    CHECK(wait(in->poll()).code() == errc::wrong_thread);
    first.cancel();
    CHECK(wait(first).code() == errc::cancelled);
    put(0, {"a"});
    CHECK((*wait(in->poll())).size() == 1);
}

TEST_CASE_FIXTURE(consumer_fixture, "what brokers know of offsets is there to ask") {
    REQUIRE(create_topic(*wire, "orders", 2) == 0);
    put(0, numbers(0, 5));
    world.run_for(1h);
    const auto late = timestamp{duration{world.loop(desk).wall_now()}};
    put(0, numbers(5, 5));
    open();
    CHECK((*wait(in->partitions_for("orders"))).size() == 2);
    CHECK((*wait(in->beginning_offsets({orders[0]})))[0].offset == 0);
    const auto ends = *wait(in->end_offsets({orders[1], orders[0]}));
    CHECK(ends[0].where == orders[1]);
    CHECK(ends[0].offset == 0);
    CHECK(ends[1].offset == 10);
    const auto found = *wait(in->offsets_for_times({{orders[0], late}, {orders[0], late + 24h}, {orders[1], late}}));
    CHECK(found[0].offset == 5);
    CHECK(found[0].time >= late);
    CHECK(found[1].offset == -1);
    CHECK(found[2].offset == -1);
}

TEST_CASE_FIXTURE(consumer_fixture, "records go on coming in order, each once, through restarts of the broker") {
    REQUIRE(create_topic(*wire, "orders", 2) == 0);
    open();
    in->assign({orders[0], orders[1]}, at::earliest);
    std::map<std::int32_t, std::vector<std::string>> found;
    std::map<std::int32_t, std::vector<std::string>> sent;
    for (int round = 0; round < 6; ++round) {
        for (int p = 0; p < 2; ++p) {
            const auto some = numbers(round * 1000 + p * 100, 30);
            put(p, some);
            sent[p].insert(sent[p].end(), some.begin(), some.end());
        }
        for (int i = 0; i < round; ++i) for (const auto& each : *wait(in->poll(100ms))) found[each.info.partition].push_back(each.value);
        if (round % 2 == 0) kill();
        else power_cut();
        start();
        reconnect();
    }
    const auto until = world.now() + 120s;
    while (world.now() < until && (found[0].size() < 180 || found[1].size() < 180)) for (const auto& each : *wait(in->poll(1000ms))) found[each.info.partition].push_back(each.value);
    CHECK(found == sent);
}

TEST_CASE_FIXTURE(consumer_fixture, "a consumer that closes leaves no fetch session at the broker, and does not wait for its last fetch") {
    kill();
    overrides = {"max.incremental.fetch.session.cache.slots=1"};
    start();
    reconnect();
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    put(0, {"a"});
    // How many of sixteen clients, which reach every core of the broker, are given a session: one where a core has room for it.
    const auto granted = [&] {
        protocol::fetch_request request;
        request.session_epoch = 0;
        request.max_bytes = 1000;
        auto& topic = request.topics.emplace_back();
        topic.topic = "orders";
        topic.partitions.emplace_back().partition_max_bytes = 1000;
        int count = 0;
        for (int i = 0; i < 16; ++i) count += connect().call(request, 12).session_id != 0 ? 1 : 0;
        return count;
    };
    open();
    in->assign({orders[0]}, at::earliest);
    read(1);
    world.run_for(100ms);
    CHECK(granted() == 1);  // the other of its two cores
    const auto began = world.now();
    REQUIRE(wait(in->close()));
    CHECK(world.now() - began < 100ms);
    CHECK(granted() == 1);
}

TEST_CASE_FIXTURE(consumer_fixture, "what is paused can be asked, as it was said last") {
    REQUIRE(create_topic(*wire, "orders", 2) == 0);
    put(0, {"a"});
    put(1, {"b"});
    open();
    in->assign({orders[0], orders[1]}, at::earliest);
    REQUIRE(read(2).size() == 2);
    using partitions = std::vector<topic_partition>;
    in->pause({orders[1], {"other", 0}});
    CHECK(in->paused() == partitions{orders[1]});
    in->resume(in->paused());
    CHECK(in->paused() == partitions{});
    world.run_for(1s);
    CHECK(in->paused() == partitions{});
    put(1, {"c"});
    CHECK(values(read(1)) == std::vector<std::string>{"c"});
    in->pause({orders[0]});
    world.run_for(1s);
    in->seek(orders[0], at::earliest);
    world.run_for(1s);
    CHECK(in->paused() == partitions{orders[0]});
    CHECK((*wait(in->poll(500ms))).empty());
    in->assign({orders[1]});
    world.run_for(1s);
    CHECK(in->paused() == partitions{});
}

TEST_CASE_FIXTURE(consumer_fixture, "what is subscribed to can be asked") {
    open();
    CHECK(in->subscription().empty());  // no group
    consumer_config config;
    config.group_id = "readers";
    open(std::move(config));
    CHECK(in->subscription().topics == std::vector<std::string>{"orders"});
    in->subscribe({"payments", "refunds"});
    CHECK(in->subscription().topics == std::vector<std::string>{"payments", "refunds"});
    in->subscribe_matching("log-.*");
    CHECK(in->subscription().topics.empty());
    CHECK(in->subscription().pattern == "log-.*");
    in->unsubscribe();
    CHECK(in->subscription().empty());
    in->assign({orders[0]});
    CHECK(in->subscription().empty());
}

TEST_CASE_FIXTURE(consumer_fixture, "the topics there are, with their partitions, whether read or not") {
    REQUIRE(create_topic(*wire, "orders", 2) == 0);
    REQUIRE(create_topic(*wire, "lines", 1) == 0);
    open();
    const auto all = wait(in->list_topics());
    REQUIRE_MESSAGE(all, all.error().message());
    REQUIRE(all->contains("orders"));
    REQUIRE(all->contains("lines"));
    const auto& parts = all->at("orders");
    REQUIRE(parts.size() == 2);
    for (std::int32_t i = 0; i < 2; ++i) {
        CHECK(parts[static_cast<std::size_t>(i)].partition == i);
        CHECK(parts[static_cast<std::size_t>(i)].leader >= 0);
        CHECK(parts[static_cast<std::size_t>(i)].leader_epoch == 0);
    }
    world.kill(machine);  // nobody answers: it says so in its time
    node.reset();
    consumer_config hasty;
    hasty.default_api_timeout = 5s;
    open(std::move(hasty));
    const auto began = world.now();
    CHECK_FALSE(wait(in->list_topics()));
    CHECK(world.now() - began < 40s);
}

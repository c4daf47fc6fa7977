// Records that cannot be read, logs that lose records, brokers that stay away.
#include "consumer_fixture.hpp"

#include <weir/protocol/messages/delete_records.hpp>
#include <weir/protocol/messages/delete_topics.hpp>

#include <algorithm>
#include <map>

using namespace weir;
using namespace weir::test;
using namespace std::chrono_literals;

namespace {

const topic<none, std::int64_t> plain_numbers{"orders"};

struct trouble_fixture : consumer_fixture {
    /// Three numbers with a text in the middle.
    void put_mixed() {
        REQUIRE(create_topic(*wire, "orders", 1) == 0);
        put(0, {std::string{"\0\0\0\0\0\0\0\1", 8}, "oops", std::string{"\0\0\0\0\0\0\0\3", 8}});
    }
};

}  // namespace

TEST_CASE_FIXTURE(trouble_fixture, "a record that cannot be decoded stops the reader where it is, and seeking past it goes on") {
    put_mixed();
    consumer of{*kafka, consumer_config{}, plain_numbers};
    of.assign({orders[0]}, at::earliest);
    const auto first = *wait(of.poll());
    REQUIRE(first.size() == 1);
    CHECK(first.begin()->value == 1);
    for (int i = 0; i < 2; ++i) {
        const auto bad = wait(of.poll());
        CHECK(bad.code() == errc::malformed);
        CHECK(bad.error().topic() == "orders");
        CHECK(bad.error().partition() == 0);
        CHECK(bad.error().offset() == 1);
        CHECK(std::string{bad.error().what()}.find("orders-0: the record at offset 1 cannot be decoded: value: ") == 0);
        CHECK(of.status().code() == errc::malformed);
    }
    of.seek(orders[0], at::offset(2));
    CHECK((*wait(of.poll())).begin()->value == 3);
    CHECK_FALSE(of.status());
}

TEST_CASE_FIXTURE(trouble_fixture, "... or is passed over") {
    put_mixed();
    consumer_config passing;
    passing.on_bad_record = on_bad_record::skip;
    consumer skips{*kafka, std::move(passing), plain_numbers};
    skips.assign({orders[0]}, at::earliest);
    const auto rest = *wait(skips.poll());
    REQUIRE(rest.size() == 2);
    CHECK(rest[1].value == 3);
    CHECK(rest[1].info.offset == 2);
}

TEST_CASE_FIXTURE(trouble_fixture, "... and a poll goes on waiting for one that can be decoded, however its outcome is waited for") {
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    consumer_config passing;
    passing.on_bad_record = on_bad_record::skip;
    consumer skips{*kafka, std::move(passing), plain_numbers};
    skips.assign({orders[0]}, at::earliest);
    const auto began = world.now();
    auto in_vain = skips.poll(5s);
    world.run_for(1s);
    put(0, {"oops", "oops"});
    CHECK((*wait(in_vain)).empty());
    CHECK(world.now() - began >= 5s);
    std::vector<std::int64_t> heard;
    skips.poll(60s).then([&](result<records<none, std::int64_t>> got) {
        REQUIRE(got);
        for (const auto& each : *got) heard.push_back(each.info.offset);
    });
    world.run_for(1s);
    put(0, {"oops"});
    world.run_for(1s);
    CHECK(heard.empty());
    put(0, {"oops", std::string{"\0\0\0\0\0\0\0\3", 8}});
    world.run_for(1s);
    CHECK(heard == std::vector<std::int64_t>{4});
}

TEST_CASE_FIXTURE(trouble_fixture, "a record with a header, a null and a time reads as it was sent") {
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    const topic<text, text> nullable{"orders"};
    out.emplace(*kafka);
    send_options options;
    options.time = timestamp{duration{1'700'000'000'123}};
    options.headers.push_back({"trace", to_bytes("abc")});
    options.headers.push_back({"empty", std::nullopt});
    (void)wait(out->enqueue(nullable, "first", "makes the topic known"));
    REQUIRE(wait(out->send(nullable, "k", std::nullopt, options)));
    consumer of{*kafka, consumer_config{}, nullable};
    of.assign({orders[0]}, at::offset(1));
    const auto got = *wait(of.poll());
    REQUIRE(got.size() == 1);
    CHECK(got[0].key == "k");
    CHECK_FALSE(got[0].value);
    CHECK(got[0].info.time == *options.time);
    REQUIRE(got[0].info.headers.size() == 2);
    CHECK(as_text(*got[0].info.headers.find("trace")->value) == "abc");
    CHECK_FALSE(got[0].info.headers.find("empty")->value);
}

TEST_CASE_FIXTURE(trouble_fixture, "records that a power cut took: the log is shorter than what was read, and the reader is told") {
    REQUIRE(create_topic(*wire, "orders", 1, {{"flush.before.ack", "false"}}) == 0);
    put(0, numbers(0, 5));
    std::vector<errc> heard;
    consumer_config config;
    config.on_error = [&](const error& why) { heard.push_back(why.code()); };
    SUBCASE("with a policy it goes on at the new end") {
        config.start = at::earliest;
        open(std::move(config));
        in->assign({orders[0]}, at::earliest);
        CHECK(read(5).size() == 5);
        power_cut(sim::unsynced::lost);
        start();
        reconnect();
        (void)wait(in->poll(5s));
        put(0, {"new"});
        const auto rest = read(1);
        CHECK(rest.back().value == "new");
        CHECK(rest.back().info.offset < 5);
        CHECK(heard == std::vector<errc>{errc::log_truncated});
        return;
    }
    SUBCASE("without one it stops") {
        config.start = at::none;
        open(std::move(config));
        in->assign({orders[0]}, at::earliest);
        CHECK(read(5).size() == 5);
        power_cut(sim::unsynced::lost);
        start();
        const auto cut = wait(in->poll(30s));
        CHECK(cut.code() == errc::log_truncated);
        CHECK(cut.error().topic() == "orders");
    }
}

TEST_CASE_FIXTURE(trouble_fixture, "who seeks to what was committed, with its leader epoch, hears that the log has lost what was before it") {
    REQUIRE(create_topic(*wire, "orders", 1, {{"flush.before.ack", "false"}}) == 0);
    put(0, numbers(0, 5));
    consumer_config config;
    config.start = at::none;
    config.group_id = "readers";
    config.auto_commit = false;
    open(std::move(config));
    in->assign({orders[0]}, at::earliest);
    const auto last = read(5).back().info;
    CHECK(last.leader_epoch >= 0);
    power_cut(sim::unsynced::lost);
    start();
    reconnect();
    put(0, numbers(10, 9));
    partition_offset there;
    there.where = orders[0];
    there.offset = 5;
    there.metadata = "half of it";
    consumer_config anew;
    anew.start = at::none;
    open(std::move(anew));
    in->assign({orders[0]}, at::earliest);
    const auto epoch_now = read(9).back().info.leader_epoch;  // it knows the new leader
    SUBCASE("without the epoch nobody can tell") {
        in->seek(there);
        CHECK(read(1).front().info.offset == 5);
    }
    SUBCASE("with it") {
        there.leader_epoch = last.leader_epoch;
        in->seek(there);
        const auto cut = wait(in->poll(30s));
        CHECK(cut.code() == errc::log_truncated);
        CHECK(cut.error().topic() == "orders");
        there.leader_epoch = epoch_now;
        in->seek(there);
        CHECK(read(1).front().info.offset == 5);
    }
    SUBCASE("where nothing was committed, start says where to go on") {
        partition_offset nothing;
        nothing.where = orders[0];
        in->seek(nothing);
        CHECK(wait(in->poll(30s)).code() == errc::no_offset);
    }
}

TEST_CASE_FIXTURE(trouble_fixture, "a broker that stays away is an error event, once, and not silence") {
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    put(0, {"a"});
    std::vector<error> heard;
    consumer_config config;
    config.on_error = [&](const error& why) { heard.push_back(why); };
    open(std::move(config));
    in->assign({orders[0]}, at::earliest);
    CHECK(read(1).size() == 1);
    put(0, {"b"});
    world.kill(machine);
    (void)wait(in->poll(100s));
    in->seek(orders[0], at::earliest);
    (void)wait(in->poll(100s));
    REQUIRE(heard.size() == 1);
    CHECK(heard[0].code() == errc::stalled);
    CHECK(heard[0].topic() == "orders");
    CHECK(heard[0].message().find("nothing was fetched for") != std::string::npos);
    node.reset();
    world.restart(machine);
    start();
    CHECK(read(2).size() == 2);
}

TEST_CASE_FIXTURE(trouble_fixture, "a broker without TLS: who assigned partitions, or asks about a topic, hears it at once") {
    client_config config;
    config.tls.enabled = true;
    client encrypted{world.loop(desk), world.net(desk), world.random()(), "broker:9092", std::move(config)};
    consumer of{encrypted, consumer_config{}, orders};
    of.assign({orders[0]}, at::earliest);
    const auto began = world.now();
    const auto got = wait(of.poll());
    CHECK(got.code() == errc::tls_failed);
    CHECK(got.error().message().find("broker:9092") != std::string::npos);
    CHECK(wait(of.partitions_for("orders")).code() == errc::tls_failed);
    CHECK(world.now() - began < 10s);
}

TEST_CASE_FIXTURE(trouble_fixture, "records that were deleted: the reader goes on as auto.offset.reset says") {
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    put(0, numbers(0, 20));
    protocol::delete_records_request away;
    away.timeout_ms = 10'000;
    auto& topic = away.topics.emplace_back();
    topic.name = "orders";
    auto& part = topic.partitions.emplace_back();
    part.partition_index = 0;
    part.offset = 12;
    REQUIRE(wire->call(away, 2).topics.at(0).partitions.at(0).error_code == 0);
    consumer_config config;
    config.start = at::earliest;
    open(std::move(config));
    in->assign({orders[0]}, at::offset(1));
    CHECK(read(1).front().info.offset == 12);
    consumer_config strict;
    strict.start = at::none;
    open(std::move(strict));
    in->assign({orders[0]}, at::offset(1));
    const auto refused = wait(in->poll());
    CHECK(refused.code() == errc::no_offset);
    CHECK(refused.error().offset() == 1);
}

TEST_CASE_FIXTURE(trouble_fixture, "a topic that is deleted and made anew is read anew, whatever it has where the reader was") {
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    put(0, numbers(0, 5));
    consumer_config config;
    config.start = at::earliest;
    std::vector<error> heard;
    config.on_error = [&](const error& why) { heard.push_back(why); };
    config.allow_auto_create_topics = false;
    SUBCASE("alone") {}
    SUBCASE("in a group") { config.group_id = "readers"; }
    open(std::move(config));
    in->assign({orders[0]});
    CHECK(values(read(5)) == numbers(0, 5));
    if (wire->closed()) reconnect();
    protocol::delete_topics_request gone;
    gone.topic_names = {"orders"};
    gone.timeout_ms = 5'000;
    REQUIRE(wire->call(gone, 5).responses.at(0).error_code == 0);
    world.run_for(100ms);
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    put(0, numbers(100, 9));
    CHECK(values(read(9)) == numbers(100, 9));
    REQUIRE_FALSE(heard.empty());
    CHECK(heard[0].code() == errc::unknown_topic_id);
    CHECK(heard[0].topic() == "orders");
    CHECK(std::string{heard[0].what()}.find("orders-0: the topic was deleted and made anew") == 0);
}

TEST_CASE_FIXTURE(trouble_fixture, "a topic that does not exist yet is read once it does") {
    overrides = {"auto.create.topics.enable=false"};
    kill();
    start();
    reconnect();
    open();
    in->assign({orders[0]}, at::earliest);
    CHECK((*wait(in->poll(5s))).empty());
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    put(0, {"a"});
    CHECK(values(read(1)) == std::vector<std::string>{"a"});
}

TEST_CASE_FIXTURE(trouble_fixture, "what batches are decompressed to counts, and a reader that keeps them waits for room") {
    REQUIRE(create_topic(*wire, "orders", 2) == 0);
    producer_config packed;
    packed.compression = compression::zstd;
    packed.max_request_size = 45'000;
    out.emplace(*kafka, std::move(packed));
    REQUIRE(wait(out->partitions_for("orders")));
    fill(0, 0, 40, 20'000);
    fill(1, 100, 40, 20'000);
    out.reset();
    consumer_config small;
    small.buffer_memory = 400'000;
    small.max_poll_records = 1;
    open(std::move(small));
    in->assign({orders[0], orders[1]}, at::earliest);
    std::vector<records<text, std::string>> kept;
    std::vector<std::string> got;
    std::uint64_t most = 0;
    for (int dry = 0; got.size() < 80 && dry < 100;) {
        auto batch = *wait(in->poll(200ms));
        const auto now = kafka->metrics().consumers.at(0);
        most = std::max(most, now.buffered_bytes);
        CHECK(now.buffer_bytes == 400'000);
        if (batch.empty()) {
            ++dry;
            kept.clear();
            continue;
        }
        got.push_back(batch[0].value.substr(0, batch[0].value.find(' ')));
        kept.push_back(std::move(batch));
    }
    CHECK(most > 100'000);
    CHECK(most <= 400'000);
    std::sort(got.begin(), got.end());
    auto all = numbers(0, 40);
    for (auto& each : numbers(100, 40)) all.push_back(each);
    std::sort(all.begin(), all.end());
    CHECK(got == all);
}

TEST_CASE_FIXTURE(trouble_fixture, "fetching stops at the byte bound, whatever waits, and partitions take turns") {
    REQUIRE(create_topic(*wire, "orders", 8) == 0);
    for (int p = 0; p < 8; ++p) for (int i = 0; i < 10; ++i) put(p, {std::string(20'000, static_cast<char>('a' + p))});
    consumer_config small;
    small.buffer_memory = 200'000;
    small.max_partition_fetch_bytes = 50'000;
    small.max_poll_records = 1;
    std::vector<error> heard;
    small.stall_timeout = 5s;
    small.on_error = [&](const error& why) { heard.push_back(why); };
    open(std::move(small));
    std::vector<topic_partition> all;
    for (int p = 0; p < 8; ++p) all.push_back(orders[p]);
    in->assign(all, at::earliest);
    std::vector<records<text, std::string>> kept;
    std::map<std::int32_t, int> count;
    for (int i = 0; i < 200; ++i) {
        auto batch = *wait(in->poll(200ms));
        if (batch.empty()) break;
        ++count[batch[0].info.partition];
        kept.push_back(std::move(batch));
    }
    // Batches in use count: some 200 kB of records, and no more.
    CHECK(kept.size() >= 5);
    CHECK(kept.size() <= 11);
    (void)wait(in->poll(20s));
    REQUIRE_FALSE(heard.empty());
    CHECK(heard[0].code() == errc::stalled);
    CHECK(heard[0].message().find("buffer.memory=200000") != std::string::npos);
    kept.clear();
    std::size_t total = 0;
    for (const auto& [partition, records] : count) total += static_cast<std::size_t>(records);
    while (total < 80) {
        const auto batch = *wait(in->poll(1s));
        REQUIRE_FALSE(batch.empty());
        ++count[batch[0].info.partition];
        ++total;
    }
    for (const auto& [partition, records] : count) CHECK(records == 10);
}

TEST_CASE("a configuration that cannot be says which setting, its value and what is allowed") {
    const auto refused = [](consumer_config config) {
        sim::world world{1};
        const auto desk = world.add_node("desk");
        try {
            consumer of{client{world.loop(desk), world.net(desk), world.random()(), "broker:9092", client_config{}}, std::move(config)};
        } catch (const exception& why) {
            return std::string{why.error().what()};
        }
        return std::string{};
    };
    consumer_config beats;
    beats.heartbeat_interval = 50s;
    CHECK(refused(std::move(beats)) == "heartbeat.interval.ms=50000: allowed is less than session.timeout.ms=45000");
    consumer_config of_members;
    of_members.group_protocol = group_protocol::consumer;
    of_members.session_timeout = 10s;
    CHECK(refused(std::move(of_members)) == "session.timeout.ms=10000: allowed with group.protocol=classic; with consumer the coordinator decides (group.consumer.session.timeout.ms)");
    consumer_config by_name;
    by_name.extra = {{"group.protocol", "consumer"}, {"partition.assignment.strategy", "range"}};
    CHECK(refused(std::move(by_name)).find("partition.assignment.strategy=range: allowed with group.protocol=classic") == 0);
    consumer_config of_coordinator;
    of_coordinator.remote_assignor = "uniform";
    CHECK(refused(std::move(of_coordinator)) == "group.remote.assignor=uniform: allowed with group.protocol=consumer; with classic it is partition.assignment.strategy");
    consumer_config of_no_group;
    of_no_group.extra = {{"enable.auto.commit", "true"}};
    CHECK(refused(std::move(of_no_group)) == "enable.auto.commit=true: needs group.id, where offsets are committed; without it only false is allowed");
    consumer_config of_no_group_either;
    of_no_group_either.extra = {{"auto.commit.enable", "true"}};
    CHECK(refused(std::move(of_no_group_either)).find("needs group.id") != std::string::npos);
    consumer_config asks_for_none;
    asks_for_none.extra = {{"enable.auto.commit", "false"}};
    CHECK(refused(std::move(asks_for_none)).empty());
    CHECK(refused(consumer_config{}).empty());  // nobody asked
    consumer_config nothing_to_agree_on;
    nothing_to_agree_on.assignors.clear();
    CHECK(refused(std::move(nothing_to_agree_on)) == "partition.assignment.strategy=: allowed are range, roundrobin, sticky and cooperative-sticky, one or several");
    consumer_config start;
    start.start = at::committed;
    CHECK(refused(std::move(start)).find("auto.offset.reset=committed: ") == 0);
    consumer_config named;
    named.extra = {{"auto.offset.reset", "sometimes"}};
    CHECK(refused(std::move(named)).find("auto.offset.reset=sometimes") != std::string::npos);
    consumer_config good;
    good.extra = {{"auto.offset.reset", "by_duration:P1DT2H"}, {"partition.assignment.strategy", "org.apache.kafka.clients.consumer.CooperativeStickyAssignor,range"}, {"queued.max.messages.kbytes", "1024"}};
    CHECK(refused(std::move(good)).empty());
}

// The producer against a whole broker, on simulated machines.
#include "broker_fixture.hpp"
#include "topics.hpp"

#include <weir/producer.hpp>
#include <weir/protocol/messages/delete_topics.hpp>
#include <weir/protocol/messages/metadata.hpp>
#include <weir/protocol/hashes.hpp>

#include <map>
#include <set>

using namespace weir;
using namespace std::chrono_literals;

namespace {

using test::orders;
using test::lines;

struct producer_fixture : broker::test::broker_fixture {
    explicit producer_fixture(std::uint64_t seed = 1) : broker_fixture(seed) {
        start();
        wire.emplace(world, desk, endpoint{"broker", 9092});
    }
    ~producer_fixture() {
        out.reset();
        kafka.reset();
        world.run_for(1s);
    }
    void open(producer_config config = producer_config{}, milliseconds metadata_max_age = 300s) {
        client_config parts;
        parts.metadata_max_age = metadata_max_age;
        kafka.emplace(world.loop(desk), world.net(desk), world.random()(), "broker:9092", std::move(parts));
        out.emplace(*kafka, std::move(config));
    }
    template <class T>
    result<T> wait(op<T> running, nanoseconds patience = 300s) {
        REQUIRE(world.run_until([&] { return running.ready(); }, patience));
        return running.get();
    }
    delivery put(const topic<std::string, std::string>& to, const std::string& key, const std::string& value) {
        auto handed = wait(out->enqueue(to, key, value));
        REQUIRE_MESSAGE(handed, handed.error().message());
        return *handed;
    }
    /// After the broker was restarted: a new wire.
    void reconnect() { wire.emplace(world, desk, endpoint{"broker", 9092}); }

    std::optional<broker::test::wire_client> wire;
    std::optional<client> kafka;
    std::optional<producer> out;
};

}  // namespace

TEST_CASE_FIXTURE(producer_fixture, "a record is delivered with its partition and offset, and reads back as it was sent") {
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    open();
    const auto first = wait(put(orders, "o-1", "shoes"));
    REQUIRE_MESSAGE(first, first.error().message());
    CHECK(first->topic == "orders");
    CHECK(first->partition == 0);
    CHECK(first->offset == 0);
    CHECK((*wait(put(orders, "o-2", "hat"))).offset == 1);
    CHECK(read_all(*wire, "orders", 0) == std::vector<std::pair<std::int64_t, std::string>>{{0, "shoes"}, {1, "hat"}});
}

TEST_CASE_FIXTURE(producer_fixture, "a key goes where Java's producer sends it") {
    REQUIRE(create_topic(*wire, "orders", 100) == 0);
    open();
    // murmur2 of the key, positive, modulo 100: from the reference implementation's own table of hashes.
    for (const auto& [key, hash] : std::map<std::string, std::int32_t>{{"21", -973932308}, {"foobar", -790332482}, {"a-little-bit-long-string", -985981536},
                                                                       {"a-little-bit-longer-string", -1486304829}, {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971}}) {
        const auto sent = wait(put(orders, key, "v"));
        REQUIRE(sent);
        CHECK(sent->partition == (hash & 0x7fffffff) % 100);
    }
}

TEST_CASE_FIXTURE(producer_fixture, "records of a partition keep their order, and a batch holds many") {
    REQUIRE(create_topic(*wire, "orders", 3) == 0);
    open();
    put(orders, "warm", "up");
    std::vector<delivery> sent;
    for (int i = 0; i < 5000; ++i) sent.push_back(out->send(orders, "k" + std::to_string(i % 7), std::to_string(i)));
    const auto flushed = wait(out->flush());
    REQUIRE_MESSAGE(flushed, flushed.error().message());
    std::map<std::int32_t, std::vector<std::pair<std::int64_t, std::string>>> expected;
    for (int i = 0; i < 5000; ++i) {
        auto got = wait(sent[static_cast<std::size_t>(i)]);
        REQUIRE(got);
        expected[got->partition].emplace_back(got->offset, std::to_string(i));
    }
    std::size_t total = 0;
    for (std::int32_t partition = 0; partition < 3; ++partition) {
        auto stored = read_all(*wire, "orders", partition);
        std::erase_if(stored, [](const auto& each) { return each.second == "up"; });
        CHECK(stored == expected[partition]);
        total += stored.size();
    }
    CHECK(total == 5000);
}

TEST_CASE_FIXTURE(producer_fixture, "flush() and close() end after the callbacks of what was sent before") {
    REQUIRE(create_topic(*wire, "orders", 3) == 0);
    int acknowledged = 0, called = 0;
    producer_config config;
    config.on_acknowledgement = [&](const result<record_metadata>&) { ++acknowledged; };
    open(std::move(config));
    const auto send_some = [&] {
        for (int i = 0; i < 100; ++i) put(orders, "k" + std::to_string(i), "v").then([&](const result<record_metadata>&) { ++called; });
    };
    send_some();
    REQUIRE(wait(out->flush()));
    CHECK(called == 100);
    CHECK(acknowledged == 100);
    send_some();
    REQUIRE(wait(out->close()));
    CHECK(called == 200);
    CHECK(acknowledged == 200);
}

TEST_CASE_FIXTURE(producer_fixture, "hooks may send records themselves") {
    REQUIRE(create_topic(*wire, "numbers", 1) == 0);
    REQUIRE(create_topic(*wire, "audit", 1) == 0);
    const topic<std::int64_t, std::int64_t> numbers{"numbers"}, audit{"audit"};
    producer_config config;
    config.on_send = [&](outgoing_record& seen) {
        if (seen.topic == "numbers") (void)out->send(audit, 0x7777777777777777, 0x7777777777777777);
    };
    open(std::move(config));
    REQUIRE(wait(out->partitions_for("numbers")));
    REQUIRE(wait(out->partitions_for("audit")));
    REQUIRE(wait(out->send(numbers, 0x4141414141414141, 0x4242424242424242)));
    CHECK(read_all(*wire, "numbers", 0)[0].second == "BBBBBBBB");
    CHECK(read_all(*wire, "audit", 0)[0].second == "wwwwwwww");
}

TEST_CASE_FIXTURE(producer_fixture, "records that wait for room leave nothing behind, no timer either") {
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    producer_config config;
    config.buffer_memory = 4096;
    open(std::move(config));
    put(orders, "warm", "up");
    const std::string big(1000, 'x');
    std::vector<op<delivery>> waiting;
    for (int i = 0; i < 200; ++i) waiting.push_back(out->enqueue(orders, "k", std::to_string(i) + big));
    for (auto& each : waiting) REQUIRE(wait(std::move(each)));
    REQUIRE(wait(out->flush()));
    const auto stored = read_all(*wire, "orders", 0);
    REQUIRE(stored.size() == 201);
    for (int i = 0; i < 200; ++i) CHECK(stored[static_cast<std::size_t>(i) + 1].second == std::to_string(i) + big);
    world.run_for(10s);
    const auto before = world.events();
    world.run_for(100s);
    CHECK(world.events() - before < 150);  // connections and the broker's own; 200 timers of max.block.ms would be more
}

TEST_CASE_FIXTURE(producer_fixture, "a record of a topic that nobody knows keeps no other waiting") {
    kill();
    overrides = {"auto.create.topics.enable=false"};
    start();
    reconnect();
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    open();
    auto lost = out->enqueue(topic<std::string, std::string>{"nowhere"}, "k", "v");
    world.run_for(1s);
    const auto began = world.now();
    REQUIRE(wait(put(orders, "k", "v")));
    CHECK(world.now() - began < 10s);
    CHECK(wait(std::move(lost)).code() == errc::unknown_topic_or_partition);
}

TEST_CASE_FIXTURE(producer_fixture, "every codec is read back") {
    for (const auto codec : {compression::gzip, compression::snappy, compression::lz4, compression::zstd}) {
        const auto name = "packed-" + std::to_string(static_cast<int>(codec));
        REQUIRE(create_topic(*wire, name, 1) == 0);
        producer_config config;
        config.compression = codec;
        open(std::move(config));
        const topic<std::string, std::string> to{name};
        put(to, "k", std::string(1000, 'x'));
        for (int i = 0; i < 50; ++i) (void)out->send(to, "k", std::string(1000, 'y'));
        REQUIRE(wait(out->flush()));
        const auto stored = read_all(*wire, name, 0);
        REQUIRE(stored.size() == 51);
        CHECK(stored[50].second == std::string(1000, 'y'));
    }
}

TEST_CASE("nothing is missing and nothing is there twice when the broker dies while records are on their way") {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        CAPTURE(seed);
        producer_fixture at{seed};
        REQUIRE(at.create_topic(*at.wire, "orders", 2) == 0);
        at.open();
        at.put(orders, "warm", "up");
        std::vector<delivery> sent;
        for (int round = 0; round < 6; ++round) {
            for (int i = 0; i < 100; ++i) sent.push_back(at.out->send(orders, "k" + std::to_string(i % 5), std::to_string(sent.size())));
            at.world.run_for(std::chrono::microseconds{static_cast<std::int64_t>(at.world.random().below(3000))});
            if (round % 2 == 1) {
                if (seed % 2 == 0) at.kill();
                else at.power_cut();
                at.start();
            }
        }
        const auto flushed = at.wait(at.out->flush());
        REQUIRE_MESSAGE(flushed, flushed.error().message());
        at.reconnect();
        std::map<std::string, int> seen;
        for (std::int32_t partition = 0; partition < 2; ++partition) {
            std::map<int, int> last;  // per key: the records come in the order of sending
            for (const auto& [offset, value] : at.read_all(*at.wire, "orders", partition)) {
                ++seen[value];
                if (value == "up") continue;
                const int number = std::stoi(value);
                CHECK(last[number % 5] <= number);
                last[number % 5] = number;
            }
        }
        for (std::size_t i = 0; i < sent.size(); ++i) {
            REQUIRE(at.wait(sent[i]));
            CHECK(seen[std::to_string(i)] == 1);
        }
    }
}

TEST_CASE_FIXTURE(producer_fixture, "a broker that does not come back: the delivery says how long was tried and where") {
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    producer_config config;
    config.delivery_timeout = 10s;
    open(std::move(config));
    REQUIRE(wait(put(orders, "k", "v")));
    world.kill(machine);
    const auto began = world.now();
    const auto lost = wait(out->send(orders, "k", "w"));
    CHECK(lost.code() == errc::timed_out);
    const std::string what{lost.error().what()};
    CHECK(what.find("orders-0: not delivered within 10000 ms (delivery.timeout.ms)") == 0);
    CHECK(what.find("broker:9092") != std::string::npos);
    CHECK(world.now() - began < 12s);
}

TEST_CASE_FIXTURE(producer_fixture, "a loss that nobody waits for is heard by on_lost and reported by the next flush, once") {
    REQUIRE(create_topic(*wire, "orders", 1, {{"max.message.bytes", "2000"}}) == 0);
    std::vector<errc> heard;
    producer_config config;
    config.on_lost = [&](const error& why) { heard.push_back(why.code()); };
    open(std::move(config));
    REQUIRE(wait(put(orders, "k", "v")));
    (void)out->send(orders, "k", std::string(5000, 'x'));
    CHECK(wait(out->flush()).code() == errc::message_too_large);
    CHECK(heard == std::vector<errc>{errc::message_too_large});
    CHECK(wait(out->flush()));
    const auto next = wait(put(orders, "k", "fits"));
    REQUIRE_MESSAGE(next, next.error().message());
    CHECK(next->offset == 1);
}

TEST_CASE_FIXTURE(producer_fixture, "what cannot be sent is refused at once, with the limit or the partitions there are") {
    REQUIRE(create_topic(*wire, "orders", 2) == 0);
    open();
    REQUIRE(wait(put(orders, "k", "v")));
    const auto large = out->send(orders, "k", std::string(2'000'000, 'x')).get();
    CHECK(large.code() == errc::message_too_large);
    CHECK(std::string{large.error().what()}.find("max.request.size=1048576") != std::string::npos);
    send_options elsewhere;
    elsewhere.partition = 7;
    const auto nowhere = out->send(orders, "k", "v", elsewhere).get();
    CHECK(nowhere.code() == errc::unknown_topic_or_partition);
    CHECK(std::string{nowhere.error().what()} == "orders-7: the topic has 2 partitions");
}

TEST_CASE_FIXTURE(producer_fixture, "a topic that is not there fails after max.block, and one that appears meanwhile does not") {
    overrides = {"auto.create.topics.enable=false"};
    kill();
    start();
    reconnect();
    producer_config config;
    config.max_block = 5s;
    open(std::move(config));
    const auto missing = wait(out->enqueue(orders, "k", "v"));
    CHECK(missing.code() == errc::unknown_topic_or_partition);
    CHECK(std::string{missing.error().what()}.find("orders: ") == 0);
    auto late = out->enqueue(orders, "k", "v");
    world.run_for(1s);
    CHECK_FALSE(late.ready());
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    auto handed = wait(late);
    REQUIRE_MESSAGE(handed, handed.error().message());
    CHECK((*wait(*handed)).offset == 0);
}

TEST_CASE_FIXTURE(producer_fixture, "a full buffer refuses or makes wait, and never holds more than its bytes") {
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    producer_config config;
    config.buffer_memory = 10'000;
    config.when_full = when_full::fail;
    open(std::move(config));
    REQUIRE(wait(put(orders, "k", "v")));
    int refused = 0;
    std::vector<delivery> sent;
    for (int i = 0; i < 20; ++i) sent.push_back(out->send(orders, "k", std::string(1000, 'x')));
    for (auto& each : sent) refused += each.ready() && each.get().code() == errc::buffer_full;
    CHECK(refused >= 10);
    CHECK(refused <= 11);
    auto waiting = out->enqueue(orders, "k", "later");
    auto handed = wait(waiting);
    REQUIRE_MESSAGE(handed, handed.error().message());
    CHECK((*wait(*handed)).offset == 21 - refused);
}

TEST_CASE_FIXTURE(producer_fixture, "a closed producer has delivered what was sent, and refuses more") {
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    open();
    REQUIRE(wait(put(orders, "k", "v")));
    auto last = out->send(orders, "k", "last");
    CHECK(wait(out->close()));
    CHECK((*last.get()).offset == 1);
    CHECK(out->send(orders, "k", "too late").get().code() == errc::closed);
    CHECK(wait(out->close()));
}

TEST_CASE_FIXTURE(producer_fixture, "closing ends in time although the broker is gone") {
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    open();
    REQUIRE(wait(put(orders, "k", "v")));
    world.kill(machine);
    auto lost = out->send(orders, "k", "w");
    const auto began = world.now();
    CHECK(wait(out->close(2s)).code() == errc::closed);
    CHECK(world.now() - began < 3s);
    CHECK(lost.get().code() == errc::closed);
}

TEST_CASE_FIXTURE(producer_fixture, "an answer that comes after the producer was given up changes nothing") {
    REQUIRE(create_topic(*wire, "orders", 1, {{"max.message.bytes", "2000"}}) == 0);
    open();
    REQUIRE(wait(put(orders, "k", "v")));
    sim::link_config slow;
    slow.least_delay = slow.most_delay = slow.slow_delay = 100ms;
    world.set_links(slow);
    auto refused = out->send(orders, "k", std::string(5000, 'x'));
    world.run_for(150ms);  // the broker's refusal is on its way
    REQUIRE_FALSE(refused.ready());
    CHECK(wait(out->close(duration{0})).code() == errc::closed);
    CHECK(refused.get().code() == errc::closed);
    world.run_for(5s);
}

TEST_CASE_FIXTURE(producer_fixture, "headers, times and nulls arrive") {
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    const topic<std::optional<std::string>, std::optional<std::string>> nullable{"orders"};
    open();
    REQUIRE(wait(put(orders, "k", "v")));
    send_options options;
    options.time = timestamp{duration{world.loop(desk).wall_now() - 1000}};
    options.headers.push_back({"trace", to_bytes("abc")});
    options.headers.push_back({"empty", std::nullopt});
    const auto sent = wait(out->send(nullable, "k", std::nullopt, options));
    REQUIRE_MESSAGE(sent, sent.error().message());
    CHECK(sent->time == *options.time);
    const auto answer = wire->call(fetch_of("orders", 0, 1), 11);
    const auto batch = protocol::batch_view::open(answer.responses.at(0).partitions.at(0).records.memory());
    REQUIRE(batch);
    protocol::record_reader reader;
    const auto records = reader.records(*batch);
    REQUIRE(records);
    const auto record = *records->begin();
    CHECK_FALSE(record.value);
    CHECK(as_text(*record.key) == "k");
    CHECK(record.timestamp == options.time->time_since_epoch().count());
    REQUIRE(record.headers.size() == 2);
    CHECK(as_text(*record.headers.find("trace")->value) == "abc");
    CHECK_FALSE(record.headers.find("empty")->value);
}

TEST_CASE("a configuration that cannot be says which setting, its value and what is allowed") {
    const auto refused = [](producer_config config) {
        sim::world world{1};
        const auto desk = world.add_node("desk");
        try {
            producer out{client{world.loop(desk), world.net(desk), world.random()(), "broker:9092", client_config{}}, std::move(config)};
        } catch (const exception& why) {
            return std::string{why.error().what()};
        }
        return std::string{};
    };
    producer_config config;
    config.max_in_flight = 6;
    CHECK(refused(std::move(config)) == "max.in.flight.requests.per.connection=6: allowed is 1 to 5 with enable.idempotence=true");
    producer_config once;
    once.required_acks = acks::leader;
    once.extra = {{"enable.idempotence", "true"}};
    CHECK(refused(std::move(once)) == "acks=1: allowed is -1 (all) with enable.idempotence=true");
    producer_config less;  // nobody asked for idempotence
    less.required_acks = acks::leader;
    less.retries = 0;
    less.max_in_flight = 6;
    CHECK(refused(std::move(less)).empty());
    producer_config level;
    level.compression = compression::zstd;
    level.compression_level = 40;
    CHECK(refused(std::move(level)) == "compression.zstd.level=40: allowed is a whole number from -131072 to 22");
    CHECK_THROWS_WITH_AS(client{"nowhere"}, "INVALID_SETTING: bootstrap.servers: 'nowhere' has no port; expected is host:port, several separated by commas", exception);
}

TEST_CASE_FIXTURE(producer_fixture, "a broker that says it is where nobody can be found: the error says which, and what to do") {
    kill();
    overrides = {"advertised.listeners=PLAINTEXT://nowhere.example:9092"};
    start();
    reconnect();
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    const broker::test::log_watch lines;
    producer_config config;
    config.delivery_timeout = 5000ms;
    open(std::move(config));
    const auto sent = wait(put(orders, "k", "v"));
    CHECK(sent.code() == errc::timed_out);
    CHECK(sent.error().message().find("broker 1 says that it is there: correct its advertised.listeners, or make the name known here") != std::string::npos);
    CHECK(lines.count("weir.client.cluster: NOT_FOUND: cannot resolve nowhere.example: there is no such host; trying again") == 1);  // not for each attempt
}

TEST_CASE_FIXTURE(producer_fixture, "a broker that is away costs no retries") {
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    producer_config config;
    config.retries = 2;
    open(std::move(config));
    REQUIRE(wait(put(orders, "k", "first")));
    kill();
    auto sent = put(orders, "k", "second");
    world.run_for(10s);
    CHECK_FALSE(sent.ready());
    start();
    reconnect();
    CHECK(wait(sent));
    CHECK(read_all(*wire, "orders", 0).size() == 2);
}

TEST_CASE_FIXTURE(producer_fixture, "without acks records leave and count as sent; with the leader's alone they have offsets") {
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    producer_config config;
    config.idempotence = false;
    config.required_acks = acks::none;
    open(std::move(config));
    const auto sent = wait(put(orders, "k", "v"));
    REQUIRE_MESSAGE(sent, sent.error().message());
    CHECK(sent->offset == -1);
    world.run_for(1s);
    CHECK(read_all(*wire, "orders", 0).size() == 1);
    producer_config leader;
    leader.idempotence = false;
    leader.required_acks = acks::leader;
    open(std::move(leader));
    CHECK((*wait(put(orders, "k", "v"))).offset == 1);
}

TEST_CASE_FIXTURE(producer_fixture, "without acks, too, a broker that takes nothing holds the producer back within its buffer") {
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    sim::link_config narrow;
    narrow.window = 10'000;
    world.set_links(narrow);
    producer_config config;
    config.idempotence = false;
    config.required_acks = acks::none;
    config.buffer_memory = 50'000;
    config.when_full = when_full::fail;
    open(std::move(config));
    REQUIRE(wait(put(orders, "k", "first")));
    world.cut(desk, machine);
    std::vector<delivery> sent;
    for (int i = 0; i < 200; ++i) {
        sent.push_back(out->send(orders, "k", std::string(1000, 'x')));
        world.run_for(10ms);
    }
    std::size_t left = 0, refused = 0;
    for (auto& each : sent) {
        if (!each.ready()) continue;
        const auto outcome = each.get();
        left += outcome.has_value();
        refused += outcome.code() == errc::buffer_full;
    }
    CHECK(left <= 10);
    CHECK(refused >= 135);
    world.heal_all();
    CHECK(wait(out->flush()));
    world.run_for(1s);
    CHECK(read_all(*wire, "orders", 0).size() == 1 + sent.size() - refused);
}

TEST_CASE_FIXTURE(producer_fixture, "a batch that the topic finds too large goes in halves, in order, each record with its place") {
    for (const auto codec : {compression::none, compression::lz4}) {
        const auto name = "narrow-" + std::to_string(static_cast<int>(codec));
        REQUIRE(create_topic(*wire, name, 1, {{"max.message.bytes", "3000"}}) == 0);
        const topic<std::string, std::string> to{name};
        producer_config config;
        config.compression = codec;
        open(std::move(config));
        REQUIRE(wait(put(to, "k", "first")));
        std::vector<delivery> sent;
        std::vector<std::string> expected{"first"};
        for (int i = 0; i < 100; ++i) {
            std::string noise(300, ' ');  // not to be compressed away
            for (auto& each : noise) each = static_cast<char>('!' + world.random().below(90));
            expected.push_back(std::to_string(i) + noise);
            sent.push_back(out->send(to, "k", expected.back()));
        }
        auto too_large = out->send(to, "k", std::string{expected[1]} + expected[2] + expected[3] + expected[4] + expected[5] + expected[6] + expected[7] + expected[8] + expected[9] + expected[10]);
        auto after = out->send(to, "k", "after");
        CHECK(wait(out->flush()).code() == errc::message_too_large);
        for (std::size_t i = 0; i < sent.size(); ++i) {
            const auto got = wait(sent[i]);
            REQUIRE_MESSAGE(got, got.error().message());
            CHECK(got->offset == static_cast<std::int64_t>(i) + 1);
        }
        CHECK(wait(too_large).code() == errc::message_too_large);
        CHECK((*wait(after)).offset == 101);
        expected.push_back("after");
        std::vector<std::string> stored;
        for (auto& [offset, value] : read_all(*wire, name, 0)) stored.push_back(value);
        CHECK(stored == expected);
    }
}

TEST_CASE_FIXTURE(producer_fixture, "a name that can be no topic is refused at once") {
    open();
    for (const std::string name : {"", "..", "a topic", "grüße"}) {
        const topic<std::string, std::string> to{name};
        const auto refused = wait(out->enqueue(to, "k", "v"), 1ms);
        CHECK(refused.code() == errc::invalid_topic);
        CHECK(wait(out->partitions_for(name), 1ms).code() == errc::invalid_topic);
    }
}

TEST_CASE_FIXTURE(producer_fixture, "the partitions of a topic are told, also of one that is still to be made") {
    overrides = {"auto.create.topics.enable=false"};
    kill();
    start();
    reconnect();
    open();
    auto asked = out->partitions_for("orders");
    world.run_for(500ms);
    CHECK_FALSE(asked.ready());
    REQUIRE(create_topic(*wire, "orders", 3) == 0);
    const auto told = wait(asked);
    REQUIRE_MESSAGE(told, told.error().message());
    REQUIRE(told->size() == 3);
    CHECK((*told)[2].partition == 2);
    CHECK((*told)[2].leader == 1);
}

TEST_CASE_FIXTURE(producer_fixture, "hooks see and change records, and what they throw stays with them") {
    REQUIRE(create_topic(*wire, "orders", 4) == 0);
    std::vector<std::string> sent, acknowledged;
    producer_config config;
    config.on_send = [&](outgoing_record& record) {
        sent.push_back(std::string{as_text(*record.value)});
        record.options.headers.push_back({"trace", to_bytes("abc")});
        throw std::runtime_error{"too much"};
    };
    config.on_acknowledgement = [&](const result<record_metadata>& got) {
        acknowledged.push_back(got ? std::to_string(got->partition) + "@" + std::to_string(got->offset) : std::string{describe(got.code()).name});
        throw std::runtime_error{"too late"};
    };
    config.partitioner = [](const outgoing_record& record, std::int32_t partitions) {
        CHECK(partitions == 4);
        return as_text(*record.key) == "by key" ? -1 : 3;
    };
    open(std::move(config));
    CHECK((*wait(put(orders, "k", "one"))).partition == 3);
    CHECK((*wait(put(orders, "k", "two"))).partition == 3);
    const auto by_key = wait(put(orders, "by key", "three"));
    CHECK(by_key->partition == protocol::partition_for_key(to_bytes("by key"), 4));
    CHECK(out->send(orders, "k", std::string(2'000'000, 'x')).get().code() == errc::message_too_large);
    world.run_for(1ms);
    CHECK(sent.size() == 4);
    CHECK(acknowledged == std::vector<std::string>{"3@0", "3@1", std::to_string(by_key->partition) + "@0", "MESSAGE_TOO_LARGE"});
    const auto answer = wire->call(fetch_of("orders", 3, 0), 11);
    const auto batch = protocol::batch_view::open(answer.responses.at(0).partitions.at(0).records.memory());
    REQUIRE(batch);
    protocol::record_reader reader;
    const auto records = reader.records(*batch);
    REQUIRE(records);
    CHECK(records->begin()->headers.find("trace"));
}

TEST_CASE_FIXTURE(producer_fixture, "headers of enqueued records arrive, also of those that wait for their topic") {
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    open();
    send_options options;
    options.headers.push_back({"trace", to_bytes("abc")});
    auto handed = wait(out->enqueue(orders, "k", "v", options));  // the topic is not known yet
    REQUIRE(handed);
    REQUIRE(wait(*handed));
    const auto answer = wire->call(fetch_of("orders", 0, 0), 11);
    const auto batch = protocol::batch_view::open(answer.responses.at(0).partitions.at(0).records.memory());
    REQUIRE(batch);
    protocol::record_reader reader;
    const auto records = reader.records(*batch);
    REQUIRE(records);
    CHECK(as_text(*records->begin()->headers.find("trace")->value) == "abc");
}

TEST_CASE_FIXTURE(producer_fixture, "a topic that is deleted and made anew, with fewer partitions, takes records at once") {
    REQUIRE(create_topic(*wire, "orders", 8) == 0);
    open();
    const auto send_some = [&](std::int32_t partitions) {
        std::vector<delivery> sent;
        for (int i = 0; i < 40; ++i) sent.push_back(put(orders, "k" + std::to_string(i), "v"));
        for (auto& each : sent) {
            const auto came = wait(std::move(each), 10s);
            REQUIRE_MESSAGE(came, came.error().message());
            CHECK(came->partition < partitions);
        }
    };
    send_some(8);
    protocol::delete_topics_request gone;
    gone.topic_names = {"orders"};
    gone.timeout_ms = 5'000;
    REQUIRE(wire->call(gone, 5).responses.at(0).error_code == 0);
    REQUIRE(create_topic(*wire, "orders", 2) == 0);
    // The first ones find out, and those for partitions that are gone have nowhere to go.
    auto first = put(orders, "k", "v");
    (void)wait(std::move(first));
    send_some(2);
}

TEST_CASE_FIXTURE(producer_fixture, "a topic that nothing is sent to is let go, and not made anew after it was deleted, before there is a record for it") {
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    REQUIRE(create_topic(*wire, "lines", 1) == 0);
    producer_config config;
    config.metadata_max_idle = 30s;
    SUBCASE("known still") { config.metadata_max_idle = 3600s; }
    SUBCASE("let go") {}
    open(std::move(config), 60s);
    for (int i = 0; i < 3; ++i) REQUIRE(wait(put(orders, "k", std::to_string(i))));
    world.run_for(200s);
    // Its sequences go on, or the broker would take what follows for what it has.
    for (int i = 3; i < 5; ++i) REQUIRE((*wait(put(orders, "k", std::to_string(i)))).offset == i);
    const auto there = [&] {
        protocol::metadata_request request;
        request.topics.reset();
        request.allow_auto_topic_creation = false;
        const auto answer = wire->call(request, 12);
        return std::ranges::any_of(answer.topics, [](const auto& each) { return each.name == "orders"; });
    };
    protocol::delete_topics_request gone;
    gone.topic_names = {"orders"};
    gone.timeout_ms = 5'000;
    REQUIRE(wire->call(gone, 5).responses.at(0).error_code == 0);
    for (int i = 0; i < 5; ++i) {
        REQUIRE(wait(*wait(out->enqueue(lines, "still used"))));
        world.run_for(61s);
        CHECK_FALSE(there());
    }
    CHECK((*wait(put(orders, "k", "again"))).offset == 0);
    CHECK(there());
}

TEST_CASE_FIXTURE(producer_fixture, "keys may be ignored when partitions are chosen") {
    REQUIRE(create_topic(*wire, "orders", 50) == 0);
    producer_config config;
    config.partitioner_ignore_keys = true;
    config.batch_size = 1;  // every record of its own
    open(std::move(config));
    std::set<std::int32_t> used;
    for (int i = 0; i < 30; ++i) used.insert((*wait(put(orders, "the same", "v"))).partition);
    CHECK(used.size() > 5);
}

TEST_CASE_FIXTURE(producer_fixture, "a closed client ends what was built on it") {
    REQUIRE(create_topic(*wire, "orders", 1) == 0);
    open();
    REQUIRE(wait(put(orders, "k", "v")));
    world.kill(machine);
    auto lost = out->send(orders, "k", "w");
    CHECK(wait(kafka->close()));
    CHECK(wait(lost, 1s).code() == errc::closed);
    CHECK(out->send(orders, "k", "x").get().code() == errc::closed);
    CHECK(wait(kafka->close()));
}

TEST_CASE_FIXTURE(producer_fixture, "a cluster without transactions: begin() says so, and records outside of one are refused") {
    producer_config config;
    config.transactional_id = "copy";
    config.max_block = 3s;
    open(std::move(config));
    const auto none = wait(out->begin(), 10s);
    CHECK_FALSE(none);
    CHECK(std::string{none.error().what()}.find("coordinator of 'copy': this broker does not serve transactions") == 0);
    CHECK(none.error().fatal());
    CHECK(out->send(orders, "k", "v").get().code() == none.code());
    CHECK(wait(out->close()));
}

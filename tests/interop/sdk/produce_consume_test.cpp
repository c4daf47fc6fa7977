// Records there and back.
#include "suite.hpp"

using namespace weir;
using namespace weir::suite;

namespace {

std::multiset<std::string> values_below(int count) {
    std::multiset<std::string> all;
    for (int i = 0; i < count; ++i) all.insert("value-" + std::to_string(i));
    return all;
}

}  // namespace

TEST_CASE("every codec: what was sent is read back, in order, once") {
    for (const auto codec : {compression::none, compression::gzip, compression::snappy, compression::lz4, compression::zstd}) {
        CAPTURE(static_cast<int>(codec));
        const auto to = make_topic("codec", 3);
        producer_config config;
        config.compression = codec;
        fill(to, 3000, std::move(config));
        const auto got = read_all(to);
        CHECK(got.values == values_below(3000));
        for (const auto& [partition, offsets] : got.offsets) {
            for (std::size_t i = 0; i < offsets.size(); ++i) REQUIRE(offsets[i] == static_cast<std::int64_t>(i));
        }
    }
}

TEST_CASE("keys, headers, times and nulls come back as they were") {
    const auto named = make_topic("whole", 1);
    const topic<std::string, std::optional<std::string>> to{named.name()};
    const auto sent_at = timestamp{std::chrono::duration_cast<duration>(std::chrono::system_clock::now().time_since_epoch())} - 1h;
    {
        producer out{client{bootstrap()}};
        send_options options;
        options.time = sent_at;
        options.headers = {{"trace", to_bytes(as_bytes("abc"))}, {"empty", bytes{}}, {"null", std::nullopt}, {"trace", to_bytes(as_bytes("def"))}};
        auto first = out.send(to, "k", std::optional<std::string>{"v"}, options).get();
        REQUIRE_GOOD(first);
        CHECK(first->offset == 0);
        REQUIRE(out.send(to, "gone", std::nullopt).get());
    }
    consumer in{client{bootstrap()}, consumer_config{}, to};
    in.assign({to[0]}, at::earliest);
    auto one = in.next().get();
    REQUIRE_GOOD(one);
    CHECK(one->key == "k");
    CHECK(one->value == "v");
    CHECK(one->info.time == sent_at);
    std::vector<std::pair<std::string, std::optional<std::string>>> headers;
    for (const auto& each : one->info.headers) headers.emplace_back(each.name, each.value ? std::optional<std::string>{as_text(*each.value)} : std::nullopt);
    CHECK(headers == decltype(headers){{"trace", "abc"}, {"empty", ""}, {"null", std::nullopt}, {"trace", "def"}});
    auto two = in.next().get();
    REQUIRE_GOOD(two);
    CHECK(two->key == "gone");
    CHECK_FALSE(two->value);
}

TEST_CASE("positions: earliest, latest, an offset, a time, before the end, what was deleted") {
    const auto to = make_topic("places", 1);
    producer out{client{bootstrap()}};
    const auto base = timestamp{std::chrono::duration_cast<duration>(std::chrono::system_clock::now().time_since_epoch())} - 1h;
    for (int i = 0; i < 100; ++i) {
        send_options options;
        options.time = base + std::chrono::seconds{i};
        (void)out.send(to, "k", std::to_string(i), options);
    }
    REQUIRE(out.flush().get());
    consumer in{client{bootstrap()}, consumer_config{}, to};
    const auto value_at = [&](at::position where) {
        in.seek(to[0], where);
        auto one = in.next().get();
        REQUIRE_GOOD(one);
        return one->value;
    };
    in.assign({to[0]}, at::earliest);
    CHECK(value_at(at::earliest) == "0");
    CHECK(value_at(at::offset(42)) == "42");
    CHECK(value_at(at::time(base + 10s)) == "10");
    CHECK(value_at(at::time(base + 10'500ms)) == "11");
    CHECK(value_at(at::before_end(3)) == "97");
    auto ends = in.end_offsets({to[0]}).get();
    REQUIRE_GOOD(ends);
    CHECK(ends->front().offset == 100);
    auto times = in.offsets_for_times({{to[0], base + 50s}}).get();
    REQUIRE_GOOD(times);
    CHECK(times->front().offset == 50);

    const admin tool{client{bootstrap()}};
    auto deleted = tool.delete_records(to[0], at::offset(60)).get();
    REQUIRE_GOOD(deleted);
    CHECK(*deleted == 60);
    CHECK(value_at(at::earliest) == "60");
    auto begins = in.beginning_offsets({to[0]}).get();
    REQUIRE_GOOD(begins);
    CHECK(begins->front().offset == 60);

    in.seek(to[0], at::latest);
    auto nothing = in.poll(500ms).get();
    REQUIRE_GOOD(nothing);
    CHECK(nothing->empty());
    REQUIRE(out.send(to, "k", "new").get());
    auto fresh = in.next().get();
    REQUIRE_GOOD(fresh);
    CHECK(fresh->value == "new");
}

TEST_CASE("paused partitions give nothing and keep their place") {
    const auto to = make_topic("paused", 2);
    producer out{client{bootstrap()}};
    consumer in{client{bootstrap()}, consumer_config{}, to};
    in.assign({to[0], to[1]}, at::earliest);
    in.pause({to[1]});
    for (std::int32_t partition : {0, 1}) {
        send_options options;
        options.partition = partition;
        REQUIRE(out.send(to, "k", "in " + std::to_string(partition), options).get());
    }
    auto one = in.next().get();
    REQUIRE_GOOD(one);
    CHECK(one->value == "in 0");
    auto nothing = in.poll(500ms).get();
    REQUIRE_GOOD(nothing);
    CHECK(nothing->empty());
    in.resume({to[1]});
    auto two = in.next().get();
    REQUIRE_GOOD(two);
    CHECK(two->value == "in 1");
}

TEST_CASE("a broker that is killed and comes back: everything delivered is there once, and reading goes on") {
    const auto to = make_topic("restart", 2);
    consumer_config eager;
    consumer in{client{bootstrap()}, std::move(eager), to};
    in.assign({to[0], to[1]}, at::earliest);
    producer_config patient;
    patient.delivery_timeout = 10min;  // on a busy machine a broker takes minutes to come back
    producer out{client{bootstrap()}, std::move(patient)};
    std::vector<delivery> sent;
    for (int i = 0; i < 2000; ++i) {
        if (i == 500) kill_broker(nodes() - 1);
        if (i == 1500) start_broker(nodes() - 1);
        sent.push_back(out.send(to, "key-" + std::to_string(i), "value-" + std::to_string(i)));
    }
    for (auto& each : sent) {
        auto delivered = each.get();
        REQUIRE_GOOD(delivered);
    }
    std::multiset<std::string> got;
    while (got.size() < 2000) {
        auto batch = in.poll(30s).get();
        REQUIRE_GOOD(batch);
        REQUIRE_FALSE(batch->empty());
        for (const auto& each : *batch) got.insert(each.value);
    }
    CHECK(got == values_below(2000));
}

TEST_CASE("a topic that is not there, and one that must not be: the error says so") {
    producer_config config;
    config.max_block = 2s;
    producer out{client{bootstrap()}, std::move(config)};
    const topic<std::string, std::string> bad{"no such/topic"};
    const auto refused = out.send(bad, "k", "v").get();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message().find("no such/topic") != std::string::npos);
}

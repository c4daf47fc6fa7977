#include <weir/base/sim/memory_files.hpp>
#include <weir/metadata/image_builder.hpp>
#include <weir/protocol/compression.hpp>
#include <weir/protocol/messages/metadata_records.hpp>
#include <weir/server/client_metrics_config.hpp>
#include <weir/server/client_telemetry.hpp>

#include "telemetry_files.hpp"
#include "telemetry_subscriptions.hpp"

#include <doctest/doctest.h>

using namespace weir;
using namespace weir::server;
using namespace std::chrono_literals;

namespace {

const uuid somebody{0x1111, 0x2222};
const std::string somebodys_file = "/telemetry/" + to_string(somebody) + ".otlp";

protocol::metadata_record config(const std::string& name, const std::string& key, const std::string& value, metadata::config_type type = metadata::config_type::client_metrics) {
    protocol::config_record record;
    record.resource_type = static_cast<std::int8_t>(type);
    record.resource_name = name;
    record.name = key;
    record.value = value;
    return record;
}

telemetry_subscription subscribe(const std::vector<protocol::metadata_record>& records, const client_attributes& client) {
    auto image = metadata::apply_records(nullptr, records, {});
    REQUIRE(image);
    return subscription_of(**image, client);
}

client_attributes librdkafka() { return {somebody, "orders-7", "librdkafka", "2.8.0", "10.0.0.7", 40123}; }

bytes framed(std::string_view message) {
    bytes all(4);
    store_big_endian(all.data(), static_cast<std::uint32_t>(message.size()));
    all.insert(all.end(), as_bytes(message).begin(), as_bytes(message).end());
    return all;
}

bytes content(sim::memory_files& disk, const std::string& path) {
    auto read = read_file(disk, path);
    REQUIRE_MESSAGE(read, read.error().message());
    return *std::move(read);
}

struct receiver {
    explicit receiver(std::int32_t max_bytes = 1000) {
        auto made = client_telemetry::open(disk, "/telemetry", max_bytes);
        REQUIRE(made);
        keeper = *std::move(made);
    }
    errc ask() { return keeper->asked(somebody, 10s, now); }
    errc push(bytes_view metrics, bool terminating = false, std::int8_t compression = 0, std::int32_t subscription = 5) {
        const client_telemetry::push given{subscription, terminating, compression, metrics};
        const client_telemetry::expectation current{5, 10s};
        return keeper->pushed(somebody, given, current, now);
    }
    sim::memory_files disk;
    time_point now{1h};
    std::unique_ptr<client_telemetry> keeper;
};

}  // namespace

TEST_CASE("a client that no resource matches sends nothing") {
    const auto found = subscribe({config("java", "match", "client_software_name=apache-kafka-java"), config("java", "metrics", "*")}, librdkafka());
    CHECK(found.metrics.empty());
    CHECK(found.interval == 300s);
}

TEST_CASE("matching resources add up: all their metrics, the shortest interval") {
    const auto found = subscribe({config("a", "metrics", "org.apache.kafka.producer.,org.apache.kafka.consumer."), config("a", "interval.ms", "60000"),
                                  config("b", "metrics", "org.apache.kafka.producer."), config("b", "interval.ms", "5000"), config("b", "match", "client_id=orders-.*"),
                                  config("c", "metrics", "never"), config("c", "interval.ms", "100"), config("c", "match", "client_id=orders"),
                                  config("zz", "metrics", "of.a.group", metadata::config_type::group)},
                                 librdkafka());
    CHECK(found.metrics == std::vector<std::string>{"org.apache.kafka.consumer.", "org.apache.kafka.producer."});
    CHECK(found.interval == 5s);
}

TEST_CASE("no client is told to wait longer than by default, whatever resources say") {
    CHECK(subscribe({config("a", "metrics", "*"), config("a", "interval.ms", "3600000")}, librdkafka()).interval ==
          300s);
    CHECK(subscribe({config("a", "metrics", "*"), config("a", "interval.ms", "100")}, librdkafka()).interval == 100ms);
}

TEST_CASE("every selector of a resource must match its attribute as a whole") {
    const auto sends = [](const std::string& match) { return !subscribe({config("one", "metrics", "*"), config("one", "match", match)}, librdkafka()).metrics.empty(); };
    CHECK(sends("client_software_name=librdkafka,client_software_version=2\\.8\\..*"));
    CHECK(sends("client_instance_id=" + to_string(somebody)));
    CHECK(sends("client_source_address=10\\.0\\.0\\.[0-9],client_source_port=40.*"));
    CHECK_FALSE(sends("client_software_name=librdkafka,client_software_version=3.*"));
    CHECK_FALSE(sends("client_software_version=2"));
    CHECK_FALSE(sends("client_source_port=9092"));
}

TEST_CASE("the subscription id changes with what is asked for and from whom, and with nothing else") {
    const std::vector<protocol::metadata_record> base{config("a", "metrics", "x,y"), config("a", "interval.ms", "1000")};
    const auto id = subscribe(base, librdkafka()).id;
    auto more = base;
    more.push_back(config("b", "metrics", "y"));
    more.push_back(config("b", "interval.ms", "2000"));
    CHECK(subscribe(more, librdkafka()).id == id);
    more.push_back(config("b", "interval.ms", "500"));
    CHECK(subscribe(more, librdkafka()).id != id);
    CHECK(subscribe({config("a", "metrics", "xy"), config("a", "interval.ms", "1000")}, librdkafka()).id != id);
    auto other = librdkafka();
    other.instance = uuid{1, 2};
    CHECK(subscribe(base, other).id != id);
}

TEST_CASE("* among the metrics is all of them") {
    CHECK(subscribe({config("a", "metrics", "x,*,y")}, librdkafka()).metrics == std::vector<std::string>{"*"});
}

TEST_CASE("a selector that is none, or no regular expression, is refused") {
    client_metrics_config into;
    CHECK(apply_setting(into, "match", "client_id=a.*,client_source_port=90.."));
    for (const auto* bad : {"client_id", "client=a", "client_id=(", "=a"}) {
        CAPTURE(bad);
        const auto refused = apply_setting(into, "match", bad);
        REQUIRE_FALSE(refused);
        CHECK(refused.code() == errc::invalid_setting);
    }
    CHECK(into.match.size() == 2);
}

TEST_CASE("a push is kept as it was before compression, behind its size") {
    for (const auto codec : {protocol::codec::none, protocol::codec::gzip, protocol::codec::snappy, protocol::codec::lz4, protocol::codec::zstd}) {
        CAPTURE(protocol::codec_name(codec));
        receiver at;
        const auto packed = protocol::compress(codec, std::nullopt, as_bytes("metrics metrics metrics"));
        REQUIRE(packed);
        CHECK(at.push(*packed, false, static_cast<std::int8_t>(codec)) == errc::none);
        CHECK(content(at.disk, somebodys_file) == framed("metrics metrics metrics"));
    }
}

TEST_CASE("pushes keep the interval, except the first after asking and the last of all") {
    receiver at;
    CHECK(at.ask() == errc::none);
    at.now += 1s;
    CHECK(at.push(as_bytes("a")) == errc::none);
    at.now += 9s;
    CHECK(at.push(as_bytes("b")) == errc::throttling_quota_exceeded);
    CHECK(at.ask() == errc::throttling_quota_exceeded);
    at.now += 1s;
    CHECK(at.push(as_bytes("c")) == errc::none);
    CHECK(at.push(as_bytes("d"), true) == errc::none);
    at.now += 1h;
    CHECK(at.push(as_bytes("e"), true) == errc::invalid_request);
    auto expected = framed("a");
    for (const auto* each : {"c", "d"}) {
        const auto more = framed(each);
        expected.insert(expected.end(), more.begin(), more.end());
    }
    CHECK(content(at.disk, somebodys_file) == expected);
}

TEST_CASE("after a push under an old subscription the client may ask at once") {
    receiver at;
    CHECK(at.ask() == errc::none);
    CHECK(at.push(as_bytes("a"), false, 0, 4) == errc::unknown_subscription_id);
    CHECK(at.ask() == errc::none);
    CHECK(at.ask() == errc::throttling_quota_exceeded);
}

TEST_CASE("pushes that cannot be kept say why and leave nothing behind") {
    receiver at{100};
    const client_telemetry::push nobodys{5, false, 0, as_bytes("a")};
    CHECK(at.keeper->pushed(uuid{}, nobodys, {5, 10s}, at.now) == errc::invalid_request);
    CHECK(at.push(as_bytes(std::string(101, 'x'))) == errc::telemetry_too_large);
    at.now += 1h;
    for (const auto codec : {-1, 5, 127}) {
        CHECK(at.push(as_bytes("a"), false, static_cast<std::int8_t>(codec)) == errc::unsupported_compression_type);
        at.now += 1h;
    }
    CHECK(at.push(as_bytes("no gzip"), false, 1) == errc::invalid_record);
    at.now += 1h;
    const auto bomb = protocol::compress(protocol::codec::zstd, std::nullopt, bytes(1601));
    REQUIRE(bomb->size() <= 100);
    CHECK(at.push(*bomb, false, 4) == errc::invalid_record);
    CHECK_FALSE(at.disk.exists(somebodys_file));
}

TEST_CASE("a full disk loses one push, not the file") {
    receiver at;
    CHECK(at.push(as_bytes("first")) == errc::none);
    at.now += 1h;
    at.disk.fail_next_write(errc::no_space, somebodys_file);
    CHECK(at.push(as_bytes("lost")) == errc::invalid_record);
    at.now += 1h;
    CHECK(at.push(as_bytes("third")) == errc::none);
    auto expected = framed("first");
    const auto third = framed("third");
    expected.insert(expected.end(), third.begin(), third.end());
    CHECK(content(at.disk, somebodys_file) == expected);
}

TEST_CASE("a message that a killed run wrote half of is cut off") {
    sim::memory_files disk;
    REQUIRE(disk.create_directories("/telemetry"));
    auto torn = framed("whole");
    const auto half = framed("half of it");
    torn.insert(torn.end(), half.begin(), half.begin() + 7);
    REQUIRE((*disk.open("/telemetry/one.otlp", open_mode::create))->write_at(0, torn));
    telemetry_files files{disk, "/telemetry"};
    REQUIRE(files.open());
    REQUIRE(files.append("one", as_bytes("next")));
    auto expected = framed("whole");
    const auto next = framed("next");
    expected.insert(expected.end(), next.begin(), next.end());
    CHECK(content(disk, "/telemetry/one.otlp") == expected);
}

TEST_CASE("a full file is set aside and replaces the one before it") {
    sim::memory_files disk;
    telemetry_files files{disk, "/telemetry"};
    REQUIRE(files.open());
    const std::string large(telemetry_files::file_limit - 4, 'x');
    REQUIRE(files.append("one", as_bytes(large)));
    REQUIRE(files.append("one", as_bytes("second")));
    CHECK(*disk.file_size("/telemetry/one.otlp.1") == telemetry_files::file_limit);
    CHECK(content(disk, "/telemetry/one.otlp") == framed("second"));
    REQUIRE(files.append("one", as_bytes(large)));
    CHECK(content(disk, "/telemetry/one.otlp.1") == framed("second"));
}

TEST_CASE("of too many clients those go that were silent longest, also across runs") {
    sim::memory_files disk;
    {
        telemetry_files files{disk, "/telemetry"};
        REQUIRE(files.open());
        for (std::size_t i = 0; i < telemetry_files::client_limit; ++i) REQUIRE(files.append("client-" + std::to_string(10000 + i), as_bytes("m")));
        REQUIRE(files.append("client-10000", as_bytes("again")));
        REQUIRE(files.append("newcomer", as_bytes("m")));
    }
    CHECK(disk.exists("/telemetry/client-10000.otlp"));
    CHECK_FALSE(disk.exists("/telemetry/client-10001.otlp"));
    telemetry_files later{disk, "/telemetry"};
    REQUIRE(later.open());
    REQUIRE(later.append("another", as_bytes("m")));
    CHECK_FALSE(disk.exists("/telemetry/client-10000.otlp"));
    CHECK(disk.exists("/telemetry/newcomer.otlp"));
}

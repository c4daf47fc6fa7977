// Configuration: fields, Kafka's names and librdkafka's become one, and every mistake says what to do.
#include "config/catalog.hpp"
#include "config/foreign.hpp"
#include "config/resolve.hpp"

#include <weir/base/log.hpp>
#include <weir/base/sim/memory_files.hpp>
#include <weir/producer.hpp>
#include <weir/setting_name.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

using namespace weir;
using namespace std::chrono_literals;

namespace {

detail::client_settings client_with(properties given) {
    detail::client_setup setup{"broker:9092", {.extra = std::move(given)}};
    return *detail::resolve_client(setup);
}

producer_config resolved(producer_config config, const properties& of_client = {}) {
    const auto why = detail::resolve("producer", config, client_with(of_client));
    REQUIRE_MESSAGE(!why, why.message());
    return config;
}

std::string refusal(producer_config config, const properties& of_client = {}) {
    const auto why = detail::resolve("producer", config, client_with(of_client));
    CHECK(why.code() == errc::invalid_setting);
    return std::string{why.what()};
}

std::string client_refusal(properties given) {
    detail::client_setup setup{"broker:9092", {.extra = std::move(given)}};
    const auto made = detail::resolve_client(setup);
    CHECK(made.error().code() == errc::invalid_setting);
    return std::string{made.error().what()};
}

struct captured_log {
    captured_log() {
        log::set_level("weir.client.config", log::level::debug);
        log::set_sink([this](log::level severity, std::string_view, std::string_view text) { lines.push_back(std::string{log::to_string(severity)} + " " + std::string{text}); });
    }
    ~captured_log() {
        log::set_sink({});
        log::clear_level("weir.client.config");
    }
    std::vector<std::string> lines;
};

}  // namespace

TEST_CASE("fields, Kafka's names and librdkafka's are the same settings") {
    const auto config = resolved({.linger = 10ms, .extra = {{"compression.type", "lz4"}, {"acks", "ALL"}, {"message.timeout.ms", "9000"},
                                                            {"queue.buffering.max.kbytes", "2"}, {"max.in.flight", "1"}}});
    CHECK(config.linger == 10ms);
    CHECK(config.compression == compression::lz4);
    CHECK(config.required_acks == acks::all);
    CHECK(config.delivery_timeout == 9s);
    CHECK(config.buffer_memory == 2048);
    CHECK(config.max_in_flight == 1);
}

TEST_CASE("a producer finds its settings in what its client was given") {
    const auto config = resolved({.extra = {{"acks", "all"}}}, {{"linger.ms", "7"}, {"client.id", "web"}});
    CHECK(config.linger == 7ms);
    CHECK(refusal({.linger = 10ms}, {{"linger.ms", "7", "client.properties:3"}}) == "linger.ms is 10 by the program and 7 by client.properties:3: give it once");
    CHECK(resolved({.linger = 7ms}, {{"linger.ms", "7"}}).linger == 7ms);
}

TEST_CASE("one file serves a client and a producer, but a producer cannot change its client") {
    const properties file{{"client.id", "web", "f:1"}, {"linger.ms", "7", "f:2"}, {"request.timeout.ms", "5000", "f:3"}};
    CHECK(resolved({.extra = file}, file).linger == 7ms);
    CHECK(resolved({.extra = {{"socket.timeout.ms", "5000"}}}, file).linger == 7ms);
    CHECK(refusal({.extra = {{"client.id", "other", "g:1"}}}, file) ==
          "g:1: client.id belongs to the client, which has another value: give it to client_config or its extra");
    CHECK(refusal({.extra = {{"request.timeout.ms", "0"}}}) == "request.timeout.ms=0: allowed is a whole number from 1 to 2147483647");
}

TEST_CASE("a wrong value is named with its place, what is allowed, and the name that was written") {
    CHECK(refusal({.extra = {{"linger.ms", "soon", "p.properties:4"}}}) == "p.properties:4: linger.ms=soon: allowed is a whole number of at least 0");
    CHECK(refusal({.extra = {{"queue.buffering.max.ms", "-2"}}}) == "queue.buffering.max.ms=-2: allowed is a whole number of at least 0");
    CHECK(refusal({.extra = {{"acks", "2"}}}) == "acks=2: allowed is all, -1, 1, 0");
    CHECK(refusal({.linger = -5ms}) == "linger.ms=-5: allowed is a whole number of at least 0");
    CHECK(refusal({.max_request_size = 0}) == "max.request.size=0: allowed is a whole number from 1 to 2147483647");
    CHECK(refusal({.required_acks = static_cast<acks>(7)}) == "acks=7: allowed is all, -1, 1, 0");
    CHECK(client_refusal({{"linger.ms", "soon"}}) == "linger.ms=soon: allowed is a whole number of at least 0");
}

TEST_CASE("all mistakes are told at once, one a line") {
    CHECK(refusal({.max_request_size = 0, .extra = {{"acks", "2"}, {"lingering.ms", "5"}}}) ==
          "max.request.size=0: allowed is a whole number from 1 to 2147483647\nacks=2: allowed is all, -1, 1, 0\n"
          "there is no setting lingering.ms; did you mean linger.ms?");
}

TEST_CASE("a name can be checked before anything is built") {
    CHECK(check_setting_name("lingering.ms").what() == "there is no setting lingering.ms; did you mean linger.ms?");
    CHECK(check_setting_name("completely.different.thing").code() == errc::invalid_setting);
    for (const auto* known : {"linger.ms", "queue.buffering.max.ms", "group.id", "ssl.truststore.location", "key.serializer", "partitioner.class"}) CHECK(!check_setting_name(known));
}

TEST_CASE("a setting given twice has to say the same twice") {
    CHECK(resolved({.linger = 10ms, .extra = {{"linger.ms", "10"}, {"queue.buffering.max.ms", "10"}}}).linger == 10ms);
    CHECK(refusal({.linger = 10ms, .extra = {{"linger.ms", "20"}}}) == "linger.ms is 10 by the program and 20 by extra: give it once");
    CHECK(refusal({.extra = {{"linger.ms", "20", "f:1"}, {"queue.buffering.max.ms", "30", "f:2"}}}) == "linger.ms is 20 by f:1 and 30 by f:2: give it once");
    CHECK(resolved({.extra = {{"acks", "all"}, {"request.required.acks", "-1"}}}).required_acks == acks::all);
}

TEST_CASE("a compression level counts for the codec that is chosen") {
    const auto config = resolved({.extra = {{"compression.gzip.level", "9"}, {"compression.type", "zstd"}, {"compression.zstd.level", "5"}}});
    CHECK(config.compression_level == 5);
    CHECK(resolved({.extra = {{"compression.type", "gzip"}, {"compression.gzip.level", "-1"}}}).compression_level == std::nullopt);
    CHECK(resolved({.compression = compression::zstd, .extra = {{"compression.level", "5"}}}).compression_level == 5);
    CHECK(refusal({.compression = compression::zstd, .compression_level = 3, .extra = {{"compression.level", "5"}}}) ==
          "compression.zstd.level (the program) and compression.level (extra) contradict each other: give one of them");
}

TEST_CASE("a time that is to have no end has one, in a hundred years: nothing added to it is before it") {
    const auto config = resolved({.delivery_timeout = duration::max(), .extra = {{"max.block.ms", "9223372036854775807"}}});
    CHECK(config.max_block == std::chrono::hours{24 * 365 * 100});
    CHECK(config.delivery_timeout == config.max_block);
    detail::client_setup setup{"broker:9092", {.extra = {{"metadata.max.age.ms", "9223372036854775807"}, {"connections.max.idle.ms", "-1"}}}};
    REQUIRE(detail::resolve_client(setup));
    CHECK(setup.config.metadata_max_age == config.max_block);
    CHECK(setup.config.connections_max_idle == duration{-1});
}

TEST_CASE("names that belong elsewhere say where, or why they do nothing") {
    CHECK(refusal({.extra = {{"key.deserializer", "x"}}}) == "key.deserializer is a setting of a consumer; a producer has no such setting");
    CHECK(refusal({.extra = {{"partitioner.class", "com.example.P"}}}).starts_with("partitioner.class: a Java class cannot run here"));
    CHECK(refusal({.extra = {{"dr_msg_cb", "f"}}}).starts_with("dr_msg_cb: a function"));
    CHECK(resolved({.extra = {{"partitioner", "murmur2_random"}, {"retries", "2147483647"}}}).batch_size == 65'536);
    captured_log log;
    resolved({.extra = {{"key.serializer", "org.apache.kafka.common.serialization.StringSerializer", "f:9"}}});
    CHECK(std::ranges::find(log.lines, "INFO f:9: key.serializer: how keys and values travel is said by the topic's types (topic<K, V>)") != log.lines.end());
}

TEST_CASE("controllers stand in for servers, and their list is checked under its name") {
    CHECK(client_refusal({{"bootstrap.controllers", "c:1"}}) == "bootstrap.servers and bootstrap.controllers contradict each other: give one of them");
    detail::client_setup setup{"", {.extra = {{"bootstrap.controllers", "c:1, d:2"}}}};
    REQUIRE(detail::resolve_client(setup));
    CHECK(setup.bootstrap == "c:1, d:2");
    detail::client_setup broken{"", {.extra = {{"bootstrap.controllers", "c"}}}};
    CHECK(detail::resolve_client(broken).error().what() == "bootstrap.controllers: 'c' has no port; expected is host:port, several separated by commas");
}

TEST_CASE("the outcome is logged with the origin of each value") {
    captured_log log;
    resolved({.batch_size = 1000, .extra = {{"linger.ms", "1", "app.properties:2"}}}, {{"acks", "all"}});
    REQUIRE(log.lines.size() == 2);
    CHECK(log.lines[0].starts_with("DEBUG client settings: bootstrap.servers=broker:9092 (the program); bootstrap.controllers= (default); client.id=weir (default);"));
    CHECK(log.lines[1].starts_with("DEBUG producer settings: acks=all (the client's extra); enable.idempotence=true (default); linger.ms=1 (app.properties:2); batch.size=1000 (the program);"));
}

TEST_CASE("a properties file is read with the place of each entry") {
    sim::memory_files disk;
    const std::string text = "# about\nbootstrap.servers = a:1,\\\n  b:2\nlinger.ms=1\nlinger.ms=2\n";
    REQUIRE(replace_file(disk, "client.properties", as_bytes(text)));
    const auto read = load_properties(disk, "client.properties");
    REQUIRE(read);
    CHECK(read->size() == 2);
    CHECK(read->find("bootstrap.servers")->value == "a:1,b:2");
    CHECK(read->find("bootstrap.servers")->where == "client.properties:2");
    CHECK(read->find("linger.ms")->value == "2");
    const auto missing = load_properties("/nowhere/client.properties");
    CHECK(missing.error().code() == errc::not_found);
    CHECK(std::string{missing.error().what()}.find("/nowhere/client.properties") != std::string::npos);
}

TEST_CASE("a client takes everything from properties, and says what is missing") {
    CHECK_NOTHROW(client{properties{{"bootstrap.servers", "localhost:9"}, {"linger.ms", "3"}}});
    try {
        const client nowhere{properties{{"client.id", "x"}}};
        FAIL("no bootstrap servers, no error");
    } catch (const exception& e) {
        CHECK(e.error().what() == "bootstrap.servers: '' names no broker; expected is host:port, several separated by commas");
    }
    CHECK_THROWS_AS((client{"localhost:9", {.extra = {{"bootstrap.servers", "localhost:10"}}}}), exception);
}

TEST_CASE("no name means two things to one config") {
    for (const auto& kind : detail::config_kinds()) {
        std::set<std::string_view> names;
        for (const auto& row : kind.settings()) {
            CHECK_MESSAGE(names.insert(row.name).second, row.name);
            for (const auto& other : row.synonyms) CHECK_MESSAGE(names.insert(other.name).second, other.name);
        }
    }
}

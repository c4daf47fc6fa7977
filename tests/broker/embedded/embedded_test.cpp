// The embedded broker in real time: over sockets and without, in memory and on disk.
#include "temporary_folder.hpp"
#include "topics.hpp"

#include <weir/broker/embedded.hpp>
#include <weir/producer.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <optional>

using namespace weir;
using namespace std::chrono_literals;
using broker::embedded;
using broker::embedded_config;

namespace {

using test::orders;

embedded_config with_orders(std::int32_t partitions = 1) {
    embedded_config config;
    config.topics.push_back({.name = "orders", .partitions = partitions});
    return config;
}
std::string reason(const embedded_config& config) {
    try {
        embedded cluster{config};
    } catch (const exception& refused) {
        return refused.error().message();
    }
    return {};
}
/// Offset of the record that was sent.
std::int64_t put(producer& out, const std::string& value) {
    const auto sent = out.send(orders, "k", value).get();
    REQUIRE_MESSAGE(sent, sent.error().message());
    return sent->offset;
}
/// For what has to fail. What has to succeed takes another producer: a machine may be slower than this one waits.
producer soon_given_up(const client& kafka) {
    producer_config settings;
    settings.delivery_timeout = 300ms;
    settings.linger = 0ms;
    settings.close_timeout = 100ms;
    return producer{kafka, std::move(settings)};
}

}  // namespace

TEST_CASE("a client reaches it over sockets") {
    embedded cluster{with_orders()};
    producer out{client{cluster.bootstrap()}};
    CHECK(put(out, "shoes") == 0);
    CHECK(put(out, "hat") == 1);
}

TEST_CASE("a client reaches it without any socket") {
    auto config = with_orders();
    config.sockets = false;
    embedded cluster{config};
    producer out{client{cluster}};
    CHECK(put(out, "shoes") == 0);
    CHECK_THROWS_AS((void)cluster.bootstrap(), exception);
}

TEST_CASE("both kinds of clients see the same topic") {
    embedded cluster{with_orders()};
    producer outside{client{cluster.bootstrap()}}, inside{client{cluster}};
    CHECK(put(outside, "a") == 0);
    CHECK(put(inside, "b") == 1);
    CHECK(put(outside, "c") == 2);
}

TEST_CASE("large batches pass between the threads in pieces") {
    auto config = with_orders(3);
    config.topics.front().configs["max.message.bytes"] = "8000000";
    embedded cluster{config};
    producer_config settings;
    settings.max_request_size = 4 << 20;
    settings.batch_size = 4 << 20;
    producer out{client{cluster}, std::move(settings)};
    std::vector<delivery> sent;
    for (int i = 0; i < 200; ++i) sent.push_back(out.send(orders, "k" + std::to_string(i), std::string(100'000, 'x')));
    REQUIRE(out.flush().get());
    for (auto& each : sent) CHECK(each.get());
}

TEST_CASE("a node that stops and starts has its data, its address and its clients again") {
    for (const bool on_disk : {false, true}) {
        CAPTURE(on_disk);
        auto config = with_orders();
        config.on_disk = on_disk;
        embedded cluster{config};
        const auto address = cluster.bootstrap();
        const auto id = cluster.cluster_id();
        producer out{client{address}}, inside{client{cluster}};
        CHECK(put(out, "a") == 0);
        CHECK(put(inside, "b") == 1);
        cluster.stop();
        CHECK_FALSE(cluster.running());
        auto waiting = out.send(orders, "k", "c");
        cluster.start();
        CHECK(cluster.bootstrap() == address);
        CHECK(cluster.cluster_id() == id);
        const auto sent = waiting.get();
        REQUIRE_MESSAGE(sent, sent.error().message());
        CHECK(sent->offset == 2);
        CHECK(put(inside, "d") == 3);
    }
}

TEST_CASE("an acknowledged record survives the death of the process and a power cut") {
    embedded cluster{with_orders()};
    producer out{client{cluster}};
    CHECK(put(out, "a") == 0);
    cluster.kill();
    cluster.start();
    CHECK(put(out, "b") == 1);
    cluster.crash(0, sim::unsynced::lost);
    cluster.start();
    CHECK(put(out, "c") == 2);
    cluster.crash();
    cluster.start();
    CHECK(put(out, "d") == 3);
}

TEST_CASE("a directory stays, and is found again") {
    test::temporary_folder folder;
    auto config = with_orders();
    config.directory = folder / "cluster";
    std::string id;
    {
        embedded cluster{config};
        id = cluster.cluster_id();
        producer out{client{cluster}};
        CHECK(put(out, "a") == 0);
        CHECK(reason(config).find("another") != std::string::npos);  // two nodes in one directory
    }
    embedded again{config};
    CHECK(again.cluster_id() == id);
    producer out{client{again}};
    CHECK(put(out, "b") == 1);
}

TEST_CASE("a cut ends connections until it heals") {
    embedded cluster{with_orders()};
    client_config quick;
    quick.retry_backoff = quick.retry_backoff_max = quick.reconnect_backoff = quick.reconnect_backoff_max = 1ms;
    const client kafka{cluster, std::move(quick)};
    producer out{kafka};
    auto impatient = soon_given_up(kafka);
    CHECK(put(out, "a") == 0);
    cluster.cut();
    CHECK(impatient.send(orders, "k", "lost").get().code() == errc::timed_out);
    cluster.heal();
    CHECK(put(out, "b") == 1);
}

TEST_CASE("a client may outlive its cluster") {
    std::optional<embedded> cluster{std::in_place, with_orders()};
    const client kafka{*cluster};
    producer inside{kafka};
    auto impatient = soon_given_up(kafka);
    CHECK(put(inside, "a") == 0);
    cluster.reset();
    CHECK_FALSE(impatient.send(orders, "k", "b").get());
}

TEST_CASE("what cannot be is refused with the reason") {
    auto three = with_orders();
    three.nodes = 3;
    CHECK(reason(three) == "INVALID_SETTING: nodes=3: allowed is 1, because Weir's broker runs as a single node and does not replicate");
    auto misspelt = with_orders();
    misspelt.extra["num.partition"] = "3";
    CHECK(reason(misspelt).find("num.partitions") != std::string::npos);
    auto listeners = with_orders();
    listeners.extra["listeners"] = "PLAINTEXT://:9092";
    CHECK(reason(listeners).find("listeners") != std::string::npos);
    auto replicas = with_orders();
    replicas.topics.front().replication = 3;
    CHECK(reason(replicas).find("orders") != std::string::npos);
    auto name = with_orders();
    name.topics.front().name = "no spaces";
    CHECK(reason(name).find("no spaces") != std::string::npos);
    auto configs = with_orders();
    configs.topics.front().configs["cleanup.polic"] = "compact";
    CHECK(reason(configs).find("cleanup.polic") != std::string::npos);
    embedded cluster;
    CHECK_THROWS_AS(cluster.stop(1), exception);
    CHECK_THROWS_AS(cluster.fail_next("Produze", errc::not_leader_or_follower), exception);
}

TEST_CASE("a disk that is full or fails shows in the answers, and heals") {
    auto config = with_orders();
    embedded cluster{config};
    producer out{client{cluster}};
    CHECK(put(out, "a") == 0);
    cluster.fail_disk({.operation = sim::disk_operation::write, .path_contains = "orders-0"});
    const auto refused = soon_given_up(client{cluster}).send(orders, "k", "b").get();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message().find("KAFKA_STORAGE_ERROR") != std::string::npos);
    cluster.heal_disk();
    cluster.stop();
    cluster.start();
    CHECK(put(out, "c") == 1);
}

TEST_CASE("a disk that fails under a start ends it with the directory's name") {
    embedded cluster{with_orders()};
    cluster.stop();
    cluster.fail_disk({.operation = sim::disk_operation::sync, .path_contains = "__cluster_metadata", .times = 1000});
    try {
        cluster.start();
        FAIL("it started on a disk that fails");
    } catch (const exception& thrown) {
        CHECK(thrown.error().code() == errc::io_error);
        CHECK(thrown.error().message().find("/data") != std::string::npos);
    }
    CHECK_FALSE(cluster.running());
    cluster.heal_disk();
    cluster.start();
    producer out{client{cluster}};
    CHECK(put(out, "a") == 0);
}

TEST_CASE("a disk that fails under a stop ends it with the directory's name") {
    auto config = with_orders();
    config.extra["flush.before.ack"] = "false";  // so that the stop has something to flush
    embedded cluster{config};
    producer out{client{cluster}};
    CHECK(put(out, "a") == 0);
    cluster.fail_disk({.operation = sim::disk_operation::sync, .path_contains = "orders-0", .times = 1000});
    try {
        cluster.stop();
        FAIL("it flushed to a disk that fails");
    } catch (const exception& thrown) {
        CHECK(thrown.error().message().find("/data") != std::string::npos);
    }
    CHECK_FALSE(cluster.running());
    cluster.heal_disk();
    cluster.start();
    CHECK(put(out, "b") == 1);
}

TEST_CASE("a stop ends whatever waits for the metadata's disk") {
    embedded cluster{with_orders()};
    producer out{client{cluster}};
    CHECK(put(out, "a") == 0);
    cluster.fail_disk({.operation = sim::disk_operation::sync, .path_contains = "__cluster_metadata", .times = 1000});
    auto created = out.enqueue(topic<std::string, std::string>{"new"}, "k", "v");
    try {
        cluster.stop();
    } catch (const exception& thrown) {  // the request had reached the controller
        CHECK(thrown.error().message().find("/data") != std::string::npos);
    }
    CHECK_FALSE(cluster.running());
    cluster.heal_disk();
    cluster.start();
    CHECK(put(out, "b") == 1);
}

// What a client tells about itself, against a whole broker in virtual time.
#include "broker_fixture.hpp"
#include "topics.hpp"

#include <weir/consumer.hpp>
#include <weir/producer.hpp>
#include <weir/protocol/compression.hpp>
#include <weir/protocol/messages/incremental_alter_configs.hpp>

#include <stdexcept>

using namespace weir;
using namespace weir::broker::test;
using namespace std::chrono_literals;

namespace {

using test::orders;

struct metrics_fixture : broker_fixture {
    ~metrics_fixture() {
        out.reset();
        kafka.reset();
        world.run_for(2s);
    }
    void begin(bool telemetry) {
        if (telemetry) overrides = {"telemetry.directory=/telemetry"};
        start();
        wire.emplace(world, desk, endpoint{"broker", 9092});
        REQUIRE(create_topic(*wire, "orders", 2) == 0);
    }
    void subscribe(const std::string& metrics, const std::string& interval = "1000") {
        protocol::incremental_alter_configs_request alter;
        auto& resource = alter.resources.emplace_back();
        resource.resource_type = 16;
        resource.resource_name = "tests";
        for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{{"metrics", metrics}, {"interval.ms", interval}}) {
            auto& each = resource.configs.emplace_back();
            each.name = name;
            each.value = value;
        }
        REQUIRE(wire->call(alter, 1).responses.at(0).error_code == 0);
    }
    void open(client_config config = client_config{}) {
        kafka.emplace(world.loop(desk), world.net(desk), 1, "broker:9092", std::move(config));
        out.emplace(*kafka);
    }
    void send(int records) {
        for (int i = 0; i < records; ++i) {
            auto handed = out->enqueue(orders, std::to_string(i), std::string(100, 'x'));
            REQUIRE(world.run_until([&] { return handed.ready(); }, 60s));
        }
        auto flushed = out->flush();
        REQUIRE(world.run_until([&] { return flushed.ready(); }, 60s));
    }
    result<uuid> instance() {
        auto asking = kafka->instance_id();
        REQUIRE(world.run_until([&] { return asking.ready(); }, 60s));
        return asking.get();
    }
    /// The messages that the broker keeps of this client.
    std::vector<std::string> pushed(const uuid& of) {
        const auto kept = read_file(world.disk(machine), "/telemetry/" + to_string(of) + ".otlp");
        std::vector<std::string> all;
        if (!kept) return all;
        for (std::size_t at = 0; at + 4 <= kept->size();) {
            const auto size = static_cast<std::size_t>(load_big_endian<std::int32_t>(kept->data() + at));
            all.emplace_back(as_text(bytes_view{*kept}.subspan(at + 4, size)));
            at += 4 + size;
        }
        return all;
    }

    std::optional<wire_client> wire;
    std::optional<client> kafka;
    std::optional<producer> out;
};

}  // namespace

TEST_CASE_FIXTURE(metrics_fixture, "a client counts what it does") {
    begin(false);
    open();
    send(50);
    world.run_for(3s);
    const auto now = kafka->metrics();
    CHECK(now.client_id == "weir");
    CHECK(now.connections.open >= 1);
    CHECK(now.connections.opened >= now.connections.open);
    CHECK(now.connections.failed == 0);
    CHECK(now.connections.requests == now.connections.answers);
    CHECK(now.connections.bytes_out > 50 * 100);
    CHECK(now.connections.bytes_in > 0);
    CHECK(now.connections.latency_ms.count == now.connections.answers);
    CHECK(now.metadata_refreshes >= 1);
    REQUIRE(now.metadata_age);
    CHECK(*now.metadata_age >= 2s);
    REQUIRE(now.producers.size() == 1);
    const auto& sent = now.producers[0];
    CHECK(sent.records == 50);
    CHECK(sent.batches >= 2);
    CHECK(sent.bytes == sent.uncompressed_bytes);
    CHECK(sent.bytes > 50 * 100);
    CHECK(sent.batch_bytes.count == sent.batches);
    CHECK(sent.queue_ms.count == sent.batches);
    CHECK(sent.latency_ms.count == sent.requests);
    CHECK(sent.failed == 0);
    CHECK(sent.queued_bytes == 0);
    CHECK(sent.buffer_bytes == 32u << 20);
    CHECK(now.prometheus_text().find(R"(kafka_producer_producer_metrics_record_send_total{client_id="weir",producer="1"} 50)") != std::string::npos);

    out.reset();
    world.run_for(100ms);
    CHECK(kafka->metrics().producers.empty());
}

TEST_CASE_FIXTURE(metrics_fixture, "a consumer's records, lag, commits and membership are counted") {
    begin(false);
    open();
    send(50);
    consumer_config config;
    config.group_id = "audit";
    config.start = at::earliest;
    config.auto_commit = false;
    consumer<> in{*kafka, std::move(config)};
    in.subscribe({"orders"});
    std::size_t read = 0;
    while (read < 50) {
        auto polled = in.poll(10s);
        REQUIRE(world.run_until([&] { return polled.ready(); }, 60s));
        auto records = polled.get();
        REQUIRE_MESSAGE(records, records.error().message());
        REQUIRE(records->size() > 0);
        read += records->size();
    }
    auto committed = in.commit();
    REQUIRE(world.run_until([&] { return committed.ready(); }, 60s));
    world.run_for(10s);
    auto now = kafka->metrics();
    REQUIRE(now.consumers.size() == 1);
    CHECK(now.consumers[0].number == 1);
    CHECK(now.consumers[0].group_id == "audit");
    CHECK(now.consumers[0].records == 50);
    CHECK(now.consumers[0].bytes > 50 * 100);
    CHECK(now.consumers[0].fetches > 0);
    CHECK(now.consumers[0].fetch_ms.count == now.consumers[0].fetches);
    CHECK(now.consumers[0].commits == 1);
    CHECK(now.consumers[0].commit_ms.count == 1);
    CHECK(now.consumers[0].rebalances == 1);
    CHECK(now.consumers[0].heartbeats >= 2);
    CHECK(now.consumers[0].assigned == 2);
    CHECK(now.consumers[0].lag_max == 0);
    // What was fetched and not read yet is lag, too.
    send(30);
    world.run_for(2s);
    now = kafka->metrics();
    CHECK(now.consumers[0].lag_max >= 15);
    CHECK(now.consumers[0].buffered_bytes > 0);
    CHECK(now.prometheus_text().find(R"(kafka_consumer_consumer_coordinator_metrics_assigned_partitions{client_id="weir",consumer="1",group_id="audit"} 2)") != std::string::npos);
    auto closed = in.close();
    REQUIRE(world.run_until([&] { return closed.ready(); }, 60s));
}

TEST_CASE_FIXTURE(metrics_fixture, "records that wait, are tried again and fail are counted") {
    begin(false);
    kafka.emplace(world.loop(desk), world.net(desk), 1, "broker:9092", client_config{.request_timeout = 1s, .connect_timeout = 1s});
    producer_config config;
    config.delivery_timeout = 5s;
    out.emplace(*kafka, std::move(config));
    send(1);
    world.isolate(machine);
    auto lost = out->send(orders, "k", "v");
    world.run_for(2500ms);
    CHECK(kafka->metrics().producers.at(0).queued_bytes > 0);
    CHECK(kafka->metrics().producers.at(0).retried >= 1);
    REQUIRE(world.run_until([&] { return lost.ready(); }, 60s));
    CHECK_FALSE(lost.get());
    const auto now = kafka->metrics();
    CHECK(now.producers.at(0).failed == 1);
    CHECK(now.producers.at(0).queued_bytes == 0);
    CHECK(now.connections.failed >= 1);
    world.heal_all();
}

TEST_CASE_FIXTURE(metrics_fixture, "metrics that an operator subscribes to arrive, the last ones when the client ends") {
    begin(true);
    subscribe("org.apache.kafka.producer.record.,org.apache.kafka.producer.connection.count");
    open();
    send(20);
    const auto id = instance();
    REQUIRE_MESSAGE(id, id.error().message());
    REQUIRE(world.run_until([&] { return pushed(*id).size() == 3; }, 10s));
    const auto first = pushed(*id)[0];
    CHECK(first.find("org.apache.kafka.producer.record.send.total") != std::string::npos);
    CHECK(first.find("org.apache.kafka.producer.record.send.rate") != std::string::npos);
    CHECK(first.find("org.apache.kafka.producer.connection.count") != std::string::npos);
    CHECK(first.find("org.apache.kafka.producer.byte") == std::string::npos);

    const auto before = pushed(*id).size();
    send(5);
    out.reset();
    kafka.reset();
    REQUIRE(world.run_until([&] { return pushed(*id).size() > before; }, 900ms));
    CHECK_MESSAGE(pushed(*id).back().find("org.apache.kafka.producer.record.send.total") != std::string::npos, "the producer's last records are told after its end");
}

TEST_CASE_FIXTURE(metrics_fixture, "numbers of the application's own are pushed for as long as they are registered, to who asks for them") {
    begin(true);
    subscribe("com.example.");
    open();
    double open_orders = 7;
    int reads = 0;
    auto gauge = kafka->register_metric_for_subscription({"com.example.orders.open", {{"shop", "north"}}, application_metric::kind_of::gauge, [&] {
        ++reads;
        return open_orders;
    }});
    const auto unwanted = kafka->register_metric_for_subscription({"org.example.orders", {}, application_metric::kind_of::gauge, [] { return 1; }});
    const auto broken = kafka->register_metric_for_subscription({"com.example.broken", {}, application_metric::kind_of::gauge, []() -> double { throw std::runtime_error{"no"}; }});
    const auto sold = kafka->register_metric_for_subscription({"com.example.sold.total", {}, application_metric::kind_of::total, [] { return 3; }});
    send(1);
    const auto id = instance();
    REQUIRE(id);
    REQUIRE(world.run_until([&] { return pushed(*id).size() == 2; }, 10s));
    const auto first = pushed(*id)[0];
    CHECK(first.find("com.example.orders.open") != std::string::npos);
    CHECK(first.find("north") != std::string::npos);
    CHECK(first.find("com.example.sold.total") != std::string::npos);
    CHECK(first.find("com.example.sold.rate") != std::string::npos);
    CHECK(first.find("org.example") == std::string::npos);
    CHECK(first.find("org.apache.kafka") == std::string::npos);
    CHECK(first.find("broken") == std::string::npos);

    gauge = {};
    const auto before = reads;
    REQUIRE(world.run_until([&] { return pushed(*id).size() == 4; }, 10s));
    CHECK(pushed(*id).back().find("com.example.orders.open") == std::string::npos);
    CHECK(reads == before);
}

TEST_CASE_FIXTURE(metrics_fixture, "a number without a name, or with nothing behind it, is refused, and one may outlive the client") {
    begin(false);
    open();
    const auto refused = [&](application_metric which) -> std::string {
        try {
            (void)kafka->register_metric_for_subscription(std::move(which));
        } catch (const exception& why) {
            CHECK(why.error().code() == errc::invalid_request);
            return std::string{why.error().what()};
        }
        return "taken";
    };
    CHECK(refused({.name = "", .read = [] { return 1; }}) == "a metric of the application's needs a name");
    CHECK(refused({.name = "com.example.open"}) == "metric 'com.example.open': there is nothing to read");
    const auto kept = kafka->register_metric_for_subscription({"com.example.open", {}, application_metric::kind_of::gauge, [] { return 1; }});
    out.reset();
    kafka.reset();
    world.run_for(2s);
}

TEST_CASE_FIXTURE(metrics_fixture, "a subscription that comes later, or changes, is heard of") {
    begin(true);
    subscribe("", "1000");
    open();
    send(1);
    const auto id = instance();
    REQUIRE(id);
    world.run_for(5s);
    CHECK(pushed(*id).empty());
    subscribe("org.apache.kafka.producer.record.", "1000");
    REQUIRE(world.run_until([&] { return !pushed(*id).empty(); }, 5s));
    subscribe("org.apache.kafka.producer.batch.", "1000");
    const auto before = pushed(*id).size();
    REQUIRE(world.run_until([&] { return pushed(*id).size() > before && pushed(*id).back().find("org.apache.kafka.producer.batch.total") != std::string::npos; }, 10s));
}

TEST_CASE_FIXTURE(metrics_fixture, "a broker that asks for no metrics hears nothing of them, and the client sleeps") {
    begin(false);
    open({.metadata_max_age = 10h, .connections_max_idle = 10h});
    send(1);
    world.run_for(5s);
    const auto before = kafka->metrics().connections.requests;
    world.run_for(1h);
    CHECK(kafka->metrics().connections.requests == before);
    CHECK(instance().error().code() == errc::unsupported_version);
}

TEST_CASE_FIXTURE(metrics_fixture, "enable.metrics.push=false keeps a client's metrics to itself") {
    begin(true);
    subscribe("*");
    open({.extra = {{"enable.metrics.push", "false"}}});
    send(1);
    world.run_for(10s);
    CHECK(instance().error().code() == errc::invalid_request);
    const auto files = world.disk(machine).list("/telemetry");
    REQUIRE(files);
    CHECK(files->empty());
}

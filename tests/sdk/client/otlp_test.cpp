// Names, windows and bytes of what a client tells about itself.
#include "metrics/samples.hpp"
#include "telemetry/push_window.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace weir;
using namespace weir::detail;

namespace {

client_metrics busy_client() {
    client_metrics all;
    all.client_id = "shop";
    all.connections.opened = 3;
    all.connections.closed = 1;
    all.connections.open = 2;
    auto& out = all.producers.emplace_back();
    out.number = 1;
    out.transactional_id = "till-1";
    out.records = 100;
    out.requests = 4;
    out.bytes = 500;
    out.uncompressed_bytes = 1000;
    out.latency_ms = {4, 20, 5, 5, 6};
    auto& in = all.consumers.emplace_back();
    in.number = 1;
    in.group_id = "audit";
    in.lag_max = 7;
    return all;
}

const otlp_point* find(const std::vector<otlp_point>& all, std::string_view name) {
    const auto at = std::find_if(all.begin(), all.end(), [&](const otlp_point& each) { return each.name == name; });
    return at == all.end() ? nullptr : &*at;
}

bytes of_hex(std::string_view text) {
    bytes made;
    std::string digits;
    for (const char c : text) {
        if (c != ' ') digits += c;
    }
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2) made.push_back(static_cast<std::byte>(std::stoi(digits.substr(i, 2), nullptr, 16)));
    return made;
}

}  // namespace

TEST_CASE("Prometheus sees the names of Kafka's clients, and whom a number is about") {
    const auto text = busy_client().prometheus_text();
    const auto shows = [&](std::string_view line) { return text.find(std::string{line} + "\n") != std::string::npos; };
    CHECK(shows(R"(kafka_producer_producer_metrics_connection_count{client_id="shop"} 2)"));
    CHECK(shows(R"(kafka_consumer_consumer_metrics_connection_count{client_id="shop"} 2)"));
    CHECK(shows("# TYPE kafka_producer_producer_metrics_record_send_total counter"));
    CHECK(shows(R"(kafka_producer_producer_metrics_record_send_total{client_id="shop",producer="1",transactional_id="till-1"} 100)"));
    CHECK(shows(R"(kafka_producer_producer_metrics_request_latency_avg{client_id="shop",producer="1",transactional_id="till-1"} 5)"));
    CHECK(shows(R"(kafka_producer_producer_metrics_compression_rate_avg{client_id="shop",producer="1",transactional_id="till-1"} 0.5)"));
    CHECK(shows(R"(kafka_consumer_consumer_fetch_manager_metrics_records_lag_max{client_id="shop",consumer="1",group_id="audit"} 7)"));
    CHECK_MESSAGE(text.find("fetch_latency_avg") == std::string::npos, "an average of nothing is not shown");
}

TEST_CASE("a client on which nothing is built counts as an admin client") {
    CHECK(client_metrics{.client_id = "tool"}.prometheus_text().find(R"(kafka_admin_client_admin_client_metrics_connection_count{client_id="tool"} 0)") != std::string::npos);
}

TEST_CASE("names in telemetry are those of KIP-714") {
    CHECK(telemetry_name("producer-metrics", "connection-creation-total") == "org.apache.kafka.producer.connection.creation.total");
    CHECK(telemetry_name("consumer-coordinator-metrics", "commit-latency-avg") == "org.apache.kafka.consumer.coordinator.commit.latency.avg");
    CHECK(telemetry_name("consumer-fetch-manager-metrics", "fetch-latency-max") == "org.apache.kafka.consumer.fetch.manager.fetch.latency.max");
}

TEST_CASE("a push tells what came since the one before, or all, as it is wanted") {
    auto all = busy_client();
    push_window window{1000};
    const std::vector<std::string> everything{"*"};
    const auto first = window.points(samples_of(all), everything, temporality::delta, 3000);
    const auto* sent = find(first, "org.apache.kafka.producer.record.send.total");
    REQUIRE(sent);
    CHECK(sent->sum);
    CHECK(sent->value == 100);
    CHECK(sent->since_ms == 1000);
    CHECK(sent->where == metrics::labels{{"producer", "1"}});
    CHECK(sent->resource == metrics::labels{{"transactional_id", "till-1"}});
    CHECK(find(first, "org.apache.kafka.producer.record.send.rate")->value == 50);

    window.commit(samples_of(all), 3000);
    all.producers[0].records = 130;
    all.producers[0].latency_ms = {5, 60, 5, 5, 40};
    const auto second = window.points(samples_of(all), everything, temporality::delta, 4000);
    CHECK(find(second, "org.apache.kafka.producer.record.send.total")->value == 30);
    CHECK(find(second, "org.apache.kafka.producer.record.send.total")->since_ms == 3000);
    CHECK(find(second, "org.apache.kafka.producer.record.send.rate")->value == 30);
    CHECK(find(second, "org.apache.kafka.producer.request.latency.avg")->value == 40);
    CHECK_MESSAGE(!find(second, "org.apache.kafka.producer.batch.size.avg"), "no batch, no average");

    const auto cumulative = window.points(samples_of(all), everything, temporality::cumulative, 4000);
    CHECK(find(cumulative, "org.apache.kafka.producer.record.send.total")->value == 130);
    CHECK(find(cumulative, "org.apache.kafka.producer.record.send.total")->since_ms == 1000);
}

TEST_CASE("the application's own numbers keep their names, and one that begins anew counts from nothing") {
    std::vector<client_counters::reading> read;
    for (const auto* name : {"com.example.sold", "com.example.sold.total"}) {
        auto one = std::make_shared<application_metric>();
        one->name = name;
        one->labels = {{"shop", "north"}};
        one->kind = application_metric::kind_of::total;
        read.push_back({one, 40});
    }
    push_window window{1000};
    const std::vector<std::string> mine{"com.example."};
    const auto first = window.points(samples_of(read), mine, temporality::delta, 3000);
    REQUIRE(first.size() == 3);
    CHECK(find(first, "com.example.sold")->value == 40);
    CHECK(find(first, "com.example.sold")->sum);
    CHECK(find(first, "com.example.sold")->where == metrics::labels{{"shop", "north"}});
    CHECK(find(first, "com.example.sold.rate")->value == 20);  // of what is called a total
    window.commit(samples_of(read), 3000);
    for (auto& each : read) each.value = 10;
    const auto second = window.points(samples_of(read), mine, temporality::delta, 4000);
    CHECK(find(second, "com.example.sold")->value == 10);
}

TEST_CASE("only what was asked for is told") {
    push_window window{0};
    const auto samples = samples_of(busy_client());
    for (const auto& each : window.points(samples, {"org.apache.kafka.consumer.coordinator.", "org.apache.kafka.producer.record"}, temporality::delta, 10)) {
        CAPTURE(each.name);
        CHECK((each.name.starts_with("org.apache.kafka.consumer.coordinator.") || each.name.starts_with("org.apache.kafka.producer.record")));
    }
    CHECK(window.points(samples, {"org.apache.kafka.share"}, temporality::delta, 10).empty());
}

TEST_CASE("points become OTLP's bytes") {
    // As Google's own encoder writes this message: two resources, a sum and a gauge.
    const std::vector<otlp_point> points{
        {"a.total", true, 300, {{"producer", "1"}}, {{"group_id", "g"}}, 1},
        {"b", false, 0.5, {}, {}, 0},
    };
    const auto expected = of_hex(
        "0a 5c"                                                        // resource_metrics
        "  0a 11 0a 0f 0a 08 67 72 6f 75 70 5f 69 64 12 03 0a 01 67"   //   resource { group_id = g }
        "  12 47 0a 06 0a 04 77 65 69 72"                              //   scope_metrics { scope { name: weir }
        "    12 3d 0a 07 61 2e 74 6f 74 61 6c"                         //     metrics { name: a.total
        "      3a 32 0a 2c"                                            //       sum { data_points {
        "        11 40 42 0f 00 00 00 00 00 19 80 84 1e 00 00 00 00 00"  //       from 1 ms, to 2 ms
        "        31 2c 01 00 00 00 00 00 00"                           //         as_int: 300
        "        3a 0f 0a 08 70 72 6f 64 75 63 65 72 12 03 0a 01 31"   //         producer = 1 }
        "        10 01 18 01"                                          //       delta, monotonic } } } }
        "0a 27 0a 00 12 23 0a 06 0a 04 77 65 69 72"                    // resource_metrics of an empty resource
        "    12 19 0a 01 62 2a 14 0a 12"                               //     metrics { name: b gauge { data_points {
        "        19 80 84 1e 00 00 00 00 00 21 00 00 00 00 00 00 e0 3f");  //       at 2 ms, as_double: 0.5
    CHECK(encode_otlp(points, temporality::delta, 2) == expected);
    CHECK(encode_otlp({}, temporality::delta, 2).empty());
}

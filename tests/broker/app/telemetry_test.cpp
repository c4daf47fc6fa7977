#include "broker_fixture.hpp"

#include <weir/protocol/messages/api_versions.hpp>
#include <weir/protocol/messages/get_telemetry_subscriptions.hpp>
#include <weir/protocol/messages/incremental_alter_configs.hpp>
#include <weir/protocol/messages/push_telemetry.hpp>

#include <algorithm>

using namespace weir;
using namespace weir::broker;
using namespace weir::broker::test;
using namespace weir::protocol;

namespace {

bool offers(wire_client& client, api_key key) {
    const auto answer = client.call(api_versions_request{}, 0);
    return std::any_of(answer.api_keys.begin(), answer.api_keys.end(), [&](const auto& row) { return row.api_key == static_cast<std::int16_t>(key); });
}

}  // namespace

TEST_CASE("without telemetry.directory clients are not offered to push metrics") {
    broker_fixture broker;
    broker.start();
    auto client = broker.connect();
    CHECK_FALSE(offers(client, get_telemetry_subscriptions_request::api_key));
    CHECK_FALSE(offers(client, push_telemetry_request::api_key));
    client.send(get_telemetry_subscriptions_request{}, 0);
    CHECK_FALSE(client.next_frame());
    CHECK(client.closed());
}

TEST_CASE("a client learns what to push, and what it pushes is kept") {
    broker_fixture broker;
    broker.overrides = {"telemetry.directory=/telemetry", "telemetry.max.bytes=5000"};
    broker.start();
    auto client = broker.connect();
    CHECK(offers(client, get_telemetry_subscriptions_request::api_key));
    CHECK(offers(client, push_telemetry_request::api_key));

    incremental_alter_configs_request alter;
    auto& resource = alter.resources.emplace_back();
    resource.resource_type = 16;
    resource.resource_name = "all-tests";
    for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{{"metrics", "org.apache.kafka.producer."}, {"interval.ms", "2000"}, {"match", "client_id=te.t"}}) {
        auto& each = resource.configs.emplace_back();
        each.name = name;
        each.value = value;
    }
    const auto altered = client.call(alter, 1);
    REQUIRE(altered.responses.at(0).error_code == 0);

    const auto told = client.call(get_telemetry_subscriptions_request{}, 0);
    CHECK(told.error_code == 0);
    CHECK_FALSE(told.client_instance_id.is_zero());
    CHECK(told.accepted_compression_types == std::vector<std::int8_t>{4, 3, 1, 2});
    CHECK(told.push_interval_ms == 2000);
    CHECK(told.telemetry_max_bytes == 5000);
    CHECK(told.delta_temporality);
    CHECK(told.requested_metrics == std::vector<std::string>{"org.apache.kafka.producer."});

    push_telemetry_request push;
    push.client_instance_id = told.client_instance_id;
    push.subscription_id = told.subscription_id;
    push.metrics = to_bytes("metrics");
    CHECK(client.call(push, 0).error_code == 0);
    CHECK(client.call(push, 0).error_code == wire_code(errc::throttling_quota_exceeded));
    const auto kept = read_file(broker.world.disk(broker.machine), "/telemetry/" + to_string(told.client_instance_id) + ".otlp");
    REQUIRE(kept);
    REQUIRE(kept->size() == 11);
    CHECK(as_text(bytes_view{*kept}.subspan(4)) == "metrics");
}

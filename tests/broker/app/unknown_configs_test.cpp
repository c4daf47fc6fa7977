// Settings of a broker under names that it does not know: Kafka keeps them for its plugins, and shows nobody their values.
#include "broker_fixture.hpp"

#include <weir/protocol/messages/alter_configs.hpp>
#include <weir/protocol/messages/describe_configs.hpp>
#include <weir/protocol/messages/incremental_alter_configs.hpp>

#include <algorithm>

using namespace weir;
using namespace weir::broker::test;
using namespace weir::protocol;

namespace {

constexpr std::int8_t of_broker = 4;
constexpr std::int8_t broker_source = 2, default_source = 3;
using row = describe_configs_response::describe_configs_resource_result;

std::int16_t set(wire_client& client, const std::string& broker, const std::string& name, const std::optional<std::string>& value) {
    incremental_alter_configs_request request;
    auto& resource = request.resources.emplace_back();
    resource.resource_type = of_broker;
    resource.resource_name = broker;
    auto& change = resource.configs.emplace_back();
    change.name = name;
    change.config_operation = value ? 0 : 1;
    change.value = value;
    return client.call(request, 1).responses.at(0).error_code;
}

std::optional<row> described(wire_client& client, const std::string& broker, const std::string& name) {
    describe_configs_request request;
    request.include_synonyms = true;
    auto& resource = request.resources.emplace_back();
    resource.resource_type = of_broker;
    resource.resource_name = broker;
    resource.configuration_keys.reset();
    const auto answer = client.call(request, 4);
    const auto& found = answer.results.at(0).configs;
    const auto at = std::find_if(found.begin(), found.end(), [&](const auto& each) { return each.name == name; });
    return at == found.end() ? std::nullopt : std::optional{*at};
}

}  // namespace

TEST_CASE_FIXTURE(broker_fixture, "a broker keeps a setting it does not know, and hides its value") {
    start();
    {
        auto client = connect();
        REQUIRE(set(client, "", "plugin.url", "http://one") == 0);
        REQUIRE(set(client, "1", "plugin.url", "http://two") == 0);
        CHECK(set(client, "1", "num.partitions", "3") == wire_code(errc::invalid_request));  // known, and needs a restart
        world.run_for(1s);
    }
    stop();
    start();
    auto client = connect();
    auto found = described(client, "1", "plugin.url");
    REQUIRE(found);
    CHECK_FALSE(found->value);
    CHECK(found->is_sensitive);
    CHECK(found->read_only);
    CHECK(found->config_source == broker_source);
    CHECK(found->config_type == 0);
    REQUIRE(found->synonyms.size() == 2);
    CHECK(found->synonyms[1].source == default_source);
    CHECK_FALSE(found->synonyms[1].value);

    REQUIRE(set(client, "1", "plugin.url", std::nullopt) == 0);
    world.run_for(1s);
    found = described(client, "1", "plugin.url");
    REQUIRE(found);
    CHECK(found->config_source == default_source);
    found = described(client, "", "plugin.url");
    REQUIRE(found);
    CHECK(found->config_source == default_source);

    // AlterConfigs says everything a resource has.
    REQUIRE(set(client, "", "plugin.url", std::nullopt) == 0);
    alter_configs_request all;
    auto& resource = all.resources.emplace_back();
    resource.resource_type = of_broker;
    resource.resource_name = "1";
    auto& config = resource.configs.emplace_back();
    config.name = "plugin.url";
    config.value = "http://three";
    REQUIRE(client.call(all, 2).responses.at(0).error_code == 0);
    world.run_for(1s);
    REQUIRE(described(client, "1", "plugin.url"));
    resource.configs.clear();
    REQUIRE(client.call(all, 2).responses.at(0).error_code == 0);
    world.run_for(1s);
    CHECK_FALSE(described(client, "1", "plugin.url"));
}

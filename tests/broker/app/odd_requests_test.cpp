// What clients ask seldom, and tools sometimes: the answers are Kafka's.
#include "broker_fixture.hpp"

#include <weir/protocol/messages/alter_configs.hpp>
#include <weir/protocol/messages/delete_records.hpp>
#include <weir/protocol/messages/describe_configs.hpp>
#include <weir/protocol/messages/describe_quorum.hpp>
#include <weir/protocol/messages/incremental_alter_configs.hpp>
#include <weir/protocol/messages/init_producer_id.hpp>

#include <map>

using namespace weir;
using namespace weir::broker::test;
using namespace weir::protocol;

namespace {

constexpr std::int8_t topic_resource = 2;
constexpr std::int8_t broker_resource = 4;
constexpr std::int8_t logger_resource = 8;
constexpr std::int8_t client_metrics_resource = 16;
constexpr std::int8_t group_resource = 32;

describe_quorum_request quorum_of(const std::vector<std::pair<std::string, std::vector<std::int32_t>>>& topics) {
    describe_quorum_request request;
    for (const auto& [name, partitions] : topics) {
        auto& topic = request.topics.emplace_back();
        topic.topic_name = name;
        for (const auto index : partitions) topic.partitions.emplace_back().partition_index = index;
    }
    return request;
}

}  // namespace

TEST_CASE_FIXTURE(broker_fixture, "a producer that resumes says its id and its epoch, or is refused") {
    start();
    auto client = connect();
    const auto code = [&](std::int64_t id, std::int16_t epoch) {
        init_producer_id_request request;
        request.transactional_id = std::nullopt;
        request.producer_id = id;
        request.producer_epoch = epoch;
        return errc_from_wire(client.call(request, 4).error_code);
    };
    CHECK(code(-1, -1) == errc::none);
    CHECK(code(1, 1) == errc::none);
    CHECK(code(1, -1) == errc::invalid_request);
    CHECK(code(-1, 1) == errc::invalid_request);
}

TEST_CASE_FIXTURE(broker_fixture, "the quorum is described to who asks for its one partition alone") {
    start();
    auto client = connect();
    const auto known = client.call(quorum_of({{"__cluster_metadata", {0}}}), 2);
    const auto& part = known.topics.at(0).partitions.at(0);
    CHECK(part.error_code == 0);
    REQUIRE(part.current_voters.size() == 1);
    // The leader's own row moves with the clock.
    const auto before = part.current_voters[0].last_fetch_timestamp;
    CHECK(before > 0);
    world.run_for(1s);
    const auto later = client.call(quorum_of({{"__cluster_metadata", {0}}}), 2).topics.at(0).partitions.at(0).current_voters.at(0);
    CHECK(later.last_fetch_timestamp >= before + 1000);
    CHECK(later.last_caught_up_timestamp == later.last_fetch_timestamp);

    for (const auto& odd : {quorum_of({{"__cluster_metadata", {0, 1}}}), quorum_of({{"__cluster_metadata", {0}}, {"orders", {0}}}), quorum_of({{"orders", {0}}})}) {
        const auto answer = client.call(odd, 2);
        CHECK(answer.nodes.empty());
        for (const auto& topic : answer.topics)
            for (const auto& row : topic.partitions) CHECK(row.error_code == wire_code(errc::unknown_topic_or_partition));
    }
}

TEST_CASE_FIXTURE(broker_fixture, "settings of another broker are not altered here, those beside them are") {
    start();
    auto client = connect();
    alter_configs_request request;
    for (const auto* name : {"9", "1"}) {
        auto& resource = request.resources.emplace_back();
        resource.resource_type = broker_resource;
        resource.resource_name = name;
    }
    const auto answer = client.call(request, 2);
    REQUIRE(answer.responses.size() == 2);
    CHECK(answer.responses[0].resource_name == "9");
    CHECK(answer.responses[0].error_code == wire_code(errc::invalid_request));
    CHECK(answer.responses[1].error_code == 0);
}

TEST_CASE_FIXTURE(broker_fixture, "an interval between pushes that is out of bounds is a bad request, one that is no number a bad setting") {
    start();
    auto client = connect();
    const auto code_of = [&](std::int8_t type, const std::string& name, const std::string& value) {
        incremental_alter_configs_request request;
        auto& resource = request.resources.emplace_back();
        resource.resource_type = type;
        resource.resource_name = "resource";
        auto& change = resource.configs.emplace_back();
        change.name = name;
        change.value = value;
        return errc_from_wire(client.call(request, 1).responses.at(0).error_code);
    };
    CHECK(code_of(client_metrics_resource, "interval.ms", "100") == errc::none);
    for (const auto* out : {"99", "3600001", "-1"}) CHECK(code_of(client_metrics_resource, "interval.ms", out) == errc::invalid_request);
    for (const auto* none : {"soon", "", "99999999999"}) CHECK(code_of(client_metrics_resource, "interval.ms", none) == errc::invalid_config);
    CHECK(code_of(group_resource, "consumer.session.timeout.ms", "1") == errc::invalid_config);
}

TEST_CASE_FIXTURE(broker_fixture, "a group's setting stands before the broker's that gives its default") {
    start();
    auto client = connect();
    using layers = std::vector<std::tuple<std::string, std::string, int>>;
    const auto layers_of = [&](const std::string& name) {
        describe_configs_request request;
        request.include_synonyms = true;
        auto& resource = request.resources.emplace_back();
        resource.resource_type = group_resource;
        resource.resource_name = "readers";
        resource.configuration_keys = {name};
        layers found;
        const auto answer = client.call(request, 4);
        for (const auto& each : answer.results.at(0).configs.at(0).synonyms) found.emplace_back(each.name, each.value.value_or(""), each.source);
        return found;
    };
    const std::string timeout = "consumer.session.timeout.ms";
    CHECK(layers_of(timeout) == layers{{"group." + timeout, "45000", 5}});
    CHECK(layers_of("share.auto.offset.reset") == layers{{"share.auto.offset.reset", "latest", 5}});
    incremental_alter_configs_request request;
    auto& resource = request.resources.emplace_back();
    resource.resource_type = group_resource;
    resource.resource_name = "readers";
    auto& change = resource.configs.emplace_back();
    change.name = timeout;
    change.value = "50000";
    REQUIRE(client.call(request, 1).responses.at(0).error_code == 0);
    world.run_for(1s);
    CHECK(layers_of(timeout) == layers{{timeout, "50000", 8}, {"group." + timeout, "45000", 5}});
}

TEST_CASE_FIXTURE(broker_fixture, "a setting is told as it was read, not as it was typed") {
    start();
    auto client = connect();
    REQUIRE(create_topic(client, "orders", 1) == 0);
    const std::map<std::string, std::pair<std::string, std::string>> typed{{"retention.ms", {" 86400000 ", "86400000"}},
                                                                           {"cleanup.policy", {"compact , delete", "compact,delete"}},
                                                                           {"min.cleanable.dirty.ratio", {"0.250", "0.25"}},
                                                                           {"preallocate", {" TRUE", "true"}},
                                                                           {"message.timestamp.type", {"LogAppendTime ", "LogAppendTime"}}};
    incremental_alter_configs_request set;
    auto& resource = set.resources.emplace_back();
    resource.resource_type = topic_resource;
    resource.resource_name = "orders";
    for (const auto& [name, texts] : typed) {
        auto& change = resource.configs.emplace_back();
        change.name = name;
        change.value = texts.first;
    }
    REQUIRE(client.call(set, 1).responses.at(0).error_code == 0);
    world.run_for(1s);
    describe_configs_request request;
    request.include_synonyms = true;
    auto& asked = request.resources.emplace_back();
    asked.resource_type = topic_resource;
    asked.resource_name = "orders";
    asked.configuration_keys.reset();
    std::size_t seen = 0;
    const auto answer = client.call(request, 4);
    for (const auto& each : answer.results.at(0).configs) {
        const auto at = typed.find(each.name);
        if (at == typed.end()) continue;
        ++seen;
        CHECK(each.value.value_or("") == at->second.second);
        CHECK(each.synonyms.at(0).value.value_or("") == at->second.second);
    }
    CHECK(seen == typed.size());
}

TEST_CASE_FIXTURE(broker_fixture, "settings are explained to who asks for it, and levels of loggers have no type") {
    start();
    auto client = connect();
    describe_configs_request request;
    for (const auto type : {broker_resource, logger_resource}) {
        auto& resource = request.resources.emplace_back();
        resource.resource_type = type;
        resource.resource_name = "1";
        resource.configuration_keys = std::vector<std::string>{"num.partitions", "root"};
    }
    for (const bool explain : {false, true}) {
        request.include_documentation = explain;
        const auto answer = client.call(request, 4);
        CHECK(answer.results.at(0).configs.at(0).documentation.has_value() == explain);
        CHECK(answer.results.at(1).configs.at(0).config_type == 0);
    }
}

TEST_CASE_FIXTURE(broker_fixture, "records of a topic that is not there cannot be deleted, whoever it would belong to") {
    start();
    auto client = connect();
    delete_records_request request;
    auto& topic = request.topics.emplace_back();
    topic.name = "__transaction_state";
    topic.partitions.emplace_back();
    CHECK(client.call(request, 2).topics.at(0).partitions.at(0).error_code == wire_code(errc::unknown_topic_or_partition));
}

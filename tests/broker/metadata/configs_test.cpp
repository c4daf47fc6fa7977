#include "cluster_fixture.hpp"

#include <doctest/doctest.h>

using namespace weir;
using namespace weir::metadata;
using namespace weir::protocol;

namespace {

enum op : std::int8_t { set = 0, erase = 1, append = 2, subtract = 3 };

struct change {
    std::string key;
    std::int8_t operation;
    std::optional<std::string> value = std::nullopt;
};

struct settings {
    cluster_fixture cluster;
    std::vector<metadata_record> records;

    explicit settings(bool elr = false) : cluster(30, elr) {
        cluster.add_brokers(2);
        cluster.create("orders", 1, 1, {{"retention.ms", "100"}});
    }

    static void add(incremental_alter_configs_request& request, config_type type, std::string name,
                    std::vector<change> changes) {
        auto& resource = request.resources.emplace_back();
        resource.resource_type = static_cast<std::int8_t>(type);
        resource.resource_name = std::move(name);
        for (auto& each : changes) {
            auto& config = resource.configs.emplace_back();
            config.name = each.key;
            config.config_operation = each.operation;
            config.value = each.value;
        }
    }
    std::string alter(config_type type, std::string name, std::vector<change> changes, bool validate_only = false) {
        incremental_alter_configs_request request;
        request.validate_only = validate_only;
        add(request, type, std::move(name), std::move(changes));
        auto decided = cluster.decider.incremental_alter_configs(cluster.context(), request);
        records = decided.records;
        const auto response = cluster.commit(std::move(decided));
        REQUIRE(response.responses.size() == 1);
        const auto& answer = response.responses.front();
        CHECK((answer.error_code == 0) == !answer.error_message);
        if (answer.error_code != 0) CHECK(records.empty());
        return name_of(answer.error_code);
    }
    std::string topic(std::vector<change> changes) { return alter(config_type::topic, "orders", std::move(changes)); }

    std::string replace(config_type type, std::string name, std::map<std::string, std::optional<std::string>> entries) {
        alter_configs_request request;
        auto& resource = request.resources.emplace_back();
        resource.resource_type = static_cast<std::int8_t>(type);
        resource.resource_name = std::move(name);
        for (const auto& [key, value] : entries) {
            auto& config = resource.configs.emplace_back();
            config.name = key;
            config.value = value;
        }
        const auto response = cluster.commit(cluster.decider.alter_configs(cluster.context(), request));
        return name_of(response.responses.front().error_code);
    }
    std::optional<std::string> value(config_type type, std::string_view name, std::string_view key) const {
        const auto* found = cluster.now->config(type, name, key);
        return found ? std::optional{*found} : std::nullopt;
    }
    std::optional<std::string> topic_value(std::string_view key) const {
        return value(config_type::topic, "orders", key);
    }
};

}  // namespace

TEST_CASE("settings of a topic are set and deleted one by one") {
    settings test;
    CHECK(test.topic({{"retention.bytes", set, "5"}}) == "NONE");
    CHECK(test.topic_value("retention.bytes") == "5");
    CHECK(test.topic_value("retention.ms") == "100");
    CHECK(test.topic({{"retention.ms", erase}}) == "NONE");
    CHECK_FALSE(test.topic_value("retention.ms"));
    CHECK(test.topic({{"retention.ms", erase}}) == "NONE");
    CHECK(test.records.empty());  // it was not set: nothing to write
    CHECK(test.topic({{"retention.bytes", set, "5"}}) == "NONE");
    CHECK(test.records.empty());
}

TEST_CASE("APPEND and SUBTRACT work on lists, beginning with the default") {
    settings test;
    CHECK(test.topic({{"cleanup.policy", append, "compact"}}) == "NONE");
    CHECK(test.topic_value("cleanup.policy") == "delete,compact");
    CHECK(test.topic({{"cleanup.policy", append, "compact"}}) == "NONE");
    CHECK(test.topic_value("cleanup.policy") == "delete,compact");
    CHECK(test.topic({{"cleanup.policy", subtract, "delete,nothing"}}) == "NONE");
    CHECK(test.topic_value("cleanup.policy") == "compact");
    CHECK(test.topic({{"retention.ms", append, "5"}}) == "INVALID_CONFIG");
    CHECK(test.topic({{"no.such.key", subtract, "5"}}) == "INVALID_CONFIG");
}

TEST_CASE("changes that are refused leave everything as it was") {
    settings test;
    CHECK(test.topic({{"no.such.key", set, "5"}}) == "INVALID_CONFIG");
    CHECK(test.topic({{"retention.ms", set, "soon"}}) == "INVALID_CONFIG");
    CHECK(test.topic({{"retention.ms", set, std::nullopt}}) == "INVALID_REQUEST");
    CHECK(test.topic({{"retention.ms", set, "1"}, {"retention.ms", erase}}) == "INVALID_REQUEST");
    CHECK(test.topic({{"retention.ms", 4, "1"}}) == "INVALID_REQUEST");
    CHECK(test.topic({{"retention.ms", -1, "1"}}) == "INVALID_REQUEST");
    CHECK(test.topic({{"retention.ms", set, "7"},
                      {"min.compaction.lag.ms", set, "10"},
                      {"max.compaction.lag.ms", set, "9"}}) == "INVALID_CONFIG");
    CHECK(test.topic_value("retention.ms") == "100");
}

TEST_CASE("settings are checked together with those that stay") {
    settings test;
    CHECK(test.topic({{"max.compaction.lag.ms", set, "9"}}) == "NONE");
    CHECK(test.topic({{"min.compaction.lag.ms", set, "10"}}) == "INVALID_CONFIG");
    CHECK(test.topic({{"remote.storage.enable", set, "true"}}) == "NONE");
    CHECK(test.topic({{"remote.storage.enable", set, "false"}}) == "INVALID_CONFIG");
    CHECK(test.topic({{"remote.storage.enable", erase}}) == "INVALID_CONFIG");
    CHECK(test.topic({{"remote.storage.enable", set, "false"}, {"remote.log.delete.on.disable", set, "true"}}) ==
          "NONE");
}

TEST_CASE("resources that are not there, or of no kind that is kept") {
    settings test;
    const std::vector<change> any{{"retention.ms", set, "5"}};
    CHECK(test.alter(config_type::topic, "nobody", any) == "UNKNOWN_TOPIC_OR_PARTITION");
    CHECK(test.alter(config_type::topic, "", any) == "INVALID_REQUEST");
    CHECK(test.alter(config_type::topic, "a b", any) == "INVALID_TOPIC_EXCEPTION");
    CHECK(test.alter(config_type::broker, "7", {}) == "BROKER_ID_NOT_REGISTERED");
    CHECK(test.alter(config_type::broker, "one", {}) == "INVALID_REQUEST");
    CHECK(test.alter(config_type::broker, "-1", {}) == "INVALID_REQUEST");
    CHECK(test.alter(config_type::broker, "0x", {}) == "INVALID_REQUEST");
    CHECK(test.alter(config_type::group, "", {}) == "INVALID_REQUEST");
    CHECK(test.alter(config_type::client_metrics, "", {}) == "INVALID_REQUEST");
    CHECK(test.alter(config_type::broker_logger, "0", {}) == "INVALID_REQUEST");
    CHECK(test.alter(config_type::unknown, "x", {}) == "INVALID_REQUEST");
    CHECK(test.alter(config_type{99}, "x", {}) == "INVALID_REQUEST");
}

TEST_CASE("brokers have settings of their own and a default of all") {
    settings test;
    CHECK(test.alter(config_type::broker, "0", {{"log.retention.ms", set, "5"}}) == "NONE");
    CHECK(test.alter(config_type::broker, "", {{"log.retention.ms", set, "6"}}) == "NONE");
    CHECK(test.value(config_type::broker, "0", "log.retention.ms") == "5");
    CHECK(test.value(config_type::broker, "", "log.retention.ms") == "6");
    CHECK_FALSE(test.value(config_type::broker, "1", "log.retention.ms"));

    CHECK(test.alter(config_type::broker, "0", {{"num.partitions", set, "5"}}) == "INVALID_REQUEST");
    CHECK(test.alter(config_type::broker, "0", {{"log.retention.ms", set, "soon"}}) == "INVALID_REQUEST");
    CHECK(test.alter(config_type::broker, "", {{"ssl.keystore.location", set, "/a"}}) == "INVALID_REQUEST");
    CHECK(test.alter(config_type::broker, "1", {{"ssl.keystore.location", set, "/a"}}) == "NONE");
    CHECK(test.alter(config_type::broker, "1", {{"ssl.keystore.location", set, "/a"}}) == "NONE");
    CHECK(test.records.size() == 1);  // set again: the broker reloads the file
}

TEST_CASE("a name of a broker's setting that nobody knows is kept, and can be deleted") {
    settings test;
    CHECK(test.alter(config_type::broker, "0", {{"no.such.key", set, "5"}}) == "NONE");
    CHECK(test.value(config_type::broker, "0", "no.such.key") == "5");
    CHECK(test.alter(config_type::broker, "0", {{"no.such.key", append, "6"}}) == "INVALID_CONFIG");  // no list
    CHECK(test.alter(config_type::broker, "", {{"no.such.key", set, "7"}}, true) == "NONE");
    CHECK_FALSE(test.value(config_type::broker, "", "no.such.key"));
    CHECK(test.replace(config_type::broker, "", {{"no.such.key", "7"}}) == "NONE");
    CHECK(test.value(config_type::broker, "", "no.such.key") == "7");
    CHECK(test.alter(config_type::broker, "0", {{"no.such.key", erase}}) == "NONE");
    CHECK_FALSE(test.value(config_type::broker, "0", "no.such.key"));
}

TEST_CASE("groups and client metrics have settings without being there") {
    settings test;
    CHECK(test.alter(config_type::group, "any", {{"consumer.session.timeout.ms", set, "5000"}}) == "NONE");
    CHECK(test.value(config_type::group, "any", "consumer.session.timeout.ms") == "5000");
    CHECK(test.alter(config_type::group, "any", {{"no.such.key", set, "5000"}}) == "INVALID_CONFIG");
    CHECK(test.alter(config_type::group, "any", {{"consumer.session.timeout.ms", set, "x"}}) == "INVALID_CONFIG");
    CHECK(test.alter(config_type::client_metrics, "sub",
                     {{"interval.ms", set, "100"}, {"match", set, "client_id=a"}}) == "NONE");
    for (const auto how : {append, subtract})
        CHECK(test.alter(config_type::client_metrics, "sub", {{"match", how, "client_id=b"}}) == "INVALID_CONFIG");
    CHECK(test.value(config_type::client_metrics, "sub", "match") == "client_id=a");
    CHECK(test.alter(config_type::client_metrics, "sub", {{"no.such.key", set, "5000"}}) == "INVALID_REQUEST");
    CHECK(test.alter(config_type::client_metrics, "sub", {{"interval.ms", set, "x"}}) == "INVALID_CONFIG");
    CHECK(test.alter(config_type::client_metrics, "sub", {{"interval.ms", erase}, {"match", erase}}) == "NONE");
    CHECK(test.cluster.now->configs().contains(config_resource{config_type::client_metrics, "sub"}) == false);
}

TEST_CASE("validate_only writes nothing") {
    settings test;
    CHECK(test.alter(config_type::topic, "orders", {{"retention.ms", set, "5"}}, true) == "NONE");
    CHECK(test.records.empty());
    CHECK(test.alter(config_type::topic, "orders", {{"retention.ms", set, "soon"}}, true) == "INVALID_CONFIG");
    CHECK(test.topic_value("retention.ms") == "100");
}

TEST_CASE("each resource succeeds or fails by itself; one that is given twice fails") {
    settings test;
    incremental_alter_configs_request request;
    settings::add(request, config_type::topic, "orders", {{"retention.ms", set, "5"}});
    settings::add(request, config_type::topic, "nobody", {{"retention.ms", set, "5"}});
    settings::add(request, config_type::broker, "0", {{"log.retention.ms", set, "5"}});
    settings::add(request, config_type::broker, "0", {{"log.retention.ms", set, "6"}});
    const auto response =
        test.cluster.commit(test.cluster.decider.incremental_alter_configs(test.cluster.context(), request));
    REQUIRE(response.responses.size() == 3);
    CHECK(response.responses[0].error_code == 0);
    CHECK(name_of(response.responses[1].error_code) == "UNKNOWN_TOPIC_OR_PARTITION");
    CHECK(name_of(response.responses[2].error_code) == "INVALID_REQUEST");
    CHECK(test.topic_value("retention.ms") == "5");
    CHECK_FALSE(test.value(config_type::broker, "0", "log.retention.ms"));
}

TEST_CASE("AlterConfigs replaces everything the resource has") {
    settings test;
    CHECK(test.replace(config_type::topic, "orders", {{"retention.bytes", "5"}}) == "NONE");
    CHECK(test.topic_value("retention.bytes") == "5");
    CHECK_FALSE(test.topic_value("retention.ms"));
    CHECK(test.replace(config_type::topic, "orders", {{"retention.bytes", std::nullopt}}) == "INVALID_REQUEST");
    CHECK(test.replace(config_type::topic, "orders", {{"retention.bytes", "many"}}) == "INVALID_CONFIG");
    CHECK(test.topic_value("retention.bytes") == "5");
    CHECK(test.replace(config_type::topic, "orders", {}) == "NONE");
    CHECK(test.cluster.now->configs_of(config_type::topic, "orders").empty());
    CHECK(test.replace(config_type::topic, "nobody", {}) == "UNKNOWN_TOPIC_OR_PARTITION");
    CHECK(test.replace(config_type::broker, "0", {{"num.partitions", "5"}}) == "INVALID_REQUEST");
}

TEST_CASE(
    "with eligible leader replicas, min.insync.replicas belongs to the cluster, and a change clears who was eligible") {
    settings test{true};
    CHECK(test.alter(config_type::broker, "0", {{"min.insync.replicas", set, "2"}}) == "INVALID_CONFIG");
    CHECK(test.alter(config_type::broker, "", {{"min.insync.replicas", set, "2"}}) == "NONE");
    REQUIRE(of_type<clear_elr_record>(test.records).size() == 1);
    CHECK(of_type<clear_elr_record>(test.records).front().topic_name.empty());
    CHECK(test.alter(config_type::broker, "", {{"min.insync.replicas", erase}}) == "INVALID_CONFIG");
    CHECK(test.topic({{"min.insync.replicas", set, "1"}}) == "NONE");
    REQUIRE(of_type<clear_elr_record>(test.records).size() == 1);
    CHECK(of_type<clear_elr_record>(test.records).front().topic_name == "orders");
    CHECK(test.topic({{"retention.ms", set, "1"}}) == "NONE");
    CHECK(of_type<clear_elr_record>(test.records).empty());

    settings without{false};
    CHECK(without.alter(config_type::broker, "0", {{"min.insync.replicas", set, "2"}}) == "NONE");
    CHECK(of_type<clear_elr_record>(without.records).empty());
}

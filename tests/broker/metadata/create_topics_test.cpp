#include "cluster_fixture.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

using namespace weir;
using namespace weir::metadata;
using namespace weir::protocol;

namespace {

struct creation {
    cluster_fixture cluster;
    create_topics_request request;

    explicit creation(int brokers = 3) { cluster.add_brokers(brokers); }

    create_topics_request::creatable_topic& add(std::string name, std::int32_t partitions = -1,
                                                std::int16_t factor = -1) {
        auto& made = request.topics.emplace_back();
        made.name = std::move(name);
        made.num_partitions = partitions;
        made.replication_factor = factor;
        return made;
    }
    void config(create_topics_request::creatable_topic& of, std::string key, std::optional<std::string> value) {
        auto& made = of.configs.emplace_back();
        made.name = std::move(key);
        made.value = std::move(value);
    }
    void assign(create_topics_request::creatable_topic& of, std::int32_t index, std::vector<broker_id> brokers) {
        auto& made = of.assignments.emplace_back();
        made.partition_index = index;
        made.broker_ids = std::move(brokers);
    }
    create_topics_response decide() {
        auto decided = cluster.decider.create_topics(cluster.context(), request);
        records = decided.records;
        return cluster.commit(std::move(decided));
    }
    /// The code of the only topic, which was refused: nothing was written, and a sentence says why.
    std::string refused() {
        const auto response = decide();
        REQUIRE(response.topics.size() == 1);
        const auto& result = response.topics.front();
        CHECK(records.empty());
        CHECK(result.error_message.value_or("") != "");
        CHECK(result.topic_id.is_zero());
        return name_of(result.error_code);
    }
    std::vector<metadata_record> records;
};

}  // namespace

TEST_CASE("a topic is created with partitions, an id, and its settings between topic and partitions") {
    creation test;
    test.config(test.add("orders", 4, 2), "retention.ms", "1000");
    const auto response = test.decide();
    REQUIRE(response.topics.size() == 1);
    const auto& result = response.topics.front();
    CHECK(result.error_code == 0);
    CHECK_FALSE(result.error_message);
    CHECK(result.num_partitions == 4);
    CHECK(result.replication_factor == 2);
    CHECK_FALSE(result.topic_id.is_zero());

    const auto* topic = test.cluster.now->find_topic("orders");
    REQUIRE(topic);
    CHECK(topic->id == result.topic_id);
    REQUIRE(topic->partitions.size() == 4);
    for (const auto& [index, part] : topic->partitions) {
        CHECK(part.replicas.size() == 2);
        CHECK(part.isr == part.replicas);
        CHECK(part.leader == part.replicas.front());
        CHECK(part.leader_epoch == 0);
        CHECK(part.partition_epoch == 0);
        CHECK(part.directories == std::vector<uuid>{cluster_fixture::directory_of(part.replicas[0]),
                                                    cluster_fixture::directory_of(part.replicas[1])});
    }
    CHECK(*test.cluster.now->config(config_type::topic, "orders", "retention.ms") == "1000");
    REQUIRE(test.records.size() == 6);
    CHECK(std::holds_alternative<topic_record>(test.records[0]));
    CHECK(std::holds_alternative<config_record>(test.records[1]));
    CHECK(std::holds_alternative<partition_record>(test.records[2]));
}

TEST_CASE("the answer shows every setting of the new topic, sorted, with its value and where it comes from") {
    creation test;
    test.cluster.set(config_type::broker, "", "log.retention.ms", "777");
    test.cluster.set(config_type::broker, "", "unclean.leader.election.enable", "true");
    test.cluster.schema.set_default(config_type::topic, "min.compaction.lag.ms", "5");
    test.config(test.add("orders"), "cleanup.policy", "compact");
    const auto response = test.decide();
    std::map<std::string, std::pair<std::string, int>> shown;
    REQUIRE(response.topics.front().configs);
    const auto& configs = *response.topics.front().configs;
    for (const auto& each : configs) shown[each.name] = {each.value.value_or("(null)"), each.config_source};
    CHECK(std::is_sorted(configs.begin(), configs.end(), [](const auto& a, const auto& b) { return a.name < b.name; }));
    CHECK(shown.size() == test.cluster.schema.keys(config_type::topic).size());
    CHECK(shown.at("cleanup.policy") == std::pair<std::string, int>{"compact", 1});
    CHECK(shown.at("retention.ms") == std::pair<std::string, int>{"777", 3});
    CHECK(shown.at("min.compaction.lag.ms") == std::pair<std::string, int>{"5", 4});
    CHECK(shown.at("retention.bytes") == std::pair<std::string, int>{"-1", 5});
}

TEST_CASE("-1 asks for the broker's default number of partitions and replicas") {
    creation test;
    test.add("orders");
    const auto response = test.decide();
    CHECK(response.topics.front().num_partitions == 1);
    CHECK(response.topics.front().replication_factor == 1);
}

TEST_CASE("validate_only checks everything and creates nothing") {
    creation test;
    test.request.validate_only = true;
    test.add("orders", 3, 3);
    const auto good = test.decide();
    CHECK(good.topics.front().error_code == 0);
    CHECK(good.topics.front().num_partitions == 3);
    CHECK_FALSE(good.topics.front().topic_id.is_zero());  // an id it might have had, as in Kafka
    CHECK(test.records.empty());
    CHECK(test.cluster.now->find_topic("orders") == nullptr);
    test.request.topics.front().replication_factor = 4;
    CHECK(test.refused() == "INVALID_REPLICATION_FACTOR");
}

TEST_CASE("names of topics have rules") {
    for (const auto& name :
         {std::string{""}, std::string{"."}, std::string{".."}, std::string{"a b"}, std::string{"gr\xc3\xbc\xc3\x9f"},
          std::string{"a/b"}, std::string(250, 'x'), std::string{"a\0b", 3}}) {
        creation test{1};
        test.add(name);
        CHECK_MESSAGE(test.refused() == "INVALID_TOPIC_EXCEPTION", name);
    }
    for (const auto& name : {std::string{"a"}, std::string{"..."}, std::string{"A-z_0.9"}, std::string(249, 'x'),
                             std::string{"__consumer_offsets"}}) {
        creation test{1};
        test.add(name);
        CHECK_MESSAGE(test.decide().topics.front().error_code == 0, name);
    }
}

TEST_CASE("a name that is taken, or differs from a taken one in '.' and '_' only, is refused") {
    creation test;
    test.cluster.create("a.b");
    test.add("a.b");
    CHECK(test.refused() == "TOPIC_ALREADY_EXISTS");
    test.request.topics.front().name = "a_b";
    CHECK(test.refused() == "INVALID_TOPIC_EXCEPTION");
    test.request.topics.front().name = "a-b";
    CHECK(test.decide().topics.front().error_code == 0);

    SUBCASE("also within one request") {
        test.request.topics.clear();
        test.add("x.y");
        test.add("x_y");
        const auto response = test.decide();
        CHECK(response.topics[0].error_code == 0);
        CHECK(name_of(response.topics[1].error_code) == "INVALID_TOPIC_EXCEPTION");
    }
}

TEST_CASE("a topic that is named twice in a request is refused, the others are created") {
    creation test;
    test.add("twice");
    test.add("once");
    test.add("twice");
    const auto response = test.decide();
    REQUIRE(response.topics.size() == 2);
    CHECK(response.topics[0].name == "twice");
    CHECK(name_of(response.topics[0].error_code) == "INVALID_REQUEST");
    CHECK(response.topics[1].error_code == 0);
    CHECK(test.cluster.now->find_topic("once"));
    CHECK_FALSE(test.cluster.now->find_topic("twice"));
}

TEST_CASE("the metadata log's own topic cannot be created") {
    creation test;
    test.add("__cluster_metadata");
    CHECK(test.refused() == "INVALID_REQUEST");
}

TEST_CASE("numbers of partitions and replicas out of range are refused") {
    const std::vector<std::tuple<std::int32_t, std::int16_t, std::string>> cases{
        {0, 1, "INVALID_PARTITIONS"},         {-2, 1, "INVALID_PARTITIONS"},
        {1, 0, "INVALID_REPLICATION_FACTOR"}, {1, -2, "INVALID_REPLICATION_FACTOR"},
        {1, 4, "INVALID_REPLICATION_FACTOR"}, {100'001, 1, "POLICY_VIOLATION"},
        {INT32_MAX, 1, "POLICY_VIOLATION"}};
    for (const auto& [partitions, factor, expected] : cases) {
        creation test;
        test.add("orders", partitions, factor);
        CHECK(test.refused() == expected);
    }
}

TEST_CASE("without an active broker nothing can be placed") {
    creation test{1};
    test.cluster.fence_by_silence(0);
    test.add("orders", 1, 1);
    CHECK(test.refused() == "INVALID_REPLICATION_FACTOR");
    test.request.topics.clear();
    test.assign(test.add("orders"), 0, {0});
    CHECK(test.refused() == "INVALID_REPLICA_ASSIGNMENT");
}

TEST_CASE("settings are checked one by one and together") {
    const std::vector<std::map<std::string, std::optional<std::string>>> wrong{
        {{"no.such.key", "1"}},
        {{"retention.ms", "soon"}},
        {{"retention.ms", std::nullopt}},
        {{"cleanup.policy", "shred"}},
        {{"min.insync.replicas", "0"}},
        {{"min.compaction.lag.ms", "10"}, {"max.compaction.lag.ms", "9"}},
        {{"remote.storage.enable", "true"}, {"cleanup.policy", "compact,delete"}},
        {{"remote.storage.enable", "true"}, {"retention.ms", "100"}, {"local.retention.ms", "101"}},
        {{"remote.storage.enable", "true"}, {"retention.bytes", "100"}, {"local.retention.bytes", "-1"}}};
    for (const auto& settings : wrong) {
        creation test;
        auto& topic = test.add("orders");
        for (const auto& [key, value] : settings) test.config(topic, key, value);
        CHECK_MESSAGE(test.refused() == "INVALID_CONFIG", settings.begin()->first);
    }
    creation test;
    auto& topic = test.add("orders");
    test.config(topic, "remote.storage.enable", "true");
    test.config(topic, "retention.ms", "100");
    test.config(topic, "local.retention.ms", "-2");
    CHECK(test.decide().topics.front().error_code == 0);
}

TEST_CASE("a manual assignment is taken as it is") {
    creation test;
    auto& topic = test.add("orders");
    test.assign(topic, 1, {2, 0});
    test.assign(topic, 0, {0, 1});
    const auto response = test.decide();
    CHECK(response.topics.front().num_partitions == 2);
    CHECK(response.topics.front().replication_factor == 2);
    CHECK(test.cluster.part("orders", 0).replicas == std::vector<broker_id>{0, 1});
    CHECK(test.cluster.part("orders", 1).replicas == std::vector<broker_id>{2, 0});
    CHECK(test.cluster.part("orders", 1).leader == 2);
}

TEST_CASE("in a manual assignment only brokers that are alive are in sync, and one of them leads") {
    creation test;
    test.cluster.fence_by_silence(0);
    test.assign(test.add("orders"), 0, {0, 1, 2});
    CHECK(test.decide().topics.front().error_code == 0);
    CHECK(test.cluster.part("orders").isr == std::vector<broker_id>{1, 2});
    CHECK(test.cluster.part("orders").leader == 1);
}

TEST_CASE("manual assignments that cannot be are refused") {
    using assignments = std::map<std::int32_t, std::vector<broker_id>>;
    for (const auto& each : {assignments{{0, {0, 9}}}, assignments{{0, {0, 0}}}, assignments{{0, {}}},
                             assignments{{0, {-1}}}, assignments{{0, {0, 1}}, {1, {0}}}, assignments{{1, {0}}},
                             assignments{{0, {0}}, {2, {1}}}, assignments{{-1, {0}}}}) {
        creation test;
        auto& topic = test.add("orders");
        for (const auto& [index, brokers] : each) test.assign(topic, index, brokers);
        CHECK(test.refused() == "INVALID_REPLICA_ASSIGNMENT");
    }
    SUBCASE("the same partition twice") {
        creation test;
        auto& topic = test.add("orders");
        test.assign(topic, 0, {0});
        test.assign(topic, 0, {1});
        CHECK(test.refused() == "INVALID_REPLICA_ASSIGNMENT");
    }
    SUBCASE("an assignment excludes a number of partitions") {
        creation test;
        test.assign(test.add("orders", 1, -1), 0, {0});
        CHECK(test.refused() == "INVALID_REQUEST");
    }
    SUBCASE("an assignment excludes a replication factor") {
        creation test;
        test.assign(test.add("orders", -1, 1), 0, {0});
        CHECK(test.refused() == "INVALID_REQUEST");
    }
}

TEST_CASE("leaders are spread evenly, and replicas of a partition never share a broker") {
    creation test{5};
    test.add("orders", 100, 3);
    test.decide();
    std::map<broker_id, int> leads, holds;
    for (const auto& [index, part] : test.cluster.now->find_topic("orders")->partitions) {
        ++leads[part.leader];
        for (const auto id : part.replicas) ++holds[id];
        CHECK(std::set<broker_id>(part.replicas.begin(), part.replicas.end()).size() == 3);
    }
    for (broker_id id = 0; id < 5; ++id) {
        CHECK(leads[id] == 20);
        CHECK(holds[id] >= 54);
        CHECK(holds[id] <= 66);
    }
}

TEST_CASE("replicas go to as many racks as there are") {
    cluster_fixture cluster;
    for (broker_id id = 0; id < 6; ++id)
        cluster.add_broker(id, {.rack = "rack-" + std::to_string(id / 2), .fenced = false, .log_dirs = {}});
    cluster.create("orders", 60, 3);
    for (const auto& [index, part] : cluster.now->find_topic("orders")->partitions) {
        std::set<broker_id> racks;
        for (const auto id : part.replicas) racks.insert(id / 2);
        CHECK(racks.size() == 3);
    }
    cluster.create("wide", 10, 5);
    for (const auto& [index, part] : cluster.now->find_topic("wide")->partitions) {
        std::set<broker_id> racks;
        for (const auto id : part.replicas) racks.insert(id / 2);
        CHECK(racks.size() == 3);
    }
}

TEST_CASE("fenced brokers are placed last and never lead; cordoned ones get nothing") {
    cluster_fixture cluster;
    cluster.add_brokers(3);
    cluster.fence_by_silence(2);
    cluster.create("two", 20, 2);
    for (const auto& [index, part] : cluster.now->find_topic("two")->partitions)
        CHECK(std::find(part.replicas.begin(), part.replicas.end(), 2) == part.replicas.end());
    cluster.create("three", 20, 3);
    for (const auto& [index, part] : cluster.now->find_topic("three")->partitions) {
        CHECK(part.replicas.back() == 2);
        CHECK(part.isr.size() == 2);
    }

    broker_heartbeat_request cordon;
    cordon.broker_id = 1;
    cordon.broker_epoch = cluster.epoch_of(1);
    cordon.current_metadata_offset = cluster.next_offset();
    cordon.cordoned_log_dirs = std::vector<uuid>{cluster_fixture::directory_of(1)};
    cluster.commit(cluster.decider.broker_heartbeat(cluster.context(), cordon));
    cluster.create("not-on-1", 10, 1);
    for (const auto& [index, part] : cluster.now->find_topic("not-on-1")->partitions)
        CHECK(part.replicas == std::vector<broker_id>{0});
}

TEST_CASE("a broker with several directories chooses itself where a replica goes") {
    cluster_fixture cluster;
    cluster.add_broker(0, {.rack = {},
                           .fenced = false,
                           .log_dirs = {cluster_fixture::directory_of(0, 0), cluster_fixture::directory_of(0, 1)}});
    cluster.create("orders");
    CHECK(cluster.part("orders").directories == std::vector<uuid>{directory_unassigned});
}

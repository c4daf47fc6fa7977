// DeleteTopics and CreatePartitions.
#include "cluster_fixture.hpp"

#include <doctest/doctest.h>

using namespace weir;
using namespace weir::metadata;
using namespace weir::protocol;

namespace {

delete_topics_request::delete_topic_state& by_name(delete_topics_request& request, std::string name) {
    auto& each = request.topics.emplace_back();
    each.name = std::move(name);
    return each;
}
delete_topics_request::delete_topic_state& by_id(delete_topics_request& request, uuid id) {
    auto& each = request.topics.emplace_back();
    each.name = std::nullopt;
    each.topic_id = id;
    return each;
}

struct growth {
    cluster_fixture cluster;
    create_partitions_request request;
    growth() { cluster.add_brokers(3); }
    create_partitions_request::create_partitions_topic& add(std::string name, std::int32_t count) {
        auto& each = request.topics.emplace_back();
        each.name = std::move(name);
        each.count = count;
        each.assignments = std::nullopt;
        return each;
    }
    std::string code() {
        const auto response = cluster.commit(cluster.decider.create_partitions(cluster.context(), request));
        REQUIRE(response.results.size() == 1);
        CHECK((response.results.front().error_code == 0) == !response.results.front().error_message);
        return name_of(response.results.front().error_code);
    }
};

}  // namespace

TEST_CASE("topics are deleted by name and by id, and their settings with them") {
    cluster_fixture cluster;
    cluster.add_brokers(1);
    cluster.create("a", 2, 1, {{"retention.ms", "5"}});
    const auto id = cluster.create("b").id;
    cluster.create("c");
    delete_topics_request request;
    by_name(request, "a");
    by_id(request, id);
    const auto response = cluster.commit(cluster.decider.delete_topics(cluster.context(), request));
    REQUIRE(response.responses.size() == 2);
    for (const auto& each : response.responses) {
        CHECK(each.error_code == 0);
        CHECK_FALSE(each.topic_id.is_zero());
        CHECK(each.name);
    }
    CHECK(response.responses[1].name == "b");
    CHECK(cluster.now->topics().size() == 1);
    CHECK(cluster.now->partition_count() == 1);
    CHECK(cluster.now->configs_of(config_type::topic, "a").empty());

    SUBCASE("a topic of that name can be created again, with another id") { CHECK(cluster.create("b").id != id); }
    SUBCASE("before version 6 there are only names") {
        delete_topics_request old;
        old.topic_names = {"c"};
        CHECK(cluster.commit(cluster.decider.delete_topics(cluster.context(), old)).responses.front().error_code == 0);
        CHECK(cluster.now->topics().empty());
    }
}

TEST_CASE("what cannot be deleted is answered one by one") {
    cluster_fixture cluster;
    cluster.add_brokers(1);
    const auto id = cluster.create("a").id;
    const auto other = cluster.create("b").id;
    delete_topics_request request;
    by_name(request, "nobody");
    by_id(request, {77, 77});
    by_name(request, "a").topic_id = id;  // both
    by_id(request, {});                   // neither
    by_name(request, "b");
    by_id(request, other);  // the same topic
    auto decided = cluster.decider.delete_topics(cluster.context(), request);
    CHECK(decided.records.empty());
    std::vector<std::string> codes;
    for (const auto& each : decided.response.responses) {
        codes.push_back(name_of(each.error_code));
        CHECK(each.error_message.value_or("") != "");
    }
    CHECK(codes == std::vector<std::string>{"UNKNOWN_TOPIC_OR_PARTITION", "UNKNOWN_TOPIC_ID", "INVALID_REQUEST",
                                            "INVALID_REQUEST", "INVALID_REQUEST"});
}

TEST_CASE("a name or an id that is given twice is refused once, and what is named beside it in another way goes") {
    cluster_fixture cluster;
    cluster.add_brokers(1);
    const auto a = cluster.create("a").id;
    const auto b = cluster.create("b").id;
    delete_topics_request request;
    for (int i = 0; i < 2; ++i) {
        by_name(request, "nobody");
        by_id(request, {77, 77});
        by_name(request, "a");
        by_id(request, b);
    }
    by_id(request, a);
    by_name(request, "b");
    const auto decided = cluster.decider.delete_topics(cluster.context(), request);
    std::vector<std::string> told;
    for (const auto& each : decided.response.responses) told.push_back(each.name.value_or("-") + " " + name_of(each.error_code));
    CHECK(told == std::vector<std::string>{"nobody INVALID_REQUEST", "- INVALID_REQUEST", "a INVALID_REQUEST", "- INVALID_REQUEST",
                                           "a NONE", "b INVALID_REQUEST"});
    REQUIRE(decided.records.size() == 1);
    CHECK(decided.response.responses.back().topic_id == b);
}

TEST_CASE("delete.topic.enable=false forbids deletion") {
    cluster_fixture cluster;
    cluster.add_brokers(1);
    cluster.create("a");
    auto config = cluster.decider.config();
    config.delete_topics = false;
    controller strict{config, cluster.schema, 1};
    delete_topics_request request;
    by_name(request, "a");
    const auto decided = strict.delete_topics(cluster.context(), request);
    CHECK(decided.records.empty());
    CHECK(name_of(decided.response.responses.front().error_code) == "TOPIC_DELETION_DISABLED");
}

TEST_CASE("partitions are added behind the present ones, with their replication factor") {
    growth test;
    test.cluster.create("orders", 2, 2);
    const auto before = *test.cluster.now->find_topic("orders");
    test.add("orders", 5);
    CHECK(test.code() == "NONE");
    const auto& after = test.cluster.now->find_topic("orders")->partitions;
    REQUIRE(after.size() == 5);
    CHECK(*after.find(0) == *before.partitions.find(0));
    CHECK(after.find(4)->replicas.size() == 2);
    CHECK(after.find(4)->isr == after.find(4)->replicas);
}

TEST_CASE("new partitions may be assigned by hand") {
    growth test;
    test.cluster.create_on("orders", {{0, 1}});
    auto& wanted = test.add("orders", 2);
    wanted.assignments.emplace(1).front().broker_ids = {2, 1};
    CHECK(test.code() == "NONE");
    CHECK(test.cluster.part("orders", 1).replicas == std::vector<broker_id>{2, 1});
}

TEST_CASE("partitions that cannot be added") {
    growth test;
    test.cluster.create("orders", 2, 1);
    SUBCASE("unknown topic") {
        test.add("nobody", 3);
        CHECK(test.code() == "UNKNOWN_TOPIC_OR_PARTITION");
    }
    SUBCASE("the same number") {
        test.add("orders", 2);
        CHECK(test.code() == "INVALID_PARTITIONS");
    }
    SUBCASE("fewer") {
        test.add("orders", 1);
        CHECK(test.code() == "INVALID_PARTITIONS");
    }
    SUBCASE("too many at once") {
        test.add("orders", INT32_MAX);
        CHECK(test.code() == "POLICY_VIOLATION");
    }
    SUBCASE("another number of assignments") {
        test.add("orders", 4).assignments.emplace(1).front().broker_ids = {0};
        CHECK(test.code() == "INVALID_REPLICA_ASSIGNMENT");
    }
    SUBCASE("another number of replicas") {
        test.add("orders", 3).assignments.emplace(1).front().broker_ids = {0, 1};
        CHECK(test.code() == "INVALID_REPLICA_ASSIGNMENT");
    }
    SUBCASE("an unknown broker") {
        test.add("orders", 3).assignments.emplace(1).front().broker_ids = {9};
        CHECK(test.code() == "INVALID_REPLICA_ASSIGNMENT");
    }
    SUBCASE("named twice") {
        test.add("orders", 3);
        test.add("orders", 4);
        CHECK(test.code() == "INVALID_REQUEST");
    }
    SUBCASE("nobody alive") {
        for (const broker_id id : {0, 1, 2}) test.cluster.fence_by_silence(id);
        test.add("orders", 3);
        CHECK(test.code() == "INVALID_REPLICATION_FACTOR");
    }
    CHECK(test.cluster.now->find_topic("orders")->partitions.size() == 2);
}

TEST_CASE("validate_only adds no partition") {
    growth test;
    test.cluster.create("orders");
    test.request.validate_only = true;
    test.add("orders", 3);
    CHECK(test.code() == "NONE");
    CHECK(test.cluster.now->find_topic("orders")->partitions.size() == 1);
}

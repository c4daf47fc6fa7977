#include "cluster_fixture.hpp"

#include <doctest/doctest.h>

using namespace weir;
using namespace weir::metadata;
using namespace weir::protocol;

namespace {

enum type : std::int8_t { upgrade = 1, safe_downgrade = 2, unsafe_downgrade = 3 };

struct levels {
    cluster_fixture cluster;
    std::vector<metadata_record> records;
    update_features_response response;

    explicit levels(std::int16_t metadata_version = 30, bool elr = false) : cluster(metadata_version, elr) {
        cluster.add_brokers(1);
    }

    static void add(update_features_request& request, std::string feature, std::int16_t level,
                    std::int8_t how = upgrade) {
        auto& update = request.feature_updates.emplace_back();
        update.feature = std::move(feature);
        update.max_version_level = level;
        update.upgrade_type = how;
    }
    std::string commit(const update_features_request& request, std::int16_t version = 2) {
        auto decided = cluster.decider.update_features(cluster.context(), request, version);
        records = decided.records;
        response = cluster.commit(std::move(decided));
        if (response.error_code != 0) CHECK(records.empty());
        CHECK((response.error_code == 0) == !response.error_message);
        return name_of(response.error_code);
    }
    std::string update(std::string feature, std::int16_t level, std::int8_t how = upgrade) {
        update_features_request request;
        add(request, std::move(feature), level, how);
        return commit(request);
    }
};

}  // namespace

TEST_CASE("feature levels go up, and down when the request says so") {
    levels test;
    CHECK(test.update("group.version", 1) == "NONE");
    CHECK(test.cluster.now->feature("group.version") == 1);
    CHECK(test.update("group.version", 0) == "INVALID_UPDATE_VERSION");
    CHECK(test.update("group.version", 0, safe_downgrade) == "NONE");
    CHECK(test.cluster.now->features().empty());
    CHECK(test.update("group.version", 1, safe_downgrade) == "INVALID_UPDATE_VERSION");
    CHECK(test.update("group.version", 1, unsafe_downgrade) == "INVALID_UPDATE_VERSION");
    CHECK(test.update("group.version", 0, 0) == "INVALID_UPDATE_VERSION");
}

TEST_CASE("levels and features nobody knows are refused") {
    levels test;
    CHECK(test.update("group.version", 2) == "INVALID_UPDATE_VERSION");
    CHECK(test.update("group.version", -1) == "INVALID_UPDATE_VERSION");
    CHECK(test.update("no.such.feature", 1) == "INVALID_UPDATE_VERSION");
    CHECK(test.update("metadata.version", 31) == "INVALID_UPDATE_VERSION");
    CHECK(test.update("metadata.version", 6, unsafe_downgrade) == "INVALID_UPDATE_VERSION");
    CHECK(test.update("metadata.version", 0, unsafe_downgrade) == "INVALID_UPDATE_VERSION");
    CHECK(test.update("kraft.version", 1) == "INVALID_UPDATE_VERSION");
}

TEST_CASE("metadata.version goes down only where no metadata would be lost") {
    levels test{29};
    CHECK(test.update("metadata.version", 30) == "NONE");
    CHECK(test.cluster.now->metadata_version() == 30);
    CHECK(test.update("metadata.version", 29, safe_downgrade) == "INVALID_UPDATE_VERSION");
    CHECK(test.update("metadata.version", 29, unsafe_downgrade) == "INVALID_UPDATE_VERSION");

    levels other{29};
    CHECK(other.update("metadata.version", 24) == "INVALID_UPDATE_VERSION");
    CHECK(other.update("metadata.version", 24, safe_downgrade) == "NONE");
    CHECK(other.cluster.now->metadata_version() == 24);
}

TEST_CASE("a broker that does not support a level keeps the cluster from it") {
    levels test;
    auto request = test.cluster.registration(5);
    std::erase_if(request.features, [](const auto& each) { return each.name == "share.version"; });
    test.cluster.commit(test.cluster.decider.register_broker(test.cluster.context(), request));
    CHECK(test.update("share.version", 1) == "INVALID_UPDATE_VERSION");
    CHECK(test.response.error_message->find("Broker 5") != std::string::npos);
    CHECK(test.update("group.version", 1) == "NONE");
}

TEST_CASE(
    "eligible leader replicas need metadata.version 23, and bring min.insync.replicas into the cluster's settings") {
    levels old{22};
    CHECK(old.update("eligible.leader.replicas.version", 1) == "INVALID_UPDATE_VERSION");
    update_features_request both;
    levels::add(both, "eligible.leader.replicas.version", 1);
    levels::add(both, "metadata.version", 30);
    CHECK(old.commit(both) == "NONE");
    CHECK(old.cluster.now->feature("eligible.leader.replicas.version") == 1);

    levels test;
    test.cluster.schema.set_default(config_type::topic, "min.insync.replicas", "2");
    CHECK(test.update("eligible.leader.replicas.version", 1) == "NONE");
    CHECK(*test.cluster.now->config(config_type::broker, "", "min.insync.replicas") == "2");
}

TEST_CASE("a request succeeds or fails as a whole; up to version 1 each feature has a result of success") {
    levels test;
    update_features_request request;
    levels::add(request, "group.version", 1);
    levels::add(request, "share.version", 9);
    CHECK(test.commit(request, 1) == "INVALID_UPDATE_VERSION");
    CHECK(test.response.results.empty());
    CHECK(test.response.error_message.value_or("").find("share.version") != std::string::npos);
    CHECK(test.cluster.now->feature("group.version") == 0);
    CHECK(test.commit(request, 2) == "INVALID_UPDATE_VERSION");
    CHECK(test.response.results.empty());

    SUBCASE("validate_only writes nothing") {
        request.feature_updates.pop_back();
        request.validate_only = true;
        CHECK(test.commit(request) == "NONE");
        CHECK(test.records.empty());
    }
    SUBCASE("version 0 says allow_downgrade") {
        CHECK(test.update("group.version", 1) == "NONE");
        update_features_request down;
        levels::add(down, "group.version", 0);
        CHECK(test.commit(down, 0) == "INVALID_UPDATE_VERSION");
        down.feature_updates[0].allow_downgrade = true;
        CHECK(test.commit(down, 0) == "NONE");
        REQUIRE(test.response.results.size() == 1);
        CHECK(test.response.results[0].feature == "group.version");
        CHECK(test.response.results[0].error_code == 0);
        CHECK(test.response.results[0].error_message == "NONE");
    }
    SUBCASE("a feature twice") {
        request.feature_updates[1] = request.feature_updates[0];
        CHECK(test.commit(request) == "INVALID_REQUEST");
    }
}

TEST_CASE("the first records of a log are those of the bootstrap file inside a metadata transaction") {
    cluster_fixture cluster;
    feature_level_record level;
    level.name = "metadata.version";
    level.feature_level = 30;
    feature_level_record elr;
    elr.name = "eligible.leader.replicas.version";
    elr.feature_level = 1;
    const auto records = cluster.decider.bootstrap({level, elr});
    REQUIRE(records.size() == 5);
    CHECK(std::get<begin_transaction_record>(records[0]).name == "Bootstrap records");
    CHECK(std::get<feature_level_record>(records[1]) == level);
    CHECK(std::get<config_record>(records[3]).name == "min.insync.replicas");
    CHECK(std::get<config_record>(records[3]).resource_name.empty());
    CHECK(std::holds_alternative<end_transaction_record>(records[4]));

    level.feature_level = 12;
    CHECK(cluster.decider.bootstrap({level}).size() == 1);  // no transactions yet
    CHECK(std::get<feature_level_record>(cluster.decider.bootstrap({})[1]).feature_level == 30);
}

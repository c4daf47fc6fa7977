#include "cluster_fixture.hpp"

#include <doctest/doctest.h>

using namespace weir;
using namespace weir::metadata;
using namespace weir::protocol;
using std::chrono::seconds;

namespace {
std::string register_code(cluster_fixture& cluster, const broker_registration_request& request) {
    auto decided = cluster.decider.register_broker(cluster.context(), request);
    const auto code = decided.response.error_code;
    if (code != 0) {
        CHECK(decided.records.empty());
        CHECK(decided.response.broker_epoch == -1);
    }
    cluster.commit(std::move(decided));
    return name_of(code);
}
}  // namespace

TEST_CASE("a broker registers fenced, with the offset of its record as epoch, and is unfenced once it has caught up") {
    cluster_fixture cluster;
    const auto offset = cluster.next_offset();
    auto request = cluster.registration(1);
    request.rack = "r9";
    const auto response = cluster.commit(cluster.decider.register_broker(cluster.context(), request));
    CHECK(response.error_code == 0);
    CHECK(response.broker_epoch == offset);
    const auto* broker = cluster.now->find_broker(1);
    REQUIRE(broker);
    CHECK(broker->epoch == offset);
    CHECK(broker->fenced);
    CHECK(broker->rack == "r9");
    CHECK(broker->endpoints.size() == 1);
    CHECK(broker->log_dirs == std::vector<uuid>{cluster_fixture::directory_of(1)});
    CHECK(broker->features.at("metadata.version") == feature_range{7, 30});

    auto behind = cluster.heartbeat(1, false, false, offset - 1);
    CHECK_FALSE(behind.is_caught_up);
    CHECK(behind.is_fenced);
    auto wants_fence = cluster.heartbeat(1, true);
    CHECK(wants_fence.is_caught_up);
    CHECK(wants_fence.is_fenced);
    CHECK_FALSE(cluster.heartbeat(1).is_fenced);
    CHECK(cluster.now->find_broker(1)->active());
    const auto written = cluster.next_offset();
    CHECK_FALSE(cluster.heartbeat(1).is_fenced);
    CHECK(cluster.next_offset() == written);  // a heartbeat without news writes nothing
}

TEST_CASE("registrations that cannot be accepted") {
    cluster_fixture cluster;
    cluster.add_brokers(2);
    auto request = cluster.registration(5);
    SUBCASE("another cluster") {
        request.cluster_id = "other";
        CHECK(register_code(cluster, request) == "INCONSISTENT_CLUSTER_ID");
    }
    SUBCASE("the id of a broker that lives") {
        CHECK(register_code(cluster, cluster.registration(1, 2)) == "DUPLICATE_BROKER_REGISTRATION");
    }
    SUBCASE("no directory") {
        request.log_dirs.clear();
        CHECK(register_code(cluster, request) == "INVALID_REGISTRATION");
    }
    SUBCASE("a reserved directory") {
        request.log_dirs.push_back(directory_lost);
        CHECK(register_code(cluster, request) == "INVALID_REGISTRATION");
    }
    SUBCASE("a directory twice") {
        request.log_dirs.push_back(request.log_dirs.front());
        CHECK(register_code(cluster, request) == "INVALID_REGISTRATION");
    }
    SUBCASE("the directory of another broker") {
        request.log_dirs = {cluster_fixture::directory_of(1)};
        CHECK(register_code(cluster, request) == "INVALID_REGISTRATION");
    }
    SUBCASE("a finalized level it does not support") {
        for (auto& each : request.features)
            if (each.name == "metadata.version") each.max_supported_version = 29;
        CHECK(register_code(cluster, request) == "UNSUPPORTED_VERSION");
    }
    SUBCASE("a finalized feature it does not know") {
        std::erase_if(request.features,
                      [](const auto& each) { return each.name == "eligible.leader.replicas.version"; });
        CHECK(register_code(cluster, request) == "UNSUPPORTED_VERSION");
    }
    CHECK_FALSE(cluster.now->find_broker(5));
}

TEST_CASE("the same run of a broker may register again: it keeps its epoch and its state") {
    cluster_fixture cluster;
    cluster.add_brokers(1);
    const auto epoch = cluster.epoch_of(0);
    auto request = cluster.registration(0);
    request.listeners[0].port = 1234;
    CHECK(register_code(cluster, request) == "NONE");
    CHECK(cluster.epoch_of(0) == epoch);
    CHECK_FALSE(cluster.now->find_broker(0)->fenced);
    CHECK(cluster.now->find_broker(0)->endpoints[0].port == 1234);
}

TEST_CASE("a new run of a broker whose session ran out takes over its id") {
    cluster_fixture cluster;
    cluster.add_brokers(2);
    cluster.fence_by_silence(1);
    const auto epoch = cluster.epoch_of(1);
    CHECK(register_code(cluster, cluster.registration(1, 2)) == "NONE");
    CHECK(cluster.epoch_of(1) > epoch);
    CHECK(cluster.now->find_broker(1)->fenced);

    broker_heartbeat_request old;
    old.broker_id = 1;
    old.broker_epoch = epoch;
    CHECK(name_of(cluster.decider.broker_heartbeat(cluster.context(), old).response.error_code) ==
          "STALE_BROKER_EPOCH");
}

TEST_CASE("the controller's own broker need not sit out the session of the run before") {
    cluster_fixture cluster;
    auto config = cluster.decider.config();
    config.node_id = 0;
    cluster.add_brokers(1);
    controller combined{config, cluster.schema, 1};
    combined.sessions().reset(*cluster.now, cluster.clock);
    auto decided = combined.register_broker(cluster.context(), cluster.registration(0, 2));
    CHECK(decided.response.error_code == 0);
}

TEST_CASE("a heartbeat of an unknown broker is refused") {
    cluster_fixture cluster;
    broker_heartbeat_request request;
    request.broker_id = 9;
    CHECK(name_of(cluster.decider.broker_heartbeat(cluster.context(), request).response.error_code) ==
          "BROKER_ID_NOT_REGISTERED");
}

TEST_CASE("a broker that goes silent is fenced when its session ends: out of every ISR, and others lead") {
    cluster_fixture cluster;
    cluster.add_brokers(3);
    cluster.create_on("orders", {{0, 1, 2}, {1, 2, 0}});
    cluster.create_on("other", {{2}});
    CHECK(cluster.decider.sessions().next_deadline() == cluster.clock + seconds{9});

    cluster.clock += seconds{8};
    for (const broker_id id : {1, 2}) cluster.heartbeat(id);
    CHECK(cluster.decider.fence_expired(cluster.context()).response == no_broker);
    cluster.clock += seconds{1};
    CHECK(cluster.commit(cluster.decider.fence_expired(cluster.context())) == 0);
    CHECK(cluster.decider.fence_expired(cluster.context()).response == no_broker);

    CHECK(cluster.now->find_broker(0)->fenced);
    CHECK(cluster.part("orders", 0).leader == 1);
    CHECK(cluster.part("orders", 0).isr == std::vector<broker_id>{1, 2});
    CHECK(cluster.part("orders", 0).leader_epoch == 1);
    CHECK(cluster.part("orders", 1).leader == 1);
    CHECK(cluster.part("orders", 1).isr == std::vector<broker_id>{1, 2});
    CHECK(cluster.part("orders", 1).leader_epoch == 0);  // its leader stays
    CHECK(cluster.part("other").partition_epoch == 0);

    SUBCASE("it comes back without taking over") {
        CHECK_FALSE(cluster.heartbeat(0).is_fenced);
        CHECK(cluster.part("orders", 0).leader == 1);
        CHECK(cluster.part("orders", 0).isr ==
              std::vector<broker_id>{1, 2});  // its leader adds it when it has caught up
    }
}

TEST_CASE("a partition that lost its last broker has no leader until one that is eligible comes back") {
    for (const bool elr : {false, true}) {
        CAPTURE(elr);
        cluster_fixture cluster{30, elr};
        cluster.add_brokers(2);
        cluster.create_on("orders", {{0}});
        cluster.fence_by_silence(0);
        CHECK(cluster.part("orders").leader == no_broker);
        if (elr) {
            CHECK(cluster.part("orders").isr.empty());
            CHECK(cluster.part("orders").elr == std::vector<broker_id>{0});
            CHECK(cluster.part("orders").last_known_elr == std::vector<broker_id>{0});
        } else {
            CHECK(cluster.part("orders").isr == std::vector<broker_id>{0});
        }
        CHECK_FALSE(cluster.heartbeat(0).is_fenced);
        CHECK(cluster.part("orders").leader == 0);
        CHECK(cluster.part("orders").isr == std::vector<broker_id>{0});
        CHECK(cluster.part("orders").elr.empty());
        CHECK(cluster.part("orders").last_known_elr.empty());
        CHECK(cluster.part("orders").recovery == leader_recovery::recovered);
        CHECK(cluster.part("orders").leader_epoch == 2);
    }
}

TEST_CASE("a broker that comes back from a crash leads what it was alone in, marked as recovering") {
    cluster_fixture cluster;
    cluster.add_brokers(1);
    cluster.create("orders");
    cluster.fence_by_silence(0);
    CHECK(register_code(cluster, cluster.registration(0, 2)) == "NONE");
    CHECK(cluster.part("orders").elr.empty());  // not known to have everything
    CHECK_FALSE(cluster.heartbeat(0).is_fenced);
    CHECK(cluster.part("orders").leader == 0);
    CHECK(cluster.part("orders").isr == std::vector<broker_id>{0});
    CHECK(cluster.part("orders").recovery == leader_recovery::recovering);
}

TEST_CASE("a broker that proves an orderly end leads again without having to recover") {
    cluster_fixture cluster;
    cluster.add_brokers(1);
    cluster.create("orders");
    cluster.fence_by_silence(0);
    auto request = cluster.registration(0, 2);
    request.previous_broker_epoch = cluster.epoch_of(0);
    CHECK(register_code(cluster, request) == "NONE");
    CHECK(cluster.part("orders").elr == std::vector<broker_id>{0});
    CHECK_FALSE(cluster.heartbeat(0).is_fenced);
    CHECK(cluster.part("orders").leader == 0);
    CHECK(cluster.part("orders").recovery == leader_recovery::recovered);
}

TEST_CASE("controlled shutdown: leadership moves first, then the broker may go") {
    cluster_fixture cluster;
    cluster.add_brokers(3);
    cluster.create_on("orders", {{0, 1}, {1, 0}});
    auto reply = cluster.heartbeat(0, false, true);
    CHECK_FALSE(reply.should_shut_down);
    CHECK_FALSE(reply.is_fenced);
    CHECK(cluster.now->find_broker(0)->in_controlled_shutdown);
    CHECK(cluster.part("orders", 0).leader == 1);
    CHECK(cluster.part("orders", 0).isr == std::vector<broker_id>{1});
    CHECK(cluster.part("orders", 1).isr == std::vector<broker_id>{1});

    const auto moved = cluster.next_offset() - 1;
    cluster.heartbeat(1, false, false, moved);
    cluster.heartbeat(2, false, false, moved - 1);
    CHECK_FALSE(cluster.heartbeat(0, false, true).should_shut_down);  // broker 2 has not seen the new leaders
    cluster.heartbeat(2, false, false, moved);
    reply = cluster.heartbeat(0, false, true);
    CHECK(reply.should_shut_down);
    CHECK(cluster.now->find_broker(0)->fenced);
}

TEST_CASE("a broker that leads nothing may go at once, a fenced one too") {
    cluster_fixture cluster;
    cluster.add_brokers(1);
    CHECK(cluster.heartbeat(0, false, true).should_shut_down);
    CHECK(cluster.now->find_broker(0)->fenced);
    const auto written = cluster.next_offset();
    CHECK(cluster.heartbeat(0, false, true).should_shut_down);
    CHECK(cluster.next_offset() == written);
}

TEST_CASE("the only broker of a cluster can shut down in order") {
    cluster_fixture cluster;
    cluster.add_brokers(1);
    cluster.create("orders");
    CHECK_FALSE(cluster.heartbeat(0, false, true).should_shut_down);
    CHECK(cluster.part("orders").leader == no_broker);
    CHECK(cluster.heartbeat(0, false, true).should_shut_down);
}

TEST_CASE("a directory that fails takes its replicas out of the ISR, and only those") {
    cluster_fixture cluster;
    cluster.add_broker(0, {.rack = {},
                           .fenced = false,
                           .log_dirs = {cluster_fixture::directory_of(0, 0), cluster_fixture::directory_of(0, 1)}});
    cluster.add_broker(1);
    cluster.create_on("orders", {{0, 1}, {0, 1}});
    std::vector<metadata_record> assigned;
    for (const int index : {0, 1}) {
        partition_change_record record;
        record.topic_id = cluster.now->find_topic("orders")->id;
        record.partition_id = index;
        record.directories =
            std::vector<uuid>{cluster_fixture::directory_of(0, index), cluster_fixture::directory_of(1)};
        assigned.push_back(record);
    }
    cluster.commit_records(assigned);

    broker_heartbeat_request failed;
    failed.broker_id = 0;
    failed.broker_epoch = cluster.epoch_of(0);
    failed.current_metadata_offset = cluster.next_offset();
    failed.offline_log_dirs = {cluster_fixture::directory_of(0, 1)};
    CHECK_FALSE(cluster.commit(cluster.decider.broker_heartbeat(cluster.context(), failed)).is_fenced);
    CHECK(cluster.now->find_broker(0)->log_dirs == std::vector<uuid>{cluster_fixture::directory_of(0, 0)});
    CHECK(cluster.part("orders", 0).leader == 0);
    CHECK(cluster.part("orders", 1).leader == 1);
    CHECK(cluster.part("orders", 1).isr == std::vector<broker_id>{1});
    const auto written = cluster.next_offset();
    cluster.commit(cluster.decider.broker_heartbeat(cluster.context(), failed));
    CHECK(cluster.next_offset() == written);  // known by now
}

TEST_CASE("an unregistered broker is gone from the cluster and from what is eligible") {
    cluster_fixture cluster;
    cluster.add_brokers(2);
    cluster.create_on("orders", {{0, 1}});
    cluster.create_on("alone", {{1}});
    unregister_broker_request request;
    request.broker_id = 9;
    CHECK(name_of(cluster.commit(cluster.decider.unregister_broker(cluster.context(), request)).error_code) ==
          "BROKER_ID_NOT_REGISTERED");
    request.broker_id = 1;
    CHECK(cluster.commit(cluster.decider.unregister_broker(cluster.context(), request)).error_code == 0);
    CHECK_FALSE(cluster.now->find_broker(1));
    CHECK(cluster.part("orders", 0).isr == std::vector<broker_id>{0});
    CHECK(cluster.part("alone").leader == no_broker);
    CHECK(cluster.part("alone").elr.empty());
}

TEST_CASE("controllers register from metadata.version 15 on") {
    cluster_fixture cluster;
    controller_registration_request request;
    request.controller_id = 3001;
    request.incarnation_id = {1, 9};
    CHECK(cluster.commit(cluster.decider.register_controller(cluster.context(), request)).error_code == 0);
    CHECK(cluster.now->controllers().find(3001)->incarnation == uuid{1, 9});
    cluster_fixture old{14};
    CHECK(name_of(old.decider.register_controller(old.context(), request).response.error_code) ==
          "UNSUPPORTED_VERSION");
}

TEST_CASE("producer ids are given out in blocks of 1000, each once") {
    cluster_fixture cluster;
    cluster.add_brokers(2);
    allocate_producer_ids_request request;
    request.broker_id = 1;
    request.broker_epoch = cluster.epoch_of(1);
    for (const std::int64_t first : {0, 1000, 2000}) {
        const auto response = cluster.commit(cluster.decider.allocate_producer_ids(cluster.context(), request));
        CHECK(response.error_code == 0);
        CHECK(response.producer_id_start == first);
        CHECK(response.producer_id_len == 1000);
    }
    CHECK(cluster.now->next_producer_id() == 3000);
    request.broker_epoch -= 1;
    CHECK(name_of(cluster.decider.allocate_producer_ids(cluster.context(), request).response.error_code) ==
          "STALE_BROKER_EPOCH");
    request.broker_id = 9;
    CHECK(name_of(cluster.decider.allocate_producer_ids(cluster.context(), request).response.error_code) ==
          "BROKER_ID_NOT_REGISTERED");

    producer_ids_record nearly_all;
    nearly_all.next_producer_id = INT64_MAX - 5;
    cluster.commit_records({nearly_all});
    request.broker_id = 1;
    request.broker_epoch = cluster.epoch_of(1);
    CHECK(name_of(cluster.decider.allocate_producer_ids(cluster.context(), request).response.error_code) ==
          "UNKNOWN_SERVER_ERROR");
}

TEST_CASE("an old metadata.version works without directories and eligible replicas") {
    cluster_fixture cluster{7};
    auto request = cluster.registration(0);
    request.log_dirs.clear();
    CHECK(register_code(cluster, request) == "NONE");
    CHECK_FALSE(cluster.heartbeat(0).is_fenced);
    cluster.create("orders", 3);
    CHECK(cluster.part("orders", 2).directories == std::vector<uuid>{directory_migrating});
    cluster.fence_by_silence(0);
    CHECK(cluster.part("orders", 2).leader == no_broker);
    CHECK(cluster.part("orders", 2).isr == std::vector<broker_id>{0});
}

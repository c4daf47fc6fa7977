// AlterPartition, AssignReplicasToDirs, ElectLeaders and eligible leader replicas.
#include "cluster_fixture.hpp"

#include <doctest/doctest.h>

using namespace weir;
using namespace weir::metadata;
using namespace weir::protocol;

namespace {

using ids = std::vector<broker_id>;

struct replicated {
    cluster_fixture cluster;
    alter_partition_request request;

    explicit replicated(ids replicas = {0, 1, 2}, std::map<std::string, std::string> configs = {}, bool elr = true)
        : cluster(30, elr) {
        cluster.add_brokers(4);
        cluster.create_on("orders", {replicas}, configs);
    }
    const partition& part() const { return cluster.part("orders"); }

    /// What the leader asks for; change it before sending.
    alter_partition_request::partition_data& isr(ids members) {
        request = {};
        request.broker_id = part().leader;
        request.broker_epoch = part().has_leader() ? cluster.epoch_of(part().leader) : 0;
        auto& topic = request.topics.emplace_back();
        topic.topic_id = cluster.now->find_topic("orders")->id;
        auto& wanted = topic.partitions.emplace_back();
        wanted.partition_index = 0;
        wanted.leader_epoch = part().leader_epoch;
        wanted.partition_epoch = part().partition_epoch;
        for (const auto id : members) {
            auto& member = wanted.new_isr_with_epochs.emplace_back();
            member.broker_id = id;
            member.broker_epoch = cluster.now->find_broker(id) ? cluster.epoch_of(id) : -1;
        }
        return wanted;
    }
    alter_partition_response::partition_data send() {
        const auto response = cluster.commit(cluster.decider.alter_partition(cluster.context(), request));
        REQUIRE(response.error_code == 0);
        return response.topics.at(0).partitions.at(0);
    }
    std::string code() { return name_of(send().error_code); }

    std::string elect(std::int8_t type, std::int32_t index = 0, std::string topic = "orders") {
        elect_leaders_request wanted;
        wanted.election_type = type;
        auto& each = wanted.topic_partitions.emplace().emplace_back();
        each.topic = std::move(topic);
        each.partitions = {index};
        const auto response = cluster.commit(cluster.decider.elect_leaders(cluster.context(), wanted));
        REQUIRE(response.error_code == 0);
        const auto& result = response.replica_election_results.at(0).partition_result.at(0);
        CHECK((result.error_code == 0) == !result.error_message);
        return name_of(result.error_code);
    }
};
constexpr std::int8_t preferred = 0;
constexpr std::int8_t unclean = 1;

}  // namespace

TEST_CASE("the leader shrinks and grows the ISR, and is told the new epochs") {
    replicated test;
    test.isr({0, 1});
    auto answer = test.send();
    CHECK(answer.error_code == 0);
    CHECK(answer.isr == ids{0, 1});
    CHECK(answer.leader_id == 0);
    CHECK(answer.leader_epoch == 0);
    CHECK(answer.partition_epoch == 1);
    CHECK(test.part().isr == ids{0, 1});
    test.isr({0, 1, 2});
    CHECK(test.send().partition_epoch == 2);
    CHECK(test.part().isr == ids{0, 1, 2});

    SUBCASE("version 2 sends ids alone") {
        auto& wanted = test.isr({});
        wanted.new_isr = {0, 2};
        CHECK(test.send().isr == ids{0, 2});
    }
    SUBCASE("asking for what is there writes nothing") {
        const auto written = test.cluster.next_offset();
        test.isr({0, 1, 2});
        CHECK(test.send().partition_epoch == 2);
        CHECK(test.cluster.next_offset() == written);
    }
}

TEST_CASE("changes of the ISR that are refused") {
    replicated test;
    const auto before = test.part();
    SUBCASE("a newer leader epoch than ours: we are not the controller any more") {
        test.isr({0}).leader_epoch = 1;
        CHECK(test.code() == "NOT_CONTROLLER");
    }
    SUBCASE("a newer partition epoch") {
        test.isr({0}).partition_epoch = 1;
        CHECK(test.code() == "NOT_CONTROLLER");
    }
    SUBCASE("an older leader epoch") {
        test.isr({0}).leader_epoch = -1;
        CHECK(test.code() == "FENCED_LEADER_EPOCH");
    }
    SUBCASE("an older partition epoch") {
        test.isr({0}).partition_epoch = -1;
        CHECK(test.code() == "INVALID_UPDATE_VERSION");
    }
    SUBCASE("not from the leader") {
        test.isr({0});
        test.request.broker_id = 1;
        test.request.broker_epoch = test.cluster.epoch_of(1);
        CHECK(test.code() == "INVALID_REQUEST");
    }
    SUBCASE("a member that is no replica") {
        test.isr({0, 3});
        CHECK(test.code() == "INVALID_REQUEST");
    }
    SUBCASE("a member twice") {
        test.isr({0, 1, 1});
        CHECK(test.code() == "INVALID_REQUEST");
    }
    SUBCASE("without the leader") {
        test.isr({1, 2});
        CHECK(test.code() == "INVALID_REQUEST");
    }
    SUBCASE("nobody") {
        test.isr({});
        CHECK(test.code() == "INVALID_REQUEST");
    }
    SUBCASE("recovered partitions do not go back to recovering") {
        test.isr({0}).leader_recovery_state = 1;
        CHECK(test.code() == "INVALID_REQUEST");
    }
    SUBCASE("an unknown recovery state") {
        test.isr({0}).leader_recovery_state = 7;
        CHECK(test.code() == "INVALID_REQUEST");
    }
    SUBCASE("a member of another run") {
        test.isr({0, 1}).new_isr_with_epochs[1].broker_epoch += 100;
        CHECK(test.code() == "INELIGIBLE_REPLICA");
    }
    SUBCASE("an unknown partition") {
        test.isr({0}).partition_index = 8;
        CHECK(test.code() == "UNKNOWN_TOPIC_OR_PARTITION");
    }
    SUBCASE("an unknown topic") {
        test.isr({0});
        test.request.topics[0].topic_id = {7, 7};
        CHECK(test.code() == "UNKNOWN_TOPIC_ID");
    }
    CHECK(test.part() == before);
    SUBCASE("a broker of an older epoch") {
        test.isr({0});
        test.request.broker_epoch -= 1;
        const auto decided = test.cluster.decider.alter_partition(test.cluster.context(), test.request);
        CHECK(name_of(decided.response.error_code) == "STALE_BROKER_EPOCH");
        CHECK(decided.records.empty());
    }
    SUBCASE("a fenced member") {
        test.cluster.fence_by_silence(2);
        test.isr({0, 1, 2});
        CHECK(test.code() == "INELIGIBLE_REPLICA");
    }
}

TEST_CASE("an ISR that completes a reassignment ends it, and a leader that is removed is told") {
    replicated test{{0, 1}};
    partition_change_record moving;
    moving.topic_id = test.cluster.now->find_topic("orders")->id;
    moving.partition_id = 0;
    moving.replicas = ids{0, 1, 2};
    moving.directories = std::vector<uuid>{cluster_fixture::directory_of(0), cluster_fixture::directory_of(1),
                                           cluster_fixture::directory_of(2)};
    moving.adding_replicas = ids{2};
    moving.removing_replicas = ids{0};
    test.cluster.commit_records({moving});
    test.isr({0, 1, 2});
    CHECK(test.code() == "NEW_LEADER_ELECTED");
    CHECK(test.part().replicas == ids{1, 2});
    CHECK(test.part().isr == ids{1, 2});
    CHECK(test.part().leader == 1);
    CHECK(test.part().adding_replicas.empty());
    CHECK(test.part().removing_replicas.empty());
    CHECK(test.part().directories.size() == 2);
}

TEST_CASE("replicas that leave the ISR below min.insync.replicas stay eligible, and lead when the rest is lost") {
    replicated test{{0, 1, 2}, {{"min.insync.replicas", "2"}}};
    test.cluster.fence_by_silence(2);
    CHECK(test.part().isr == ids{0, 1});
    CHECK(test.part().elr.empty());  // two are enough
    test.cluster.fence_by_silence(1);
    CHECK(test.part().isr == ids{0});
    CHECK(test.part().elr == ids{1});
    test.cluster.fence_by_silence(0);
    CHECK(test.part().isr.empty());
    CHECK(test.part().elr == ids{0, 1});
    CHECK(test.part().leader == no_broker);
    CHECK(test.part().last_known_elr == ids{0});

    SUBCASE("one that left before the ISR was too small does not lead") {
        test.cluster.heartbeat(2);
        CHECK(test.part().leader == no_broker);
        test.cluster.heartbeat(1);
        CHECK(test.part().leader == 1);
        CHECK(test.part().isr == ids{1});
        CHECK(test.part().elr == ids{0});
        CHECK(test.part().recovery == leader_recovery::recovered);
        CHECK(test.part().last_known_elr.empty());
        SUBCASE("and the ISR grows beyond the bound: nobody is eligible any more") {
            test.isr({1, 2});
            CHECK(test.code() == "NONE");
            CHECK(test.part().elr.empty());
        }
    }
    SUBCASE("eligible ones that crashed are not eligible any more") {
        test.cluster.commit(
            test.cluster.decider.register_broker(test.cluster.context(), test.cluster.registration(1, 2)));
        CHECK(test.part().elr == ids{0});
        test.cluster.heartbeat(1);
        CHECK(test.part().leader == no_broker);
    }
    SUBCASE("an unclean election makes a live replica lead") {
        test.cluster.heartbeat(2);
        CHECK(test.elect(unclean) == "NONE");
        CHECK(test.part().leader == 2);
        CHECK(test.part().isr == ids{2});
        CHECK(test.part().elr.empty());
        CHECK(test.part().recovery == leader_recovery::recovering);
        test.isr({2}).leader_recovery_state = 0;
        CHECK(test.code() == "NONE");
        CHECK(test.part().recovery == leader_recovery::recovered);
    }
    SUBCASE("a change of min.insync.replicas clears the eligible ones") {
        test.cluster.set(config_type::topic, "orders", "min.insync.replicas", "1");
        CHECK(test.part().elr.empty());
    }
}

TEST_CASE("a topic that allows unclean elections is led by whoever lives") {
    replicated test{{0, 1}, {{"unclean.leader.election.enable", "true"}}, false};
    test.isr({0});
    REQUIRE(test.code() == "NONE");
    test.cluster.fence_by_silence(0);
    CHECK(test.part().leader == 1);
    CHECK(test.part().isr == ids{1});
    CHECK(test.part().recovery == leader_recovery::recovering);

    SUBCASE("while it recovers the ISR cannot grow") {
        test.cluster.heartbeat(0);
        test.isr({1, 0}).leader_recovery_state = 1;
        CHECK(test.code() == "INVALID_REQUEST");
        test.isr({1, 0});
        CHECK(test.code() == "NONE");
    }
}

TEST_CASE("a preferred election gives leadership back to the first replica") {
    replicated test;
    CHECK(test.elect(preferred) == "ELECTION_NOT_NEEDED");
    test.cluster.fence_by_silence(0);
    CHECK(test.part().leader == 1);
    CHECK(test.elect(preferred) == "PREFERRED_LEADER_NOT_AVAILABLE");
    test.cluster.heartbeat(0);
    CHECK(test.elect(preferred) == "PREFERRED_LEADER_NOT_AVAILABLE");  // not in sync yet
    test.isr({0, 1, 2});
    REQUIRE(test.code() == "NONE");
    CHECK(test.elect(preferred) == "NONE");
    CHECK(test.part().leader == 0);
    CHECK(test.part().leader_epoch == 2);
}

TEST_CASE("elections that cannot be held") {
    replicated test{{0}};
    CHECK(test.elect(unclean) == "ELECTION_NOT_NEEDED");
    CHECK(test.elect(preferred, 5) == "UNKNOWN_TOPIC_OR_PARTITION");
    CHECK(test.elect(preferred, 0, "nobody") == "UNKNOWN_TOPIC_OR_PARTITION");
    test.cluster.fence_by_silence(0);
    CHECK(test.elect(unclean) == "ELIGIBLE_LEADERS_NOT_AVAILABLE");
    elect_leaders_request strange;
    strange.election_type = 2;
    CHECK(name_of(test.cluster.decider.elect_leaders(test.cluster.context(), strange).response.error_code) ==
          "INVALID_REQUEST");
}

TEST_CASE("an election for all partitions answers for those that need one") {
    replicated test;
    test.cluster.create_on("other", {{1, 2}});
    test.cluster.fence_by_silence(0);
    test.cluster.heartbeat(0);
    test.isr({1, 2, 0});
    REQUIRE(test.code() == "NONE");
    elect_leaders_request all;
    all.topic_partitions = std::nullopt;
    const auto response = test.cluster.commit(test.cluster.decider.elect_leaders(test.cluster.context(), all));
    REQUIRE(response.replica_election_results.size() == 1);
    CHECK(response.replica_election_results[0].topic == "orders");
    CHECK(test.part().leader == 0);
}

TEST_CASE("before 3.6 a shrinking ISR raises the leader epoch") {
    for (const std::int16_t level : {11, 12}) {
        cluster_fixture cluster{level};
        for (const broker_id id : {0, 1}) {
            cluster.commit(cluster.decider.register_broker(cluster.context(), cluster.registration(id)));
            cluster.heartbeat(id);
        }
        cluster.create_on("orders", {{0, 1}});
        cluster.fence_by_silence(1);
        CHECK(cluster.part("orders").leader_epoch == (level < 12 ? 1 : 0));
    }
}

namespace {

/// Broker 0 has two log directories, broker 1 one; "orders" is on both, "alone" on broker 0.
struct with_directories {
    cluster_fixture cluster;
    const uuid first = cluster_fixture::directory_of(0, 0);
    const uuid second = cluster_fixture::directory_of(0, 1);
    std::uint64_t runs = 1;

    explicit with_directories(bool elr = true) : cluster(30, elr) {
        cluster.add_broker(0, {.rack = {}, .fenced = false, .log_dirs = {first, second}});
        cluster.add_broker(1);
        cluster.create_on("orders", {{0, 1}});
        cluster.create_on("alone", {{0}, {0}});
    }
    std::string assign(const std::string& topic, std::int32_t index, const uuid& directory) {
        assign_replicas_to_dirs_request request;
        request.broker_id = 0;
        request.broker_epoch = cluster.epoch_of(0);
        auto& into = request.directories.emplace_back();
        into.id = directory;
        auto& of = into.topics.emplace_back();
        const auto* known = cluster.now->find_topic(topic);
        of.topic_id = known ? known->id : uuid{7, 7};
        of.partitions.emplace_back().partition_index = index;
        const auto response = cluster.commit(cluster.decider.assign_replicas_to_dirs(cluster.context(), request));
        if (response.error_code != 0) return name_of(response.error_code);
        CHECK(response.directories.at(0).id == directory);
        CHECK(response.directories.at(0).topics.at(0).topic_id == of.topic_id);
        CHECK(response.directories.at(0).topics.at(0).partitions.at(0).partition_index == index);
        return name_of(response.directories.at(0).topics.at(0).partitions.at(0).error_code);
    }
    void fail(std::vector<uuid> directories) {
        broker_heartbeat_request failed;
        failed.broker_id = 0;
        failed.broker_epoch = cluster.epoch_of(0);
        failed.current_metadata_offset = cluster.next_offset();
        failed.offline_log_dirs = std::move(directories);
        CHECK_FALSE(cluster.commit(cluster.decider.broker_heartbeat(cluster.context(), failed)).is_fenced);
    }
    /// Broker 0 is started again, with these directories.
    void restart(std::vector<uuid> directories) {
        cluster.fence_by_silence(0);
        auto request = cluster.registration(0, ++runs);
        request.log_dirs = std::move(directories);
        request.previous_broker_epoch = cluster.epoch_of(0);
        REQUIRE(cluster.commit(cluster.decider.register_broker(cluster.context(), request)).error_code == 0);
    }
};

}  // namespace

TEST_CASE("a broker says in which directory its replicas lie") {
    with_directories here;
    const auto& cluster = here.cluster;
    CHECK(here.assign("orders", 0, here.second) == "NONE");
    CHECK(cluster.part("orders").directories == std::vector<uuid>{here.second, cluster_fixture::directory_of(1)});
    CHECK(cluster.part("orders").leader == 0);
    CHECK(cluster.part("orders").leader_epoch == 0);
    const auto written = cluster.next_offset();
    CHECK(here.assign("orders", 0, here.second) == "NONE");
    CHECK(cluster.next_offset() == written);  // known by now
    CHECK(here.assign("orders", 7, here.second) == "UNKNOWN_TOPIC_OR_PARTITION");
    CHECK(here.assign("missing", 0, here.second) == "UNKNOWN_TOPIC_ID");
    here.cluster.create_on("elsewhere", {{1}});
    CHECK(here.assign("elsewhere", 0, here.second) == "NOT_LEADER_OR_FOLLOWER");
    assign_replicas_to_dirs_request stale;
    stale.broker_id = 0;
    stale.broker_epoch = cluster.epoch_of(0) - 1;
    CHECK(name_of(here.cluster.decider.assign_replicas_to_dirs(cluster.context(), stale).response.error_code) ==
          "STALE_BROKER_EPOCH");
}

TEST_CASE("a directory that fails takes the leaders of its replicas along, and gives them back after a restart") {
    with_directories here;
    auto& cluster = here.cluster;
    here.assign("orders", 0, here.second);
    here.assign("alone", 0, here.first);
    here.assign("alone", 1, here.second);
    here.fail({here.second});
    CHECK(cluster.part("orders").leader == 1);
    CHECK(cluster.part("orders").isr == ids{1});
    CHECK(cluster.part("alone", 0).leader == 0);
    CHECK(cluster.part("alone", 0).leader_epoch == 0);
    CHECK(cluster.part("alone", 1).leader == no_broker);
    CHECK(cluster.part("alone", 1).leader_epoch == 1);
    CHECK(cluster.now->offline(cluster.part("alone", 1), 0));
    CHECK_FALSE(cluster.now->offline(cluster.part("alone", 0), 0));
    CHECK(cluster.now->offline(cluster.part("orders"), 0));
    CHECK_FALSE(cluster.now->offline(cluster.part("orders"), 1));
    cluster.create_on("new", {{0}});
    CHECK(cluster.part("new").directories == std::vector<uuid>{here.first});

    here.restart({here.first});
    CHECK_FALSE(cluster.heartbeat(0).is_fenced);
    CHECK(cluster.part("alone", 0).leader == 0);
    CHECK(cluster.part("alone", 1).leader == no_broker);
    here.restart({here.first, here.second});
    CHECK(cluster.part("alone", 1).leader == no_broker);  // fenced still
    CHECK_FALSE(cluster.heartbeat(0).is_fenced);
    CHECK(cluster.part("alone", 1).leader == 0);
    CHECK(cluster.part("alone", 1).isr == ids{0});
    CHECK(cluster.part("alone", 1).recovery == leader_recovery::recovered);
}

TEST_CASE("without eligible leader replicas the ISR keeps its last member when its directory fails") {
    with_directories here{false};
    here.assign("alone", 0, here.second);
    here.fail({here.second});
    CHECK(here.cluster.part("alone").leader == no_broker);
    CHECK(here.cluster.part("alone").isr == ids{0});
}

TEST_CASE("a replica that turns out to lie in a directory that has failed leads no longer, and one found again leads") {
    with_directories here;
    auto& cluster = here.cluster;
    here.fail({here.second});
    CHECK(cluster.part("alone").leader == 0);  // nobody knew where it is
    CHECK(here.assign("alone", 0, here.second) == "NONE");
    CHECK(cluster.part("alone").leader == no_broker);
    CHECK(here.assign("orders", 0, directory_lost) == "NONE");
    CHECK(cluster.part("orders").leader == 1);
    CHECK(cluster.part("orders").isr == ids{1});
    CHECK(here.assign("alone", 0, here.first) == "NONE");
    CHECK(cluster.part("alone").leader == 0);
    CHECK(cluster.part("alone").isr == ids{0});
}

TEST_CASE("directories of replicas are told from metadata.version 17 on") {
    cluster_fixture old{16};
    old.add_brokers(1);
    assign_replicas_to_dirs_request request;
    request.broker_id = 0;
    request.broker_epoch = old.epoch_of(0);
    CHECK(name_of(old.decider.assign_replicas_to_dirs(old.context(), request).response.error_code) ==
          "UNSUPPORTED_VERSION");
}

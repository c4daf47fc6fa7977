#include "group_fixture.hpp"

using namespace weir;
using namespace weir::group;
using namespace weir::group::testing;

TEST_CASE("a consumer without a group membership stores offsets, and reads them back") {
    group_fixture group;
    CHECK(group.commit("orders", 3, 100, "", -1, 9, "note") == errc::none);
    const auto found = group.fetch("orders", 3);
    CHECK(found.error_code == 0);
    CHECK(found.committed_offset == 100);
    CHECK(found.committed_leader_epoch == 7);
    CHECK(found.metadata == "note");
    CHECK(group.state() == group_state::empty);
    CHECK(group.shard.find_offset("g", "orders", 3)->topic_id == uuid{1, 1});
    CHECK(group.shard.find_offset("g", "orders", 3)->commit_timestamp == group_fixture::epoch);

    const auto missing = group.fetch("orders", 4);
    CHECK(missing.error_code == 0);
    CHECK(missing.committed_offset == -1);
    CHECK(missing.committed_leader_epoch == -1);
    CHECK(missing.metadata == "");
    CHECK(group.fetch("payments", 3).committed_offset == -1);
    group.check_reload();
    CHECK(*group.replayed().find_offset("g", "orders", 3) == *group.shard.find_offset("g", "orders", 3));
}

TEST_CASE("members commit under their generation only") {
    group_fixture group;
    const auto ids = group.stable_group({"alice", "bob"});
    const auto& alice = ids.at("alice");
    CHECK(group.commit("orders", 0, 1, alice, 1) == errc::none);
    CHECK(group.commit("orders", 0, 2, alice, 0) == errc::illegal_generation);
    CHECK(group.commit("orders", 0, 2, alice, 2) == errc::illegal_generation);
    CHECK(group.commit("orders", 0, 2, "ghost", 1) == errc::unknown_member_id);
    CHECK(group.commit("orders", 0, 2) == errc::unknown_member_id);  // no member, and the group is in use
    CHECK(group.commit("orders", 0, 2, alice, -1) == errc::illegal_generation);
    CHECK(group.fetch("orders", 0).committed_offset == 1);

    SUBCASE("also while it gathers for the next one") {
        group.send_first_join({});
        CHECK(group.commit("orders", 0, 3, alice, 1) == errc::none);
    }
    SUBCASE("but not between joining and syncing") {
        const auto carol = group.send_first_join({});
        group.send_join({.member_id = alice});
        group.send_join({.member_id = ids.at("bob")});
        REQUIRE(group.joins.contains(carol));
        CHECK(group.commit("orders", 0, 3, alice, 2) == errc::rebalance_in_progress);
    }
    SUBCASE("a commit keeps the session alive") {
        for (int i = 0; i < 3; ++i) {
            group.advance(8s);
            CHECK(group.commit("orders", 0, 10 + i, alice, 1) == errc::none);
        }
        CHECK(group.heartbeat(ids.at("bob"), 1) == errc::unknown_member_id);
    }
}

TEST_CASE("a commit under a generation of a group that is not there") {
    group_fixture group;
    CHECK(group.commit("orders", 0, 1, "m", 5, 9) == errc::group_id_not_found);
    CHECK(group.commit("orders", 0, 1, "m", 5, 8) == errc::illegal_generation);
    CHECK(!group.shard.find("g"));
}

TEST_CASE("a static member commits with its instance id, and a replaced one is fenced") {
    group_fixture group;
    const auto token = group.send_join({.instance_id = "i1"});
    group.advance(3s);
    const auto old_id = group.joins[token].member_id;
    group.sync_all({{"i1", old_id}}, 1, old_id);
    const auto new_id = group.join_now({.instance_id = "i1"}).member_id;
    protocol::offset_commit_request request;
    request.group_id = "g";
    request.generation_id_or_member_epoch = 1;
    request.group_instance_id = "i1";
    auto& topic = request.topics.emplace_back();
    topic.name = "orders";
    topic.partitions.emplace_back().committed_offset = 5;
    request.member_id = old_id;
    const request_context context{"c", "/h", 8};
    CHECK(group.take(group.shard.offset_commit(context, request, group.now()))->topics[0].partitions[0].error_code ==
          wire_code(errc::fenced_instance_id));
    request.member_id = new_id;
    CHECK(group.take(group.shard.offset_commit(context, request, group.now()))->topics[0].partitions[0].error_code ==
          0);
}

TEST_CASE("metadata longer than allowed, in UTF-16 units, is refused for that partition alone") {
    group_config config;
    config.offset_metadata_max_bytes = 4;
    group_fixture group{config};
    CHECK(group.commit("orders", 0, 1, "", -1, 9, "1234") == errc::none);
    CHECK(group.commit("orders", 1, 1, "", -1, 9, "12345") == errc::offset_metadata_too_large);
    CHECK(group.commit("orders", 2, 1, "", -1, 9, "\xf0\x9f\x9a\x80\xf0\x9f\x9a\x80") == errc::none);  // two pairs
    CHECK(group.commit("orders", 3, 1, "", -1, 9, "\xf0\x9f\x9a\x80\xf0\x9f\x9a\x80x") ==
          errc::offset_metadata_too_large);
    CHECK(group.fetch("orders", 1).committed_offset == -1);
}

TEST_CASE("topics are named by id in version 10") {
    group_fixture group;
    protocol::offset_commit_request request;
    request.group_id = "g";
    for (const auto& id : {uuid{1, 2}, uuid{9, 9}}) {
        auto& topic = request.topics.emplace_back();
        topic.topic_id = id;
        topic.partitions.emplace_back().committed_offset = 42;
    }
    const auto response = *group.take(group.shard.offset_commit({"c", "/h", 10}, request, group.now()));
    CHECK(response.topics[0].partitions[0].error_code == 0);
    CHECK(response.topics[0].topic_id == uuid{1, 2});
    CHECK(response.topics[1].partitions[0].error_code == wire_code(errc::unknown_topic_id));
    CHECK(group.fetch("payments", 0).committed_offset == 42);

    protocol::offset_fetch_request::offset_fetch_request_group asked;
    asked.group_id = "g";
    for (const auto& id : {uuid{1, 2}, uuid{9, 9}}) {
        auto& topic = asked.topics->emplace_back();
        topic.topic_id = id;
        topic.partition_indexes = {0};
    }
    auto fetched = group.shard.offset_fetch(asked, 10, false);
    CHECK(fetched.topics[0].partitions[0].committed_offset == 42);
    CHECK(fetched.topics[1].partitions[0].error_code == wire_code(errc::unknown_topic_id));

    SUBCASE("all topics of the group come with their ids, but for deleted ones") {
        group.commit("gone", 0, 1);
        asked.topics.reset();
        fetched = group.shard.offset_fetch(asked, 10, false);
        REQUIRE(fetched.topics.size() == 1);
        CHECK(fetched.topics[0].topic_id == uuid{1, 2});
        CHECK(group.shard.offset_fetch(asked, 9, false).topics.size() == 2);
    }
    SUBCASE("a topic of the same name made anew has no offsets") {
        group.topics.ids["payments"] = {5, 5};
        asked.topics->resize(1);
        asked.topics->at(0).topic_id = {5, 5};
        CHECK(group.shard.offset_fetch(asked, 10, false).topics[0].partitions[0].committed_offset == -1);
    }
}

TEST_CASE("offsets of a transaction show when it commits, and never when it aborts") {
    group_fixture group;
    group.commit("orders", 0, 5);
    const auto commit = [&](std::int64_t producer, std::int64_t offset, std::int32_t generation = -1) {
        protocol::txn_offset_commit_request request;
        request.group_id = "g";
        request.generation_id = generation;
        auto& topic = request.topics.emplace_back();
        topic.name = "orders";
        auto& partition = topic.partitions.emplace_back();
        partition.committed_offset = offset;
        auto decided = group.shard.txn_offset_commit(request, group.now());
        group.append(decided.records, producer);
        return errc_from_wire(decided.response->topics[0].partitions[0].error_code);
    };
    CHECK(commit(77, 50) == errc::none);
    CHECK(group.fetch("orders", 0).committed_offset == 5);
    CHECK(errc_from_wire(group.fetch("orders", 0, true).error_code) == errc::unstable_offset_commit);
    CHECK(group.fetch("orders", 0, true).committed_offset == -1);
    CHECK(group.fetch("orders", 1, true).error_code == 0);

    SUBCASE("commit") {
        group.end_transaction(77, true);
        CHECK(group.fetch("orders", 0, true).committed_offset == 50);
    }
    SUBCASE("abort") {
        group.end_transaction(77, false);
        CHECK(group.fetch("orders", 0, true).committed_offset == 5);
    }
    SUBCASE("a plain commit after it in the log wins, though the marker comes later") {
        group.commit("orders", 0, 60);
        group.end_transaction(77, true);
        CHECK(group.fetch("orders", 0).committed_offset == 60);
    }
    SUBCASE("markers of others change nothing") {
        group.end_transaction(78, true);
        CHECK(group.fetch("orders", 0).committed_offset == 5);
    }
    SUBCASE("a generation of a group that is not there is refused") {
        protocol::txn_offset_commit_request request;
        request.group_id = "nowhere";
        request.generation_id = 3;
        request.topics.emplace_back().partitions.emplace_back();
        CHECK(group.shard.txn_offset_commit(request, group.now()).response->topics[0].partitions[0].error_code ==
              wire_code(errc::illegal_generation));
    }
    const auto fresh = group.replayed();
    CHECK(*fresh.find_offset("g", "orders", 0) == *group.shard.find_offset("g", "orders", 0));
}

TEST_CASE("offsets are deleted, except of topics that members are subscribed to") {
    group_fixture group;
    const auto ids = group.stable_group({"alice"});
    group.commit("orders", 0, 1, ids.at("alice"), 1);
    group.commit("payments", 0, 1, ids.at("alice"), 1);
    protocol::offset_delete_request request;
    request.group_id = "g";
    for (const auto* name : {"orders", "payments"}) {
        auto& topic = request.topics.emplace_back();
        topic.name = name;
        topic.partitions.emplace_back();
        topic.partitions.emplace_back().partition_index = 1;
    }
    const auto response = *group.take(group.shard.offset_delete(request));
    CHECK(response.error_code == 0);
    CHECK(response.topics[0].partitions[0].error_code == wire_code(errc::group_subscribed_to_topic));
    CHECK(response.topics[1].partitions[0].error_code == 0);
    CHECK(response.topics[1].partitions[1].error_code == 0);  // nothing to delete is no error
    CHECK(group.fetch("orders", 0).committed_offset == 1);
    CHECK(group.fetch("payments", 0).committed_offset == -1);
    group.check_reload();

    request.group_id = "nowhere";
    CHECK(group.take(group.shard.offset_delete(request))->error_code == wire_code(errc::group_id_not_found));
    request.group_id = "";
    CHECK(group.take(group.shard.offset_delete(request))->error_code == wire_code(errc::invalid_group_id));
}

TEST_CASE("a member whose subscription does not read may be interested in every topic") {
    const auto whole = subscription({"orders"});
    const auto without_user_data = bytes(whole.begin(), whole.end() - 4);
    auto long_user_data = whole;
    long_user_data.back() = std::byte{1};
    const auto no_list = to_bytes(std::string_view{"\0\1\xff\xff\xff\xff\0\0\0\0", 10});
    for (const auto& metadata : {bytes{}, to_bytes("garbage!"), without_user_data, long_user_data, no_list}) {
        group_fixture group;
        const auto ids = group.stable_group({"alice"}, {.protocols = {{"range", metadata}}});
        group.commit("payments", 0, 1, ids.at("alice"), 1);
        protocol::offset_delete_request request;
        request.group_id = "g";
        auto& topic = request.topics.emplace_back();
        topic.name = "payments";
        topic.partitions.emplace_back();
        const auto response = *group.take(group.shard.offset_delete(request));
        CHECK(response.error_code == 0);
        CHECK(response.topics[0].partitions[0].error_code == wire_code(errc::group_subscribed_to_topic));
        CHECK(group.fetch("payments", 0).committed_offset == 1);
    }
}

TEST_CASE("offsets of a group that is in use by another protocol type are not deleted") {
    group_fixture group;
    group.commit("orders", 0, 1);
    group.send_first_join({.protocol_type = "connect"});
    protocol::offset_delete_request request;
    request.group_id = "g";
    auto& topic = request.topics.emplace_back();
    topic.name = "orders";
    topic.partitions.emplace_back();
    CHECK(group.take(group.shard.offset_delete(request))->error_code == wire_code(errc::non_empty_group));
    CHECK(group.fetch("orders", 0).committed_offset == 1);
}

TEST_CASE("offsets of deleted topics go, those of open transactions too") {
    group_fixture group;
    group.commit("orders", 0, 1);
    group.commit("payments", 0, 2);
    group.commit("orders", 1, 3, "", -1, 9, "", "other");
    const std::vector<std::string> names{"orders"};
    group.append(group.shard.topics_deleted(names));
    CHECK(group.fetch("orders", 0).committed_offset == -1);
    CHECK(group.fetch("payments", 0).committed_offset == 2);
    CHECK(!group.shard.find_offset("other", "orders", 1));
    group.check_reload();
}

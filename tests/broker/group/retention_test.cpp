#include "group_fixture.hpp"

using namespace weir;
using namespace weir::group;
using namespace weir::group::testing;

namespace {

group_config short_retention() {
    group_config config;
    config.offsets_retention_minutes = 60;
    return config;
}

}  // namespace

TEST_CASE("offsets of a group that only stores them expire after their commit, and the group with them") {
    group_fixture group{short_retention()};
    group.commit("orders", 0, 1);
    group.advance(40min);
    group.commit("orders", 1, 1);
    group.advance(35min);
    CHECK(group.fetch("orders", 0).committed_offset == -1);
    CHECK(group.fetch("orders", 1).committed_offset == 1);
    CHECK(group.shard.find("g"));
    group.advance(40min);
    CHECK(!group.shard.find("g"));
    CHECK(group.shard.counters().offsets == 0);
    CHECK(group.shard.counters().offset_expirations == 2);
    CHECK(group.replayed().groups().empty());
}

TEST_CASE("the retention of a group with members counts from when it became empty") {
    group_fixture group{short_retention()};
    const auto ids = group.stable_group({"alice"}, {.session_timeout = 20min});
    group.commit("orders", 0, 1, ids.at("alice"), 1);
    for (int i = 0; i < 12; ++i) {
        group.advance(10min);
        group.heartbeat(ids.at("alice"), 1);
    }
    CHECK(group.fetch("orders", 0).committed_offset == 1);  // two hours old, and still subscribed
    group.leave_one(ids.at("alice"));
    group.advance(55min);
    CHECK(group.fetch("orders", 0).committed_offset == 1);
    group.advance(20min);
    CHECK(!group.shard.find("g"));
    group.check_reload();
}

TEST_CASE("a stable group loses the offsets of topics it no longer subscribes to") {
    group_fixture group{short_retention()};
    group.commit("payments", 0, 9);
    const auto ids = group.stable_group({"alice"}, {.session_timeout = 20min});
    group.commit("orders", 0, 1, ids.at("alice"), 1);
    for (int i = 0; i < 8; ++i) {
        group.advance(10min);
        group.heartbeat(ids.at("alice"), 1);
    }
    CHECK(group.fetch("payments", 0).committed_offset == -1);
    CHECK(group.fetch("orders", 0).committed_offset == 1);
    CHECK(group.state() == group_state::stable);
}

TEST_CASE("members whose subscription does not read keep all offsets") {
    group_fixture group{short_retention()};
    group.commit("payments", 0, 9);
    for (const auto& metadata :
         {to_bytes("garbage!"), bytes{}, to_bytes(std::string_view{"\0\1\x7f\xff\xff\xff\0\1", 8})}) {
        group_fixture each{short_retention()};
        each.commit("payments", 0, 9);
        const auto ids = each.stable_group({"alice"}, {.protocols = {{"range", metadata}}, .session_timeout = 20min});
        for (int i = 0; i < 8; ++i) {
            each.advance(10min);
            each.heartbeat(ids.at("alice"), 1);
        }
        CHECK(each.fetch("payments", 0).committed_offset == 9);
    }
}

TEST_CASE("OffsetCommit up to version 4 may ask for a retention of its own") {
    group_fixture group{short_retention()};
    protocol::offset_commit_request request;
    request.group_id = "g";
    auto& topic = request.topics.emplace_back();
    topic.name = "orders";
    topic.partitions.emplace_back().committed_offset = 7;
    request.retention_time_ms = 5 * 3'600'000;
    group.take(group.shard.offset_commit({"c", "/h", 4}, request, group.now()));
    CHECK(group.shard.find_offset("g", "orders", 0)->expire_timestamp == group_fixture::epoch + 5 * 3'600'000);
    CHECK(load_big_endian<std::int16_t>(group.log.at(0).content->value->data()) == 1);  // the version that holds it
    group.check_reload();
    group.advance(4h);
    CHECK(group.fetch("orders", 0).committed_offset == 7);
    group.advance(2h);
    CHECK(!group.shard.find("g"));

    SUBCASE("however long") {
        request.retention_time_ms = std::numeric_limits<std::int64_t>::max();
        group.take(group.shard.offset_commit({"c", "/h", 2}, request, group.now()));
        CHECK(group.shard.find_offset("g", "orders", 0)->expire_timestamp == std::numeric_limits<std::int64_t>::max());
    }
    SUBCASE("not later versions") {
        group.take(group.shard.offset_commit({"c", "/h", 5}, request, group.now()));
        CHECK(group.shard.find_offset("g", "orders", 0)->expire_timestamp == -1);
    }
}

TEST_CASE("an offset that an open transaction is about to replace does not expire") {
    group_fixture group{short_retention()};
    group.commit("orders", 0, 1);
    protocol::txn_offset_commit_request request;
    request.group_id = "g";
    request.generation_id = -1;
    auto& topic = request.topics.emplace_back();
    topic.name = "orders";
    topic.partitions.emplace_back().committed_offset = 2;
    group.append(group.shard.txn_offset_commit(request, group.now()).records, 77);
    group.advance(3h);
    CHECK(group.fetch("orders", 0).committed_offset == 1);
    group.end_transaction(77, false);
    group.advance(11min);
    CHECK(!group.shard.find("g"));
}

#include "group_fixture.hpp"

#include <weir/base/setting.hpp>
#include <weir/protocol/coordinator_records.hpp>
#include <weir/protocol/messages/group_coordinator_records.hpp>

using namespace weir;
using namespace weir::group;
using namespace weir::group::testing;

namespace {

bytes hex(std::string_view digits) {
    bytes out;
    const auto value = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    std::string clean;
    for (const char c : digits) {
        if (c != ' ') clean += c;
    }
    for (std::size_t i = 0; i + 1 < clean.size(); i += 2)
        out.push_back(static_cast<std::byte>(value(clean[i]) * 16 + value(clean[i + 1])));
    return out;
}

void replay(group_shard& shard, const bytes& key, const std::optional<bytes>& value) {
    shard.replay(0, -1, key, value ? std::optional<bytes_view>{*value} : std::nullopt);
}

}  // namespace

TEST_CASE("records have Kafka's bytes") {
    group_fixture group;
    group.commit("orders", 3, 100, "", -1, 9, "m");
    REQUIRE(group.log.size() == 1);
    // type 1, "g", "orders", 3
    CHECK(group.log[0].content->key == hex("0001 0001 67 0006 6f7264657273 00000003"));
    // version 4: offset, epoch, compact metadata, commit timestamp, one tag: topic id
    CHECK(*group.log[0].content->value == hex("0004 0000000000000064 00000007 02 6d 0000018bcfe56800 01 00 10 "
                                              "0000000000000001 0000000000000001"));
    const std::vector<std::string> ids{"g"};
    group.take(group.shard.delete_groups(ids));
    REQUIRE(group.log.size() == 3);
    CHECK(group.log[1].content->key == group.log[0].content->key);
    CHECK(!group.log[1].content->value);
    CHECK(group.log[2].content->key == hex("0002 0001 67"));
    CHECK(!group.log[2].content->value);
}

TEST_CASE("a group record is of version 3 and says all about the members") {
    group_fixture group;
    const auto ids = group.stable_group({"alice"});
    REQUIRE(group.log.size() == 1);
    const auto& written = *group.log[0].content;
    CHECK(load_big_endian<std::int16_t>(written.value->data()) == 3);
    const auto value = protocol::decode<protocol::group_metadata_value>(bytes_view{*written.value}.subspan(2), 3);
    REQUIRE(value);
    CHECK(value->protocol_type == "consumer");
    CHECK(value->generation == 1);
    CHECK(value->protocol == "range");
    CHECK(value->leader == ids.at("alice"));
    REQUIRE(value->members.size() == 1);
    CHECK(value->members[0].member_id == ids.at("alice"));
    CHECK(value->members[0].client_host == "/127.0.0.1");
    CHECK(value->members[0].rebalance_timeout == 60000);
    CHECK(value->members[0].session_timeout == 10000);
    CHECK(value->members[0].subscription == subscription({"orders"}));
    CHECK(value->members[0].assignment == to_bytes("for alice"));
}

TEST_CASE("every version of group and offset values is read") {
    group_fixture group;
    protocol::group_metadata_value value;
    value.protocol_type = "consumer";
    value.generation = 5;
    value.protocol = "range";
    value.leader = "m";
    auto& m = value.members.emplace_back();
    m.member_id = "m";
    m.client_id = "c";
    m.client_host = "/h";
    m.session_timeout = 9000;
    for (std::int16_t version = 0; version <= 4; ++version) {
        CAPTURE(version);
        group_shard shard{group.config, group.topics, 1};
        protocol::group_metadata_key key;
        key.group = "g";
        replay(shard, *protocol::encode_record_key(key), *protocol::encode_record_value(value, version));
        REQUIRE(shard.find("g"));
        CHECK(shard.find("g")->generation == 5);
        CHECK(shard.find("g")->state == group_state::stable);
        // Version 0 has no rebalance timeout, and so has -1 in later ones.
        CHECK(shard.find("g")->members.at(0).rebalance_timeout == 9s);
        CHECK(shard.counters().skipped_records == 0);
    }
    for (std::int16_t version = 0; version <= 4; ++version) {
        CAPTURE(version);
        group_shard shard{group.config, group.topics, 1};
        protocol::offset_commit_key key;
        key.group = "g";
        key.topic = "t";
        protocol::offset_commit_value offset;
        offset.offset = 8;
        replay(shard, *protocol::encode_record_key(key), *protocol::encode_record_value(offset, version));
        REQUIRE(shard.find_offset("g", "t", 0));
        CHECK(shard.find_offset("g", "t", 0)->offset == 8);
    }
    group_shard shard{group.config, group.topics, 1};
    replay(shard, hex("0000 0001 67 0001 74 00000000"), hex("0000 0000000000000009 0000 0000000000000001"));
    REQUIRE(shard.find_offset("g", "t", 0));
    CHECK(shard.find_offset("g", "t", 0)->offset == 9);
}

TEST_CASE("records of other protocols and damaged ones are skipped") {
    group_fixture group;
    auto& shard = group.shard;
    std::uint64_t skipped = 0;
    const auto skips = [&](const bytes& key, const std::optional<bytes>& value) {
        replay(shard, key, value);
        CHECK(shard.counters().skipped_records == ++skipped);
    };
    for (std::int16_t type = 3; type < 40; ++type) {
        bytes key(2);
        store_big_endian(key.data(), type);
        skips(key, std::nullopt);
        key.resize(20);
        skips(key, hex("0000 00"));
    }
    skips({}, std::nullopt);
    skips(hex("00"), hex("00"));
    skips(hex("0001 0005 67"), hex("0001"));                            // the key ends inside the group
    skips(hex("0001 0001 67 0001 74 00000000"), hex("00"));             // no whole version
    skips(hex("0001 0001 67 0001 74 00000000"), hex("0009 00"));        // a version that is not there yet
    skips(hex("0001 0001 67 0001 74 00000000"), hex("0004 00000000"));  // cut
    skips(hex("0002 0001 67"),
          hex("0003 0001 61 00000001 ffff ffff 0000000000000000 7fffffff"));  // members that cannot be
    CHECK(shard.groups().empty());
}

TEST_CASE("impossible contents of sound records do no harm") {
    group_fixture group;
    protocol::group_metadata_value value;
    value.protocol_type = "consumer";
    value.generation = std::numeric_limits<std::int32_t>::max();
    value.leader = "nobody";
    for (int i = 0; i < 2; ++i) {
        auto& m = value.members.emplace_back();
        m.member_id = "twice";
        m.group_instance_id = "i";
        m.session_timeout = -1;
        m.rebalance_timeout = -1;
    }
    protocol::group_metadata_key key;
    key.group = "g";
    group.append({{*protocol::encode_record_key(key), *protocol::encode_record_value(value, 3)}});
    CHECK(group.shard.find("g")->members.size() == 1);
    group.shard.loaded(group.now());
    group.advance(1s);
    CHECK(group.state() == group_state::empty);
    CHECK(group.shard.find("g")->generation == 1);
}

TEST_CASE("tombstones for what is not there are harmless") {
    group_fixture group;
    replay(group.shard, hex("0002 0001 67"), std::nullopt);
    replay(group.shard, hex("0001 0001 67 0001 74 00000000"), std::nullopt);
    CHECK(group.shard.groups().empty());
    group.end_transaction(5, true);
}

TEST_CASE("settings have Kafka's names and are checked") {
    group_config config;
    CHECK(apply_setting(config, "group.initial.rebalance.delay.ms", "0"));
    CHECK(config.initial_rebalance_delay == 0ms);
    CHECK(apply_setting(config, "offsets.retention.minutes", "1"));
    CHECK(config.offsets_retention_minutes == 1);
    CHECK(!apply_setting(config, "group.max.size", "0"));
    CHECK(!apply_setting(config, "offsets.topic.num.partitions", "none"));
    CHECK(group_config::settings().size() == 13);
}

#include "group_fixture.hpp"

#include <algorithm>

using namespace weir;
using namespace weir::group;
using namespace weir::group::testing;

TEST_CASE("groups are listed by state and type, whatever the case of the filter") {
    group_fixture group;
    group.stable_group({"alice"});
    group.commit("orders", 0, 1, "", -1, 9, "", "simple");
    const auto ids = [&](std::vector<std::string> states, std::vector<std::string> types) {
        protocol::list_groups_request request;
        request.states_filter = std::move(states);
        request.types_filter = std::move(types);
        std::vector<std::string> out;
        for (const auto& listed : group.shard.list_groups(request)) {
            CHECK(listed.group_type == "classic");
            out.push_back(listed.group_id + "/" + listed.group_state + "/" + listed.protocol_type);
        }
        std::ranges::sort(out);
        return out;
    };
    using list = std::vector<std::string>;
    CHECK(ids({}, {}) == list{"g/Stable/consumer", "simple/Empty/"});
    CHECK(ids({"STABLE"}, {}) == list{"g/Stable/consumer"});
    CHECK(ids({"empty", "PreparingRebalance"}, {"classic"}) == list{"simple/Empty/"});
    CHECK(ids({}, {"consumer"}).empty());
    CHECK(ids({"nonsense"}, {}).empty());
}

TEST_CASE("a stable group is described with what its members hold") {
    group_fixture group;
    const auto members = group.stable_group({"alice"});
    const std::vector<std::string> ids{"g", "nowhere", ""};
    const auto described = group.shard.describe_groups(ids, 6);
    REQUIRE(described.size() == 3);
    CHECK(described[0].error_code == 0);
    CHECK(described[0].group_state == "Stable");
    CHECK(described[0].protocol_type == "consumer");
    CHECK(described[0].protocol_data == "range");
    REQUIRE(described[0].members.size() == 1);
    CHECK(described[0].members[0].member_id == members.at("alice"));
    CHECK(described[0].members[0].client_id == "alice");
    CHECK(described[0].members[0].client_host == "/127.0.0.1");
    CHECK(described[0].members[0].member_metadata == subscription({"orders"}));
    CHECK(described[0].members[0].member_assignment == to_bytes("for alice"));

    CHECK(described[1].error_code == wire_code(errc::group_id_not_found));
    CHECK(described[1].group_state == "Dead");
    CHECK(described[1].error_message);
    CHECK(described[2].error_code == wire_code(errc::group_id_not_found));
    const auto older = group.shard.describe_groups(ids, 5);
    CHECK(older[1].error_code == 0);
    CHECK(older[1].group_state == "Dead");

    SUBCASE("one in between without, for nothing is settled") {
        group.send_first_join({});
        const auto now = group.shard.describe_groups(ids, 6);
        CHECK(now[0].group_state == "PreparingRebalance");
        CHECK(now[0].protocol_data.empty());
        CHECK(now[0].members.size() == 2);
        CHECK(now[0].members[0].member_metadata.empty());
    }
}

TEST_CASE("an empty group is deleted with its offsets, one in use is not") {
    group_fixture group;
    const auto members = group.stable_group({"alice"});
    group.commit("orders", 0, 1, members.at("alice"), 1);
    group.commit("orders", 0, 1, "", -1, 9, "", "simple");
    const auto remove = [&](std::vector<std::string> ids) {
        std::vector<errc> out;
        const auto results = group.take(group.shard.delete_groups(ids));
        for (const auto& each : *results) out.push_back(errc_from_wire(each.error_code));
        return out;
    };
    using codes = std::vector<errc>;
    CHECK(remove({"g", "simple", "nowhere", "simple"}) ==
          codes{errc::non_empty_group, errc::none, errc::group_id_not_found});
    CHECK(group.shard.find("g"));
    CHECK(!group.shard.find("simple"));
    group.leave_one(members.at("alice"));
    CHECK(remove({"g"}) == codes{errc::none});
    CHECK(group.shard.groups().empty());
    CHECK(group.shard.counters().offsets == 0);
    CHECK(group.replayed().groups().empty());

    SUBCASE("and starts anew when somebody joins") {
        group.stable_group({"alice"});
        CHECK(group.shard.find("g")->generation == 1);
        CHECK(group.fetch("orders", 0).committed_offset == -1);
        group.check_reload();
    }
}

// What holds for every assignor, whatever the group. That the results are Java's is in tests/golden (assignors.jsonl.gz).
#include "consumer/assignor.hpp"
#include "consumer/consumer_protocol.hpp"

#include <weir/base/random.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <set>

using namespace weir;
using namespace weir::detail;

namespace {

struct world_of_groups {
    explicit world_of_groups(std::uint64_t seed) : random(seed) {}
    random_source random;
    topic_map topics;
    std::vector<joining_member> members;
    int names = 0;

    void begin(bool alike) {
        for (std::uint64_t i = 1 + random.below(5); i > 0; --i) topics["t" + std::to_string(i)].resize(1 + random.below(10));
        for (std::uint64_t i = 1 + random.below(8); i > 0; --i) add_member(alike);
    }
    void add_member(bool alike) {
        auto& member = members.emplace_back();
        member.id = "m" + std::to_string(names++);
        for (const auto& [name, racks] : topics) {
            if (alike || random.chance(0.6)) member.topics.push_back(name);
        }
        if (member.topics.empty()) member.topics.push_back("t1");
    }
    /// What the next rebalance finds.
    void settle(const assignor& how, const assignment_map& found, std::int32_t generation) {
        for (auto& member : members) {
            const auto& mine = found.at(member.id);
            if (how.cooperative) member.owned = mine;
            member.generation = generation;
            member.user_data = how.user_data(&mine, generation);
        }
    }
    const joining_member* find(const std::string& id) const {
        const auto at = std::find_if(members.begin(), members.end(), [&](const auto& each) { return each.id == id; });
        return at == members.end() ? nullptr : &*at;
    }
};

using owners = std::map<topic_partition, std::string>;

/// Nobody has what another has, what does not exist or what it does not want.
owners check_valid(const world_of_groups& world, const assignment_map& found) {
    owners all;
    CHECK(found.size() == world.members.size());
    for (const auto& [id, list] : found) {
        const auto* member = world.find(id);
        REQUIRE(member);
        for (const auto& each : list) {
            CHECK(all.emplace(each, id).second);
            CHECK(std::count(member->topics.begin(), member->topics.end(), each.topic) == 1);
            CHECK(each.partition < static_cast<std::int32_t>(world.topics.at(each.topic).size()));
        }
    }
    return all;
}

std::size_t wanted_partitions(const world_of_groups& world) {
    std::set<std::string> wanted;
    for (const auto& member : world.members) wanted.insert(member.topics.begin(), member.topics.end());
    std::size_t count = 0;
    for (const auto& name : wanted) count += world.topics.at(name).size();
    return count;
}

/// After the second rebalance of a cooperative group nothing is on its way any more.
assignment_map settled(const assignor& how, world_of_groups& world, std::int32_t& generation) {
    auto found = how.assign(world.topics, world.members);
    check_valid(world, found);
    world.settle(how, found, ++generation);
    if (how.cooperative) {
        found = how.assign(world.topics, world.members);
        world.settle(how, found, ++generation);
    }
    return found;
}

const assignor* const all_assignors[] = {&range_assignor, &round_robin_assignor, &sticky_assignor, &cooperative_sticky_assignor};

}  // namespace

TEST_CASE("every partition that somebody wants has exactly one owner") {
    for (const auto* how : all_assignors) {
        CAPTURE(how->name);
        for (std::uint64_t seed = 1; seed <= 200; ++seed) {
            CAPTURE(seed);
            world_of_groups world{seed};
            world.begin(seed % 2 == 0);
            std::int32_t generation = 0;
            CHECK(check_valid(world, settled(*how, world, generation)).size() == wanted_partitions(world));
            world.add_member(seed % 2 == 0);
            CHECK(check_valid(world, settled(*how, world, generation)).size() == wanted_partitions(world));
            world.members.erase(world.members.begin());
            CHECK(check_valid(world, settled(*how, world, generation)).size() == wanted_partitions(world));
        }
    }
}

TEST_CASE("sticky assignors share alike to within one, and move no more than that takes") {
    for (const auto* how : {&sticky_assignor, &cooperative_sticky_assignor}) {
        CAPTURE(how->name);
        for (std::uint64_t seed = 1; seed <= 200; ++seed) {
            CAPTURE(seed);
            world_of_groups world{seed};
            world.begin(true);
            std::int32_t generation = 0;
            const auto before = check_valid(world, settled(*how, world, generation));
            world.add_member(true);
            const auto found = settled(*how, world, generation);
            std::size_t least = ~std::size_t{0}, most = 0, moved = 0;
            for (const auto& [id, list] : found) {
                least = std::min(least, list.size());
                most = std::max(most, list.size());
            }
            CHECK(most - least <= 1);
            for (const auto& [where, owner] : check_valid(world, found)) moved += before.at(where) != owner;
            CHECK(moved == found.at(world.members.back().id).size());  // nothing but what the new one gets
        }
    }
}

TEST_CASE("a cooperative member never gets what another has not given up yet") {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        CAPTURE(seed);
        world_of_groups world{seed};
        world.begin(seed % 2 == 0);
        std::int32_t generation = 0;
        settled(cooperative_sticky_assignor, world, generation);
        world.add_member(seed % 2 == 0);
        owners had;
        for (const auto& member : world.members) {
            for (const auto& each : member.owned) had[each] = member.id;
        }
        for (const auto& [where, owner] : check_valid(world, cooperative_sticky_assignor.assign(world.topics, world.members))) {
            if (const auto before = had.find(where); before != had.end()) CHECK(before->second == owner);
        }
    }
}

TEST_CASE("a member that wants nothing gets nothing, and the others all there is") {
    for (const auto* how : all_assignors) {
        CAPTURE(how->name);
        for (std::size_t idle = 0; idle < 3; ++idle) {  // in Java's order each of them is first once
            world_of_groups world{1};
            world.topics = {{"orders", topic_racks(3)}, {"payments", topic_racks(2)}};
            for (int i = 0; i < 3; ++i) world.add_member(true);
            world.members[idle].topics.clear();
            std::int32_t generation = 0;
            CHECK(check_valid(world, settled(*how, world, generation)).size() == 5);
        }
    }
}

TEST_CASE("claims to partitions that cannot be are nobody's") {
    constexpr auto largest = std::numeric_limits<std::int32_t>::max();
    for (const auto* how : {&sticky_assignor, &cooperative_sticky_assignor}) {
        world_of_groups world{1};
        world.topics = {{"orders", topic_racks(3)}, {"payments", topic_racks(2)}};
        for (int i = 0; i < 2; ++i) world.add_member(true);
        const std::vector<topic_partition> claimed{{"payments", largest}, {"payments", 2}, {"orders", -1}, {"gone", 0}};
        world.settle(*how, {{"m0", claimed}, {"m1", {}}}, 1);
        CHECK(check_valid(world, how->assign(world.topics, world.members)).size() == 5);
    }
}

TEST_CASE("ranges of topics with as many partitions are aligned") {
    world_of_groups world{1};
    world.topics = {{"orders", topic_racks(8)}, {"payments", topic_racks(8)}};
    for (int i = 0; i < 3; ++i) world.add_member(true);
    for (const auto& [id, list] : range_assignor.assign(world.topics, world.members)) {
        std::set<std::int32_t> orders, payments;
        for (const auto& each : list) (each.topic == "orders" ? orders : payments).insert(each.partition);
        CHECK(orders == payments);
    }
}

TEST_CASE("a partition goes to a member in a rack with a replica, where balance allows it") {
    world_of_groups world{1};
    world.topics = {{"orders", {{"a"}, {"b"}, {"a"}, {"b"}}}};
    for (const char* rack : {"a", "b"}) {
        world.add_member(true);
        world.members.back().rack = rack;
    }
    for (const auto* how : {&range_assignor, &sticky_assignor, &cooperative_sticky_assignor}) {
        const auto found = how->assign(world.topics, world.members);
        CHECK(found.at("m0") == std::vector<topic_partition>{{"orders", 0}, {"orders", 2}});
        CHECK(found.at("m1") == std::vector<topic_partition>{{"orders", 1}, {"orders", 3}});
    }
}

TEST_CASE("ten thousand partitions and a hundred members take no time") {
    world_of_groups world{1};
    for (int i = 0; i < 100; ++i) world.topics["t" + std::to_string(i)].resize(100);
    for (int i = 0; i < 100; ++i) world.add_member(true);
    std::int32_t generation = 0;
    for (const auto* how : all_assignors) CHECK(check_valid(world, settled(*how, world, generation)).size() == 10'000);
}

TEST_CASE("an assignor is found by its name and by the name of Java's class") {
    CHECK(find_assignor("cooperative-sticky") == &cooperative_sticky_assignor);
    CHECK(find_assignor("org.apache.kafka.clients.consumer.RangeAssignor") == &range_assignor);
    CHECK(find_assignor("rang") == nullptr);
}

TEST_CASE("an empty assignment may come without bytes, and bytes that are none are refused") {
    CHECK((*decode_assignment({})).empty());
    const auto written = encode_assignment({{"b", 1}, {"a", 0}, {"b", 0}});
    REQUIRE(written);
    CHECK(*decode_assignment(*written) == std::vector<topic_partition>{{"a", 0}, {"b", 0}, {"b", 1}});
    CHECK(decode_assignment(bytes(3)).code() == errc::malformed);
    CHECK(decode_subscription(bytes(1)).code() == errc::malformed);
}

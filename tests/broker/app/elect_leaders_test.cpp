// Elections of leaders: with one broker there is nothing to elect, or nobody.
#include "broker_fixture.hpp"

#include <weir/protocol/messages/elect_leaders.hpp>

#include <map>

using namespace weir;
using namespace weir::broker::test;
using namespace weir::protocol;

namespace {

constexpr std::int8_t preferred = 0, unclean = 1;
using outcomes = std::map<std::string, errc>;

outcomes elect(wire_client& client, std::int8_t type, std::optional<std::vector<std::int32_t>> orders, std::int16_t version = 2) {
    elect_leaders_request request;
    request.election_type = type;
    request.topic_partitions.reset();
    if (orders) {
        auto& asked = request.topic_partitions.emplace().emplace_back();
        asked.topic = "orders";
        asked.partitions = *orders;
    }
    const auto answer = client.call(request, version);
    CHECK(answer.error_code == 0);
    outcomes found;
    for (const auto& topic : answer.replica_election_results)
        for (const auto& each : topic.partition_result) {
            CHECK(each.error_message.value_or("").find(topic.topic + "-" + std::to_string(each.partition_id)) != std::string::npos);
            found[topic.topic + "-" + std::to_string(each.partition_id)] = errc_from_wire(each.error_code);
        }
    return found;
}

}  // namespace

TEST_CASE_FIXTURE(broker_fixture, "an election is not needed where the only replica leads") {
    start();
    auto client = connect();
    REQUIRE(create_topic(client, "orders", 2) == 0);
    const outcomes each{{"orders-0", errc::election_not_needed}, {"orders-1", errc::election_not_needed}, {"orders-2", errc::unknown_topic_or_partition}};
    for (const std::int16_t version : {0, 1, 2}) CHECK(elect(client, preferred, {{0, 1, 2}}, version) == each);
    CHECK(elect(client, unclean, {{0, 1, 2}}) == each);
    CHECK(elect(client, preferred, std::nullopt).empty());

    elect_leaders_request unknown;
    unknown.election_type = 2;
    CHECK(errc_from_wire(client.call(unknown, 2).error_code) == errc::invalid_request);
    CHECK(produce(client, "orders", 0, {"a"}).error_code == 0);
}

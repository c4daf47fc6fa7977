// Plans for replicas: with one broker they are done already, or cannot be.
#include "broker_fixture.hpp"

#include <weir/protocol/messages/alter_partition_reassignments.hpp>
#include <weir/protocol/messages/list_partition_reassignments.hpp>

using namespace weir;
using namespace weir::broker::test;
using namespace weir::protocol;

namespace {

using replicas = std::optional<std::vector<std::int32_t>>;

errc plan(wire_client& client, const std::string& topic, std::int32_t partition, const replicas& wanted) {
    alter_partition_reassignments_request request;
    auto& where = request.topics.emplace_back();
    where.name = topic;
    auto& part = where.partitions.emplace_back();
    part.partition_index = partition;
    part.replicas = wanted;
    const auto answer = client.call(request, 1);
    CHECK(answer.error_code == 0);
    const auto& row = answer.responses.at(0).partitions.at(0);
    CHECK(row.error_message.has_value() == (row.error_code != 0));
    return errc_from_wire(row.error_code);
}

}  // namespace

TEST_CASE_FIXTURE(broker_fixture, "replicas stay where they are, and a plan that says otherwise says why it cannot be") {
    start();
    auto client = connect();
    REQUIRE(create_topic(client, "orders", 2) == 0);
    CHECK(plan(client, "orders", 0, replicas{{1}}) == errc::none);
    CHECK(plan(client, "orders", 0, replicas{{1, 1}}) == errc::invalid_replica_assignment);
    CHECK(plan(client, "orders", 0, replicas{{2}}) == errc::invalid_replica_assignment);
    CHECK(plan(client, "orders", 0, replicas{std::vector<std::int32_t>{}}) == errc::invalid_replica_assignment);
    CHECK(plan(client, "orders", 0, std::nullopt) == errc::no_reassignment_in_progress);
    CHECK(plan(client, "orders", 2, replicas{{1}}) == errc::unknown_topic_or_partition);
    CHECK(plan(client, "nobody", 0, replicas{{1}}) == errc::unknown_topic_or_partition);

    list_partition_reassignments_request list;
    CHECK(client.call(list, 0).topics.empty());
    auto& one = list.topics.emplace().emplace_back();
    one.name = "orders";
    one.partition_indexes = {0, 1, 2};
    CHECK(client.call(list, 0).topics.empty());
    CHECK(produce(client, "orders", 0, {"a"}).error_code == 0);
}

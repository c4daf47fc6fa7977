// DescribeTopicPartitions: many partitions, a page at a time.
#include "broker_fixture.hpp"

#include <weir/protocol/messages/describe_topic_partitions.hpp>

using namespace weir;
using namespace weir::broker::test;
using namespace weir::protocol;

namespace {

describe_topic_partitions_request about(const std::vector<std::string>& names, std::int32_t limit) {
    describe_topic_partitions_request request;
    request.response_partition_limit = limit;
    for (const auto& name : names) request.topics.emplace_back().name = name;
    return request;
}

describe_topic_partitions_request from(describe_topic_partitions_request request, const std::string& topic,
                                       std::int32_t partition) {
    describe_topic_partitions_request::cursor_data begin;
    begin.topic_name = topic;
    begin.partition_index = partition;
    request.cursor = std::move(begin);
    return request;
}

}  // namespace

TEST_CASE_FIXTURE(broker_fixture, "partitions come in pages, each from where the last one says") {
    start();
    auto client = connect();
    REQUIRE(create_topic(client, "bills", 2) == 0);
    REQUIRE(create_topic(client, "orders", 3) == 0);
    std::vector<std::string> told;
    auto request = about({"orders", "bills"}, 2);
    for (int page = 0; page < 4; ++page) {
        const auto answer = client.call(request, 0);
        for (const auto& topic : answer.topics)
            for (const auto& part : topic.partitions)
                told.push_back(*topic.name + "-" + std::to_string(part.partition_index));
        if (!answer.next_cursor) break;
        request =
            from(about({"orders", "bills"}, 2), answer.next_cursor->topic_name, answer.next_cursor->partition_index);
    }
    CHECK(told == std::vector<std::string>{"bills-0", "bills-1", "orders-0", "orders-1", "orders-2"});
}

TEST_CASE_FIXTURE(broker_fixture, "a page that begins nowhere is refused for each topic") {
    start();
    auto client = connect();
    REQUIRE(create_topic(client, "orders", 3) == 0);
    for (const auto& request : {from(about({"orders"}, 9), "orders", -1), from(about({"orders"}, 9), "bills", 0)}) {
        const auto answer = client.call(request, 0);
        REQUIRE(answer.topics.size() == 1);
        CHECK(answer.topics[0].error_code == wire_code(errc::invalid_request));
        CHECK(answer.topics[0].partitions.empty());
    }
    // Among all topics the one that was next may be gone by now.
    CHECK(client.call(from(about({}, 9), "bills", 0), 0).topics.at(0).partitions.size() == 3);
}

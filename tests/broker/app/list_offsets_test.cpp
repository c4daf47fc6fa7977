// Places in a partition that have no number: which there are, since which version, and what they are here.
#include "broker_fixture.hpp"

#include <weir/protocol/messages/delete_records.hpp>
#include <weir/protocol/messages/list_offsets.hpp>

using namespace weir;
using namespace weir::broker::test;
using namespace weir::protocol;

namespace {

list_offsets_response::list_offsets_partition_response ask(wire_client& client, std::int64_t timestamp, std::int16_t version) {
    list_offsets_request request;
    request.replica_id = -1;
    auto& topic = request.topics.emplace_back();
    topic.name = "orders";
    topic.partitions.emplace_back().timestamp = timestamp;
    return client.call(request, version).topics.at(0).partitions.at(0);
}

}  // namespace

TEST_CASE_FIXTURE(broker_fixture, "each place is answered since the version that brought it") {
    start();
    auto client = connect();
    REQUIRE(create_topic(client, "orders", 1) == 0);
    REQUIRE(produce(client, "orders", 0, {"a", "b", "c"}).error_code == 0);
    struct place {
        std::int64_t timestamp;
        std::int16_t since;
        std::int64_t offset;
    };
    // The last record of a batch made here is the youngest. Nothing is tiered, and nothing waits for upload.
    for (const auto& [timestamp, since, offset] : {place{-1, 1, 3}, {-2, 1, 0}, {-3, 7, 0}, {-4, 8, 0}, {-5, 9, -1}, {-6, 11, -1}}) {
        for (std::int16_t version = 1; version <= 11; ++version) {
            CAPTURE(timestamp);
            CAPTURE(version);
            const auto answer = ask(client, timestamp, version);
            if (version < since) {
                CHECK(answer.error_code == wire_code(errc::unsupported_version));
            } else {
                CHECK(answer.error_code == 0);
                CHECK(answer.offset == offset);
            }
        }
    }
    CHECK(ask(client, -7, 11).error_code == wire_code(errc::unsupported_version));
}

TEST_CASE_FIXTURE(broker_fixture, "who wrote without waiting for the flush finds it when asking for the end") {
    start();
    auto client = connect();
    REQUIRE(create_topic(client, "orders", 1) == 0);
    world.disk(machine).set_sync_delay(20ms);
    REQUIRE(produce(client, "orders", 0, {"a", "b"}, 1).error_code == 0);
    CHECK(ask(client, -1, 11).offset == 2);
    REQUIRE(produce(client, "orders", 0, {"c"}, 1).error_code == 0);
    CHECK(ask(client, 0, 11).offset == 0);  // by time

    SUBCASE("and may delete up to it") {
        REQUIRE(produce(client, "orders", 0, {"d"}, 1).error_code == 0);
        delete_records_request request;
        request.timeout_ms = 30000;
        auto& topic = request.topics.emplace_back();
        topic.name = "orders";
        topic.partitions.emplace_back().offset = 4;
        const auto answer = client.call(request, 2).topics.at(0).partitions.at(0);
        CHECK(answer.error_code == 0);
        CHECK(answer.low_watermark == 4);
    }
    SUBCASE("a disk that hangs does not keep the answer") {
        world.disk(machine).set_sync_delay(1h);
        REQUIRE(produce(client, "orders", 0, {"d"}, 1).error_code == 0);
        CHECK(ask(client, -1, 11).offset == 3);
    }
}

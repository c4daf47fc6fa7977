// What a producer is told of records that a topic does not take (KIP-467).
#include "broker_fixture.hpp"

using namespace weir;
using namespace weir::broker::test;
using namespace weir::protocol;

TEST_CASE_FIXTURE(broker_fixture, "a refused batch is answered with the places of the records that are why") {
    start();
    auto client = connect();
    REQUIRE(create_topic(client, "latest", 1, {{"cleanup.policy", "compact"}}) == 0);
    REQUIRE(create_topic(client, "recent", 1, {{"message.timestamp.before.max.ms", "1"}}) == 0);
    const auto tell = [&](const std::string& topic, bytes records, std::int16_t version) {
        return client.call(produce_of(topic, 0, std::move(records)), version).responses.at(0).partition_responses.at(0);
    };

    auto told = tell("latest", batch({"no key", "nor here"}), 8);
    CHECK(told.error_code == wire_code(errc::invalid_record));
    CHECK(told.base_offset == -1);
    REQUIRE(told.record_errors.size() == 2);
    CHECK(told.record_errors[0].batch_index == 0);
    CHECK(told.record_errors[1].batch_index == 1);
    CHECK(told.record_errors[1].batch_index_error_message == "latest-0 is compacted, and the record has no key");
    REQUIRE(told.error_message);
    CHECK(told.error_message->starts_with("latest-0: 2 of 2 records cannot be taken"));

    auto old = batch({"old"});
    world.run_for(1s);
    told = tell("recent", old, 12);
    CHECK(told.error_code == wire_code(errc::invalid_timestamp));
    REQUIRE(told.record_errors.size() == 1);
    CHECK(told.record_errors[0].batch_index_error_message->find("message.timestamp.before.max.ms") != std::string::npos);

    // Before version 8 there is no place for it; and what is wrong with a whole batch is no record's fault.
    CHECK(tell("latest", batch({"no key"}), 7).error_code == wire_code(errc::invalid_record));
    auto damaged = batch({"damaged"});
    damaged.back() ^= std::byte{1};
    told = tell("latest", std::move(damaged), 8);
    CHECK(told.error_code == wire_code(errc::corrupt_message));
    CHECK(told.record_errors.empty());
}

// What a producer is told of records that a topic does not take (KIP-467).
#include "broker_fixture.hpp"

#include <weir/protocol/messages/find_coordinator.hpp>

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

TEST_CASE_FIXTURE(
    broker_fixture,
    "a partition that is not there is told first, then records in no form to be taken, then acks that mean nothing") {
    start();
    auto client = connect();
    REQUIRE(create_topic(client, "orders", 1) == 0);
    const auto code_of = [&](const std::string& topic, bytes records, std::int16_t acks) {
        return errc_from_wire(client.call(produce_of(topic, 0, std::move(records), acks), 9)
                                  .responses.at(0)
                                  .partition_responses.at(0)
                                  .error_code);
    };
    auto two = batch({"a"});
    const auto second = batch({"b"});
    two.insert(two.end(), second.begin(), second.end());
    CHECK(code_of("nowhere", two, 7) == errc::unknown_topic_or_partition);
    CHECK(code_of("orders", two, 7) == errc::invalid_record);
    CHECK(code_of("orders", batch({"a"}), 7) == errc::invalid_required_acks);
    CHECK(read_all(client, "orders", 0).empty());
}

TEST_CASE_FIXTURE(broker_fixture, "a request with a batch that cannot be read is refused whole, one with a damaged batch is not") {
    start();
    auto client = connect();
    REQUIRE(create_topic(client, "orders", 2) == 0);
    const auto code_beside = [&](bytes records) {
        auto request = produce_of("orders", 0, batch({"good"}));
        request.topic_data.push_back(produce_of("orders", 1, std::move(records)).topic_data.at(0));
        return errc_from_wire(client.call(request, 9).responses.at(0).partition_responses.at(0).error_code);
    };
    CHECK(code_beside(bytes(100, std::byte{'x'})) == errc::corrupt_message);
    auto old = batch({"old"});
    old[16] = std::byte{1};
    CHECK(code_beside(old) == errc::none);
    auto damaged = batch({"damaged"});
    damaged.back() ^= std::byte{1};
    CHECK(code_beside(damaged) == errc::none);
    CHECK(read_all(client, "orders", 0).size() == 2);
}

TEST_CASE_FIXTURE(broker_fixture, "beside a refusal for what records say stands where the log begins") {
    start();
    auto client = connect();
    REQUIRE(create_topic(client, "latest", 1, {{"cleanup.policy", "compact"}}) == 0);
    const auto start_beside = [&](bytes records) { return client.call(produce_of("latest", 0, std::move(records)), 9).responses.at(0).partition_responses.at(0).log_start_offset; };
    CHECK(start_beside(batch({"no key"})) == 0);
    auto damaged = batch({"damaged"});
    damaged.back() ^= std::byte{1};
    CHECK(start_beside(damaged) == -1);
}

TEST_CASE_FIXTURE(broker_fixture, "a request with records of a transaction is refused whole") {
    start();
    auto client = connect();
    REQUIRE(create_topic(client, "orders", 2) == 0);
    batch_settings settings;
    settings.producer_id = 5;
    settings.producer_epoch = 0;
    settings.base_sequence = 0;
    settings.transactional = true;
    auto request = produce_of("orders", 0, batch({"plain"}));
    request.topic_data.push_back(produce_of("orders", 1, batch({"never ended"}, settings)).topic_data.at(0));
    for (const auto& topic : client.call(request, 9).responses)
        for (const auto& row : topic.partition_responses)
            CHECK(row.error_code == wire_code(errc::transactional_id_authorization_failed));
    CHECK(read_all(client, "orders", 0).empty());
}

TEST_CASE_FIXTURE(broker_fixture, "what coordinators keep is not for clients to write") {
    start();
    auto client = connect();
    find_coordinator_request finding;
    finding.coordinator_keys = {"readers"};
    client.call(finding, 4);  // makes the topic of offsets
    const auto before = read_all(client, "__consumer_offsets", 0);
    const auto told = produce(client, "__consumer_offsets", 0, {"no offset"});
    CHECK(told.error_code == wire_code(errc::invalid_topic));
    CHECK(told.base_offset == -1);
    CHECK(read_all(client, "__consumer_offsets", 0) == before);
}

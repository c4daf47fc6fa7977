// What is named twice in one request: some answers have it once, as Kafka reads those requests into maps, others twice.
#include "broker_fixture.hpp"

#include <weir/protocol/messages/delete_records.hpp>
#include <weir/protocol/messages/find_coordinator.hpp>
#include <weir/protocol/messages/list_offsets.hpp>
#include <weir/protocol/messages/metadata.hpp>
#include <weir/protocol/messages/offset_commit.hpp>
#include <weir/protocol/messages/offset_fetch.hpp>
#include <weir/protocol/messages/offset_for_leader_epoch.hpp>

using namespace weir;
using namespace weir::broker::test;
using namespace weir::protocol;

namespace {

struct two_topics : broker_fixture {
    std::unique_ptr<wire_client> client;
    two_topics() {
        start();
        client = std::make_unique<wire_client>(world, desk, endpoint{"broker", 9092});
        REQUIRE(create_topic(*client, "orders", 2) == 0);
        REQUIRE(create_topic(*client, "bills", 1) == 0);
        REQUIRE(produce(*client, "orders", 0, {"a", "b", "c"}).error_code == 0);
    }
};

metadata_request about(const std::vector<std::pair<std::optional<std::string>, uuid>>& topics) {
    metadata_request request;
    request.allow_auto_topic_creation = false;
    for (const auto& [name, id] : topics) {
        auto& topic = request.topics->emplace_back();
        topic.name = name;
        topic.topic_id = id;
    }
    return request;
}

using names = std::vector<std::string>;

names names_in(const metadata_response& answer) {
    names found;
    for (const auto& topic : answer.topics) found.push_back(topic.name.value_or("null") + (topic.error_code == 0 ? "" : "!"));
    return found;
}

}  // namespace

TEST_CASE_FIXTURE(two_topics, "metadata has each topic once, found or not") {
    const auto answer = client->call(about({{"orders", {}}, {"none", {}}, {"bills", {}}, {"orders", {}}, {"none", {}}}), 12);
    CHECK(names_in(answer) == names{"orders", "none!", "bills"});
}

TEST_CASE_FIXTURE(two_topics, "metadata that is asked for by id answers ids, and no names beside them") {
    const auto orders = client->call(about({{"orders", {}}}), 12).topics.at(0).topic_id;
    const uuid unknown{5, 5};
    const auto answer = client->call(about({{std::nullopt, orders}, {"bills", {}}, {std::nullopt, unknown}, {"orders", orders}, {std::nullopt, unknown}}), 12);
    CHECK(names_in(answer) == names{"orders", "null!"});
    CHECK(answer.topics.at(1).topic_id == unknown);
}

TEST_CASE_FIXTURE(two_topics, "metadata by id is refused in the versions that can say it and do not mean it") {
    const auto orders = client->call(about({{"orders", {}}}), 12).topics.at(0).topic_id;
    for (const std::int16_t version : {10, 11}) {
        const auto answer = client->call(about({{"bills", {}}, {std::nullopt, orders}}), version);
        CHECK(names_in(answer) == names{"bills!", "!"});
        for (const auto& topic : answer.topics) CHECK(topic.error_code == wire_code(errc::invalid_request));
    }
}

TEST_CASE_FIXTURE(two_topics, "records of a partition that is named twice: the last are written, and answered once") {
    auto request = produce_of("orders", 1, batch({"first"}));
    request.topic_data.push_back(produce_of("bills", 0, batch({"bill"})).topic_data.at(0));
    request.topic_data.push_back(produce_of("orders", 1, batch({"second", "third"})).topic_data.at(0));
    request.topic_data.push_back(produce_of("orders", 0, batch({"d"})).topic_data.at(0));
    const auto answer = client->call(request, 9);
    REQUIRE(answer.responses.size() == 2);
    CHECK(answer.responses[0].name == "orders");
    REQUIRE(answer.responses[0].partition_responses.size() == 2);
    CHECK(answer.responses[0].partition_responses[0].index == 1);
    CHECK(answer.responses[0].partition_responses[0].base_offset == 0);
    CHECK(answer.responses[0].partition_responses[1].index == 0);
    CHECK(answer.responses[0].partition_responses[1].base_offset == 3);
    CHECK(answer.responses[1].name == "bills");
    const std::vector<std::pair<std::int64_t, std::string>> kept{{0, "second"}, {1, "third"}};
    CHECK(read_all(*client, "orders", 1) == kept);
}

TEST_CASE_FIXTURE(two_topics,
                  "a partition that is named once well and once with what is no batch: the good records are written, "
                  "the answer is the error") {
    const std::vector<std::vector<bytes>> orders{
        {batch({"good"}), bytes{}}, {bytes{}, batch({"good"})}, {bytes{}, batch({"old"}), batch({"good"}), bytes{}}};
    std::int64_t written = 0;
    for (const auto& rows : orders) {
        CAPTURE(written);
        auto request = produce_of("bills", 0, rows.front());
        for (std::size_t i = 1; i < rows.size(); ++i)
            request.topic_data.push_back(produce_of("bills", 0, rows[i]).topic_data.at(0));
        const auto answer = client->call(request, 9);
        REQUIRE(answer.responses.size() == 1);
        REQUIRE(answer.responses[0].partition_responses.size() == 1);
        CHECK(answer.responses[0].partition_responses[0].error_code == wire_code(errc::invalid_record));
        CHECK(answer.responses[0].partition_responses[0].base_offset == -1);
        const auto kept = read_all(*client, "bills", 0);
        REQUIRE(kept.size() == static_cast<std::size_t>(++written));
        CHECK(kept.back() == std::pair{written - 1, std::string{"good"}});
    }
}

TEST_CASE_FIXTURE(two_topics,
                  "a partition that is fetched twice is answered once, from the offset that was said last") {
    for (const std::int32_t epoch : {-1, 0}) {  // without a session, and opening one
        auto request = fetch_of("orders", 0, 0);
        request.session_epoch = epoch;
        request.topics.push_back(fetch_of("orders", 1, 0).topics.at(0));
        auto again = request.topics.at(0);
        again.partitions.at(0).fetch_offset = 7;
        request.topics.push_back(again);
        const auto answer = client->call(request, 11);
        std::size_t rows = 0;
        for (const auto& topic : answer.responses)
            for (const auto& part : topic.partitions) {
                ++rows;
                CHECK(part.error_code == (part.partition_index == 0 ? wire_code(errc::offset_out_of_range) : 0));
            }
        CHECK(rows == 2);
    }
}

TEST_CASE_FIXTURE(two_topics, "offsets of a partition that is named twice are an error of the request, the others are answered") {
    list_offsets_request request;
    request.replica_id = -1;
    for (const auto index : {0, 1, 0}) {
        auto& topic = request.topics.emplace_back();
        topic.name = "orders";
        auto& part = topic.partitions.emplace_back();
        part.partition_index = index;
        part.timestamp = -1;
    }
    const auto answer = client->call(request, 7);
    REQUIRE(answer.topics.size() == 1);
    const auto& parts = answer.topics[0].partitions;
    REQUIRE(parts.size() == 2);
    CHECK(parts[0].error_code == wire_code(errc::invalid_request));
    CHECK(parts[1].error_code == 0);
}

TEST_CASE_FIXTURE(two_topics, "records are deleted up to the offset that was said last") {
    delete_records_request request;
    request.timeout_ms = 1000;
    for (const auto& [name, offset] : {std::pair{"orders", 3}, std::pair{"none", 1}, std::pair{"orders", 1}}) {
        auto& topic = request.topics.emplace_back();
        topic.name = name;
        topic.partitions.emplace_back().offset = offset;
    }
    const auto answer = client->call(request, 2);
    REQUIRE(answer.topics.size() == 2);
    REQUIRE(answer.topics[0].partitions.size() == 1);
    CHECK(answer.topics[0].partitions[0].low_watermark == 1);
    CHECK(answer.topics[1].partitions.at(0).error_code == wire_code(errc::unknown_topic_or_partition));
}

TEST_CASE_FIXTURE(two_topics, "ends of epochs and offsets of groups are answered as often as they are asked for") {
    offset_for_leader_epoch_request epochs;
    for (int i = 0; i < 2; ++i) {
        auto& topic = epochs.topics.emplace_back();
        topic.topic = "orders";
        for (int k = 0; k < 2; ++k) topic.partitions.emplace_back().leader_epoch = 0;
    }
    const auto ends = client->call(epochs, 4);
    REQUIRE(ends.topics.size() == 2);
    for (const auto& topic : ends.topics) {
        REQUIRE(topic.partitions.size() == 2);
        for (const auto& part : topic.partitions) CHECK(part.end_offset == 3);
    }
    // Numbers that are no epochs: -1 alone says nothing.
    epochs.topics.resize(1);
    epochs.topics[0].partitions.resize(3);
    epochs.topics[0].partitions[0].leader_epoch = -1;
    epochs.topics[0].partitions[1].leader_epoch = -2;
    epochs.topics[0].partitions[2].current_leader_epoch = -2;
    for (std::int32_t i = 0; i < 3; ++i) epochs.topics[0].partitions[static_cast<std::size_t>(i)].partition = 0;
    const auto odd = client->call(epochs, 4);
    REQUIRE(odd.topics.at(0).partitions.size() == 3);
    CHECK(odd.topics[0].partitions[0].end_offset == -1);
    CHECK(odd.topics[0].partitions[0].leader_epoch == -1);
    CHECK(odd.topics[0].partitions[1].end_offset == 0);
    CHECK(odd.topics[0].partitions[1].leader_epoch == -2);
    CHECK(odd.topics[0].partitions[2].error_code == wire_code(errc::fenced_leader_epoch));

    find_coordinator_request finding;
    finding.coordinator_keys = {"readers"};
    client->call(finding, 4);  // makes the topic of offsets
    offset_commit_request committing;
    committing.group_id = "readers";
    committing.generation_id_or_member_epoch = -1;
    auto& asked = committing.topics.emplace_back();
    asked.name = "orders";
    asked.partitions.emplace_back().committed_offset = 2;
    const auto commit = [&] { return client->call(committing, 8).topics.at(0).partitions.at(0).error_code; };
    auto committed = commit();
    while (committed == wire_code(errc::coordinator_load_in_progress)) committed = commit();
    REQUIRE(committed == 0);
    offset_fetch_request offsets;
    auto& group = offsets.groups.emplace_back();
    group.group_id = "readers";
    for (int i = 0; i < 2; ++i) {
        auto& topic = group.topics->emplace_back();
        topic.name = "orders";
        topic.partition_indexes = {0, 0};
    }
    const auto told = client->call(offsets, 8).groups.at(0).topics;
    REQUIRE(told.size() == 2);
    for (const auto& topic : told) {
        REQUIRE(topic.partitions.size() == 2);
        for (const auto& part : topic.partitions) CHECK(part.committed_offset == 2);
    }
}

#include <weir/metadata/metadata_frames.hpp>

#include <weir/protocol/metadata_record.hpp>

#include <doctest/doctest.h>

using namespace weir;
using namespace weir::metadata;
using namespace weir::protocol;

TEST_CASE("records are written in the version their metadata.version allows") {
    const auto version = [](metadata_record record, std::int16_t level) { return record_version(record, level); };
    CHECK(version(register_broker_record{}, 7) == 1);
    CHECK(version(register_broker_record{}, 8) == 2);
    CHECK(version(register_broker_record{}, 16) == 2);
    CHECK(version(register_broker_record{}, 17) == 3);
    CHECK(version(register_broker_record{}, 29) == 3);
    CHECK(version(register_broker_record{}, 30) == 4);
    CHECK(version(partition_record{}, 16) == 0);
    CHECK(version(partition_record{}, 17) == 1);
    CHECK(version(partition_record{}, 22) == 1);
    CHECK(version(partition_record{}, 23) == 2);
    CHECK(version(partition_change_record{}, 16) == 0);
    CHECK(version(partition_change_record{}, 17) == 1);
    CHECK(version(partition_change_record{}, 30) == 2);
    CHECK(version(topic_record{}, 30) == 0);
}

TEST_CASE("every record of the newest level comes back as it was") {
    partition_record record;
    record.partition_id = 3;
    record.topic_id = {1, 2};
    record.replicas = {1, 2};
    record.directories = {{0, 1}, {5, 5}};
    record.eligible_leader_replicas = {2};
    const auto frame = encode_frame(record, 30);
    REQUIRE(frame);
    const auto decoded = decode_frame(*frame);
    REQUIRE(decoded);
    CHECK(*decoded == metadata_record{record});
}

TEST_CASE("an older level leaves out what belongs to facilities it lacks") {
    partition_record record;
    record.replicas = {1};
    record.directories = {{5, 5}};
    record.eligible_leader_replicas = {1};
    const auto at = [&](std::int16_t level) {
        return std::get<partition_record>(*decode_frame(*encode_frame(record, level)));
    };
    CHECK(at(22).directories.size() == 1);
    CHECK_FALSE(at(22).eligible_leader_replicas);
    CHECK(at(16).directories.empty());

    register_broker_record broker;
    broker.log_dirs = {{5, 5}};
    broker.cordoned_log_dirs = std::vector<uuid>{};
    const auto written = encode_frame(broker, 7);
    REQUIRE(written);
    CHECK(std::get<register_broker_record>(*decode_frame(*written)).log_dirs.empty());
}

TEST_CASE("a record the level does not have is an error that says which level brings it") {
    const auto refused = encode_frame(register_controller_record{}, 14);
    CHECK(refused.code() == errc::unsupported_version);
    CHECK(refused.error().what().find("metadata.version 15 (3.7-IV0)") != std::string_view::npos);
    CHECK(encode_frame(register_controller_record{}, 15));
    CHECK_FALSE(record_supported(begin_transaction_record{}, 12));
    CHECK(record_supported(begin_transaction_record{}, 13));
}

TEST_CASE("a downgrade loses metadata when a level in between changed the schema") {
    CHECK(metadata_schema_changed(29, 30));
    CHECK_FALSE(metadata_schema_changed(23, 29));
    CHECK(metadata_schema_changed(22, 24));
    CHECK_FALSE(metadata_schema_changed(30, 30));
}

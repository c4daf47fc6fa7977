#include "replica_fixture.hpp"

using namespace weir;
using namespace weir::replica;
using namespace weir::replica::test;

TEST_CASE_FIXTURE(replica_fixture, "records are deleted up to the high watermark and no further") {
    const auto orders = lead("orders");
    for (int i = 0; i < 5; ++i) append(*orders);
    CHECK(orders->delete_records(1).code() == errc::offset_out_of_range);  // written, not committed
    loop.run_ready();
    loop.advance(5ms);
    append(*orders);

    const auto moved = orders->delete_records(3);
    REQUIRE(moved);
    CHECK(*moved == 3);
    CHECK(orders->log_start_offset() == 3);
    read_request below;
    below.offset = 2;
    below.max_bytes = 1000;
    CHECK(orders->read(below).code == errc::offset_out_of_range);
    below.offset = 3;
    CHECK(text_of(orders->read(below).records) == "3=value 4=value ");

    const auto back = orders->delete_records(1);  // nothing comes back
    REQUIRE(back);
    CHECK(*back == 3);
    const auto beyond = orders->delete_records(6);
    CHECK(beyond.code() == errc::offset_out_of_range);
    CHECK(beyond.error().message().find("orders-0") != std::string::npos);
    CHECK(orders->delete_records(-2).code() == errc::offset_out_of_range);
    const auto all = orders->delete_records(-1);
    REQUIRE(all);
    CHECK(*all == 5);
}

TEST_CASE_FIXTURE(replica_fixture,
                  "only a topic that is compacted and nothing else keeps its records from being deleted") {
    const auto code = [&](const std::string& topic, std::vector<std::string> policy) {
        storage::log_config config;
        config.cleanup_policy = std::move(policy);
        return lead(topic, config)->delete_records(-1).code();
    };
    CHECK(code("tables", {"compact"}) == errc::policy_violation);
    CHECK(code("both", {"compact", "delete"}) == errc::none);
    CHECK(code("kept", {}) == errc::none);  // an empty cleanup.policy: nothing goes by itself
}

// What an operator hears of a disk without room.
#include "replica_fixture.hpp"

#include <weir/base/log.hpp>

using namespace weir;
using namespace weir::replica::test;

TEST_CASE_FIXTURE(replica_fixture, "a full disk is told once, and that there is room again") {
    std::vector<std::string> lines;
    log::set_sink([&](log::level, std::string_view, std::string_view message) { lines.emplace_back(message); });
    const auto where = lead("orders");
    append(*where);
    for (int i = 0; i < 3; ++i) {
        files.fail_next_write(errc::no_space, ".log");
        CHECK(try_append(*where).code() == errc::kafka_storage_error);
    }
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].find("orders-0: the disk is full, nothing was written") != std::string::npos);
    CHECK(lines[0].find("KAFKA_STORAGE_ERROR") != std::string::npos);
    CHECK(append(*where) == 2);
    CHECK(append(*where) == 3);
    REQUIRE(lines.size() == 2);
    CHECK(lines[1].find("/data/orders-0: there is room on the disk again") != std::string::npos);
    log::set_sink({});
}

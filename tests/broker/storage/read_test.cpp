#include "log_fixture.hpp"

using namespace weir;
using namespace weir::storage;
using namespace weir::storage::test;
using strings = std::vector<std::string>;

namespace {

// Many batches of two records in small segments with dense indexes.
struct filled_log : log_fixture {
    explicit filled_log(int batches, std::int32_t segment_bytes = 2000) {
        config.segment_bytes = segment_bytes;
        config.index_interval_bytes = 200;
        open();
        for (int i = 0; i < batches; ++i)
            append({.values = {"v" + std::to_string(1000 + 2 * i), "v" + std::to_string(1001 + 2 * i)}});
    }
    std::uint64_t bytes_read(std::int64_t offset, std::uint64_t max_bytes, bool at_least_one) {
        const auto read = log->read(offset, max_bytes, 20, at_least_one, false);
        REQUIRE(read);
        return read->records.size;
    }
};

std::vector<std::int64_t> bases(const read_outcome& read) {
    bytes content(static_cast<std::size_t>(read.records.size));
    if (content.empty()) return {};
    REQUIRE(read.records.source->read_at(read.records.position, content));
    std::vector<std::int64_t> found;
    bytes_view left = content;
    while (true) {
        const auto batch = protocol::batch_view::open(left);
        if (!batch) return found;
        found.push_back(batch->base_offset());
        left = left.subspan(batch->size());
    }
}

}  // namespace

TEST_CASE("every offset is found, fresh and after a restart") {
    filled_log f{150};
    REQUIRE(f.log->segment_count() > 5);
    for (int round = 0; round < 2; ++round) {
        for (std::int64_t offset = 0; offset < 300; ++offset) {
            const auto read = f.log->read(offset, 1, 300, true, false);
            REQUIRE(read);
            const auto found = bases(*read);
            REQUIRE(found.size() == 1);
            CHECK(found[0] == offset - offset % 2);
        }
        CHECK(f.values().size() == 300);
        f.reopen_clean();
    }
}

TEST_CASE("a read stays within the limits it was given") {
    filled_log f{10, 1 << 20};
    const auto one = f.log->size_bytes() / 10;

    SUBCASE("whole batches below the end offset only") {
        CHECK(bases(*f.log->read(0, 1 << 20, 8, true, false)) == std::vector<std::int64_t>{0, 2, 4, 6});
        // Offset 7 is in a batch that begins below it, so that batch still comes.
        CHECK(bases(*f.log->read(0, 1 << 20, 7, true, false)) == std::vector<std::int64_t>{0, 2, 4, 6});
        const auto nothing = f.log->read(8, 1 << 20, 8, true, false);
        REQUIRE(nothing);
        CHECK(nothing->records.size == 0);
    }
    SUBCASE("bytes") {
        CHECK(f.bytes_read(0, one * 3 + 5, false) == one * 3 + 5);
        CHECK(f.bytes_read(0, one - 1, false) == 0);
        CHECK(f.bytes_read(0, 1, true) == one);
    }
    SUBCASE("the log") {
        CHECK(f.bytes_read(20, 100, true) == 0);
        CHECK(f.log->read(21, 100, 20, true, false).code() == errc::offset_out_of_range);
        CHECK(f.log->read(-1, 100, 20, true, false).code() == errc::offset_out_of_range);
    }
}

TEST_CASE("reads at the tail need neither index nor scan") {
    filled_log f{20, 1 << 20};
    // A clean cache: the only read the disk sees is the caller's own.
    sim::disk_fault fault;
    fault.operation = sim::disk_operation::read;
    fault.times = 1000;
    f.files.inject(fault);
    for (std::int64_t offset = 0; offset < 40; ++offset) CHECK(f.log->read(offset, 1 << 20, 40, true, true));
    CHECK(f.log->read(10, 1 << 20, 30, true, false));
}

TEST_CASE("an offset in a gap is served from what follows it") {
    log_fixture f;
    f.open();
    REQUIRE(f.log->append_replicated(make_batch({.values = {"a"}, .base_offset = 10, .leader_epoch = 0}, 1000)));
    REQUIRE(f.log->append_replicated(make_batch({.values = {"b"}, .base_offset = 50, .leader_epoch = 0}, 1000)));
    CHECK(bases(*f.log->read(0, 1 << 20, 51, true, false)) == std::vector<std::int64_t>{10, 50});
    CHECK(bases(*f.log->read(11, 1 << 20, 51, true, false)) == std::vector<std::int64_t>{50});
    f.reopen_clean();
    CHECK(bases(*f.log->read(11, 1 << 20, 51, true, false)) == std::vector<std::int64_t>{50});
}

TEST_CASE("damaged bytes are never served") {
    filled_log f{20, 1 << 20};
    const auto one = f.log->size_bytes() / 20;
    f.reopen_clean();
    const auto path = f.directory + "/00000000000000000000.log";

    SUBCASE("payload") { REQUIRE(f.files.damage(path, one * 7 + 65)); }
    SUBCASE("length") { REQUIRE(f.files.damage(path, one * 7 + 9)); }
    SUBCASE("base offset") { REQUIRE(f.files.damage(path, one * 7 + 7)); }
    // What stands before the damage is served, and the damage itself is named.
    const auto before = f.log->read(0, 1 << 20, 40, true, false);
    REQUIRE(before);
    CHECK(bases(*before) == std::vector<std::int64_t>{0, 2, 4, 6, 8, 10, 12});
    CHECK(before->records.size == 7 * one);
    const auto damaged = f.log->read(14, 1 << 20, 40, true, false);
    CHECK(damaged.code() == errc::corrupt_message);
    CHECK(damaged.error().message().find("00000000000000000000.log") != std::string::npos);
    CHECK(f.log->verify_segments().code() == errc::corrupt_message);
}

TEST_CASE("files are opened on demand, and answers keep theirs open") {
    log_fixture f;
    f.config.segment_bytes = 500;
    f.open();
    for (int i = 0; i < 100; ++i) f.append({.values = {"v" + std::to_string(i)}});
    REQUIRE(f.log->segment_count() > 15);
    f.reopen_clean();
    CHECK(f.files.open_files() == 0);
    const auto held = f.log->read(0, 1 << 20, 100, true, false);
    REQUIRE(held);
    CHECK(f.values().size() == 100);
    CHECK(f.files.open_files() <= 17);  // the log's own cache holds 16
    bytes content(static_cast<std::size_t>(held->records.size));
    CHECK(held->records.source->read_at(held->records.position, content));
}

TEST_CASE("times are found by index, in whole and compressed batches, and below the end only") {
    log_fixture f;
    f.config.index_interval_bytes = 100;
    f.config.segment_bytes = 3000;
    f.config.message_timestamp_after_max_ms = unlimited;
    f.open();
    for (int i = 0; i < 100; ++i)
        f.append({.values = {"a", "b", "c"},
                  .codec = i % 2 == 0 ? protocol::codec::none : protocol::codec::lz4,
                  .timestamp = 1000 + 10 * i});
    for (int round = 0; round < 2; ++round) {
        for (int i = 0; i < 100; ++i) {
            const auto found = f.log->offset_for_timestamp(1000 + 10 * i + 1, 300);
            REQUIRE(found);
            REQUIRE(*found);
            CHECK((*found)->offset == 3 * i + 1);
            CHECK((*found)->timestamp == 1000 + 10 * i + 1);
            CHECK((*found)->leader_epoch == 0);
        }
        CHECK((*f.log->offset_for_timestamp(0, 300))->offset == 0);
        CHECK((*f.log->offset_for_timestamp(1003, 300))->offset == 3);
        CHECK_FALSE(*f.log->offset_for_timestamp(1993, 300));
        CHECK_FALSE(*f.log->offset_for_timestamp(1500, 150));
        CHECK((*f.log->offset_of_max_timestamp())->offset == 299);
        f.reopen_clean();
    }
    f.append({.values = {"old"}, .timestamp = 5});
    CHECK((*f.log->offset_of_max_timestamp())->offset == 299);
    f.append({.values = {"new"}, .timestamp = 9000});
    CHECK((*f.log->offset_of_max_timestamp())->offset == 301);
    REQUIRE(f.log->advance_log_start(150));
    CHECK((*f.log->offset_for_timestamp(0, 302))->offset == 150);
}

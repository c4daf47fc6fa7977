#include "log_fixture.hpp"

using namespace weir;
using namespace weir::storage;
using namespace weir::storage::test;
using namespace std::chrono_literals;

namespace {

// Segments of two records each.
struct small_segments : log_fixture {
    explicit small_segments(int records = 10) {
        config.segment_bytes = 160;
        config.retention_ms = 1h;
        config.file_delete_delay_ms = 60s;
        open();
        for (int i = 0; i < records; ++i) {
            append({.values = {"v" + std::to_string(i)}}, append_origin::client, i / 4);
            time.advance(1min);
        }
        REQUIRE(log->segment_count() == static_cast<std::size_t>(records / 2));
    }
    std::size_t retain(std::int64_t high_watermark = 1000) {
        const auto dropped = log->apply_retention(high_watermark);
        REQUIRE(dropped);
        return *dropped;
    }
    std::size_t files_named(std::string_view kind) const {
        const auto listed = files.list(directory);
        REQUIRE(listed);
        std::size_t count = 0;
        for (const auto& each : *listed) count += each.name.ends_with(kind) ? 1 : 0;
        return count;
    }
};

}  // namespace

TEST_CASE("segments whose newest record is too old are dropped, below the high watermark only") {
    small_segments f;
    CHECK(f.retain() == 0);
    f.time.advance(54min);  // the first four records are more than an hour old
    CHECK(f.retain(3) == 1);
    CHECK(f.log->log_start_offset() == 2);
    CHECK(f.retain() == 1);
    CHECK(f.log->log_start_offset() == 4);
    CHECK(f.values().size() == 6);
    CHECK(f.log->read(3, 100, 10, true, false).code() == errc::offset_out_of_range);
    f.config.retention_ms = -1ms;
    f.log->set_config(f.config);
    f.time.advance(1000h);
    CHECK(f.retain() == 0);
}

TEST_CASE("the active segment goes too when all of it is old, and the next offset is remembered") {
    small_segments f;
    f.time.advance(48h);
    CHECK(f.retain() == 5);
    CHECK(f.log->log_start_offset() == 10);
    CHECK(f.log->log_end_offset() == 10);
    CHECK(f.log->size_bytes() == 0);
    f.log.reset();
    f.files.crash();
    f.open(10);
    CHECK(f.log->log_end_offset() == 10);
    CHECK(f.append().first_offset == 10);
}

TEST_CASE("the oldest segments go while the rest is at least as large as retention.bytes") {
    small_segments f;
    f.config.retention_bytes = static_cast<std::int64_t>(f.log->size_bytes() * 5 / 10);
    f.log->set_config(f.config);
    CHECK(f.retain() == 2);
    CHECK(f.log->log_start_offset() == 4);
    CHECK(f.retain() == 0);
}

TEST_CASE("a compacted topic drops nothing by age or size") {
    small_segments f;
    f.config.cleanup_policy = {"compact"};
    f.config.retention_bytes = 0;
    f.log->set_config(f.config);
    f.time.advance(1000h);
    CHECK(f.retain() == 0);
}

TEST_CASE("dropped files wait for their delay, readers keep theirs, a restart removes them") {
    small_segments f;
    const auto held = f.log->read(0, 1 << 20, 10, true, false);
    REQUIRE(held);
    f.time.advance(55min);
    REQUIRE(f.retain() == 2);
    CHECK(f.files_named(".log") == 3);
    CHECK(f.files_named(".log.deleted") == 2);
    CHECK(f.files_named(".index.deleted") == 2);
    CHECK(f.files_named(".snapshot.deleted") == 1);
    REQUIRE(f.log->collect_garbage());
    CHECK(f.files_named(".log.deleted") == 2);
    bytes content(static_cast<std::size_t>(held->records.size));
    CHECK(held->records.source->read_at(held->records.position, content));
    f.time.advance(60s);
    REQUIRE(f.log->collect_garbage());
    CHECK(f.files_named(".deleted") == 0);
}

TEST_CASE("deleted records are not served, and segments wholly below go") {
    small_segments f;
    CHECK(f.log->advance_log_start(11).code() == errc::offset_out_of_range);
    REQUIRE(f.log->advance_log_start(5));
    CHECK(f.log->log_start_offset() == 5);
    CHECK(f.log->segment_count() == 3);
    CHECK(f.log->read(4, 100, 10, true, false).code() == errc::offset_out_of_range);
    CHECK(f.values() == std::vector<std::string>{"v5", "v6", "v7", "v8", "v9"});
    // The epoch that covers the new start begins there now.
    CHECK(f.text("leader-epoch-checkpoint") == "0\n2\n1 5\n2 8\n");
    f.reopen_clean();
    CHECK(f.log->log_start_offset() == 5);
    REQUIRE(f.log->advance_log_start(10));
    CHECK(f.log->log_end_offset() == 10);
    CHECK(f.values().empty());
    CHECK(f.append().first_offset == 10);
}

TEST_CASE("truncation drops the records from an offset on, with all that was remembered of them") {
    log_fixture f;
    f.config.segment_bytes = 500;
    f.config.index_interval_bytes = 50;
    f.open();
    for (int i = 0; i < 30; ++i)
        f.append({.values = {"v" + std::to_string(i)},
                  .producer_id = 1,
                  .producer_epoch = 0,
                  .base_sequence = i,
                  .timestamp = 1000 + i},
                 append_origin::client, i / 10);
    for (const std::int64_t target : {29, 25, 13, 12, 3}) {
        CAPTURE(target);
        REQUIRE(f.log->truncate_to(target));
        CHECK(f.log->log_end_offset() == target);
        CHECK(f.values().size() == static_cast<std::size_t>(target));
        CHECK(f.log->producers().front().last_sequence == target - 1);
        CHECK(f.log->latest_epoch() == (target - 1) / 10);
        CHECK(f.log->end_of_epoch((static_cast<std::int32_t>(target) - 1) / 10).end_offset == target);
        const auto newest = f.log->offset_of_max_timestamp();
        REQUIRE(newest);
        REQUIRE(*newest);
        CHECK((*newest)->offset == target - 1);
    }
    f.append({.values = {"new"}, .producer_id = 1, .producer_epoch = 0, .base_sequence = 3}, append_origin::client, 9);
    f.log.reset();
    f.files.crash(sim::unsynced::lost);
    f.open(3);
    CHECK(f.log->log_end_offset() <= 4);
    CHECK(f.values().size() == static_cast<std::size_t>(f.log->log_end_offset()));

    REQUIRE(f.log->truncate_fully_and_start_at(500));
    CHECK(f.log->log_start_offset() == 500);
    CHECK(f.log->latest_epoch() == -1);
    CHECK(f.log->producers().empty());
    CHECK(f.append().first_offset == 500);
    f.reopen_clean();
    CHECK(f.log->log_start_offset() == 500);
    CHECK(f.values().size() == 1);
}

TEST_CASE("leader epochs know where they end") {
    log_fixture f;
    f.open();
    for (int i = 0; i < 10; ++i) f.append({}, append_origin::client, i < 4 ? 2 : 5);
    const auto end = [&](std::int32_t epoch) {
        const auto found = f.log->end_of_epoch(epoch);
        return std::pair{found.epoch, found.end_offset};
    };
    CHECK(end(5) == std::pair{5, std::int64_t{10}});
    CHECK(end(4) == std::pair{2, std::int64_t{4}});
    CHECK(end(2) == std::pair{2, std::int64_t{4}});
    CHECK(end(1) == std::pair{1, std::int64_t{0}});
    CHECK(end(6) == std::pair{-1, std::int64_t{-1}});
    CHECK(end(-1) == std::pair{-1, std::int64_t{-1}});
    f.log->begin_epoch(6, 10);
    CHECK(end(5) == std::pair{5, std::int64_t{10}});
    CHECK(end(6) == std::pair{6, std::int64_t{10}});
    CHECK(f.log->epoch_of(3) == 2);
    CHECK(f.log->epoch_of(4) == 5);
    CHECK(f.text("leader-epoch-checkpoint") == "0\n2\n2 0\n5 4\n");
}

TEST_CASE("an old active segment is closed by the maintenance round") {
    log_fixture f;
    f.config.segment_ms = 1h;
    f.open();
    f.append();
    REQUIRE(f.log->roll_if_due());
    f.append();
    CHECK(f.log->segment_count() == 1);
    f.time.advance(61min);
    REQUIRE(f.log->roll_if_due());
    CHECK(f.has("00000000000000000000.timeindex"));
    f.append();
    CHECK(f.log->segment_count() == 2);
}

TEST_CASE("flush.messages and flush.ms ask for a flush") {
    log_fixture f;
    f.config.flush_before_ack = false;
    f.config.flush_messages = 3;
    f.open();
    f.append();
    f.append();
    CHECK_FALSE(f.log->flush_due());
    f.append();
    CHECK(f.log->flush_due());
    REQUIRE(f.log->flush());
    CHECK_FALSE(f.log->flush_due());
    f.config.flush_ms = 10s;
    f.log->set_config(f.config);
    f.append();
    CHECK_FALSE(f.log->flush_due());
    f.time.advance(10s);
    CHECK(f.log->flush_due());
}

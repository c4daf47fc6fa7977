#include "log_fixture.hpp"

#include "../../../broker/storage/src/cleaning_plan.hpp"

#include <map>
#include <set>

using namespace weir;
using namespace weir::storage;
using namespace weir::storage::test;
using namespace std::chrono_literals;
using record_list = std::vector<stored_record>;

namespace {

struct compacted_log : log_fixture {
    compacted_log() {
        config.cleanup_policy = {"compact"};
        config.segment_bytes = 1 << 20;
        config.segment_ms = 1h;
        config.delete_retention_ms = 1h;
        start();
    }
    void start(bool clean = false, std::int64_t recovery_point = 0) {
        log.reset();
        partition_log::open_options options;
        options.directory = directory;
        options.topic = "orders";
        options.topic_id = topic_id;
        options.config = config;
        options.clean_shutdown = clean;
        options.recovery_point = recovery_point;
        options.progress = progress;
        auto opened = partition_log::open(files, time, options);
        REQUIRE_MESSAGE(opened, opened.error().message());
        log = *std::move(opened);
    }
    void put(const std::string& key, const std::optional<std::string>& value, std::int64_t producer_id = -1,
             std::int32_t sequence = -1, bool transactional = false) {
        protocol::batch_settings settings;
        settings.producer_id = producer_id;
        settings.producer_epoch = producer_id >= 0 ? 0 : -1;
        settings.base_sequence = sequence;
        settings.transactional = transactional;
        protocol::batch_builder builder{settings};
        REQUIRE(builder.append(time.wall_now(), as_bytes(key), value ? std::optional{as_bytes(*value)} : std::nullopt));
        auto batch = builder.finish();
        REQUIRE(batch);
        REQUIRE(log->append(*batch, 0, append_origin::client));
    }
    void put_many(const std::vector<std::pair<std::string, std::string>>& records) {
        protocol::batch_builder builder{{.compression = protocol::codec::lz4}};
        for (const auto& [key, value] : records)
            REQUIRE(builder.append(time.wall_now(), as_bytes(key), as_bytes(value)));
        auto batch = builder.finish();
        REQUIRE(batch);
        REQUIRE(log->append(*batch, 0, append_origin::client));
    }
    /// Closes the active segment.
    void roll() {
        time.advance(61min);
        REQUIRE(log->roll_if_due());
    }
    void clean(std::uint64_t budget = 1 << 20, std::size_t map_bytes = 128 << 20) {
        REQUIRE(log->flush());
        progress->noted_recovery_point = log->flushed_offset();
        for (int step = 0; step < 10'000; ++step) {
            const auto more = compact(*log, log->log_end_offset(), budget, map_bytes);
            REQUIRE_MESSAGE(more, more.error().message());
            if (!*more) return;
        }
        FAIL("compaction does not end");
    }
    record_list all() { return read_all(*log, log->log_start_offset(), log->log_end_offset()); }
    /// What a consumer with isolation.level=read_committed makes of it.
    record_list committed() {
        record_list found;
        protocol::record_reader reader;
        std::set<std::int64_t> aborting;
        for (auto from = log->log_start_offset(); from < log->log_end_offset();) {
            const auto read = log->read(from, 1 << 20, log->log_end_offset(), true, true);
            REQUIRE_MESSAGE(read, read.error().message());
            bytes content(static_cast<std::size_t>(read->records.size));
            if (content.empty()) break;
            REQUIRE(read->records.source->read_at(read->records.position, content));
            auto next = read->aborted.begin();
            for (bytes_view left = content; const auto batch = protocol::batch_view::open(left);
                 left = left.subspan(batch->size())) {
                for (; next != read->aborted.end() && next->first_offset <= batch->base_offset(); ++next)
                    aborting.insert(next->producer_id);
                from = batch->next_offset();
                const auto records = reader.records(*batch);
                REQUIRE(records);
                if (batch->control()) {
                    for (const auto& record : *records)
                        if (const auto marker = protocol::read_end_txn_marker(record); marker && !marker->commit)
                            aborting.erase(batch->producer_id());
                } else if (!batch->transactional() || !aborting.contains(batch->producer_id())) {
                    for (const auto& record : *records)
                        found.push_back({record.offset, std::string{as_text(*record.key)},
                                         record.value ? std::string{as_text(*record.value)} : ""});
                }
            }
        }
        return found;
    }
    std::shared_ptr<log_progress> progress = std::make_shared<log_progress>();
};

}  // namespace

TEST_CASE("compaction keeps the last value of each key, at its offset") {
    compacted_log f;
    f.put("a", "1");
    f.put("b", "1");
    f.put_many({{"a", "2"}, {"c", "1"}, {"d", "1"}});
    f.roll();
    f.put("c", "2");
    f.put("a", "3");
    f.roll();
    f.put("b", "newest");  // in the active segment: neither compacted nor taken into account
    const auto size = f.log->size_bytes();
    f.clean();
    const record_list expected{{1, "b", "1"}, {4, "d", "1"}, {5, "c", "2"}, {6, "a", "3"}, {7, "b", "newest"}};
    CHECK(f.all() == expected);
    CHECK(f.log->size_bytes() < size);
    CHECK(f.log->log_start_offset() == 0);
    CHECK(f.log->segment_count() == 2);  // the two closed ones became one
    const auto& figures = f.log->compacted();
    CHECK(figures.read - figures.written == size - f.log->size_bytes());
    CHECK(figures.written > 0);
    CHECK(figures.dirty_bytes == 0);
    CHECK(figures.dirty_ratio == 0);
    CHECK(f.progress->cleaned_to == 7);
    CHECK(f.log->verify_segments());
    CHECK_FALSE(f.has("00000000000000000000.log.cleaned"));
    CHECK_FALSE(f.has("00000000000000000000.log.swap"));
    CHECK(f.has("00000000000000000000.index"));
    CHECK(f.has("00000000000000000000.timeindex"));
    for (const bool clean : {true, false}) {
        if (clean) REQUIRE(f.log->close());
        f.start(clean);
        CHECK(f.all() == expected);
        CHECK(f.log->log_end_offset() == 8);
    }
    const auto found = f.log->offset_for_timestamp(0, 8);
    REQUIRE(found);
    CHECK((*found)->offset == 1);
}

TEST_CASE("small steps come to the same end, and the log goes on between them") {
    compacted_log f;
    for (int i = 0; i < 50; ++i) f.put("key-" + std::to_string(i % 7), std::to_string(i));
    f.roll();
    for (int i = 50; i < 80; ++i) f.put("key-" + std::to_string(i % 7), std::to_string(i));
    f.roll();
    f.put("x", "y");
    REQUIRE(f.log->flush());
    f.progress->noted_recovery_point = f.log->flushed_offset();
    int steps = 0;
    for (; *compact(*f.log, 81, 1); ++steps)
        if (steps % 10 == 0) f.put("while-" + std::to_string(steps), "z");
    CHECK(steps > 100);
    std::map<std::string, std::string> values;
    for (const auto& record : f.all()) {
        CHECK_FALSE(values.contains(record.key));
        values[record.key] = record.value;
    }
    for (int i = 73; i < 80; ++i) CHECK(values["key-" + std::to_string(i % 7)] == std::to_string(i));
    CHECK(values["x"] == "y");
}

TEST_CASE("a compaction that is overtaken leaves the log as it is") {
    compacted_log f;
    for (int i = 0; i < 20; ++i) f.put("k", std::to_string(i));
    f.roll();
    for (int i = 20; i < 40; ++i) f.put("k", std::to_string(i));
    f.roll();
    f.put("x", "y");
    REQUIRE(f.log->flush());
    f.progress->noted_recovery_point = f.log->flushed_offset();
    while (!f.has("00000000000000000000.log.cleaned")) REQUIRE(*compact(*f.log, 41, 500));
    REQUIRE(f.log->advance_log_start(30));
    CHECK_FALSE(*compact(*f.log, 41, 500));
    CHECK_FALSE(f.has("00000000000000000000.log.cleaned"));
    CHECK(f.all().size() == 11);
}

TEST_CASE("tombstones stay for delete.retention.ms after the compaction that saw them first") {
    compacted_log f;
    f.config.min_cleanable_dirty_ratio = 0;
    f.log->set_config(f.config);
    f.put("a", "1");
    f.put("a", std::nullopt);
    f.roll();
    f.put("b", "1");
    f.clean();
    CHECK(f.all() == record_list{{1, "a", ""}, {2, "b", "1"}});
    f.roll();
    f.put("c", "1");
    f.time.advance(-30min);  // 31 minutes after the first
    f.clean();
    CHECK(f.all() == record_list{{1, "a", ""}, {2, "b", "1"}, {3, "c", "1"}});
    f.time.advance(1h);
    f.roll();
    f.put("d", "1");
    f.clean();
    CHECK(f.all() == record_list{{2, "b", "1"}, {3, "c", "1"}, {4, "d", "1"}});
}

TEST_CASE("a producer's last batch stays as an empty one, so that its sequence is remembered") {
    compacted_log f;
    f.put("a", "1", 7, 0);
    f.put("a", "2", 7, 1);
    f.put("a", "3");
    f.roll();
    f.put("x", "y");
    f.clean();
    CHECK(f.all() == record_list{{2, "a", "3"}, {3, "x", "y"}});
    f.start();
    REQUIRE(f.log->producers().size() == 1);
    CHECK(f.log->producers().front().last_sequence == 1);
    f.put("a", "4", 7, 2);
}

TEST_CASE("aborted records go, markers stay until nobody needs them, open transactions wait") {
    compacted_log f;
    f.config.min_cleanable_dirty_ratio = 0;
    f.log->set_config(f.config);
    f.put("a", "committed before");
    f.put("a", "aborted", 1, 0, true);
    f.end_transaction(1, 0, false);
    f.put("b", "committed", 2, 0, true);
    f.end_transaction(2, 0, true);
    f.roll();
    f.put("c", "open", 3, 0, true);
    f.roll();
    f.put("x", "y");
    f.clean();
    // The abort could not supersede the value before it, and the open transaction holds up what follows.
    CHECK(f.all() == record_list{{0, "a", "committed before"}, {3, "b", "committed"}, {5, "c", "open"}, {6, "x", "y"}});
    const auto batches = [&] {
        std::vector<std::int64_t> controls;
        const auto read = f.log->read(0, 1 << 20, 5, true, false);
        REQUIRE(read);
        bytes content(static_cast<std::size_t>(read->records.size));
        REQUIRE(read->records.source->read_at(read->records.position, content));
        bytes_view left = content;
        while (const auto batch = protocol::batch_view::open(left)) {
            if (batch->control() && batch->record_count() > 0) controls.push_back(batch->base_offset());
            left = left.subspan(batch->size());
        }
        return controls;
    };
    CHECK(batches() == std::vector<std::int64_t>{2, 4});
    f.end_transaction(3, 0, true);
    f.roll();
    f.put("z", "z");
    f.time.advance(2h);
    f.clean();
    CHECK(batches() == std::vector<std::int64_t>{4});  // b is still there, and so is its marker
}

TEST_CASE("a crash at any point of a compaction loses no value") {
    for (std::uint64_t stop = 0; stop < 60; ++stop) {
        CAPTURE(stop);
        compacted_log f;
        for (int i = 0; i < 30; ++i) f.put("key-" + std::to_string(i % 5), std::to_string(i));
        f.roll();
        for (int i = 30; i < 60; ++i) f.put("key-" + std::to_string(i % 5), std::to_string(i));
        f.roll();
        f.put("x", "y");
        REQUIRE(f.log->flush());
        f.progress->noted_recovery_point = 61;
        f.files.stop_after(stop);
        for (int step = 0; step < 100; ++step)
            if (const auto more = compact(*f.log, 61, 2000); !more || !*more) break;
        f.log.reset();
        f.files.crash();
        f.start();
        CHECK(f.log->log_end_offset() == 61);
        std::map<std::string, std::string> values;
        for (const auto& record : f.all()) values[record.key] = record.value;
        for (int i = 55; i < 60; ++i) CHECK(values["key-" + std::to_string(i % 5)] == std::to_string(i));
        CHECK(values["x"] == "y");
    }
}

namespace {

// Six keys, then two aborted transactions, one of which began among the keys; compacted with room for `keys` keys.
struct half_compacted : compacted_log {
    half_compacted() {
        config.min_cleanable_dirty_ratio = 0;
        log->set_config(config);
        for (int i = 0; i < 6; ++i) {
            put("key-" + std::to_string(i), "old");
            if (i == 1) put("early", "never", 2, 0, true);
        }
        put("key-1", "never", 1, 0, true);
        put("late", "never", 2, 1, true);
        end_transaction(1, 0, false);
        end_transaction(2, 0, false);
        put("key-0", "new");
        roll();
        put("x", "y");
    }
    record_list expected() const {
        record_list all{{0, "key-0", "old"}, {1, "key-1", "old"}};
        for (int i = 2; i < 6; ++i) all.push_back({i + 1, "key-" + std::to_string(i), "old"});
        all.push_back({11, "key-0", "new"});
        all.push_back({12, "x", "y"});
        return all;
    }
    static constexpr std::size_t map_of(std::size_t keys) { return keys * (5 + 64); }
};

}  // namespace

TEST_CASE("aborted records that a compaction did not reach stay hidden from readers of what is committed") {
    for (std::size_t keys = 1; keys <= 6; ++keys) {
        CAPTURE(keys);
        half_compacted f;
        REQUIRE(f.committed() == f.expected());
        f.clean(1 << 20, f.map_of(keys));
        CHECK(f.progress->cleaned_to <= 9);
        CHECK(f.committed() == f.expected());
        CHECK(f.has("00000000000000000000.txnindex"));
        CHECK(f.all().size() > f.expected().size());
        if (keys % 2 == 0) {
            f.log.reset();
            f.files.crash(sim::unsynced::lost);
            f.start(false, 13);
        } else {
            REQUIRE(f.log->close());
            f.start(true);
        }
        CHECK(f.committed() == f.expected());
        f.clean();  // with room for all
        const auto all = f.expected();
        CHECK(f.all() == record_list{all.begin() + 1, all.end()});
        CHECK_FALSE(f.has("00000000000000000000.txnindex"));
    }
}

TEST_CASE("a crash at any point of such a compaction shows no aborted record") {
    for (std::uint64_t stop = 0; stop < 30; ++stop)
        for (const auto cut : {sim::unsynced::at_random, sim::unsynced::lost, sim::unsynced::kept}) {
            CAPTURE(stop);
            half_compacted f;
            REQUIRE(f.log->flush());
            f.progress->noted_recovery_point = 13;
            f.files.stop_after(stop);
            for (int step = 0; step < 100; ++step)
                if (const auto more = compact(*f.log, 13, 100, f.map_of(3)); !more || !*more) break;
            f.log.reset();
            f.files.crash(cut);
            f.start(false, 13);
            CHECK(f.log->log_end_offset() == 13);
            CHECK(f.committed() == f.expected());
            CHECK_FALSE(f.has("00000000000000000000.txnindex.cleaned"));
        }
}

TEST_CASE("what a compaction writes is synced in portions, before it counts") {
    compacted_log f;
    f.config.segment_bytes = 64 << 20;
    f.log->set_config(f.config);
    for (int i = 0; i < 20; ++i) f.put("key-" + std::to_string(i), std::string(900'000, 'x'));
    f.roll();
    f.put("x", "y");
    REQUIRE(f.log->flush());
    f.progress->noted_recovery_point = 21;
    int syncs = 0;
    for (bool more = true; more;) {
        const auto step = f.log->compact(21, 1 << 20, 128 << 20);
        REQUIRE(step);
        more = step->more;
        if (step->files.empty()) continue;
        ++syncs;
        const auto meanwhile = f.log->compact(21, 1 << 20, 128 << 20);
        REQUIRE(meanwhile);
        CHECK_FALSE(meanwhile->more);
        REQUIRE(f.log->compaction_synced(step->files.front(), step->files.front()->sync()));
    }
    CHECK(syncs == 3);
    CHECK(f.progress->cleaned_to == 20);
}

TEST_CASE("a compaction whose files cannot be synced takes the log offline, unless the disk is just full") {
    compacted_log f;
    for (int i = 0; i < 5; ++i) f.put("k", std::to_string(i));
    f.roll();
    f.put("x", "y");
    REQUIRE(f.log->flush());
    f.progress->noted_recovery_point = 6;
    SUBCASE("full") {
        f.files.fail_next_sync(errc::no_space, ".cleaned");
        CHECK(compact(*f.log, 6).code() == errc::no_space);
        CHECK(f.log->writable());
        CHECK(f.all().size() == 6);
        f.clean();
        CHECK(f.all().size() == 2);
    }
    SUBCASE("broken") {
        f.files.fail_next_sync(errc::io_error, ".cleaned");
        CHECK(compact(*f.log, 6).code() == errc::kafka_storage_error);
        CHECK_FALSE(f.log->writable());
        CHECK(f.has("00000000000000000000.log"));
    }
    CHECK_FALSE(f.has("00000000000000000000.log.cleaned"));
}

TEST_CASE("a damaged segment stops the compaction and is left alone") {
    compacted_log f;
    for (int i = 0; i < 20; ++i) f.put("k", std::to_string(i));
    f.roll();
    f.put("x", "y");
    REQUIRE(f.log->close());
    REQUIRE(f.files.damage(f.directory + "/00000000000000000000.log", 70));
    f.start(true);
    f.progress->noted_recovery_point = 21;
    const auto content = f.content("00000000000000000000.log");
    CHECK(compact(*f.log, 21).code() == errc::corrupt_message);
    CHECK(f.content("00000000000000000000.log") == content);
    CHECK_FALSE(f.has("00000000000000000000.log.cleaned"));
}

TEST_CASE("a log is compacted when enough of it is dirty, or when a record waited long enough") {
    const timestamp_ms now = 1'000'000'000;
    const std::vector<segment_facts> closed{{0, 100, 1000, now - 9000, now - 8000},
                                            {100, 200, 1000, now - 7000, now - 6000},
                                            {200, 300, 500, now - 5000, now - 4000}};
    log_config config;
    SUBCASE("ratio") {
        auto plan = plan_cleaning(closed, 0, 300, config, now);
        CHECK(plan.due);
        CHECK(plan.end == 300);
        CHECK(plan.segments == 3);
        CHECK(plan.dirty_ratio == doctest::Approx(1.0));
        plan = plan_cleaning(closed, 200, 300, config, now);
        CHECK_FALSE(plan.due);
        CHECK(plan.dirty_ratio == doctest::Approx(0.2));
        CHECK(plan.dirty_bytes == 500);
    }
    SUBCASE("nothing above the stable end") {
        const auto plan = plan_cleaning(closed, 0, 299, config, now);
        CHECK(plan.end == 200);
        CHECK(plan.segments == 2);
        CHECK_FALSE(plan_cleaning(closed, 0, 99, config, now).due);
    }
    SUBCASE("not too young") {
        config.min_compaction_lag_ms = 7s;
        CHECK(plan_cleaning(closed, 0, 300, config, now).end == 100);
    }
    SUBCASE("old enough") {
        config.max_compaction_lag_ms = 6s;
        CHECK_FALSE(plan_cleaning(closed, 200, 300, config, now).due);
        CHECK(plan_cleaning(closed, 200, 300, config, now).overdue == 0s);
        config.max_compaction_lag_ms = 4s;
        CHECK(plan_cleaning(closed, 200, 300, config, now).due);
        CHECK(plan_cleaning(closed, 200, 300, config, now).overdue == 1s);
        CHECK(plan_cleaning(closed, 0, 300, config, now).overdue == 5s);
    }
    SUBCASE("groups stay below segment.bytes") {
        config.segment_bytes = 2000;
        CHECK(group_segments(closed, 3, config) == std::vector<std::size_t>{2, 3});
        config.segment_bytes = 900;
        CHECK(group_segments(closed, 3, config) == std::vector<std::size_t>{1, 2, 3});
        config.segment_bytes = 1 << 20;
        CHECK(group_segments(closed, 2, config) == std::vector<std::size_t>{2});
    }
}

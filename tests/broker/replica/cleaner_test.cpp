#include "replica_fixture.hpp"

#include <weir/replica/cleaner.hpp>

#include <map>

using namespace weir;
using namespace weir::replica;
using namespace weir::replica::test;

namespace {

struct cleaner_fixture : replica_fixture {
    cleaner::partitions mine;
    // Only what the checkpoint file calls durable is compacted; here that is everything, unless a test holds it back.
    std::shared_ptr<storage::log_progress> progress = std::make_shared<storage::log_progress>();
    bool noted_at_once = true;
    function<void()> asked_for_checkpoint;

    std::shared_ptr<partition> add(const std::string& topic, const std::string& policy) {
        storage::log_config config;
        config.cleanup_policy = {policy};
        config.segment_ms = 1h;
        storage::partition_log::open_options options;
        options.directory = "/data/" + topic + "-0";
        options.topic = topic;
        options.topic_id = {1, mine.size()};
        options.config = config;
        options.progress = progress;
        auto opened = storage::partition_log::open(files, loop, options);
        REQUIRE_MESSAGE(opened, opened.error().message());
        auto made =
            std::make_shared<partition>(partition_id{options.topic_id, 0}, topic, *std::move(opened), loop, flush);
        made->lead(0);
        mine.emplace(made->id(), made);
        return made;
    }
    /// Two values of one key in a closed segment, one of another key in the open one; all flushed.
    void write_twice(partition& where, std::size_t value_bytes = 10) {
        put(where, "key", std::string(value_bytes, 'o'));
        put(where, "key", std::string(value_bytes, 'n'));
        loop.advance(2h);
        REQUIRE(where.log().roll_if_due());
        put(where, "other", "open");
        loop.advance(10ms);
    }
    void put(partition& where, const std::string& key, const std::string& value) {
        protocol::batch_builder builder;
        REQUIRE(builder.append(loop.wall_now(), as_bytes(key), as_bytes(value)));
        auto batch = builder.finish();
        REQUIRE(batch);
        REQUIRE(where.append(*batch, storage::append_origin::client));
        const auto flushed = wait_for(where, where.log().log_end_offset(), time_point::max());
        loop.advance(10ms);
        REQUIRE(*flushed == errc::none);
        if (noted_at_once) progress->noted_recovery_point = where.log().log_end_offset();
    }
    cleaner::checkpoint_writer checkpoint() {
        return [this](function<void()> done) { asked_for_checkpoint = std::move(done); };
    }
    static std::string content(partition& where) {
        std::string all;
        read_request next;
        next.max_bytes = 10 << 20;
        for (next.offset = where.log_start_offset();
             next.offset < where.high_watermark();) {  // an answer ends with its segment
            const auto answer = where.read(next);
            REQUIRE(answer.code == errc::none);
            const auto text = text_of(answer.records);
            if (text.empty()) break;
            all += text;
            next.offset = std::stoll(text.substr(text.rfind(' ', text.size() - 2) + 1)) + 1;
        }
        return all;
    }
};

}  // namespace

TEST_CASE_FIXTURE(cleaner_fixture, "a compacted log is cleaned log.cleaner.backoff.ms later, others are left alone") {
    cleaner under_test{loop, flush, mine, {.backoff = 15s}, checkpoint()};
    const auto compacted = add("tables", "compact");
    const auto deleted = add("events", "delete");
    write_twice(*compacted);
    write_twice(*deleted);
    under_test.notice(*deleted);
    loop.advance(1h);
    CHECK(content(*deleted) == "0=oooooooooo 1=nnnnnnnnnn 2=open ");
    CHECK(content(*compacted) == "0=oooooooooo 1=nnnnnnnnnn 2=open ");

    under_test.notice(*compacted);
    loop.advance(14s);
    CHECK(content(*compacted) == "0=oooooooooo 1=nnnnnnnnnn 2=open ");
    CHECK(under_test.figures().read == 0);
    loop.advance(2s);
    CHECK(content(*compacted) == "1=nnnnnnnnnn 2=open ");
    const auto figures = under_test.figures();
    CHECK(figures.read == 2 * figures.written);  // one of two records was left
    CHECK(figures.written > 0);
    loop.advance(1min);
    CHECK(under_test.figures().read == figures.read);  // rounds that compact nothing do not count
    CHECK(content(*deleted) == "0=oooooooooo 1=nnnnnnnnnn 2=open ");

    SUBCASE("and again in a later round") {
        put(*compacted, "key", "newest");
        loop.advance(2h);
        REQUIRE(compacted->log().roll_if_due());
        put(*compacted, "other", "last");
        loop.advance(16s);
        CHECK(content(*compacted) == "2=open 3=newest 4=last ");
    }
    SUBCASE("a partition that goes between two slices is no longer touched") {
        mine.clear();
        loop.advance(1h);
        CHECK(mine.empty());
    }
}

TEST_CASE_FIXTURE(cleaner_fixture, "a round that would find segments without a recovery point waits until it is written down") {
    std::optional<cleaner> under_test;
    under_test.emplace(loop, flush, mine, cleaner_config{.backoff = 15s}, checkpoint());
    const auto compacted = add("tables", "compact");
    noted_at_once = false;
    put(*compacted, "key", "alone");
    under_test->notice(*compacted);
    loop.advance(1h);
    CHECK_FALSE(asked_for_checkpoint);  // no segment was closed
    write_twice(*compacted);
    loop.advance(16s);
    REQUIRE(asked_for_checkpoint);
    under_test->notice(*compacted);  // no second round beside the first
    loop.advance(1h);
    const std::string before = "0=alone 1=oooooooooo 2=nnnnnnnnnn 3=open ";
    CHECK(content(*compacted) == before);
    auto written = std::move(asked_for_checkpoint);
    SUBCASE("which compacts them then") {
        progress->noted_recovery_point = compacted->log().log_end_offset();
        written();
        loop.advance(1s);
        CHECK(content(*compacted) == "2=nnnnnnnnnn 3=open ");
        loop.advance(1h);
        CHECK_FALSE(asked_for_checkpoint);
    }
    SUBCASE("or leaves them to the next round when that failed") {
        written();
        loop.advance(1s);
        CHECK(content(*compacted) == before);
        CHECK_FALSE(asked_for_checkpoint);
        loop.advance(15s);
        CHECK(asked_for_checkpoint);
    }
    SUBCASE("the cleaner may stop") {
        under_test->stop();
        written();
        CHECK_FALSE(loop.next());
    }
    SUBCASE("the cleaner may be gone") {
        under_test.reset();
        written();
        CHECK_FALSE(loop.next());
    }
}

TEST_CASE_FIXTURE(cleaner_fixture, "a shorter log.cleaner.backoff.ms holds for the pause under way") {
    cleaner under_test{loop, flush, mine, {.backoff = 24h}, checkpoint()};
    const auto compacted = add("tables", "compact");
    write_twice(*compacted);
    under_test.notice(*compacted);
    loop.advance(1h);
    CHECK(content(*compacted) == "0=oooooooooo 1=nnnnnnnnnn 2=open ");
    under_test.set_config({.backoff = 1s});
    loop.advance(2s);
    CHECK(content(*compacted) == "1=nnnnnnnnnn 2=open ");
    // With nothing to compact there is no pause, and none begins.
    cleaner idle{loop, flush, mine, {}, checkpoint()};
    idle.set_config({.backoff = 1s});
}

TEST_CASE_FIXTURE(cleaner_fixture, "nothing is compacted with log.cleaner.enable=false, nor after a stop") {
    const auto compacted = add("tables", "compact");
    write_twice(*compacted);
    cleaner disabled{loop, flush, mine, {.enabled = false}, checkpoint()};
    disabled.notice(*compacted);
    cleaner stopped{loop, flush, mine, {}, checkpoint()};
    stopped.notice(*compacted);
    stopped.stop();
    stopped.notice(*compacted);
    loop.advance(1h);
    CHECK(content(*compacted) == "0=oooooooooo 1=nnnnnnnnnn 2=open ");
}

TEST_CASE_FIXTURE(cleaner_fixture, "while the disk syncs what was compacted, the loop goes on and the log is as it was") {
    std::optional<cleaner> under_test;
    under_test.emplace(loop, flush, mine, cleaner_config{.backoff = 15s}, checkpoint());
    const auto compacted = add("tables", "compact");
    write_twice(*compacted);
    const std::string before = "0=oooooooooo 1=nnnnnnnnnn 2=open ";
    files.set_sync_delay(60s);
    under_test->notice(*compacted);
    loop.advance(16s);
    REQUIRE(files.exists("/data/tables-0/00000000000000000000.log.cleaned"));
    CHECK(content(*compacted) == before);
    under_test->notice(*compacted);  // no second round beside the first
    SUBCASE("until it has") {
        loop.advance(58s);
        CHECK(content(*compacted) == before);
        loop.advance(2s);
        CHECK(content(*compacted) == "1=nnnnnnnnnn 2=open ");
        CHECK(under_test->figures().written > 0);
    }
    SUBCASE("and a disk that cannot takes the log offline") {
        files.fail_next_sync(errc::io_error, ".cleaned");
        const auto writer = wait_for(*compacted, 4, time_point::max());
        loop.advance(60s);
        CHECK(content(*compacted) == before);
        CHECK_FALSE(compacted->log().writable());
        CHECK(compacted->figures().uncleanable);
        REQUIRE(*writer);
        CHECK(**writer == errc::kafka_storage_error);
    }
    SUBCASE("the partition may go") {
        mine.clear();
        loop.advance(2min);
        CHECK_FALSE(loop.next());
    }
    SUBCASE("the cleaner may stop") {
        under_test->stop();
        loop.advance(2min);
        CHECK(content(*compacted) == before);
        CHECK(compacted->close());
        CHECK_FALSE(files.exists("/data/tables-0/00000000000000000000.log.cleaned"));
    }
    SUBCASE("the cleaner may be gone") {
        under_test.reset();
        loop.advance(2min);
        CHECK(content(*compacted) == before);
    }
}

TEST_CASE_FIXTURE(cleaner_fixture, "log.cleaner.io.max.bytes.per.second stretches a round") {
    const auto compacted = add("tables", "compact");
    for (int i = 0; i < 5; ++i) put(*compacted, "key", std::string(900'000, 'x'));
    loop.advance(2h);
    REQUIRE(compacted->log().roll_if_due());
    put(*compacted, "other", "open");
    cleaner slow{loop, flush, mine, {.backoff = 1s, .max_bytes_per_second = 100'000}, checkpoint()};
    slow.notice(*compacted);
    loop.advance(30s);
    CHECK(compacted->log().size_bytes() > 4'000'000);
    loop.advance(10min);
    CHECK(compacted->log().size_bytes() < 1'000'000);
}

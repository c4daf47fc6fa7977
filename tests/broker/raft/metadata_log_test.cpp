#include <doctest/doctest.h>

#include <weir/base/sim/manual_loop.hpp>
#include <weir/base/sim/memory_files.hpp>
#include <weir/raft/format.hpp>

#include "metadata_log.hpp"
#include "quorum_fixture.hpp"

using namespace weir;
using namespace weir::raft;
using namespace weir::testing;
using broker::metadata_log;

namespace {

const std::string root = "/data";
const std::string folder = "/data/__cluster_metadata-0";

struct disk {
    sim::manual_loop loop;
    std::unique_ptr<sim::memory_files> files = std::make_unique<sim::memory_files>(7);
    std::unique_ptr<metadata_log> log;

    void open(broker::metadata_log_options options = {}) {
        auto opened = metadata_log::open(*files, loop, root, options);
        REQUIRE_MESSAGE(opened, opened.error().message());
        log = std::move(*opened);
    }
    void append(quorum_epoch epoch, std::vector<std::string> values) {
        auto batch = data_batch(values);
        protocol::patch_base_offset(batch, log->end_offset());
        protocol::patch_leader_epoch(batch, epoch);
        REQUIRE(log->append(batch));
    }
    void flush() {
        std::optional<result<void>> done;
        log->flush([&](result<void> how) { done = std::move(how); });
        loop.advance(std::chrono::seconds{1});
        REQUIRE(done);
        REQUIRE(*done);
    }
    void snapshot(snapshot_id id) {
        auto writer = snapshot_writer::create(*files, {.path = folder + "/" + snapshot_file_name(id), .info = {id, 1, voters_of({1})},
                                                       .last_log_timestamp = loop.wall_now(), .now = loop.wall_now()});
        REQUIRE(writer);
        REQUIRE((*writer)->add(bytes(1000)));
        REQUIRE((*writer)->finish());
        REQUIRE(log->snapshot_finished(id));
    }
};

}  // namespace

TEST_CASE("what was flushed survives a power cut, epochs and all") {
    disk one;
    one.open();
    CHECK(one.log->end_offset() == 0);
    CHECK(one.log->last_epoch() == 0);
    CHECK(one.log->end_of_epoch(5) == log_position{0, 0});
    one.append(1, {"a", "b"});
    one.append(3, {"c"});
    CHECK(one.log->flushed_offset() == 0);
    one.flush();
    CHECK(one.log->flushed_offset() == 3);
    one.append(4, {"lost"});
    one.log.reset();
    one.files->crash(sim::unsynced::lost);
    one.open();
    CHECK(one.log->end_offset() == 3);
    CHECK(one.log->last_epoch() == 3);
    CHECK(one.log->end_of_epoch(0) == log_position{0, 0});
    CHECK(one.log->end_of_epoch(1) == log_position{2, 1});
    CHECK(one.log->end_of_epoch(2) == log_position{2, 1});
    CHECK(one.log->end_of_epoch(3) == log_position{3, 3});
    CHECK(one.log->end_of_epoch(9) == log_position{3, 3});
    const auto read = one.log->read(0, 1);
    REQUIRE(read);
    CHECK((*protocol::batch_view::open(*read)).next_offset() == 2);
    CHECK((*one.log->read(3, 100)).empty());
}

TEST_CASE("a truncation cannot be undone by a power cut") {
    disk one;
    one.open();
    one.append(1, {"a"});
    one.append(1, {"b"});
    one.append(1, {"c"});
    one.flush();
    REQUIRE(one.log->truncate_to(1));
    one.append(2, {"d"});
    one.log.reset();
    one.files->crash(sim::unsynced::lost);
    one.open();
    CHECK(one.log->end_offset() == 1);
    CHECK(one.log->last_epoch() == 1);
}

TEST_CASE("snapshots above the budget go, oldest first, and the log starts where the oldest kept one ends") {
    disk one;
    one.open({.segment_bytes = 10'000, .retention_bytes = 30'000});
    for (int i = 0; i < 20; ++i) one.append(1, {std::string(2000, 'x')});
    one.flush();
    one.snapshot({5, 1});
    CHECK(one.log->start_offset() == 0);
    one.snapshot({10, 1});
    one.snapshot({18, 1});
    CHECK(one.log->start_offset() > 5);
    CHECK(one.log->size_bytes() < 40'000);
    const auto start = one.log->start_offset();
    CHECK(one.log->read(start - 1, 100).error().code() == errc::offset_out_of_range);
    CHECK(one.log->end_of_epoch(0) == log_position{start, 1});
    one.log.reset();
    one.files->crash(sim::unsynced::lost);
    one.open({.segment_bytes = 10'000, .retention_bytes = 30'000});
    CHECK(one.log->start_offset() == start);
    CHECK(one.log->end_offset() == 20);
    CHECK(one.log->latest_snapshot()->id == snapshot_id{18, 1});
    CHECK(one.log->end_of_epoch(0) == log_position{start, 1});
}

TEST_CASE("a copied snapshot replaces the log, also when the power fails before the log was restarted") {
    disk leader, follower;
    leader.open();
    for (int i = 0; i < 10; ++i) leader.append(2, {"x"});
    leader.flush();
    leader.snapshot({8, 2});
    follower.open();
    for (int i = 0; i < 20; ++i) follower.append(1, {"diverged"});
    follower.flush();

    std::int64_t position = 0;
    for (std::int64_t size = 1; position < size;) {
        const auto chunk = leader.log->read_snapshot({8, 2}, position, 100);
        REQUIRE(chunk);
        size = chunk->size;
        REQUIRE(follower.log->receive_snapshot({8, 2}, position, chunk->content));
        position += static_cast<std::int64_t>(chunk->content.size());
    }
    const auto check = [&] {
        CHECK(follower.log->start_offset() == 8);
        CHECK(follower.log->end_offset() == 8);
        CHECK(follower.log->last_epoch() == 2);
        CHECK(follower.log->latest_snapshot()->id == snapshot_id{8, 2});
        follower.append(3, {"next"});
        CHECK(follower.log->end_of_epoch(2) == log_position{8, 2});
        CHECK(follower.log->last_epoch() == 3);
    };
    SUBCASE("at once") {
        REQUIRE(follower.log->install_snapshot({8, 2}));
        check();
    }
    SUBCASE("after every possible power cut the next start has either the old log or the new one") {
        bool went_through = false;
        for (std::uint64_t changes = 0; !went_through && changes < 200; ++changes) {
            follower.log.reset();
            const auto disk_now = follower.files->crashed_copy(changes, sim::unsynced::kept);
            sim::manual_loop loop;
            auto tried = metadata_log::open(*disk_now, loop, root);
            REQUIRE(tried);
            for (std::int64_t at = 0; at < position;) {
                const auto chunk = leader.log->read_snapshot({8, 2}, at, 4096);
                REQUIRE((*tried)->receive_snapshot({8, 2}, at, chunk->content));
                at += static_cast<std::int64_t>(chunk->content.size());
            }
            disk_now->stop_after(changes);
            went_through = (*tried)->install_snapshot({8, 2}).has_value();
            (*tried).reset();
            disk_now->crash(sim::unsynced::at_random);
            auto reopened = metadata_log::open(*disk_now, loop, root);
            REQUIRE_MESSAGE(reopened, reopened.error().message());
            const auto end = (*reopened)->end_offset();
            CHECK((end == 20 || end == 8));
            if (end == 8) CHECK((*reopened)->last_epoch() == 2);
            else CHECK((*reopened)->last_epoch() == 1);
        }
        CHECK(went_through);
    }
}

TEST_CASE("a log whose beginning and snapshots are gone is refused, naming what is missing") {
    disk one;
    one.open({.segment_bytes = 10'000, .retention_bytes = 15'000});
    for (int i = 0; i < 20; ++i) one.append(1, {std::string(2000, 'x')});
    one.flush();
    one.snapshot({5, 1});
    one.snapshot({18, 1});
    REQUIRE(one.log->start_offset() == 18);
    one.log.reset();
    for (const auto& entry : *one.files->list(folder))
        if (entry.name.ends_with(".checkpoint") && entry.name[0] == '0') REQUIRE(one.files->remove(folder + "/" + entry.name));
    const auto opened = metadata_log::open(*one.files, one.loop, root);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().message().find(".checkpoint") != std::string::npos);
}

TEST_CASE("the real log under a quorum of one: everything acknowledged is there after a power cut") {
    disk one;
    REQUIRE(format_metadata(*one.files, standalone_format(root, 1, {1, 2}, {"CONTROLLER", "localhost", 9093}, 1)));
    log_offset acknowledged = 0;
    for (int run = 0; run < 5; ++run) {
        one.open();
        quorum_config config;
        config.self = {1, {1, 2}};
        quorum_state state;
        raft::quorum core{config, state, *one.log, 1, one.loop.now()};
        CHECK(core.is_leader());
        CHECK(core.epoch() == run + 1);
        CHECK(one.log->end_offset() > acknowledged);
        for (int i = 0; i < 10; ++i) {
            auto batch = data_batch(std::vector<std::string>{"value"});
            REQUIRE(core.propose(batch, one.loop.now()));
        }
        const auto outcome = core.take_effects();
        REQUIRE(outcome.flush);
        one.flush();
        core.on_flushed(*outcome.flush, one.loop.now());
        acknowledged = core.high_watermark();
        CHECK(acknowledged == one.log->end_offset());
        auto late = data_batch(std::vector<std::string>{"not acknowledged"});
        REQUIRE(core.propose(late, one.loop.now()));
        one.log.reset();
        one.files->crash(sim::unsynced::at_random);
    }
}

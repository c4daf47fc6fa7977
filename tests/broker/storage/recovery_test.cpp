// What is left after a kill or a power cut at any moment, and what a log makes of it.
#include "log_fixture.hpp"

#include <weir/base/random.hpp>

#include <algorithm>

using namespace weir;
using namespace weir::storage;
using namespace weir::storage::test;
using strings = std::vector<std::string>;

namespace {

strings numbered(int from, int to) {
    strings all;
    for (int i = from; i < to; ++i) all.push_back("v" + std::to_string(i));
    return all;
}

void write_file(sim::memory_files& files, const std::string& path, bytes_view content) {
    const auto opened = files.open(path, open_mode::replace);
    REQUIRE(opened);
    REQUIRE((*opened)->write_at(0, content));
}

}  // namespace

TEST_CASE("a log cut at any byte keeps its whole batches and goes on") {
    log_fixture f;
    f.config.index_interval_bytes = 100;
    f.open();
    std::vector<std::uint64_t> ends{0};
    for (int i = 0; i < 12; ++i) {
        f.append({.values = {"v" + std::to_string(i)}, .producer_id = 5, .producer_epoch = 0, .base_sequence = i});
        ends.push_back(f.log->size_bytes());
    }
    REQUIRE(f.log->close());
    const auto whole = f.content("00000000000000000000.log");
    const auto path = f.directory + "/00000000000000000000.log";
    for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
        write_file(f.files, path, bytes_view{whole}.first(cut));
        f.open();
        const auto batches = std::upper_bound(ends.begin(), ends.end(), cut) - ends.begin() - 1;
        REQUIRE(f.log->log_end_offset() == batches);
        REQUIRE(f.log->size_bytes() == ends[static_cast<std::size_t>(batches)]);
        REQUIRE(f.files.file_size(path).value_or(0) == f.log->size_bytes());
        if (batches == 0) continue;
        REQUIRE(f.log->producers().front().last_sequence == batches - 1);
        const auto next = f.append({.values = {"next"},
                                    .producer_id = 5,
                                    .producer_epoch = 0,
                                    .base_sequence = static_cast<std::int32_t>(batches)});
        REQUIRE(next.first_offset == batches);
        auto expected = numbered(0, static_cast<int>(batches));
        expected.push_back("next");
        REQUIRE(f.values() == expected);
    }
}

TEST_CASE("any flipped byte behind the recovery point cuts the log there") {
    log_fixture f;
    f.open();
    std::vector<std::uint64_t> ends{0};
    for (int i = 0; i < 6; ++i) {
        f.append({.values = {"v" + std::to_string(i)}});
        ends.push_back(f.log->size_bytes());
    }
    REQUIRE(f.log->close());
    const auto whole = f.content("00000000000000000000.log");
    const auto path = f.directory + "/00000000000000000000.log";
    for (std::size_t at = 0; at < whole.size(); ++at) {
        const auto inside =
            at - ends[static_cast<std::size_t>(std::upper_bound(ends.begin(), ends.end(), at) - ends.begin() - 1)];
        // The leader epoch is outside the checksum; a changed one is not noticed, as in Kafka.
        if (inside >= 12 && inside < 16) continue;
        auto damaged = whole;
        damaged[at] ^= std::byte{0x10};
        write_file(f.files, path, damaged);
        f.open();
        const auto batches = std::upper_bound(ends.begin(), ends.end(), at) - ends.begin() - 1;
        if (inside < 8) {
            // The base offset too is outside the checksum: what follows reveals it, or nothing does.
            REQUIRE(f.log->log_end_offset() >= batches);
            continue;
        }
        REQUIRE(f.log->log_end_offset() == batches);
        REQUIRE(f.values() == numbered(0, static_cast<int>(batches)));
    }
}

TEST_CASE("nothing flushed is lost in a power cut, whatever happens to the rest") {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        CAPTURE(seed);
        log_fixture f{seed};
        random_source random{seed};
        f.config.segment_bytes = 600;
        f.config.index_interval_bytes = 100;
        f.open();
        int written = 0;
        std::int64_t durable = 0;
        for (int round = 0; round < 3; ++round) {
            const auto steps = 3 + random.below(25);
            for (std::uint64_t step = 0; step < steps; ++step) {
                f.append({.values = {"v" + std::to_string(written)},
                          .producer_id = 9,
                          .producer_epoch = 1,
                          .base_sequence = written},
                         append_origin::client, round);
                ++written;
                if (random.chance(0.2)) REQUIRE(f.log->flush());
            }
            durable = f.log->flushed_offset();
            const auto recovery_point =
                random.chance(0.5) ? durable
                                   : static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(durable) + 1));
            f.log.reset();
            f.files.crash();
            f.open(recovery_point);
            const auto end = f.log->log_end_offset();
            REQUIRE(end >= durable);
            REQUIRE(end <= written);
            REQUIRE(f.values() == numbered(0, static_cast<int>(end)));
            REQUIRE(f.log->verify_segments());
            if (end > 0) {
                REQUIRE(f.log->producers().size() == 1);
                REQUIRE(f.log->producers().front().last_sequence == end - 1);
            }
            written = static_cast<int>(end);
        }
    }
}

TEST_CASE("a program stopped after any change to the disk comes back with what was flushed") {
    for (std::uint64_t stop = 0; stop < 130; ++stop) {
        CAPTURE(stop);
        log_fixture f{stop + 1};
        f.config.segment_bytes = 400;
        f.files.stop_after(stop);
        std::int64_t durable = 0;
        auto opened = f.try_open();
        for (int i = 0; opened && i < 30; ++i) {
            if (!f.try_append({.values = {"v" + std::to_string(i)}})) break;
            if (i % 3 == 2 && f.log->flush()) durable = f.log->flushed_offset();
            if (i == 20 && !f.log->advance_log_start(9)) break;
        }
        f.log.reset();
        f.files.crash();
        f.open(0);
        REQUIRE(f.log->log_end_offset() >= durable);
        const auto start = static_cast<int>(f.log->log_start_offset());
        REQUIRE(start <= 9);
        REQUIRE(f.values() == numbered(start, static_cast<int>(f.log->log_end_offset())));
        f.append({.values = {"more"}});
    }
}

TEST_CASE("later segments go when an earlier one is damaged") {
    log_fixture f;
    f.config.segment_bytes = 300;
    f.open();
    for (int i = 0; i < 20; ++i) f.append({.values = {"v" + std::to_string(i)}});
    const auto segments = f.log->segment_count();
    REQUIRE(segments > 4);
    REQUIRE(f.log->close());
    REQUIRE(f.files.damage(f.directory + "/00000000000000000004.log", 100));
    f.open(0);
    CHECK(f.log->log_end_offset() == 5);
    CHECK(f.values() == numbered(0, 5));
    CHECK_FALSE(f.has("00000000000000000008.log"));
    CHECK_FALSE(f.has("00000000000000000008.index"));
}

TEST_CASE("lost, cut and wrong indexes are made anew from the log") {
    for (const auto* kind : {".index", ".timeindex"})
        for (const auto* damage : {"missing", "empty", "odd", "garbage", "zeros behind"})
            for (const bool clean : {true, false}) {
                CAPTURE(kind);
                CAPTURE(damage);
                CAPTURE(clean);
                log_fixture f;
                f.config.segment_bytes = 2000;
                f.config.index_interval_bytes = 100;
                f.open();
                for (int i = 0; i < 60; ++i) f.append({.values = {"v" + std::to_string(i)}, .timestamp = 1000 + i});
                REQUIRE(f.log->segment_count() > 2);
                REQUIRE(f.log->close());
                std::vector<std::pair<std::string, bytes>> sound;
                const auto listed = f.files.list(f.directory);
                REQUIRE(listed);
                for (const auto& [name, is_directory] : *listed)
                    if (name.ends_with(kind)) sound.emplace_back(name, f.content(name));
                REQUIRE(sound.size() > 2);
                for (const auto& [name, content] : sound) {
                    const auto path = f.directory + "/" + name;
                    auto changed = content;
                    if (std::string{damage} == "missing") REQUIRE(f.files.remove(path));
                    if (std::string{damage} == "empty") changed.clear();
                    if (std::string{damage} == "odd") changed.push_back(std::byte{1});
                    if (std::string{damage} == "garbage") std::fill(changed.begin(), changed.end(), std::byte{0x77});
                    if (std::string{damage} == "zeros behind") changed.resize(changed.size() + 240);
                    if (std::string{damage} != "missing") write_file(f.files, path, changed);
                }
                f.open(0, clean);
                CHECK(f.log->log_end_offset() == 60);
                for (std::int64_t offset = 0; offset < 60; ++offset) {
                    const auto read = f.log->read(offset, 1, 60, true, false);
                    REQUIRE(read);
                    const auto found = f.log->offset_for_timestamp(1000 + offset, 60);
                    REQUIRE(found);
                    REQUIRE(*found);
                    CHECK((*found)->offset == offset);
                }
                CHECK(f.values() == numbered(0, 60));
                if (!clean) {
                    for (const auto& [name, content] : sound) CHECK_MESSAGE(f.content(name) == content, name);
                }
            }
}

TEST_CASE("a damaged, missing or stale producer snapshot is replaced by a replay") {
    log_fixture f;
    f.config.segment_bytes = 500;
    f.open();
    for (int i = 0; i < 20; ++i) f.append({.producer_id = 3, .producer_epoch = 2, .base_sequence = i});
    REQUIRE(f.log->close());
    const auto listed = f.files.list(f.directory);
    REQUIRE(listed);
    int snapshots = 0;
    for (const auto& [name, is_directory] : *listed) {
        if (!name.ends_with(".snapshot")) continue;
        ++snapshots;
        if (name.find("20.snapshot") != std::string::npos)
            REQUIRE(f.files.remove(f.directory + "/" + name));
        else
            REQUIRE(f.files.damage(f.directory + "/" + name, 12));
    }
    REQUIRE(snapshots > 2);
    f.open(0, true);
    REQUIRE(f.log->producers().size() == 1);
    CHECK(f.log->producers().front().last_sequence == 19);
    CHECK(f.append({.producer_id = 3, .producer_epoch = 2, .base_sequence = 20}).first_offset == 20);
}

TEST_CASE("a lost or damaged epoch checkpoint is read from the batches") {
    for (const bool missing : {true, false}) {
        log_fixture f;
        f.open();
        for (int i = 0; i < 6; ++i) f.append({}, append_origin::client, i / 2);
        REQUIRE(f.log->close());
        CHECK(f.text("leader-epoch-checkpoint") == "0\n3\n0 0\n1 2\n2 4\n");
        const auto path = f.directory + "/leader-epoch-checkpoint";
        if (missing)
            REQUIRE(f.files.remove(path));
        else
            write_file(f.files, path, as_bytes("0\n3\n0 0\n1"));
        f.open(0, true);
        CHECK(f.log->latest_epoch() == 2);
        CHECK(f.log->end_of_epoch(1).end_offset == 4);
    }
}

TEST_CASE("a clean stop and start reads back everything and changes nothing when nothing changes") {
    log_fixture f;
    f.config.segment_bytes = 1000;
    f.open();
    for (int i = 0; i < 30; ++i) f.append({.values = {"v" + std::to_string(i)}}, append_origin::client, 4);
    f.reopen_clean();
    CHECK(f.values() == numbered(0, 30));
    CHECK(f.log->flushed_offset() == 30);
    CHECK(f.log->epoch_of(29) == 4);
    const auto changes = f.files.changes();
    f.reopen_clean();
    CHECK(f.files.changes() == changes);
    CHECK(f.append({.values = {"v30"}}).first_offset == 30);
    CHECK(f.values() == numbered(0, 31));
}

TEST_CASE("a tail that contradicts a clean stop is recovered all the same") {
    log_fixture f;
    f.open();
    for (int i = 0; i < 10; ++i) f.append({.values = {"v" + std::to_string(i)}});
    REQUIRE(f.log->close());
    const auto path = f.directory + "/00000000000000000000.log";
    const auto content = f.content("00000000000000000000.log");
    write_file(f.files, path, bytes_view{content}.first(content.size() - 5));
    f.open(10, true);
    CHECK(f.values() == numbered(0, 9));
}

TEST_CASE("leftovers of an interrupted compaction or deletion are settled at the start") {
    log_fixture f;
    f.open();
    for (int i = 0; i < 4; ++i) f.append({.values = {"v" + std::to_string(i)}});
    REQUIRE(f.log->close());
    const auto content = f.content("00000000000000000000.log");
    SUBCASE("half done goes") {
        write_file(f.files, f.directory + "/00000000000000000000.log.cleaned", as_bytes("half"));
        write_file(f.files, f.directory + "/00000000000000000009.log.deleted", content);
        f.open(0, true);
        CHECK(f.values() == numbered(0, 4));
        CHECK_FALSE(f.has("00000000000000000000.log.cleaned"));
        CHECK_FALSE(f.has("00000000000000000009.log.deleted"));
    }
    SUBCASE("complete takes its place") {
        write_file(f.files, f.directory + "/00000000000000000000.log.swap",
                   bytes_view{content}.subspan(content.size() / 4));
        f.open(0, true);
        CHECK(f.values() == numbered(1, 4));
        CHECK_FALSE(f.has("00000000000000000000.log.swap"));
    }
}

TEST_CASE("a folder of another topic is refused") {
    log_fixture f;
    f.open();
    f.append();
    REQUIRE(f.log->close());
    f.topic_id = uuid{7, 7};
    CHECK(f.try_open(0, true).code() == errc::inconsistent_topic_id);
    f.topic_id = {};
    f.open(0, true);
    CHECK(f.log->topic_id() == uuid{1, 2});
}

TEST_CASE("messages of format 0 and 1 are not mistaken for damage") {
    log_fixture f;
    f.open();
    f.append();
    REQUIRE(f.log->close());
    // A message of format 1: offset 0, key null, value "old".
    bytes content(12 + 4 + 1 + 1 + 8 + 4 + 4 + 3);
    store_big_endian(content.data() + 8, static_cast<std::int32_t>(content.size() - 12));
    content[16] = std::byte{1};
    store_big_endian(content.data() + 18, std::int64_t{1000});
    store_big_endian(content.data() + 26, std::int32_t{-1});
    store_big_endian(content.data() + 30, std::int32_t{3});
    std::memcpy(content.data() + 34, "old", 3);
    std::uint32_t crc = 0xffffffff;
    for (const auto byte : bytes_view{content}.subspan(16)) {
        crc ^= static_cast<std::uint32_t>(byte);
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb88320u : 0);
    }
    store_big_endian(content.data() + 12, ~crc);
    write_file(f.files, f.directory + "/00000000000000000000.log", content);
    CHECK(f.try_open(0, false).code() == errc::unsupported_for_message_format);
    CHECK(f.content("00000000000000000000.log") == content);
}

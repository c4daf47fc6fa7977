#include <doctest/doctest.h>

#include <weir/base/sim/memory_files.hpp>
#include <weir/protocol/metadata_record.hpp>
#include <weir/raft/format.hpp>
#include <weir/raft/snapshot.hpp>

#include "quorum_fixture.hpp"

using namespace weir;
using namespace weir::raft;
using namespace weir::testing;

namespace {

void write(file_system& files, const std::string& path, const snapshot_info& info, int records, std::size_t batch_bytes = 200) {
    auto writer = snapshot_writer::create(files, {.path = path, .info = info, .last_log_timestamp = 42, .now = 43, .batch_bytes = batch_bytes});
    REQUIRE(writer);
    for (int i = 0; i < records; ++i) REQUIRE((*writer)->add(as_bytes("record " + std::to_string(i))));
    REQUIRE((*writer)->finish());
}

std::vector<std::string> read_all(snapshot_reader& reader) {
    std::vector<std::string> all;
    for (auto some = reader.next(); some && !some->empty(); some = reader.next())
        for (const auto& frame : *some) all.emplace_back(as_text(frame));
    return all;
}

}  // namespace

TEST_CASE("the name of a snapshot says where it ends, and nothing else parses as one") {
    CHECK(snapshot_file_name({42, 3}) == "00000000000000000042-0000000003.checkpoint");
    CHECK(parse_snapshot_file_name("00000000000000000042-0000000003.checkpoint") == snapshot_id{42, 3});
    for (const auto* other : {"bootstrap.checkpoint", "00000000000000000042-0000000003.checkpoint.part", "00000000000000000042.log",
                              "0000000000000000004x-0000000003.checkpoint", "-0000000000000000042-0000000003.checkpoint",
                              "99999999999999999999-0000000003.checkpoint", ""})
        CHECK_MESSAGE(!parse_snapshot_file_name(other), other);
}

TEST_CASE("a snapshot is read back with its records in order, its voters and its time") {
    sim::memory_files files;
    REQUIRE(files.create_directories("/m"));
    const std::string path = "/m/" + snapshot_file_name({42, 3});
    write(files, path, {{42, 3}, 1, voters_of({1, 2, 3})}, 100);
    CHECK_FALSE(files.exists(path + ".part"));
    auto reader = snapshot_reader::open(files, path);
    REQUIRE(reader);
    CHECK(reader->info().id == snapshot_id{42, 3});
    CHECK(reader->info().kraft_version == 1);
    CHECK(reader->info().voters == voters_of({1, 2, 3}));
    CHECK(reader->last_log_timestamp() == 42);
    const auto records = read_all(*reader);
    REQUIRE(records.size() == 100);
    CHECK(records.front() == "record 0");
    CHECK(records.back() == "record 99");

    // Offsets run on from 0 through all batches, and every batch carries the snapshot's epoch.
    const auto raw = *read_file(files, path);
    log_offset next = 0;
    int batches = 0;
    for (bytes_view rest{raw}; !rest.empty(); ++batches) {
        const auto batch = *protocol::batch_view::open(rest);
        CHECK(batch.base_offset() == next);
        CHECK(batch.leader_epoch() == 3);
        CHECK(batch.crc_matches());
        next = batch.next_offset();
        rest = rest.subspan(batch.size());
    }
    CHECK(next == 100 + 3 + 1);
    CHECK(batches > 5);
}

TEST_CASE("a snapshot that is cut or damaged anywhere is refused, naming the file") {
    sim::memory_files files;
    REQUIRE(files.create_directories("/m"));
    const std::string path = "/m/" + snapshot_file_name({42, 3});
    write(files, path, {{42, 3}, 1, voters_of({1})}, 5);
    const auto good = *read_file(files, path);
    for (std::size_t cut = 0; cut < good.size(); cut += 7) {
        auto file = *files.open(path, open_mode::replace);
        REQUIRE(file->write_at(0, bytes_view{good}.first(cut)));
        const auto opened = snapshot_reader::open(files, path);
        REQUIRE_FALSE(opened);
        CHECK(opened.error().code() == errc::corrupt_message);
        CHECK(opened.error().message().find(path) != std::string::npos);
    }
    int survived = 0;
    for (std::size_t at = 0; at < good.size(); ++at) {
        auto broken = good;
        broken[at] ^= std::byte{0x55};
        auto file = *files.open(path, open_mode::replace);
        REQUIRE(file->write_at(0, broken));
        if (auto opened = snapshot_reader::open(files, path)) {
            ++survived;  // base offsets and leader epochs lie outside the CRC
            CHECK(read_all(*opened).size() == 5);
        }
    }
    CHECK(survived <= 3 * 12);
}

TEST_CASE("a folder of snapshots knows its newest, forgets what was interrupted, and takes copies in chunks") {
    sim::memory_files files;
    REQUIRE(files.create_directories("/m"));
    write(files, "/m/" + snapshot_file_name({5, 1}), {{5, 1}, 1, voters_of({1})}, 1);
    write(files, "/m/" + snapshot_file_name({9, 2}), {{9, 2}, 1, voters_of({1, 2})}, 2);
    REQUIRE(files.open("/m/" + snapshot_file_name({11, 2}) + ".part", open_mode::create));
    REQUIRE(files.open("/m/" + snapshot_file_name({1, 1}) + ".deleted", open_mode::create));
    auto folder = snapshot_directory::open(files, "/m");
    REQUIRE(folder);
    CHECK(folder->latest()->id == snapshot_id{9, 2});
    CHECK(folder->latest()->voters == voters_of({1, 2}));
    CHECK((*files.list("/m")).size() == 2);

    std::int64_t size = 0;
    CHECK(folder->read({7, 1}, 0, 10, size).error().code() == errc::snapshot_not_found);
    CHECK(folder->read({9, 2}, 1 << 20, 10, size).error().code() == errc::position_out_of_range);

    REQUIRE(files.create_directories("/copy"));
    auto copy = snapshot_directory::open(files, "/copy");
    for (std::int64_t at = 0; at == 0 || at < size; at += 33) {
        const auto chunk = folder->read({9, 2}, at, 33, size);
        REQUIRE(chunk);
        REQUIRE(copy->receive({9, 2}, at, *chunk));
    }
    SUBCASE("whole") {
        const auto installed = copy->install({9, 2});
        REQUIRE(installed);
        CHECK(installed->id == snapshot_id{9, 2});
        CHECK(installed->voters == voters_of({1, 2}));
        CHECK(*read_file(files, copy->path_of({9, 2})) == *read_file(files, folder->path_of({9, 2})));
    }
    SUBCASE("damaged on the way") {
        REQUIRE(files.damage("/copy/" + snapshot_file_name({9, 2}) + ".part", 100));
        CHECK(copy->install({9, 2}).error().code() == errc::corrupt_message);
        CHECK_FALSE(copy->latest());
    }
    REQUIRE(folder->remove_older());
    CHECK(folder->list() == std::vector<snapshot_id>{{9, 2}});
    CHECK((*files.list("/m")).size() == 1);
}

TEST_CASE("formatting writes the first voters and the feature levels, metadata.version first") {
    sim::memory_files files;
    REQUIRE(format_metadata(files, standalone_format("/data", 1, {1, 2}, {"CONTROLLER", "localhost", 9093}, 1000)));
    auto first = snapshot_reader::open(files, "/data/__cluster_metadata-0/00000000000000000000-0000000000.checkpoint");
    REQUIRE(first);
    CHECK(first->info().kraft_version == 1);
    REQUIRE(first->info().voters);
    REQUIRE(first->info().voters->size() == 1);
    CHECK(first->info().voters->begin()->key == replica_key{1, {1, 2}});
    CHECK(first->info().voters->begin()->endpoints[0].port == 9093);
    CHECK((*first->next()).empty());

    const auto frames = read_bootstrap(files, "/data");
    REQUIRE(frames);
    std::vector<std::pair<std::string, int>> levels;
    for (const auto& frame : *frames) {
        const auto record = protocol::decode_metadata_record(frame);
        REQUIRE(record);
        const auto& feature = std::get<protocol::feature_level_record>(record->record);
        levels.emplace_back(feature.name, feature.feature_level);
    }
    REQUIRE(levels.size() == 6);
    CHECK(levels[0] == std::pair<std::string, int>{"metadata.version", 30});
    CHECK(levels[5] == std::pair<std::string, int>{"transaction.version", 2});

    auto old = standalone_format("/old", 1, {1, 2}, {}, 0);
    old.metadata_version = 20;
    CHECK(format_metadata(files, old).error().code() == errc::invalid_setting);
    CHECK_FALSE(files.exists("/old/bootstrap.checkpoint"));
}

namespace {

// What `kafka-storage format --standalone` of Apache Kafka 4.3.1 wrote for node 1, directory z0ytnqQERMKguNbnExtLyw and
// the listener CONTROLLER://127.0.0.1:19793.
constexpr std::string_view formatted_by_kafka =
    "00000000000000000000009a0000000002342a7ca5002000000002000001a1fe370eb3000001a1fe370eb3ffffffffffffff"
    "ffffffffffffff000000032a0000000800000003160000000001a1fe370e7800001e00000208000000050a00000001000082"
    "0100000408000000066e00000200000001cf4cad9ea40444c2a0b8d6e7131b4bcb020b434f4e54524f4c4c45520a3132372e"
    "302e302e314d5100000000010000000000000000000000030000003f0000000002eaacf408002000000000000001a1fe370e"
    "d3000001a1fe370ed3ffffffffffffffffffffffffffff000000011a00000008000000040600000000";

bytes from_hex(std::string_view text) {
    bytes out;
    const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    for (std::size_t at = 0; at + 1 < text.size(); at += 2)
        out.push_back(static_cast<std::byte>(digit(text[at]) * 16 + digit(text[at + 1])));
    return out;
}

}  // namespace

TEST_CASE("the first snapshot is Kafka's, byte for byte but for the times and their checksums") {
    sim::memory_files files;
    const auto directory = *parse_uuid("z0ytnqQERMKguNbnExtLyw");
    REQUIRE(format_metadata(files, standalone_format("/data", 1, directory, {"CONTROLLER", "127.0.0.1", 19793}, 1795266383475)));
    const std::string path = "/data/__cluster_metadata-0/00000000000000000000-0000000000.checkpoint";
    auto ours = *read_file(files, path);
    auto theirs = from_hex(formatted_by_kafka);
    REQUIRE(ours.size() == theirs.size());
    constexpr std::size_t footer = 166;
    for (auto* file : {&ours, &theirs})
        for (const auto& [from, to] : {std::pair<std::size_t, std::size_t>{17, 21}, {27, 43}, {73, 81}, {footer + 17, footer + 21}, {footer + 27, footer + 43}})
            std::fill(file->begin() + static_cast<std::ptrdiff_t>(from), file->begin() + static_cast<std::ptrdiff_t>(to), std::byte{});
    CHECK(ours == theirs);

    auto file = *files.open(path, open_mode::replace);
    REQUIRE(file->write_at(0, from_hex(formatted_by_kafka)));
    auto reader = snapshot_reader::open(files, path);
    REQUIRE(reader);
    CHECK(reader->info().voters->begin()->key == replica_key{1, directory});
    CHECK(reader->last_log_timestamp() == 1795266383480);
}

// Bytes of the small files, and what is done with foreign or damaged ones.
#include "log_fixture.hpp"

#include <weir/storage/checkpoints.hpp>
#include <weir/storage/log_directory.hpp>
#include <weir/storage/meta_properties.hpp>

using namespace weir;
using namespace weir::storage;
using namespace weir::storage::test;

namespace {

void write_text(sim::memory_files& files, const std::string& path, std::string_view text) {
    const auto opened = files.open(path, open_mode::replace);
    REQUIRE(opened);
    REQUIRE((*opened)->write_at(0, as_bytes(text)));
}

bytes numbers(std::initializer_list<std::pair<std::int64_t, int>> fields) {
    bytes out;
    for (const auto& [value, size] : fields) {
        out.resize(out.size() + static_cast<std::size_t>(size));
        if (size == 8)
            store_big_endian(out.data() + out.size() - 8, value);
        else
            store_big_endian(out.data() + out.size() - 4, static_cast<std::int32_t>(value));
    }
    return out;
}

}  // namespace

TEST_CASE("index entries name the last offset of the batch in front of which they were added") {
    log_fixture f;
    f.config.index_interval_bytes = 100;
    f.open();
    std::vector<std::uint64_t> positions;
    for (int i = 0; i < 5; ++i) {
        positions.push_back(f.log->size_bytes());
        // Timestamps go up, then down: the time index keeps the largest so far.
        f.append({.values = {"a", "b"}, .timestamp = i < 4 ? 1000 + 10 * i : 500});
    }
    REQUIRE(f.log->close());
    // 83 bytes a batch: an entry is due in front of the third and of the fifth.
    REQUIRE(positions[1] == 83);
    CHECK(f.content("00000000000000000000.index") == numbers({{5, 4},
                                                              {static_cast<std::int64_t>(positions[2]), 4},
                                                              {9, 4},
                                                              {static_cast<std::int64_t>(positions[4]), 4}}));
    CHECK(f.content("00000000000000000000.timeindex") == numbers({{1021, 8}, {5, 4}, {1031, 8}, {7, 4}}));
}

TEST_CASE("offset checkpoints are read and written as Kafka does") {
    const std::vector<partition_offset> entries{{"orders", 0, 12}, {"a.b_c-d", 17, 9223372036854775807}};
    const auto text = print_offset_checkpoint(entries);
    CHECK(text == "0\n2\norders 0 12\na.b_c-d 17 9223372036854775807\n");
    CHECK(*parse_offset_checkpoint(text) == entries);
    CHECK(*parse_offset_checkpoint("0\n0\n") == std::vector<partition_offset>{});
    for (const auto* wrong : {"", "1\n0\n", "0\n", "0\n2\na 0 1\n", "0\n1\na 0 1\nb 0 1\n", "0\n1\na 0\n",
                              "0\n1\na x 1\n", "0\n1\na 0 1x\n", "0\n-1\n"})
        CHECK_MESSAGE(parse_offset_checkpoint(wrong).code() == errc::malformed, wrong);

    sim::memory_files files;
    CHECK(read_offset_checkpoint(files, "/none").value_or(std::vector<partition_offset>{{"x", 0, 0}}).empty());
    write_text(files, "/bad", "0\n1\na 0 b\n");
    const auto bad = read_offset_checkpoint(files, "/bad");
    CHECK(bad.code() == errc::malformed);
    CHECK(bad.error().message().find("/bad, line 3") != std::string::npos);
}

TEST_CASE("the note of a clean stop is read and written as Kafka does") {
    sim::memory_files files;
    CHECK_FALSE(*read_clean_shutdown(files, ""));
    REQUIRE(write_clean_shutdown(files, "", {14}));
    CHECK(std::string{as_text(*read_file(files, "/.kafka_cleanshutdown"))} == "{\"version\":0,\"brokerEpoch\":14}");
    CHECK((*read_clean_shutdown(files, ""))->broker_epoch == 14);
    write_text(files, "/.kafka_cleanshutdown", "");
    CHECK((*read_clean_shutdown(files, ""))->broker_epoch == -1);
    REQUIRE(remove_clean_shutdown(files, ""));
    REQUIRE(remove_clean_shutdown(files, ""));
    CHECK_FALSE(*read_clean_shutdown(files, ""));
}

TEST_CASE("meta.properties says whose a directory is, and unknown versions are refused") {
    sim::memory_files files;
    const meta_properties ours{"abcdefghijklmnopqrstuv", 3, uuid{5, 6}};
    REQUIRE(write_meta_properties(files, "/d", ours));
    const auto text = std::string{as_text(*read_file(files, "/d/meta.properties"))};
    CHECK(text.starts_with("#\n#"));
    CHECK(
        text.find("\ncluster.id=abcdefghijklmnopqrstuv\ndirectory.id=AAAAAAAAAAUAAAAAAAAABg\nnode.id=3\nversion=1\n") !=
        std::string::npos);
    CHECK(*read_meta_properties(files, "/d") == ours);
    CHECK(check_meta_properties(ours, "/d", ours.cluster_id, 3));
    CHECK(check_meta_properties(ours, "/d", "other", 3).code() == errc::inconsistent_cluster_id);
    CHECK(check_meta_properties(ours, "/d", ours.cluster_id, 4).code() == errc::invalid_setting);
    CHECK(read_meta_properties(files, "/none").code() == errc::not_found);
    for (const auto& [content, code] : std::vector<std::pair<std::string, errc>>{
             {"version=2\ncluster.id=a\nnode.id=1\n", errc::unsupported_version},
             {"version=0\ncluster.id=a\nbroker.id=1\n", errc::unsupported_version},
             {"version=1\nnode.id=1\n", errc::malformed},
             {"version=1\ncluster.id=a\n", errc::malformed},
             {"version=1\ncluster.id=a\nnode.id=x\n", errc::malformed}}) {
        write_text(files, "/d/meta.properties", content);
        CHECK(read_meta_properties(files, "/d").code() == code);
    }
}

TEST_CASE("folder names of partitions") {
    const auto kind = [](std::string_view name) {
        const auto parsed = parse_partition_folder(name);
        return parsed ? parsed->topic + "/" + std::to_string(parsed->partition) + "/" +
                            std::to_string(static_cast<int>(parsed->kind))
                      : "none";
    };
    CHECK(kind("orders-0") == "orders/0/0");
    CHECK(kind("a-b.c_d-17") == "a-b.c_d/17/0");
    CHECK(kind("x-delete-3") == "x-delete/3/0");
    CHECK(kind("orders-1.0123456789abcdef0123456789abcdef-delete") == "orders/1/1");
    CHECK(kind("orders-1.0123456789abcdef0123456789abcdef-future") == "orders/1/2");
    CHECK(kind("orders-1.0123456789abcdef0123456789abcdef-stray") == "orders/1/3");
    for (const auto* name : {"lost+found", "orders", "orders-", "-1", "orders-x", "orders-01", "orders-1-delete",
                             "orders--1x", "or ders-1"})
        CHECK_MESSAGE(kind(name) == "none", name);
    const auto name = folder_name(std::string(249, 't'), 12345, folder_kind::deleting, uuid{0x0123456789abcdef, 1});
    CHECK(name.size() == 255);
    CHECK(name.ends_with("-12345.0123456789abcdef0000000000000001-delete"));
    CHECK(parse_partition_folder(name)->kind == folder_kind::deleting);
}

TEST_CASE("log settings are Kafka's, by name and default") {
    log_config config;
    CHECK(apply_setting(config, "retention.ms", "-1"));
    CHECK(config.retention_ms == milliseconds{-1});
    CHECK(apply_setting(config, "cleanup.policy", "compact,delete"));
    CHECK(config.compacts());
    CHECK(config.deletes());
    CHECK(apply_setting(config, "segment.bytes", "1000").code() == errc::invalid_setting);
    CHECK(apply_setting(config, "compression.type", "brotli").code() == errc::invalid_setting);
    CHECK(apply_setting(config, "compression.gzip.level", "10").code() == errc::invalid_setting);
    CHECK(apply_setting(config, "compression.gzip.level", "0"));
    CHECK(config.check().code() == errc::invalid_setting);
    config.compression_gzip_level = -1;
    CHECK(config.check());
    CHECK(apply_setting(config, "leader.replication.throttled.replicas", "0:1,1:2"));
    CHECK(apply_setting(config, "leader.replication.throttled.replicas", "0-1").code() == errc::invalid_setting);
    config.min_compaction_lag_ms = milliseconds{10};
    config.max_compaction_lag_ms = milliseconds{5};
    CHECK(config.check().code() == errc::invalid_setting);
    const auto* row = find_setting(log_config::settings(), "retention.ms");
    REQUIRE(row != nullptr);
    CHECK(row->default_text == "604800000");
    CHECK(find_setting(log_config::settings(), "flush.messages")->default_text == "9223372036854775807");
}

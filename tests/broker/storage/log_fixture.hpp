// One partition on a disk in memory, with a clock that stands still.
#pragma once
#include <weir/base/sim/manual_loop.hpp>
#include <weir/base/sim/memory_files.hpp>
#include <weir/protocol/records/batch_builder.hpp>
#include <weir/protocol/records/control_records.hpp>
#include <weir/protocol/records/record_reader.hpp>
#include <weir/storage/log.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

namespace weir::storage::test {

struct stored_record {
    std::int64_t offset;
    std::string key;
    std::string value;
    bool operator==(const stored_record&) const = default;
};

struct batch_request {
    std::vector<std::string> values{"value"};
    std::int64_t producer_id = -1;
    std::int16_t producer_epoch = -1;
    std::int32_t base_sequence = -1;
    bool transactional = false;
    protocol::codec codec = protocol::codec::none;
    timestamp_ms timestamp = 0;  ///< 0: the clock's; records get one more each
    std::optional<std::string> key = "key";
    std::int64_t base_offset = 0;
    std::int32_t leader_epoch = -1;
};

inline bytes make_batch(const batch_request& request, timestamp_ms now) {
    protocol::batch_settings settings;
    settings.compression = request.codec;
    settings.producer_id = request.producer_id;
    settings.producer_epoch = request.producer_epoch;
    settings.base_sequence = request.base_sequence;
    settings.transactional = request.transactional;
    settings.base_offset = request.base_offset;
    settings.leader_epoch = request.leader_epoch;
    protocol::batch_builder builder{settings};
    auto timestamp = request.timestamp == 0 ? now : request.timestamp;
    for (const auto& value : request.values) {
        const auto key = request.key ? std::optional{as_bytes(*request.key)} : std::nullopt;
        REQUIRE(builder.append(timestamp, key, as_bytes(value)));
        if (timestamp >= 0) ++timestamp;
    }
    auto built = builder.finish();
    REQUIRE(built);
    return *std::move(built);
}

/// Everything `log` serves from `from` to `end`, batch by batch, CRC checked.
inline std::vector<stored_record> read_all(const partition_log& log, std::int64_t from, std::int64_t end) {
    std::vector<stored_record> found;
    protocol::record_reader reader;
    while (from < end) {
        const auto read = log.read(from, 1 << 20, end, true, false);
        REQUIRE_MESSAGE(read, read.error().message());
        if (read->records.size == 0) break;
        bytes content(static_cast<std::size_t>(read->records.size));
        const auto got = read->records.source->read_at(read->records.position, content);
        REQUIRE(got);
        REQUIRE(*got == content.size());
        bytes_view left = content;
        const auto before = from;
        while (!left.empty()) {
            const auto batch = protocol::batch_view::open(left);
            if (!batch) break;
            CHECK(batch->crc_matches());
            const auto records = reader.records(*batch);
            REQUIRE(records);
            for (const auto& record : *records)
                if (record.offset >= from && !batch->control())
                    found.push_back({record.offset, record.key ? std::string{as_text(*record.key)} : "",
                                     record.value ? std::string{as_text(*record.value)} : ""});
            from = batch->next_offset();
            left = left.subspan(batch->size());
        }
        REQUIRE(from > before);
    }
    return found;
}

/// One step of compaction with its syncs; true while there is more.
inline result<bool> compact(partition_log& log, std::int64_t high_watermark, std::uint64_t budget = 4 << 20,
                            std::size_t map_bytes = 128 << 20) {
    const auto step = log.compact(high_watermark, budget, map_bytes);
    if (!step) return step.error();
    result<void> synced;
    for (const auto& each : step->files)
        if (synced) synced = each->sync();
    if (!step->files.empty())
        if (auto told = log.compaction_synced(step->files.front(), synced); !told) return told.error();
    return step->more;
}

struct log_fixture {
    sim::memory_files files;
    sim::manual_clock time;
    log_config config;
    uuid topic_id{1, 2};
    std::unique_ptr<partition_log> log;
    std::string directory = "/data/orders-0";

    explicit log_fixture(std::uint64_t seed = 1) : files(seed) {
        REQUIRE(files.create_directories("/data"));
        REQUIRE(files.sync_directory("/data"));
        REQUIRE(files.sync_directory("/"));
    }

    result<void> try_open(std::int64_t recovery_point = 0, bool clean = false, std::int64_t log_start = 0) {
        log.reset();
        partition_log::open_options options;
        options.directory = directory;
        options.topic = "orders";
        options.partition = 0;
        options.topic_id = topic_id;
        options.config = config;
        options.recovery_point = recovery_point;
        options.log_start_offset = log_start;
        options.clean_shutdown = clean;
        auto opened = partition_log::open(files, time, options);
        if (!opened) return opened.error();
        log = *std::move(opened);
        return {};
    }
    void open(std::int64_t recovery_point = 0, bool clean = false, std::int64_t log_start = 0) {
        const auto opened = try_open(recovery_point, clean, log_start);
        REQUIRE_MESSAGE(opened, opened.error().message());
    }
    void reopen_clean() {
        const auto start = log->log_start_offset();
        const auto closed = log->close();
        REQUIRE_MESSAGE(closed, closed.error().message());
        open(0, true, start);
    }

    result<append_outcome> try_append(const batch_request& request, append_origin origin = append_origin::client,
                                      std::int32_t epoch = 0) {
        auto batch = make_batch(request, time.wall_now());
        return log->append(batch, epoch, origin);
    }
    append_outcome append(const batch_request& request = {}, append_origin origin = append_origin::client,
                          std::int32_t epoch = 0) {
        const auto done = try_append(request, origin, epoch);
        REQUIRE_MESSAGE(done, done.error().message());
        return *done;
    }
    result<append_outcome> try_marker(std::int64_t producer_id, std::int16_t epoch, bool commit,
                                      std::int32_t coordinator_epoch = 0) {
        protocol::end_txn_settings settings;
        settings.producer_id = producer_id;
        settings.producer_epoch = epoch;
        settings.marker.commit = commit;
        settings.marker.coordinator_epoch = coordinator_epoch;
        settings.timestamp = time.wall_now();
        auto batch = protocol::build_end_txn_batch(settings);
        return log->append(batch, 0, append_origin::coordinator);
    }
    append_outcome end_transaction(std::int64_t producer_id, std::int16_t epoch, bool commit) {
        const auto done = try_marker(producer_id, epoch, commit);
        REQUIRE_MESSAGE(done, done.error().message());
        return *done;
    }
    std::vector<std::string> values(std::int64_t from = -1) const {
        std::vector<std::string> found;
        for (auto& record : read_all(*log, from < 0 ? log->log_start_offset() : from, log->log_end_offset()))
            found.push_back(record.value);
        return found;
    }
    bytes content(const std::string& name) {
        auto read = read_file(files, directory + "/" + name);
        REQUIRE_MESSAGE(read, read.error().message());
        return *std::move(read);
    }
    std::string text(const std::string& name) { return std::string{as_text(content(name))}; }
    bool has(const std::string& name) const { return files.exists(directory + "/" + name); }
};

}  // namespace weir::storage::test

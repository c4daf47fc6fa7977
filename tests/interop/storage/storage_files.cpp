// Writes and reads one partition's folder with weir_storage alone, for the proof against Apache Kafka (prove).
//
//     weir_storage_files write FOLDER TOPIC PARTITION TOPIC_ID    fills a new folder with everything a log can hold
//     weir_storage_files append FOLDER TOPIC PARTITION            opens it as after a kill and appends a few records
//     weir_storage_files compact FOLDER TOPIC PARTITION           compacts all but the last segment
//     weir_storage_files dump FOLDER TOPIC PARTITION uncommitted|committed [clean]
//                                   one line a record: offset timestamp key value-length headers value
#include <weir/base/posix_files.hpp>
#include <weir/base/random.hpp>
#include <weir/protocol/records/batch_builder.hpp>
#include <weir/protocol/records/control_records.hpp>
#include <weir/protocol/records/record_reader.hpp>
#include <weir/storage/log.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <map>
#include <set>
#include <string>

using namespace weir;
using namespace weir::storage;

namespace {

class system_clock final : public weir::clock {
public:
    time_point now() const noexcept override { return time_point{std::chrono::steady_clock::now().time_since_epoch()}; }
    timestamp_ms wall_now() const noexcept override {
        return std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
    }
};

template <class T>
T must(result<T> got) {
    if (!got) {
        std::fprintf(stderr, "%s\n", got.error().message().c_str());
        std::exit(1);
    }
    if constexpr (!std::is_void_v<T>) return *std::move(got);
}

struct producer {
    std::int64_t id = -1;
    std::int16_t epoch = -1;
    std::int32_t sequence = -1;
    bool transactional = false;
};

void append(partition_log& log, protocol::codec codec, int first, int count, timestamp_ms now,
            producer* who = nullptr) {
    protocol::batch_settings settings;
    settings.compression = codec;
    if (who != nullptr) {
        settings.producer_id = who->id;
        settings.producer_epoch = who->epoch;
        settings.base_sequence = who->sequence;
        settings.transactional = who->transactional;
        who->sequence += count;
    }
    protocol::batch_builder builder{settings};
    for (int i = first; i < first + count; ++i) {
        const auto key = "key-" + std::to_string(i);
        const auto value = "value " + std::to_string(i) + " with some text to press, to press, to press";
        const std::string kind = "codec-" + std::string{protocol::codec_name(codec)};
        const protocol::header_view headers[] = {
            {"kind", as_bytes(kind)}, {"again", as_bytes("x")}, {"again", as_bytes("y")}};
        const auto stored = i % 97 == 0 ? std::nullopt : std::optional{as_bytes(value)};
        must(builder.append(now + i % 7, as_bytes(key), stored,
                            std::span{headers}.first(static_cast<std::size_t>(i % 4))));
    }
    auto batch = must(builder.finish());
    must(log.append(batch, 0, append_origin::client));
}

void end_transaction(partition_log& log, const producer& who, bool commit, timestamp_ms now) {
    protocol::end_txn_settings settings;
    settings.producer_id = who.id;
    settings.producer_epoch = who.epoch;
    settings.marker = {commit, 0};
    settings.timestamp = now;
    auto batch = protocol::build_end_txn_batch(settings);
    must(log.append(batch, 0, append_origin::coordinator));
}

partition_log::open_options options_for(char** argv) {
    partition_log::open_options options;
    options.directory = argv[2];
    options.topic = argv[3];
    options.partition = std::atoi(argv[4]);
    options.config.segment_bytes = 200'000;
    options.config.index_interval_bytes = 1000;
    return options;
}

int write(file_system& files, const weir::clock& time, char** argv) {
    auto options = options_for(argv);
    options.topic_id = must(parse_uuid(argv[5]));
    const auto log = must(partition_log::open(files, time, options));
    const auto now = time.wall_now() - 100'000;
    random_source random{7};
    int next = 0;
    producer plain{100, 0, 0}, first{200, 0, 0, true}, second{201, 3, 0, true};
    for (int round = 0; round < 400; ++round) {
        for (const auto codec : {protocol::codec::none, protocol::codec::gzip, protocol::codec::snappy,
                                 protocol::codec::lz4, protocol::codec::zstd}) {
            const auto count = 1 + static_cast<int>(random.below(20));
            append(*log, codec, next, count, now + round);
            next += count;
        }
        append(*log, protocol::codec::none, next, 2, now + round, &plain);
        append(*log, protocol::codec::lz4, next + 2, 3, now + round, &first);
        append(*log, protocol::codec::none, next + 5, 1, now + round, &second);
        next += 6;
        if (round % 10 == 4) end_transaction(*log, first, round % 20 == 4, now + round);
        if (round % 10 == 7) end_transaction(*log, second, round % 20 == 7, now + round);
    }
    end_transaction(*log, first, true, now + 500);
    end_transaction(*log, second, false, now + 500);
    must(log->flush());
    must(log->close());
    std::printf("%lld records below %lld in %zu segments\n", static_cast<long long>(next),
                static_cast<long long>(log->log_end_offset()), log->segment_count());
    return 0;
}

int append_some(file_system& files, const weir::clock& time, char** argv) {
    const auto log = must(partition_log::open(files, time, options_for(argv)));
    for (int i = 0; i < 20; ++i) append(*log, protocol::codec::zstd, 1'000'000 + 10 * i, 10, time.wall_now());
    must(log->flush());
    must(log->close());
    return 0;
}

int compact(file_system& files, const weir::clock& time, char** argv) {
    auto options = options_for(argv);
    options.config.cleanup_policy = {"compact"};
    options.config.delete_retention_ms = milliseconds{0};
    options.recovery_point = std::numeric_limits<std::int64_t>::max();
    options.clean_shutdown = true;
    const auto log = must(partition_log::open(files, time, options));
    // Keys that come again, so that something can go.
    for (int i = 0; i < 3000; ++i) append(*log, protocol::codec::lz4, 10 * (i % 200), 10, time.wall_now());
    must(log->flush());
    const auto before = log->size_bytes();
    for (bool more = true; more;) {
        const auto step = must(log->compact(log->log_end_offset(), 4 << 20, 128 << 20));
        for (const auto& each : step.files) must(each->sync());
        if (!step.files.empty()) must(log->compaction_synced(step.files.front(), {}));
        more = step.more;
    }
    must(log->close());
    std::printf("%llu bytes became %llu\n", static_cast<unsigned long long>(before),
                static_cast<unsigned long long>(log->size_bytes()));
    return 0;
}

std::string printed(const protocol::record_view& record) {
    std::string headers;
    for (const auto& each : record.headers) {
        if (!headers.empty()) headers += ',';
        headers += std::string{each.key} + "=" + (each.value ? std::string{as_text(*each.value)} : "NULL");
    }
    const auto size = record.value ? static_cast<long long>(record.value->size()) : -1;
    return std::to_string(record.offset) + " " + std::to_string(record.timestamp) + " " +
           (record.key ? std::string{as_text(*record.key)} : "") + " " + std::to_string(size) + " " + headers + " " +
           (record.value ? std::string{as_text(*record.value)} : "");
}

int dump(file_system& files, const weir::clock& time, int argc, char** argv) {
    auto options = options_for(argv);
    const bool committed = std::string{argv[5]} == "committed";
    options.clean_shutdown = argc > 6 && std::string{argv[6]} == "clean";
    const auto log = must(partition_log::open(files, time, options));
    must(log->verify_segments());
    const auto end =
        std::min(log->log_end_offset(),
                 committed ? log->first_unstable_offset().value_or(log->log_end_offset()) : log->log_end_offset());
    protocol::record_reader reader;
    std::int64_t offset = log->log_start_offset();
    // What a consumer that reads committed records does with the list of aborted transactions.
    std::set<std::int64_t> aborting;
    std::size_t records = 0;
    while (offset < end) {
        const auto read = must(log->read(offset, 1 << 20, end, true, committed));
        if (read.records.size == 0) break;
        bytes content(static_cast<std::size_t>(read.records.size));
        if (must(read.records.source->read_at(read.records.position, content)) != content.size()) return 1;
        std::multimap<std::int64_t, std::int64_t> starts;
        for (const auto& each : read.aborted) starts.emplace(each.first_offset, each.producer_id);
        bytes_view left = content;
        while (const auto batch = protocol::batch_view::open(left)) {
            while (!starts.empty() && starts.begin()->first <= batch->last_offset()) {
                aborting.insert(starts.begin()->second);
                starts.erase(starts.begin());
            }
            left = left.subspan(batch->size());
            offset = batch->next_offset();
            if (batch->control()) {
                aborting.erase(batch->producer_id());
                continue;
            }
            if (committed && batch->transactional() && aborting.contains(batch->producer_id())) continue;
            for (const auto& record : must(reader.records(*batch))) {
                if (record.offset < log->log_start_offset()) continue;
                std::puts(printed(record).c_str());
                ++records;
            }
        }
    }
    std::fprintf(stderr, "%zu records, offsets %lld to %lld\n", records,
                 static_cast<long long>(log->log_start_offset()), static_cast<long long>(end));
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    const auto files = make_posix_files();
    const system_clock time;
    const std::string what = argc > 4 ? argv[1] : "";
    if (what == "write" && argc == 6) return write(*files, time, argv);
    if (what == "append" && argc == 5) return append_some(*files, time, argv);
    if (what == "compact" && argc == 5) return compact(*files, time, argv);
    if (what == "dump" && argc >= 6) return dump(*files, time, argc, argv);
    std::fprintf(stderr, "see the head of storage_files.cpp\n");
    return 2;
}

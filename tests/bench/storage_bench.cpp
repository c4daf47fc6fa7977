// Appends and reads of one log, and what ten thousand partitions cost, on the real file system.
//
//     bench_storage [FOLDER [many]]   a scratch folder, by default below the current one; removed at the end. With `many`
//                                     only the partitions.
#include "bench.hpp"

#include <weir/base/posix_files.hpp>
#include <weir/protocol/records/batch_builder.hpp>
#include <weir/storage/log_manager.hpp>
#include <weir/storage/meta_properties.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
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

bytes batch_of(std::size_t record_bytes, std::size_t batch_bytes, timestamp_ms now) {
    protocol::batch_builder builder;
    const std::string value(record_bytes, 'x');
    while (builder.uncompressed_size() + record_bytes < batch_bytes)
        must(builder.append(now, std::nullopt, as_bytes(value)));
    return must(builder.finish());
}

std::size_t resident_kib() {
    std::ifstream status{"/proc/self/statm"};
    std::size_t total = 0, resident = 0;
    status >> total >> resident;
    return resident * 4;
}

void append_and_read(file_system& files, const weir::clock& time, const std::string& folder) {
    for (const std::size_t record : {100, 1000}) {
        for (const std::size_t size : {1200, 16384}) {
            partition_log::open_options options;
            options.directory = folder + "/bench-" + std::to_string(record) + "-" + std::to_string(size);
            options.topic = "bench";
            options.config.segment_bytes = 256 << 20;
            options.config.file_delete_delay_ms = milliseconds{0};
            auto log = must(partition_log::open(files, time, options));
            const auto batch = batch_of(record, size, time.wall_now());
            auto copy = batch;
            const auto name = "storage.append." + std::to_string(record);
            // The page cache is not part of the comparison: the log starts anew before it grows large.
            bench::run(name, "batch", batch.size(), [&] {
                copy = batch;
                must(log->append(copy, 0, append_origin::client));
                if (log->size_bytes() < (32 << 20)) return;
                must(log->truncate_fully_and_start_at(log->log_end_offset()));
                must(log->collect_garbage());
            });
            const auto end = log->log_end_offset();
            bench::run("storage.read.tail." + std::to_string(record), "read", batch.size(),
                       [&] { bench::keep(must(log->read(end - 1, 1 << 20, end, true, false))); });
            auto offset = log->log_start_offset();
            bench::run("storage.read.index." + std::to_string(record), "read", 1 << 20, [&] {
                bench::keep(must(log->read(offset, 1 << 20, end, true, false)));
                offset += 997;
                if (offset >= end) offset = log->log_start_offset();
            });
        }
    }
}

void many_partitions(file_system& files, const weir::clock& time, const std::string& folder) {
    constexpr int count = 10'000;
    const auto directory = folder + "/many";
    must(write_meta_properties(files, directory, {"bench", 1, uuid{1, 1}}));
    const auto open = [&] {
        return must(log_manager::open(files, time, random_source{1},
                                      {.directories = {directory}, .cluster_id = "bench", .node_id = 1}));
    };
    const auto seconds = [&](time_point since) { return std::chrono::duration<double>(time.now() - since).count(); };
    std::vector<std::unique_ptr<partition_log>> logs;
    const auto report = [&](const char* what, time_point since, std::size_t before) {
        std::printf("storage.many.%-19s partitions=%d  s=%.2f  KiB/partition=%.1f\n", what, count, seconds(since),
                    before == 0 ? 0.0 : static_cast<double>(resident_kib() - before) / count);
    };
    {
        const auto manager = open();
        static_cast<void>(must(manager->load()));
        const auto memory = resident_kib();
        auto start = time.now();
        for (int i = 0; i < count; ++i) logs.push_back(must(manager->open_log("topic", i, uuid{2, 2}, {})).log);
        report("create", start, memory);
        start = time.now();
        for (auto& log : logs) must(log->close());
        must(manager->close(1));
        report("close idle", start, 0);
        logs.clear();
    }
    {
        auto start = time.now();
        const auto memory = resident_kib();
        const auto manager = open();
        for (const auto& each : must(manager->load()))
            logs.push_back(must(manager->open_log(each.topic, each.partition, {}, {})).log);
        report("open idle", start, memory);
        const auto batch = batch_of(100, 1000, time.wall_now());
        start = time.now();
        for (auto& log : logs) {
            auto copy = batch;
            must(log->append(copy, 0, append_origin::raft));
        }
        report("write", start, memory);
        start = time.now();
        for (auto& log : logs) must(log->close());
        must(manager->close(1));
        report("flush+close", start, 0);
        logs.clear();
    }
    for (const auto* how : {"open clean", "open unclean"}) {
        const auto memory = resident_kib();
        const auto start = time.now();
        const auto manager = open();
        for (const auto& each : must(manager->load()))
            logs.push_back(must(manager->open_log(each.topic, each.partition, {}, {})).log);
        if (logs.size() != count) std::exit(1);
        report(how, start, memory);
    }
}

}  // namespace

int main(int argc, char** argv) {
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    const std::string folder = argc > 1 ? argv[1] : "bench_storage.tmp";
    const auto files = make_posix_files();
    const system_clock time;
    must(files->remove_all(folder));
    if (argc < 3) append_and_read(*files, time, folder);
    many_partitions(*files, time, folder);
    must(files->remove_all(folder));
}

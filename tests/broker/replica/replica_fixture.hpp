// Partitions on a disk in memory, on a loop that a test moves by hand.
#pragma once
#include "record_batches.hpp"

#include <weir/base/sim/manual_loop.hpp>
#include <weir/base/sim/memory_files.hpp>
#include <weir/replica/flusher.hpp>
#include <weir/replica/partition.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace weir::replica::test {

using namespace std::chrono_literals;

inline std::unique_ptr<storage::partition_log> open_log(file_system& files, const clock& time, const std::string& topic, std::int32_t index,
                                                        const storage::log_config& config = {}) {
    storage::partition_log::open_options options;
    options.directory = "/data/" + topic + "-" + std::to_string(index);
    options.topic = topic;
    options.partition = index;
    options.topic_id = {1, std::hash<std::string>{}(topic)};
    options.config = config;
    auto opened = storage::partition_log::open(files, time, options);
    REQUIRE_MESSAGE(opened, opened.error().message());
    return *std::move(opened);
}

/// What became of one writer: empty while it waits.
using fate = std::shared_ptr<std::optional<errc>>;

inline fate wait_for(partition& where, std::int64_t offset, time_point deadline) {
    auto told = std::make_shared<std::optional<errc>>();
    where.when_committed(offset, deadline, [told](result<void> done) {
        REQUIRE_FALSE(told->has_value());
        *told = done.code();
    });
    return told;
}

inline std::string text_of(const storage::log_slice& slice) {
    bytes content(static_cast<std::size_t>(slice.size));
    if (slice.size == 0) return {};
    const auto got = slice.source->read_at(slice.position, content);
    REQUIRE(got);
    REQUIRE(*got == content.size());
    std::string all;
    for (const auto& [offset, value] : weir::test::records_of(content)) all += std::to_string(offset) + "=" + value + " ";
    return all;
}

struct replica_fixture {
    sim::manual_loop loop;
    sim::memory_files files;
    flusher flush{loop, files};

    replica_fixture() {
        REQUIRE(files.create_directories("/data"));
        files.set_sync_delay(5ms);
    }
    std::shared_ptr<partition> lead(const std::string& topic, const storage::log_config& config = {}) {
        auto log = open_log(files, loop, topic, 0, config);
        const partition_id id{log->topic_id(), 0};
        auto made = std::make_shared<partition>(id, topic, std::move(log), loop, flush);
        made->lead(0);
        return made;
    }
    result<storage::append_outcome> try_append(partition& where, const std::vector<std::string>& values = {"value"}) {
        auto batch = weir::test::make_batch(values, loop.wall_now());
        return where.append(batch, storage::append_origin::client);
    }
    /// The end of the log afterwards.
    std::int64_t append(partition& where, const std::vector<std::string>& values = {"value"}) {
        const auto done = try_append(where, values);
        REQUIRE_MESSAGE(done, done.error().message());
        return done->last_offset + 1;
    }
    fate wait(partition& where, std::int64_t offset, nanoseconds patience = 30s) { return wait_for(where, offset, loop.now() + patience); }
};

}  // namespace weir::replica::test

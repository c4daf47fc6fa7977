// What an operator hears of a disk without room, and of one that fails.
#include "log_fixture.hpp"

#include <weir/base/log.hpp>
#include <weir/storage/log_manager.hpp>
#include <weir/storage/meta_properties.hpp>

#include <map>

using namespace weir;
using namespace weir::storage;
using namespace weir::storage::test;

namespace {

/// Two directories, a log in each, and what the log says.
struct two_disks {
    sim::memory_files files;
    sim::manual_clock time;
    std::unique_ptr<log_manager> manager;
    std::vector<std::string> lines;
    std::map<std::string, std::unique_ptr<partition_log>> logs;

    two_disks() {
        std::vector<std::string> paths{"/a", "/b"};
        for (const auto& path : paths) REQUIRE(write_meta_properties(files, path, {"cluster", 1, uuid{9, path == "/a" ? 1u : 2u}}));
        auto opened = log_manager::open(files, time, random_source{4}, {.directories = paths, .cluster_id = "cluster", .node_id = 1});
        REQUIRE(opened);
        manager = *std::move(opened);
        log::set_sink([this](log::level severity, std::string_view, std::string_view message) {
            if (severity >= log::level::warn) lines.emplace_back(message);
        });
    }
    ~two_disks() {
        logs.clear();
        log::set_sink({});
    }
    partition_log& make(const std::string& topic, std::uint64_t disk) {
        auto made = manager->open_log(topic, 0, uuid{1, 1}, {}, uuid{9, disk});
        REQUIRE_MESSAGE(made, made.error().message());
        return *(logs[topic] = std::move(made->log));
    }
    result<append_outcome> append(partition_log& log, std::size_t size = 10) {
        auto batch = make_batch({.values = {std::string(size, 'x')}}, time.wall_now());
        return log.append(batch, 0, append_origin::client);
    }
    error trouble(std::size_t which, std::uint64_t bytes = 1000) { return manager->directories()[which].health->trouble(bytes); }
};

}  // namespace

TEST_CASE("a full disk is told once, however many logs meet it, and so is that there is room again") {
    two_disks here;
    auto& orders = here.make("orders", 1);
    auto& clicks = here.make("clicks", 1);
    REQUIRE(here.append(orders));
    REQUIRE(here.append(clicks));
    here.files.set_capacity(0);
    for (int i = 0; i < 3; ++i) {
        CHECK(here.append(orders, 5000).code() == errc::kafka_storage_error);
        CHECK(here.append(clicks).code() == errc::kafka_storage_error);
    }
    REQUIRE(here.lines.size() == 1);
    CHECK(here.lines[0].find("log directory /a: KAFKA_STORAGE_ERROR: orders-0: the disk is full, nothing was written") == 0);
    CHECK(here.lines[0].find("producers are refused with KAFKA_STORAGE_ERROR until there is room") != std::string::npos);
    CHECK(here.trouble(0).code() == errc::no_space);
    CHECK(here.trouble(0).message().find("0 bytes are left") != std::string::npos);
    CHECK_FALSE(here.files.exists("/a/.room"));

    here.files.set_capacity(sim::memory_files::no_limit);
    REQUIRE(here.append(clicks));
    CHECK(here.lines.size() == 1);  // a small batch proves little
    REQUIRE(here.append(clicks, 6000));
    REQUIRE(here.lines.size() == 2);
    CHECK(here.lines[1] == "log directory /a: there is room on the disk again, records are taken");
    CHECK_FALSE(here.trouble(0));
}

TEST_CASE("who asks for the health of a directory learns of room before anybody writes") {
    two_disks here;
    CHECK_FALSE(here.trouble(0));
    here.files.set_capacity(0);
    CHECK(here.trouble(0).code() == errc::no_space);  // nobody was refused yet
    here.files.set_capacity(sim::memory_files::no_limit);
    // Quotas are not among what a file system says it has left: what counts is what it takes.
    auto& orders = here.make("orders", 1);
    here.files.fail_next_write(errc::no_space, ".log");
    CHECK_FALSE(here.append(orders));
    here.files.fail_next_write(errc::no_space, "/a/.room");
    CHECK(here.trouble(0).code() == errc::no_space);
    CHECK_FALSE(here.trouble(0));
    CHECK(here.lines.back() == "log directory /a: there is room on the disk again, records are taken");
    REQUIRE(here.files.remove("/a/meta.properties"));
    CHECK(here.trouble(0).message().find("/a/meta.properties is gone") != std::string::npos);
}

TEST_CASE("checkpoints that a full disk refuses are written when there is room") {
    two_disks here;
    auto& orders = here.make("orders", 1);
    REQUIRE(here.append(orders));
    REQUIRE(orders.flush());
    here.files.set_capacity(0);
    CHECK_FALSE(here.manager->write_checkpoints());
    CHECK_FALSE(here.manager->write_checkpoints());
    CHECK(here.lines.size() == 1);
    CHECK_FALSE(here.manager->directories()[0].health->failed());
    here.files.set_capacity(sim::memory_files::no_limit);
    CHECK(here.manager->write_checkpoints());
    CHECK(here.files.exists("/a/recovery-point-offset-checkpoint"));
}

TEST_CASE("a failed flush takes the whole directory offline with one line, and leaves the others alone") {
    two_disks here;
    auto& orders = here.make("orders", 1);
    auto& clicks = here.make("clicks", 1);
    auto& others = here.make("others", 2);
    for (auto* log : {&orders, &clicks, &others}) REQUIRE(here.append(*log));
    here.files.fail_next_sync(errc::io_error, "/a/orders-0/");
    CHECK(orders.flush().code() == errc::kafka_storage_error);
    for (auto* log : {&orders, &clicks}) {
        CHECK_FALSE(log->writable());
        CHECK(here.append(*log).code() == errc::kafka_storage_error);
        CHECK(log->failure().message().find("orders-0 in /a") != std::string::npos);
    }
    CHECK(here.append(others));
    REQUIRE(here.lines.size() == 1);
    CHECK(here.lines[0].find("log directory /a has failed: KAFKA_STORAGE_ERROR: orders-0 in /a") == 0);
    CHECK(here.manager->directories()[0].health->failed());
    CHECK(here.trouble(0).code() == errc::kafka_storage_error);
    CHECK_FALSE(here.trouble(1));
    CHECK(read_all(clicks, 0, 1).size() == 1);  // what it gives is still served
}

TEST_CASE("who watches a directory hears once that it has failed, late ones at once") {
    two_disks here;
    auto& orders = here.make("orders", 1);
    auto& clicks = here.make("clicks", 1);
    const auto all = here.manager->directories();
    int told = 0, others = 0;
    all[0].health->when_failed([&] { ++told; });
    all[1].health->when_failed([&] { ++others; });
    for (auto* log : {&orders, &clicks}) REQUIRE(here.append(*log));
    CHECK(told == 0);
    here.files.inject({sim::disk_operation::sync, errc::io_error, "/a/", 0, 10});
    for (auto* log : {&orders, &clicks}) CHECK_FALSE(log->flush());
    CHECK(told == 1);
    all[0].health->when_failed([&] { ++told; });
    CHECK(told == 2);
    CHECK(others == 0);
}

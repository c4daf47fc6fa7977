#include "log_fixture.hpp"

#include <weir/storage/log_manager.hpp>
#include <weir/storage/meta_properties.hpp>

#include <algorithm>
#include <map>

using namespace weir;
using namespace weir::storage;
using namespace weir::storage::test;
using namespace std::chrono_literals;

namespace {

struct manager_fixture {
    sim::memory_files files;
    sim::manual_clock time;
    std::vector<std::string> directories{"/a"};
    std::unique_ptr<log_manager> manager;
    std::map<std::string, std::unique_ptr<partition_log>> logs;

    explicit manager_fixture(std::vector<std::string> where = {"/a"}) : directories(std::move(where)) {
        for (std::size_t i = 0; i < directories.size(); ++i)
            REQUIRE(write_meta_properties(files, directories[i], {"cluster", 1, uuid{9, i + 1}}));
    }
    ~manager_fixture() { logs.clear(); }

    result<std::unique_ptr<log_manager>> try_open() {
        return log_manager::open(files, time, random_source{4},
                                 {.directories = directories, .cluster_id = "cluster", .node_id = 1});
    }
    /// Finds out what is there, and opens nothing.
    std::vector<log_manager::found_log> look() {
        logs.clear();
        manager.reset();
        auto opened = try_open();
        REQUIRE_MESSAGE(opened, opened.error().message());
        manager = *std::move(opened);
        auto found = manager->load();
        REQUIRE(found);
        return *std::move(found);
    }
    void start() {
        for (const auto& each : look()) {
            REQUIRE_MESSAGE(!each.failure, each.failure.message());
            auto opened = manager->open_log(each.topic, each.partition, {}, {});
            REQUIRE_MESSAGE(opened, opened.error().message());
            const auto name = each.topic + "-" + std::to_string(each.partition);
            marks[name] = opened->high_watermark;
            logs[name] = std::move(opened->log);
        }
    }
    partition_log& make(const std::string& topic, std::int32_t partition, uuid id = uuid{1, 1}) {
        auto made = manager->open_log(topic, partition, id, {});
        REQUIRE_MESSAGE(made, made.error().message());
        return *(logs[topic + "-" + std::to_string(partition)] = std::move(made->log));
    }
    void fill(partition_log& log, int batches) {
        for (int i = 0; i < batches; ++i) {
            auto batch = make_batch({.values = {"v" + std::to_string(i)}}, time.wall_now());
            REQUIRE(log.append(batch, 0, append_origin::client));
        }
    }
    void stop() {
        for (auto& [name, log] : logs) REQUIRE(log->close());
        REQUIRE(manager->close(14));
        logs.clear();
        manager.reset();
    }
    std::string text(const std::string& path) {
        const auto read = read_file(files, path);
        REQUIRE_MESSAGE(read, read.error().message());
        return std::string{as_text(*read)};
    }
    std::vector<std::string> folders(const std::string& directory) {
        std::vector<std::string> found;
        const auto listed = files.list(directory);
        REQUIRE(listed);
        for (const auto& each : *listed)
            if (each.is_directory) found.push_back(each.name);
        std::sort(found.begin(), found.end());
        return found;
    }
    std::map<std::string, std::int64_t> marks;
};

/// Asks the manager something whenever it works on files, as other cores would meanwhile.
class asking_files final : public file_system {
public:
    asking_files(sim::memory_files& inner, function<void()> ask) : inner_(inner), ask_(std::move(ask)) {}
    result<file_ptr> open(const std::string& path, open_mode mode) override { return asked().open(path, mode); }
    result<void> rename(const std::string& from, const std::string& to) override { return asked().rename(from, to); }
    result<void> remove(const std::string& path) override { return asked().remove(path); }
    result<void> remove_all(const std::string& path) override { return asked().remove_all(path); }
    result<void> create_directories(const std::string& path) override { return asked().create_directories(path); }
    result<std::vector<directory_entry>> list(const std::string& path) const override { return asked().list(path); }
    bool exists(const std::string& path) const override { return asked().exists(path); }
    result<std::uint64_t> file_size(const std::string& path) const override { return asked().file_size(path); }
    result<void> sync_directory(const std::string& path) override { return asked().sync_directory(path); }
    result<std::unique_ptr<file_lock>> lock(const std::string& path) override { return inner_.lock(path); }
    result<space> disk_space(const std::string& path) const override { return inner_.disk_space(path); }
    void sync_all(std::vector<file_ptr> files, event_loop& loop, function<void(std::vector<result<void>>)> done) override {
        inner_.sync_all(std::move(files), loop, std::move(done));
    }
    result<file_ptr> open_directory(const std::string& path) override { return asked().open_directory(path); }
    void run_apart(function<void()> work, event_loop& loop, function<void()> done) override {
        inner_.run_apart(std::move(work), loop, std::move(done));
    }

private:
    sim::memory_files& asked() const {
        ask_();
        return inner_;
    }
    sim::memory_files& inner_;
    mutable function<void()> ask_;
};

std::size_t entries_in(const manager_fixture& f, const std::string& directory) {
    const auto listed = f.files.list(directory);
    REQUIRE(listed);
    return listed->size();
}

}  // namespace

TEST_CASE("checkpoints and the clean note spare the next start from reading logs") {
    manager_fixture f;
    f.start();
    f.fill(f.make("orders", 0), 5);
    f.fill(f.make("orders", 1, uuid{1, 1}), 3);
    f.make("empty", 0, uuid{2, 2});
    REQUIRE(f.logs["orders-1"]->advance_log_start(2));
    f.logs["orders-0"]->note_high_watermark(4);
    f.logs["orders-1"]->note_high_watermark(3);
    f.stop();
    CHECK(f.text("/a/.kafka_cleanshutdown") == "{\"version\":0,\"brokerEpoch\":14}");
    CHECK(f.text("/a/recovery-point-offset-checkpoint") == "0\n3\nempty 0 0\norders 0 5\norders 1 3\n");
    CHECK(f.text("/a/log-start-offset-checkpoint") == "0\n1\norders 1 2\n");
    CHECK(f.text("/a/replication-offset-checkpoint") == "0\n3\nempty 0 0\norders 0 4\norders 1 3\n");

    f.start();
    CHECK_FALSE(f.files.exists("/a/.kafka_cleanshutdown"));
    CHECK(f.manager->directories()[0].was_clean);
    CHECK(f.logs.size() == 3);
    CHECK(f.logs["orders-0"]->log_end_offset() == 5);
    CHECK(f.logs["orders-1"]->log_start_offset() == 2);
    CHECK(f.marks["orders-0"] == 4);
    CHECK(f.logs["orders-0"]->topic_id() == uuid{1, 1});
}

TEST_CASE("a stop without the note checks the logs, and a log that was not closed prevents the note") {
    manager_fixture f;
    f.start();
    f.fill(f.make("orders", 0), 5);
    f.fill(f.make("orders", 1), 5);
    REQUIRE(f.logs["orders-0"]->close());
    REQUIRE(f.manager->close(1));
    CHECK_FALSE(f.files.exists("/a/.kafka_cleanshutdown"));
    f.logs.clear();
    f.manager.reset();
    const auto size = f.files.file_size("/a/orders-1/00000000000000000000.log").value_or(0);
    REQUIRE(f.files.damage("/a/orders-1/00000000000000000000.log", size - 1));
    f.start();
    CHECK_FALSE(f.manager->directories()[0].was_clean);
    CHECK(f.logs["orders-0"]->log_end_offset() == 5);
    CHECK(f.logs["orders-1"]->log_end_offset() == 4);
}

TEST_CASE("a directory of somebody else is refused and not touched") {
    manager_fixture f;
    const auto changes_before = [&] { return f.files.changes(); };
    SUBCASE("a running broker's") {
        f.start();
        const auto changes = changes_before();
        const auto second = f.try_open();
        CHECK(second.code() == errc::in_use);
        CHECK(second.error().message().find("/a is used by another running broker") != std::string::npos);
        CHECK(f.files.changes() == changes);
        return;
    }
    errc expected{};
    SUBCASE("another cluster's") {
        REQUIRE(write_meta_properties(f.files, "/a", {"elsewhere", 1, uuid{1, 1}}));
        expected = errc::inconsistent_cluster_id;
    }
    SUBCASE("another node's") {
        REQUIRE(write_meta_properties(f.files, "/a", {"cluster", 2, uuid{1, 1}}));
        expected = errc::invalid_setting;
    }
    SUBCASE("a newer version's") {
        const auto opened = f.files.open("/a/meta.properties", open_mode::replace);
        REQUIRE((*opened)->write_at(0, as_bytes("version=2\ncluster.id=cluster\nnode.id=1\n")));
        expected = errc::unsupported_version;
    }
    SUBCASE("nobody's") {
        REQUIRE(f.files.remove("/a/meta.properties"));
        expected = errc::not_found;
    }
    REQUIRE(write_clean_shutdown(f.files, "/a", {3}));
    const auto listed = entries_in(f, "/a");
    const auto opened = f.try_open();
    CHECK(opened.code() == expected);
    CHECK(f.text("/a/.kafka_cleanshutdown") == "{\"version\":0,\"brokerEpoch\":3}");
    CHECK(entries_in(f, "/a") <= listed + 1);  // the lock file
}

TEST_CASE("new partitions go where the fewest are") {
    manager_fixture f{{"/a", "/b", "/c"}};
    f.start();
    for (int i = 0; i < 7; ++i) f.make("t", i);
    CHECK(f.folders("/a").size() == 3);
    CHECK(f.folders("/b").size() == 2);
    CHECK(f.folders("/c").size() == 2);
    const std::vector<std::string> cordoned{"/b", "/c"};
    f.manager->cordon(cordoned);
    f.make("t", 7);
    f.make("t", 8);
    CHECK(f.folders("/a").size() == 5);
    f.manager->directories()[0].health->fail(error{errc::io_error, "/a"});
    f.make("t", 9);
    CHECK(f.folders("/a").size() == 5);
    CHECK(f.manager->open_log("t", 10, {}, {}, uuid{9, 1}).code() == errc::kafka_storage_error);
    CHECK(f.manager->open_log("t", 10, {}, {}, uuid{8, 8}).code() == errc::log_dir_not_found);
    CHECK(f.manager->open_log("t/../x", 0, {}, {}).code() == errc::invalid_topic);
    CHECK(f.manager->directory_of("t", 0) == uuid{9, 1});
    f.stop();
    CHECK_FALSE(f.files.exists("/a/.kafka_cleanshutdown"));
    CHECK(f.files.exists("/b/.kafka_cleanshutdown"));
}

TEST_CASE("a removed partition is renamed at once, its files go later, and a new one of that name starts at 0") {
    manager_fixture f;
    f.start();
    f.fill(f.make("orders", 0), 5);
    REQUIRE(f.logs["orders-0"]->advance_log_start(3));
    f.stop();
    f.start();
    REQUIRE(f.manager->remove(std::move(f.logs["orders-0"])));
    f.logs.clear();
    REQUIRE(f.folders("/a").size() == 1);
    CHECK(f.folders("/a")[0].starts_with("orders-0."));
    CHECK(f.folders("/a")[0].ends_with("-delete"));
    auto& fresh = f.make("orders", 0, uuid{5, 5});
    CHECK(fresh.log_start_offset() == 0);
    CHECK(fresh.topic_id() == uuid{5, 5});
    f.time.advance(59s);
    REQUIRE(f.manager->collect_garbage());
    CHECK(f.folders("/a").size() == 2);
    f.time.advance(1s);
    REQUIRE(f.manager->collect_garbage());
    CHECK(f.folders("/a") == std::vector<std::string>{"orders-0"});
}

TEST_CASE("strays are kept aside, and what is no partition is left alone") {
    manager_fixture f;
    f.start();
    f.fill(f.make("gone", 0), 2);
    f.fill(f.make("known", 0), 2);
    REQUIRE(f.files.create_directories("/a/lost+found"));
    REQUIRE(f.files.create_directories("/a/__cluster_metadata-0"));
    f.stop();
    CHECK(f.look().size() == 2);
    f.make("known", 0);
    CHECK(f.manager->directories()[0].partitions == 2);
    CHECK(f.manager->set_strays_aside().empty());
    CHECK(f.manager->directories()[0].partitions == 1);
    const auto folders = f.folders("/a");
    CHECK(folders.size() == 4);
    CHECK(std::any_of(folders.begin(), folders.end(), [](const auto& name) { return name.starts_with("gone-0.") && name.ends_with("-stray"); }));
    f.stop();
    f.start();
    CHECK(f.logs.size() == 1);
}

TEST_CASE("logs of a directory that has failed are no strays, and known by their directory") {
    manager_fixture f{{"/a", "/b"}};
    f.start();
    f.fill(f.make("orders", 0), 2);
    f.fill(f.make("orders", 1), 2);
    CHECK(f.manager->directory_of("orders", 1) == uuid{9, 2});
    f.stop();
    CHECK(f.look().size() == 2);
    CHECK(f.manager->directory_of("orders", 1) == uuid{9, 2});  // before it is opened
    CHECK(f.manager->directory_of("orders", 2).is_zero());
    f.manager->directories()[1].health->fail(error{errc::io_error});
    f.make("orders", 0);
    CHECK(f.manager->set_strays_aside().empty());
    CHECK(f.folders("/b") == std::vector<std::string>{"orders-1"});
    f.start();
    CHECK(f.logs.size() == 2);
}

TEST_CASE("looking at what is there opens nothing; a log is opened when it is asked for, wherever it lies") {
    manager_fixture f{{"/a", "/b"}};
    f.start();
    for (int i = 0; i < 4; ++i) f.fill(f.make("orders", i), i + 1);
    f.logs.clear();
    f.manager.reset();  // a kill
    const auto size = f.files.file_size("/b/orders-1/00000000000000000000.log").value_or(0);
    REQUIRE(f.files.damage("/b/orders-1/00000000000000000000.log", size - 1));
    CHECK(f.look().size() == 4);
    CHECK(f.files.file_size("/b/orders-1/00000000000000000000.log").value_or(0) == size);
    CHECK(f.files.open_files() == 2);  // the locks
    CHECK(f.manager->directories()[1].partitions == 2);
    CHECK(f.make("orders", 1).log_end_offset() == 1);
    CHECK(f.make("orders", 2).log_end_offset() == 3);
    CHECK(f.manager->directory_of("orders", 1) == uuid{9, 2});
    CHECK(f.manager->open_log("orders", 1, uuid{1, 1}, {}).code() == errc::already_exists);
    CHECK(f.manager->open_log("other", 0, uuid{1, 1}, {}, {}, log_manager::missing_log::leave).code() == errc::not_found);
    CHECK(f.manager->directories()[1].partitions == 2);
}

TEST_CASE("a log whose topic had another id makes room for the new one of its name") {
    manager_fixture f;
    f.start();
    f.fill(f.make("orders", 0, uuid{1, 1}), 5);
    REQUIRE(f.logs["orders-0"]->advance_log_start(3));
    f.stop();
    f.look();
    CHECK(f.manager->open_log("orders", 0, uuid{2, 2}, {}, {}, log_manager::missing_log::leave).code() == errc::not_found);
    auto& fresh = f.make("orders", 0, uuid{2, 2});
    CHECK(fresh.log_end_offset() == 0);
    CHECK(f.folders("/a").size() == 2);
    f.fill(fresh, 2);
    f.logs.clear();
    f.manager.reset();
    f.files.crash(sim::unsynced::kept);
    f.start();
    CHECK(f.logs["orders-0"]->topic_id() == uuid{2, 2});
    CHECK(f.logs["orders-0"]->log_end_offset() == 2);
}

TEST_CASE("what checkpoints say of a deleted partition is not taken for a new one of its name") {
    manager_fixture f;
    f.start();
    f.fill(f.make("orders", 0), 5);
    REQUIRE(f.logs["orders-0"]->advance_log_start(4));
    REQUIRE(f.logs["orders-0"]->flush());
    REQUIRE(f.manager->write_checkpoints());
    REQUIRE(f.manager->remove(std::move(f.logs["orders-0"])));
    auto& fresh = f.make("orders", 0, uuid{5, 5});
    f.fill(fresh, 2);
    REQUIRE(fresh.flush());
    f.logs.clear();
    f.manager.reset();
    f.files.kill_process();  // before the next round of checkpoints
    f.start();
    CHECK(f.logs["orders-0"]->log_start_offset() == 0);
    CHECK(f.logs["orders-0"]->log_end_offset() == 2);
}

TEST_CASE("checkpoints go on to say what they do of logs that are not open yet") {
    manager_fixture f;
    f.start();
    f.fill(f.make("orders", 0), 5);
    f.fill(f.make("orders", 1), 5);
    REQUIRE(f.logs["orders-1"]->advance_log_start(2));
    f.stop();
    f.look();
    f.make("orders", 0);
    REQUIRE(f.manager->write_checkpoints());
    CHECK(f.text("/a/recovery-point-offset-checkpoint") == "0\n2\norders 0 5\norders 1 5\n");
    SUBCASE("after a kill") {
        f.logs.clear();
        f.manager.reset();
        f.start();
        CHECK_FALSE(f.manager->directories()[0].was_clean);
    }
    SUBCASE("after a clean stop, as it was clean before") {
        f.stop();
        f.start();
        CHECK(f.manager->directories()[0].was_clean);
    }
    CHECK(f.logs["orders-1"]->log_start_offset() == 2);
    CHECK(f.logs["orders-1"]->log_end_offset() == 5);
}

TEST_CASE("a stop before every log was checked is no clean one") {
    manager_fixture f;
    f.start();
    f.fill(f.make("orders", 0), 5);
    f.fill(f.make("orders", 1), 5);
    f.logs.clear();
    f.manager.reset();  // a kill
    f.look();
    f.make("orders", 0);
    f.stop();
    CHECK_FALSE(f.files.exists("/a/.kafka_cleanshutdown"));
    f.start();
    CHECK(f.logs["orders-1"]->log_end_offset() == 5);
}

TEST_CASE("a future replica takes the place of the current one") {
    manager_fixture f{{"/a", "/b"}};
    f.start();
    auto& current = f.make("orders", 0);
    f.fill(current, 3);
    REQUIRE(f.manager->directory_of("orders", 0) == uuid{9, 1});
    auto made = f.manager->open_future_log("orders", 0, uuid{1, 1}, {}, uuid{9, 2});
    REQUIRE(made);
    auto future = std::move(made->log);
    const auto read = current.read(0, 1 << 20, 3, true, false);
    REQUIRE(read);
    bytes content(static_cast<std::size_t>(read->records.size));
    REQUIRE(read->records.source->read_at(read->records.position, content));
    REQUIRE(future->append_replicated(content));
    CHECK(f.folders("/b")[0].ends_with("-future"));
    REQUIRE(f.manager->promote_future(std::move(f.logs["orders-0"]), *future));
    CHECK(f.folders("/b") == std::vector<std::string>{"orders-0"});
    CHECK(f.manager->directory_of("orders", 0) == uuid{9, 2});
    CHECK(read_all(*future, 0, 3).size() == 3);
    f.fill(*future, 1);
    f.logs["orders-0"] = std::move(future);
    f.stop();
    f.start();
    CHECK(f.logs["orders-0"]->log_end_offset() == 4);
}

TEST_CASE("a failed checkpoint write marks the directory") {
    manager_fixture f{{"/a", "/b"}};
    f.start();
    f.make("orders", 0);
    f.files.inject({.operation = sim::disk_operation::sync, .path_contains = "/a/recovery"});
    CHECK_FALSE(f.manager->write_checkpoints());
    CHECK(f.manager->directories()[0].health->failed());
    CHECK_FALSE(f.manager->directories()[1].health->failed());
}

TEST_CASE("checkpoints that did not change are not written again") {
    manager_fixture f;
    f.start();
    f.fill(f.make("orders", 0), 1);
    REQUIRE(f.logs["orders-0"]->flush());
    f.logs["orders-0"]->note_high_watermark(1);
    REQUIRE(f.manager->write_checkpoints());
    const auto changes = f.files.changes();
    REQUIRE(f.manager->write_checkpoints());
    CHECK(f.files.changes() == changes);
}

TEST_CASE("a thousand idle partitions hold no file open") {
    manager_fixture f;
    f.start();
    for (int i = 0; i < 1000; ++i) f.make("t", i);
    const auto open_after_creation = f.files.open_files();
    for (auto& [name, log] : f.logs) f.fill(*log, 1);
    for (auto& [name, log] : f.logs) REQUIRE(log->flush());
    CHECK(open_after_creation <= 1);  // the lock
    CHECK(f.files.open_files() <= 513);
    f.stop();
    f.start();
    CHECK(f.logs.size() == 1000);
    CHECK(f.files.open_files() == 1);
}

TEST_CASE("nobody waits for the manager's work on files") {
    manager_fixture f{{"/a", "/b"}};
    int asked = 0;
    asking_files files{f.files, [&] {
                           if (!f.manager) return;
                           ++asked;
                           CHECK(f.manager->directories().size() == 2);
                           static_cast<void>(f.manager->directory_of("orders", 0));
                       }};
    auto meanwhile = [&, last = 0]() mutable { return asked > std::exchange(last, asked); };
    auto opened = log_manager::open(files, f.time, random_source{4}, {.directories = f.directories, .cluster_id = "cluster", .node_id = 1});
    REQUIRE(opened);
    f.manager = *std::move(opened);
    REQUIRE(f.manager->load());
    CHECK(meanwhile());
    f.make("orders", 0);
    CHECK(meanwhile());
    REQUIRE(f.manager->write_checkpoints());
    CHECK(meanwhile());
    auto copy = f.manager->open_future_log("orders", 0, uuid{1, 1}, {}, uuid{9, 2});
    REQUIRE(copy);
    CHECK(meanwhile());
    REQUIRE(f.manager->promote_future(std::move(f.logs["orders-0"]), *copy->log));
    CHECK(meanwhile());
    REQUIRE(f.manager->remove(std::move(copy->log)));
    CHECK(meanwhile());
    f.time.advance(2min);
    REQUIRE(f.manager->collect_garbage());
    CHECK(meanwhile());
    REQUIRE(f.manager->close(1));
    CHECK(meanwhile());
    f.logs.clear();
    f.manager.reset();
}

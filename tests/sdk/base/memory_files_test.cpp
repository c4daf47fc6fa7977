#include <weir/base/sim/manual_loop.hpp>
#include <weir/base/sim/memory_files.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

using namespace weir;
using namespace std::chrono_literals;
using namespace std::string_view_literals;

namespace {

std::string text_of(file_system& files, const std::string& path) {
    const auto content = read_file(files, path);
    return content ? std::string{as_text(*content)} : "<" + std::string{describe(content.code()).name} + ">";
}

file_ptr make_file(file_system& files, const std::string& path, std::string_view text) {
    auto made = *files.open(path, open_mode::create);
    *made->write_at(0, as_bytes(text));
    return made;
}

}  // namespace

TEST_CASE("what was written is read back at once, and reading stops at the end") {
    sim::memory_files disk;
    const auto file = make_file(disk, "/a", "hello world");
    const bytes_view parts[] = {as_bytes("W"), as_bytes("EI"), as_bytes("R")};
    *file->write_at(6, parts);
    CHECK(text_of(disk, "/a") == "hello WEIRd");
    bytes into(100);
    CHECK(*file->read_at(9, into) == 2);
    CHECK(*file->read_at(11, into) == 0);
    *file->truncate(5);
    CHECK(*file->size() == 5);
    CHECK(text_of(disk, "/a") == "hello");
}

TEST_CASE("open modes mean what they say") {
    sim::memory_files disk;
    CHECK(disk.open("/a", open_mode::read).code() == errc::not_found);
    CHECK(disk.open("/a", open_mode::write).code() == errc::not_found);
    make_file(disk, "/a", "1");
    CHECK(disk.open("/a", open_mode::create_new).code() == errc::already_exists);
    CHECK(*(*disk.open("/a", open_mode::create))->size() == 1);
    CHECK_FALSE((*disk.open("/a", open_mode::read))->write_at(0, as_bytes("x")));
    CHECK(*(*disk.open("/a", open_mode::replace))->size() == 0);
    CHECK(disk.open("/nowhere/a", open_mode::create).code() == errc::not_found);
}

TEST_CASE("a power cut loses names that were not synced, and data that was not synced") {
    sim::memory_files disk;
    *disk.create_directories("/d/e");
    *disk.sync_directory("/d/e");
    auto kept = make_file(disk, "/d/e/kept", "synced");
    *kept->sync();
    *disk.sync_directory("/d/e");
    *kept->write_at(6, as_bytes(" and not"));
    auto nameless = make_file(disk, "/d/e/nameless", "synced");
    *nameless->sync();

    disk.crash(sim::unsynced::lost);
    CHECK(text_of(disk, "/d/e/kept") == "synced");
    CHECK_FALSE(disk.exists("/d/e/nameless"));
    CHECK(kept->size().code() == errc::closed);
}

TEST_CASE("a killed process loses nothing it wrote") {
    sim::memory_files disk;
    auto file = make_file(disk, "/a", "unsynced");
    disk.kill_process();
    CHECK(text_of(disk, "/a") == "unsynced");
    CHECK(file->write_at(0, as_bytes("x")).code() == errc::closed);
}

TEST_CASE("over seeds, an unsynced write is seen kept, lost and torn at every byte") {
    std::set<std::string> seen;
    for (std::uint64_t seed = 1; seed < 200; ++seed) {
        sim::memory_files disk{seed};
        auto file = make_file(disk, "/a", "....");
        *file->sync();
        *disk.sync_directory("/");
        *file->write_at(0, as_bytes("abcd"));
        disk.crash();
        seen.insert(text_of(disk, "/a"));
    }
    CHECK(seen == std::set<std::string>{"....", "a...", "ab..", "abc.", "abcd"});
}

TEST_CASE("unsynced writes survive independently of each other") {
    std::set<std::string> seen;
    for (std::uint64_t seed = 1; seed < 100; ++seed) {
        sim::memory_files disk{seed};
        auto file = make_file(disk, "/a", "..");
        *file->sync();
        *disk.sync_directory("/");
        *file->write_at(0, as_bytes("1"));
        *file->write_at(1, as_bytes("2"));
        disk.crash();
        seen.insert(text_of(disk, "/a"));
    }
    CHECK(seen == std::set<std::string>{"..", "1.", ".2", "12"});
}

TEST_CASE("the same seed does the same damage, to a copy too") {
    const auto damage = [](std::uint64_t seed) {
        sim::memory_files disk{5};
        auto file = make_file(disk, "/a", "first");
        *disk.sync_directory("/");
        for (int i = 0; i < 20; ++i) *file->write_at(5 * static_cast<std::uint64_t>(i), as_bytes("01234"));
        const auto copy = disk.crashed_copy(seed);
        CHECK(*file->size() == 100);
        return text_of(*copy, "/a");
    };
    CHECK(damage(1) == damage(1));
    CHECK(damage(1) != damage(2));
}

TEST_CASE("a copy after a crash equals the disk after the same crash, renames and removals included") {
    for (const auto what : {sim::unsynced::lost, sim::unsynced::kept}) {
        sim::memory_files disk;
        *disk.create_directories("/d/old");
        make_file(disk, "/d/old/x", "x");
        make_file(disk, "/d/y", "y");
        *disk.sync_directory("/d");
        *disk.rename("/d/old", "/d/new");
        *disk.remove("/d/y");
        const auto copy = disk.crashed_copy(9, what);
        disk.crash(what);
        for (const auto* path : {"/d/old", "/d/new", "/d/y", "/d/new/x", "/d/old/x"}) {
            CAPTURE(path);
            CHECK(copy->exists(path) == disk.exists(path));
        }
        CHECK(disk.exists("/d/new") == (what == sim::unsynced::kept));
    }
}

TEST_CASE("a replaced file is the old or the new one after a power cut at any point, never a mixture") {
    for (std::uint64_t stop = 0; stop < 8; ++stop) {
        for (std::uint64_t seed = 1; seed <= 50; ++seed) {
            sim::memory_files disk{seed};
            *disk.create_directories("/d");
            *replace_file(disk, "/d/f", as_bytes("old content"));
            disk.stop_after(stop);
            const auto replaced = replace_file(disk, "/d/f", as_bytes("new"));
            disk.crash();
            const auto now = text_of(disk, "/d/f");
            CAPTURE(stop);
            CAPTURE(seed);
            if (replaced) CHECK(now == "new");
            else CHECK((now == "old content" || now == "new"));
        }
    }
}

TEST_CASE("a failed sync is final: a later one that succeeds does not bring the data back") {
    int lost = 0;
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        sim::memory_files disk{seed};
        auto file = make_file(disk, "/a", "data");
        *disk.sync_directory("/");
        disk.fail_next_sync();
        CHECK(file->sync().code() == errc::io_error);
        CHECK(file->sync());
        CHECK(text_of(disk, "/a") == "data");
        disk.crash();
        if (text_of(disk, "/a") != "data") ++lost;
    }
    CHECK(lost > 0);
    CHECK(lost < 30);
}

TEST_CASE("faults strike the operation, file and occasion they name") {
    sim::memory_files disk;
    auto index = make_file(disk, "/a.index", "");
    auto log = make_file(disk, "/a.log", "");
    sim::disk_fault second_write;
    second_write.code = errc::no_space;
    second_write.path_contains = ".log";
    second_write.after = 1;
    disk.inject(second_write);
    CHECK(index->write_at(0, as_bytes("i")));
    CHECK(log->write_at(0, as_bytes("1")));
    const auto failed = log->write_at(1, as_bytes("2"));
    CHECK(failed.code() == errc::no_space);
    CHECK(failed.error().what().find("/a.log") != std::string_view::npos);
    CHECK(log->write_at(1, as_bytes("2")));
    CHECK(text_of(disk, "/a.log") == "12");
}

TEST_CASE("a full disk refuses what does not fit and takes what does once there is room") {
    sim::memory_files disk;
    disk.set_capacity(10);
    auto file = make_file(disk, "/a", "1234567");
    CHECK(file->write_at(7, as_bytes("89abc")).code() == errc::no_space);
    *file->truncate(7);
    CHECK(file->write_at(0, as_bytes("overwriting fits"sv.substr(0, 7))));
    CHECK((*disk.disk_space("/")).usable == 3);
    *disk.remove("/a");
    make_file(disk, "/b", "0123456789");
    CHECK(text_of(disk, "/b") == "0123456789");
}

TEST_CASE("sync_all answers on the loop, in order, after the delay, for what was written before the call") {
    sim::memory_files disk;
    sim::manual_loop loop;
    disk.set_sync_delay(5ms);
    auto one = make_file(disk, "/1", "one");
    auto two = make_file(disk, "/2", "two");
    *disk.sync_directory("/");
    disk.fail_next_sync(errc::io_error, "/2");
    std::vector<errc> codes;
    disk.sync_all({one, two}, loop, [&](std::vector<result<void>> results) {
        for (const auto& each : results) codes.push_back(each.code());
    });
    *one->write_at(3, as_bytes(" late"));
    loop.advance(4ms);
    CHECK(codes.empty());
    loop.advance(1ms);
    CHECK(codes == std::vector{errc::none, errc::io_error});
    disk.crash(sim::unsynced::lost);
    CHECK(text_of(disk, "/1") == "one");
    CHECK(disk.syncs() == 1);
}

TEST_CASE("a folder is locked by one owner at a time, and the lock goes with the process") {
    sim::memory_files disk;
    auto first = disk.lock("/.lock");
    CHECK(first);
    CHECK(disk.lock("/.lock").code() == errc::in_use);
    disk.kill_process();
    CHECK(disk.lock("/.lock"));
    first = error{errc::closed};
    CHECK(disk.open_files() == 0);
}

TEST_CASE("folders: list, remove with everything below, refuse what is not empty") {
    sim::memory_files disk;
    *disk.create_directories("/d/e/f");
    make_file(disk, "/d/a", "1");
    auto entries = *disk.list("/d");
    std::ranges::sort(entries, {}, &directory_entry::name);
    CHECK(entries.size() == 2);
    CHECK(entries[0].name == "a");
    CHECK_FALSE(entries[0].is_directory);
    CHECK(entries[1].is_directory);
    CHECK_FALSE(disk.remove("/d"));
    CHECK(disk.remove_all("/d"));
    CHECK_FALSE(disk.exists("/d"));
    CHECK(disk.remove_all("/d"));
    CHECK(disk.remove("/d").code() == errc::not_found);
}

TEST_CASE("damage behind the program's back survives a restart") {
    sim::memory_files disk;
    auto file = make_file(disk, "/a", "abc");
    *file->sync();
    *disk.sync_directory("/");
    *disk.damage("/a", 1, std::byte{0x20});
    disk.crash();
    CHECK(text_of(disk, "/a") == "aBc");
}

TEST_CASE("a folder opened as something to sync keeps its names through a power cut") {
    sim::memory_files disk{3};
    sim::manual_loop loop;
    REQUIRE(disk.create_directories("/data"));
    REQUIRE(disk.sync_directory("/"));
    make_file(disk, "/data/a", "");
    const auto folder = *disk.open_directory("/data");
    CHECK(folder->size().code() == errc::io_error);
    bool synced = false;
    disk.sync_all({folder}, loop, [&](std::vector<result<void>> results) { synced = results.size() == 1 && results[0]; });
    loop.run_ready();
    CHECK(synced);
    disk.crash(sim::unsynced::lost);
    CHECK(disk.exists("/data/a"));
    CHECK(folder->sync().code() == errc::closed);
    CHECK(disk.open_directory("/data/a").code() == errc::not_found);
}

TEST_CASE("work apart is a later step of the loop, before what tells of its end") {
    sim::memory_files disk;
    sim::manual_loop loop;
    std::string seen;
    disk.run_apart([&] { seen += "work "; }, loop, [&] { seen += "done"; });
    CHECK(seen.empty());
    loop.run_ready();
    CHECK(seen == "work done");
}

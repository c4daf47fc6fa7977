#include "named_pipe.hpp"

#include <weir/base/asio_runtime.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <string>
#include <vector>

using namespace weir;
using test::temporary_folder;

TEST_CASE("real files: gather writes at a position, reads that stop at the end") {
    const temporary_folder folder;
    auto file = *folder.files->open(folder / "a", open_mode::create_new);
    const bytes_view parts[] = {as_bytes("hello"), {}, as_bytes(" "), as_bytes("world")};
    CHECK(file->write_at(0, parts));
    CHECK(file->write_at(11, as_bytes("!")));
    CHECK(file->sync());
    bytes into(100);
    CHECK(*file->read_at(6, into) == 6);
    CHECK(as_text(bytes_view{into}.first(6)) == "world!");
    CHECK(file->truncate(5));
    CHECK(*file->size() == 5);
    CHECK(*folder.files->file_size(folder / "a") == 5);
    CHECK(file->native_handle() >= 0);
    CHECK(*file->read_at(5, into) == 0);
}

TEST_CASE("real files: more parts than one system call takes arrive in order") {
    const temporary_folder folder;
    auto file = *folder.files->open(folder / "a", open_mode::create);
    std::string expected;
    std::vector<std::string> texts;
    for (int i = 0; i < 3000; ++i) texts.push_back(std::to_string(i) + (i % 5 == 0 ? "" : ","));
    std::vector<bytes_view> parts;
    for (const auto& text : texts) {
        parts.push_back(as_bytes(text));
        parts.push_back({});
        expected += text;
    }
    CHECK(file->write_at(0, parts));
    const auto content = read_file(*folder.files, folder / "a");
    REQUIRE(content);
    CHECK(as_text(*content) == expected);
}

TEST_CASE("real files: errors name the path and carry a code to act on") {
    const temporary_folder folder;
    const auto missing = folder.files->open(folder / "none", open_mode::read);
    CHECK(missing.code() == errc::not_found);
    CHECK(missing.error().what().find(folder / "none") != std::string_view::npos);
    *folder.files->open(folder / "a", open_mode::create);
    CHECK(folder.files->open(folder / "a", open_mode::create_new).code() == errc::already_exists);
    CHECK(folder.files->remove(folder / "none").code() == errc::not_found);
    CHECK(folder.files->list(folder / "none").code() == errc::not_found);
    CHECK((*folder.files->open(folder / "a", open_mode::read))->write_at(0, as_bytes("x")).code() == errc::io_error);
    CHECK(folder.files->rename(folder / "none", folder / "b").code() == errc::not_found);
    CHECK((*read_file(*folder.files, folder / "a", 0)).empty());
}

TEST_CASE("a full disk is told apart from a broken one") {
    const auto files = make_posix_files();
    if (!files->exists("/dev/full")) return;
    const auto full = files->open("/dev/full", open_mode::write);
    REQUIRE(full);
    CHECK((*full)->write_at(0, as_bytes("x")).code() == errc::no_space);
}

TEST_CASE("real folders: make, list, replace a file, remove everything") {
    const temporary_folder folder;
    CHECK(folder.files->create_directories(folder / "x/y/z"));
    CHECK(folder.files->create_directories(folder / "x/y/z"));
    CHECK(replace_file(*folder.files, folder / "x/f", as_bytes("one")));
    CHECK(replace_file(*folder.files, folder / "x/f", as_bytes("two")));
    CHECK(as_text(*read_file(*folder.files, folder / "x/f")) == "two");
    auto entries = *folder.files->list(folder / "x");
    std::ranges::sort(entries, {}, &directory_entry::name);
    REQUIRE(entries.size() == 2);
    CHECK(entries[0].name == "f");
    CHECK_FALSE(entries[0].is_directory);
    CHECK(entries[1].is_directory);
    CHECK(folder.files->sync_directory(folder / "x"));
    CHECK(folder.files->remove_all(folder / "x"));
    CHECK_FALSE(folder.files->exists(folder / "x"));
    CHECK(folder.files->remove_all(folder / "x"));
    CHECK((*folder.files->disk_space(folder.path)).total > 0);
    CHECK(read_file(*folder.files, folder / "x/f").code() == errc::not_found);
}

TEST_CASE("a lock is exclusive within the process too, and let go with its object") {
    const temporary_folder folder;
    {
        const auto held = folder.files->lock(folder / ".lock");
        CHECK(held);
        CHECK(make_posix_files()->lock(folder / ".lock").code() == errc::in_use);
    }
    CHECK(folder.files->lock(folder / ".lock"));
}

TEST_CASE("files too large for the caller are refused, not read") {
    const temporary_folder folder;
    auto file = *folder.files->open(folder / "a", open_mode::create);
    CHECK(file->truncate(1000));
    const auto read = read_file(*folder.files, folder / "a", 999);
    CHECK(read.code() == errc::malformed);
    CHECK(read.error().what().find("1000") != std::string_view::npos);
}

TEST_CASE("a pipe is read to its end, in as many pieces as it comes; /proc, whose files tell no size, too") {
    const auto files = make_posix_files();
    std::string text;
    for (int i = 0; i < 50'000; ++i) text += std::to_string(i) + ",";
    const test::named_pipe large{text};
    const auto all = read_file(*files, large.path());
    REQUIRE(all);
    CHECK(as_text(*all) == text);
    const test::named_pipe empty{""};
    CHECK((*read_file(*files, empty.path())).empty());
    const test::named_pipe eleven{"hello world"};
    CHECK(read_file(*files, eleven.path(), 10).code() == errc::malformed);
    CHECK(as_text(*read_file(*files, "/proc/self/status")).starts_with("Name:"));
}

TEST_CASE("sync_all answers every request on its own loop, one result per file in order") {
    runtime rt{2};
    const temporary_folder folder;
    rt.start();
    std::vector<file_ptr> synced;
    for (int i = 0; i < 4; ++i) {
        synced.push_back(*folder.files->open(folder / std::to_string(i), open_mode::create));
        *synced.back()->write_at(0, as_bytes("data"));
    }
    // The null device cannot be synced, which makes it a disk that fails.
    synced.push_back(*folder.files->open("/dev/null", open_mode::write));
    constexpr int requests = 200;
    std::atomic<int> right = 0, answered = 0;
    std::promise<void> all;
    for (int i = 0; i < requests; ++i) {
        auto& loop = rt.loop(i % 2);
        folder.files->sync_all(synced, loop, [&](std::vector<result<void>> results) {
            const bool well = loop.running_here() && results.size() == 5 && results[0] && results[3] && !results[4];
            if (well) ++right;
            if (++answered == requests) all.set_value();
        });
    }
    all.get_future().wait();
    CHECK(right == requests);
    CHECK(synced[4]->sync().error().what().find("earlier sync failed") != std::string_view::npos);
}

TEST_CASE("folders are synced like files, by themselves and among them") {
    runtime rt{1};
    const temporary_folder folder;
    const auto inner = *folder.files->open_directory(folder.path);
    CHECK(inner->path() == folder.path);
    CHECK(inner->sync());
    CHECK(folder.files->open_directory(folder / "absent").code() == errc::not_found);
    *folder.files->open(folder / "a", open_mode::create);
    CHECK(folder.files->open_directory(folder / "a").code() == errc::not_found);
    rt.start();
    std::promise<std::size_t> well;
    folder.files->sync_all({*folder.files->open(folder / "a", open_mode::write), inner}, rt.loop(0), [&](std::vector<result<void>> results) {
        well.set_value(static_cast<std::size_t>(std::count_if(results.begin(), results.end(), [](const auto& each) { return bool(each); })));
    });
    CHECK(well.get_future().get() == 2);
}

TEST_CASE("work apart runs on a thread of its own, in order, and its end is told on the loop") {
    runtime rt{1};
    const temporary_folder folder;
    rt.start();
    auto& loop = rt.loop(0);
    std::vector<int> order;  // the one thread's
    std::atomic<int> right = 0;
    std::promise<void> all;
    for (int i = 0; i < 50; ++i) {
        folder.files->run_apart([&, i] { if (!loop.running_here()) order.push_back(i); }, loop, [&, i] {
            if (loop.running_here()) ++right;
            if (i == 49) all.set_value();
        });
    }
    all.get_future().wait();
    CHECK(right == 50);
    CHECK(order.size() == 50);
    CHECK(std::is_sorted(order.begin(), order.end()));
}

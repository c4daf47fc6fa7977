// A consumer's own threads and the application's, over real sockets.
#include "real_broker.hpp"

#include <weir/asio.hpp>
#include <weir/consumer.hpp>
#include <weir/producer.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <doctest/doctest.h>

#include <csignal>
#include <future>
#include <mutex>
#include <set>
#include <thread>

using namespace weir;
using namespace std::chrono_literals;
using test::real_broker;

namespace {

const topic<none, std::string> lines{"lines"};

void fill(const std::string& bootstrap, int count) {
    producer out{client{bootstrap}};
    for (int i = 0; i < count; ++i) (void)out.send(lines, std::to_string(i));
    REQUIRE(out.flush().get());
}
consumer_config from_start(std::string group = {}) {
    consumer_config config;
    config.group_id = std::move(group);
    config.start = at::earliest;
    return config;
}
std::vector<topic_partition> all() { return {lines[0], lines[1], lines[2]}; }

awaitable<void> consume(consumer<none, std::string>& in, std::size_t& count, std::set<std::thread::id>& threads) {
    for (;;) {
        auto polling = in.poll();
        auto batch = co_await polling(boost::asio::use_awaitable);
        if (!batch) break;
        count += batch->size();
        threads.insert(std::this_thread::get_id());
        if (count == 5000) in.stop();
    }
}

}  // namespace

TEST_CASE("a loop reads every record, and ends when another thread says stop") {
    real_broker broker;
    fill(broker.bootstrap(), 20'000);
    consumer in{client{broker.bootstrap()}, from_start(), lines};
    in.assign(all(), at::earliest);
    std::set<std::string> seen;
    std::thread stopper;
    for (const auto& [key, value, info] : in) {
        CHECK(seen.insert(value).second);
        if (seen.size() == 20'000) stopper = std::thread{[&] { in.stop(); }};
    }
    stopper.join();
    CHECK(seen.size() == 20'000);
    CHECK_FALSE(in.status());
}

TEST_CASE("a signal ends a loop that waits for records") {
    real_broker broker;
    fill(broker.bootstrap(), 10);
    consumer in{client{broker.bootstrap()}, from_start(), lines};
    in.assign(all(), at::earliest);
    SUBCASE("stop_on") { in.stop_on({SIGUSR1}); }
    SUBCASE("a handler of the application's own") {
        static consumer<none, std::string>* stopped = nullptr;
        stopped = &in;
        std::signal(SIGUSR1, [](int) { stopped->stop(); });
    }
    int count = 0;
    std::thread sender;
    for (const auto& record : in) {
        (void)record;
        if (++count == 10) sender = std::thread{[] {
            std::this_thread::yield();
            std::raise(SIGUSR1);
        }};
    }
    sender.join();
    std::signal(SIGUSR1, SIG_DFL);
    CHECK(count == 10);
}

TEST_CASE("a signal ends a poll() that waits, whatever the thread it interrupts") {
    real_broker broker;
    fill(broker.bootstrap(), 10);
    consumer in{client{broker.bootstrap()}, from_start(), lines};
    in.assign(all(), at::earliest);
    static consumer<none, std::string>* stopped = nullptr;
    stopped = &in;
    std::signal(SIGUSR1, [](int) { stopped->stop(); });
    std::size_t count = 0;
    while (count < 10) count += (*in.poll().get()).size();
    auto waiting = in.poll();
    SUBCASE("that of the application") { std::raise(SIGUSR1); }
    SUBCASE("a callback of the client") { in.position(lines[0]).then([](const result<std::int64_t>&) { std::raise(SIGUSR1); }); }
    const auto ended = waiting.get();
    std::signal(SIGUSR1, SIG_DFL);
    CHECK(ended.error().code() == errc::closed);
    CHECK_FALSE(in.status());
}

TEST_CASE("a coroutine polls on its own executor, and decodes there") {
    real_broker broker;
    fill(broker.bootstrap(), 5000);
    consumer in{client{broker.bootstrap()}, from_start(), lines};
    in.assign(all(), at::earliest);
    boost::asio::io_context mine;
    std::size_t count = 0;
    std::set<std::thread::id> threads;
    boost::asio::co_spawn(mine, consume(in, count, threads), [](const std::exception_ptr& thrown) { CHECK(!thrown); });
    mine.run();
    CHECK(count == 5000);
    CHECK(threads == std::set<std::thread::id>{std::this_thread::get_id()});
}

namespace {

/// A text that is a number, and who reads it.
struct watched_number {
    int value = 0;
    static inline std::mutex mutex;
    static inline std::set<std::thread::id> readers;
};

}  // namespace

template <>
struct weir::serde_traits<watched_number> {
    static void encode(const watched_number& from, byte_sink& sink) { sink.write(std::to_string(from.value)); }
    static error decode(bytes_view data, watched_number& into) {
        const std::lock_guard held{watched_number::mutex};
        watched_number::readers.insert(std::this_thread::get_id());
        if (as_text(data).find("bad") != std::string_view::npos) return error{errc::malformed, "no number"};
        into.value = std::stoi(std::string{as_text(data)});
        return {};
    }
};

TEST_CASE("who waits for records that may be passed over decodes them itself, and needs nobody else for that") {
    real_broker broker{"1"};
    client_config config;
    config.post = [](const function<void()>&) {};  // nobody runs callbacks
    auto skipping = from_start();
    skipping.on_bad_record = on_bad_record::skip;
    consumer in{client{broker.bootstrap(), std::move(config)}, std::move(skipping), topic<none, watched_number>{"lines"}};
    in.assign({lines[0]}, at::earliest);
    watched_number::readers.clear();
    producer out{client{broker.bootstrap()}};
    std::thread sender{[&] {
        for (const auto& value : {"bad", "bad", "7"}) {
            (void)out.send(lines, value).get();
        }
    }};
    const auto got = in.poll().get_for(300s);
    sender.join();
    REQUIRE_MESSAGE(got, got.error().message());
    REQUIRE(got->size() == 1);
    CHECK((*got)[0].value.value == 7);
    CHECK((*got)[0].info.offset == 2);
    CHECK(watched_number::readers == std::set<std::thread::id>{std::this_thread::get_id()});
}

TEST_CASE("a callback for records that may be passed over is called for one that can be decoded, off the thread that serves sockets") {
    real_broker broker{"1"};
    auto skipping = from_start();
    skipping.on_bad_record = on_bad_record::skip;
    const client kafka{broker.bootstrap()};
    consumer in{kafka, std::move(skipping), topic<none, watched_number>{"lines"}};
    in.assign({lines[0]}, at::earliest);
    producer out{client{broker.bootstrap()}};
    watched_number::readers.clear();
    std::promise<std::int64_t> first;
    std::promise<std::thread::id> strand;
    in.poll().then([&](result<records<none, watched_number>> got) {
        strand.set_value(std::this_thread::get_id());
        first.set_value(got && !got->empty() ? (*got)[0].info.offset : -1);
    });
    for (const auto& value : {"bad", "bad", "7"}) (void)out.send(lines, value).get();
    CHECK(first.get_future().get() == 2);
    CHECK(watched_number::readers == std::set<std::thread::id>{strand.get_future().get()});
}

TEST_CASE("batches may be let go of on any thread while the consumer goes on") {
    real_broker broker;
    fill(broker.bootstrap(), 20'000);
    auto config = from_start();
    config.buffer_memory = 300'000;
    consumer in{client{broker.bootstrap()}, std::move(config), lines};
    in.assign(all(), at::earliest);
    std::vector<std::thread> workers;
    std::atomic<std::size_t> sum{0};
    for (std::size_t count = 0; count < 20'000;) {
        auto batch = *in.poll().get();
        count += batch.size();
        workers.emplace_back([batch = std::move(batch), &sum] { for (const auto& each : batch) sum += each.value.size() > 0; });
    }
    for (auto& each : workers) each.join();
    CHECK(sum == 20'000);
}

TEST_CASE("a group member, from its loop to the end, and the next one goes on behind it") {
    real_broker broker;
    fill(broker.bootstrap(), 1000);
    std::size_t first = 0, second = 0;
    {
        consumer in{client{broker.bootstrap()}, from_start("readers"), lines};
        for (const auto& record : in) {
            (void)record;
            if (++first == 1000) break;
        }
        CHECK(in.commit().get());
        CHECK(in.close().get());
    }
    fill(broker.bootstrap(), 10);
    consumer in{client{broker.bootstrap()}, from_start("readers"), lines};
    for (const auto& record : in) {
        (void)record;
        if (++second == 10) in.stop();
    }
    CHECK(second == 10);
}

TEST_CASE("a consumer ends in any state: unused, unreachable, joining, polling, in the middle of a batch") {
    { consumer unused{client{"127.0.0.1:1"}, consumer_config{}}; }
    {
        auto config = from_start("readers");
        config.close_timeout = 50ms;
        consumer nowhere{client{"127.0.0.1:1"}, std::move(config), lines};
        CHECK((*nowhere.poll(50ms).get()).empty());
    }
    real_broker broker;
    fill(broker.bootstrap(), 5000);
    for (int i = 0; i < 12; ++i) {
        auto config = from_start(i % 2 == 0 ? "readers" + std::to_string(i) : "");
        config.max_poll_records = 100;
        consumer in{client{broker.bootstrap()}, std::move(config), lines};
        if (i % 2 == 1) in.assign(all(), at::earliest);
        for (int k = 0; k < i / 2; ++k) (void)in.poll(100ms).get();
        auto left = in.poll();
        if (i % 3 == 0) left.cancel();
        if (i % 3 == 1) in.stop();
        if (i % 4 == 3) (void)in.close(10ms).get();
    }
}

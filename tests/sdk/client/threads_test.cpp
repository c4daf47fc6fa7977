// The client's own threads and the user's, over real sockets, with a broker on a real disk in the same process.
#include "real_broker.hpp"
#include "topics.hpp"

#include <weir/admin.hpp>
#include <weir/producer.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

using namespace weir;
using namespace std::chrono_literals;

namespace {

using test::lines;
using test::real_broker;

}  // namespace

TEST_CASE("many threads share a producer, and every record has a place of its own") {
    real_broker broker;
    client kafka{broker.bootstrap()};
    producer out{kafka};
    std::vector<std::vector<delivery>> sent(4);
    std::vector<std::thread> users;
    for (auto& mine : sent) {
        users.emplace_back([&out, &mine] {
            for (int i = 0; i < 2000; ++i) mine.push_back(out.send(lines, std::string(100, 'x')));
        });
    }
    for (auto& each : users) each.join();
    REQUIRE(out.flush().get());
    std::set<std::pair<std::int32_t, std::int64_t>> places;
    for (auto& mine : sent) {
        for (auto& each : mine) {
            const auto got = each.get();
            REQUIRE_MESSAGE(got, got.error().message());
            places.emplace(got->partition, got->offset);
        }
    }
    CHECK(places.size() == 8000);
}

// Such a thread is the client's loop in between.
TEST_CASE("threads that wait for one record after the other, while others send, flush and cancel") {
    real_broker broker;
    client kafka{broker.bootstrap()};
    producer out{kafka};
    std::atomic<bool> over{false};
    std::atomic<int> told{0}, asked{0};
    std::thread others{[&] {
        while (!over) {
            ++asked;
            out.send(lines, std::string{"told"}).then([&](const result<record_metadata>& got) { told += got.has_value(); });
            auto dropped = out.send(lines, std::string{"cancelled"});
            dropped.cancel();
            CHECK(out.flush().get().code() == errc::none);
        }
    }};
    std::set<std::pair<std::int32_t, std::int64_t>> places[2];
    std::vector<std::thread> waiting;
    for (auto& mine : places) {
        waiting.emplace_back([&] {
            for (int i = 0; i < 1500; ++i) {
                const auto got = out.send(lines, std::string(100, 'x')).get_for(10s);
                if (got) mine.emplace(got->partition, got->offset);
            }
        });
    }
    for (auto& each : waiting) each.join();
    over = true;
    others.join();
    REQUIRE(out.flush().get());
    CHECK(told == asked);
    CHECK(places[0].size() == 1500);
    places[1].merge(places[0]);
    CHECK(places[1].size() == 3000);
}

TEST_CASE("a thread that is the client's loop while it waits is let go by its limit, by cancel(), and by close()") {
    real_broker broker{"1", {"auto.create.topics.enable=false"}};
    client kafka{broker.bootstrap()};
    REQUIRE(admin{kafka}.create_topics({{.name = "lines"}}).get());
    producer prompt{kafka}, asking{kafka};
    const auto be_the_loop = [&] {
        for (int i = 0; i < 20; ++i) REQUIRE(prompt.send(lines, std::string{"x"}).get());
    };
    // The limit is that of the whole wait, as the loop and asleep; the machine may be slow once.
    runtime watch{1};
    auto shortest = nanoseconds::max();
    for (int i = 0; i < 5; ++i) {
        be_the_loop();
        const auto began = watch.loop(0).now();
        CHECK(asking.partitions_for("nowhere").get_for(50ms).code() == errc::timed_out);
        shortest = std::min(shortest, watch.loop(0).now() - began);
    }
    CHECK(shortest < 90ms);

    be_the_loop();
    auto given_up = asking.partitions_for("nowhere");
    std::thread canceller{[&] { given_up.cancel(); }};
    CHECK(given_up.get().code() == errc::cancelled);
    canceller.join();

    be_the_loop();
    auto unanswered = asking.partitions_for("nowhere");
    std::thread closer{[&] { CHECK(kafka.close().get().code() == errc::none); }};
    CHECK(unanswered.get().code() == errc::closed);
    closer.join();
}

TEST_CASE("a full buffer blocks the sender until there is room") {
    real_broker broker;
    producer_config config;
    config.buffer_memory = 20'000;
    producer out{client{broker.bootstrap()}, std::move(config)};
    std::vector<delivery> sent;
    for (int i = 0; i < 500; ++i) sent.push_back(out.send(lines, std::string(1000, 'x')));
    REQUIRE(out.flush().get());
    for (auto& each : sent) CHECK(each.get());
}

TEST_CASE("callbacks run one at a time off the client's loop") {
    real_broker broker;
    producer out{client{broker.bootstrap()}};
    std::atomic<int> inside{0}, overlaps{0};
    std::promise<void> all;
    std::atomic<int> left{200};
    for (int i = 0; i < 200; ++i) {
        out.send(lines, std::string{"x"}).then([&](const result<record_metadata>& got) {
            if (inside.fetch_add(1) != 0) ++overlaps;
            inside.fetch_sub(1);
            if (got && left.fetch_sub(1) == 1) all.set_value();
        });
    }
    all.get_future().wait();
    CHECK(overlaps == 0);
}

TEST_CASE("a callback that blocks for its own client is refused") {
    const client nowhere{"127.0.0.1:1"};
    producer_config hasty, patient;
    hasty.max_block = 20ms;
    patient.close_timeout = 0ms;
    producer first{nowhere, std::move(hasty)};
    producer second{nowhere, std::move(patient)};  // what it is given has not ended when get() looks
    std::promise<errc> blocked;
    first.enqueue(lines, std::string{"x"}).then([&](const result<delivery>&) { blocked.set_value(second.enqueue(lines, std::string{"y"}).get().code()); });
    CHECK(blocked.get_future().get() == errc::would_deadlock);
}

TEST_CASE("flush() ends when the callbacks of what was sent before have returned") {
    real_broker broker;
    producer out{client{broker.bootstrap()}};
    std::promise<void> inside, gate;
    std::atomic<bool> returned{false};
    out.send(lines, std::string{"x"}).then([&](const result<record_metadata>&) {
        inside.set_value();
        gate.get_future().wait();
        returned = true;
    });
    inside.get_future().wait();
    auto flushed = out.flush();
    CHECK(flushed.get_for(20ms).code() == errc::timed_out);
    gate.set_value();
    CHECK(flushed.get());
    CHECK(returned);
}

TEST_CASE("close() with a deadline does not wait for a callback that never returns") {
    real_broker broker;
    std::promise<void> inside, gate;
    producer out{client{broker.bootstrap()}};
    out.send(lines, std::string{"x"}).then([&](const result<record_metadata>&) {
        inside.set_value();
        gate.get_future().wait();
    });
    inside.get_future().wait();
    CHECK(out.close(10ms).get().code() == errc::timed_out);
    gate.set_value();
}

TEST_CASE("a client ends in any state: unused, unreachable, in the middle of sending, from its own callback") {
    { const client unused{"127.0.0.1:1"}; }
    {
        producer_config config;
        config.max_block = 50ms;
        producer out{client{"127.0.0.1:1"}, std::move(config)};
        CHECK(out.send(lines, std::string{"x"}).get().code() == errc::unknown_topic_or_partition);
    }
    real_broker broker;
    for (int i = 0; i < 20; ++i) {
        producer_config config;
        config.close_timeout = i % 2 == 0 ? 0ms : 30'000ms;
        producer out{client{broker.bootstrap()}, std::move(config)};
        auto last = out.send(lines, std::string{"x"});
        for (int k = 0; k < i * 50; ++k) last = out.send(lines, std::string(100, 'y'));
    }
    std::promise<void> dropped;
    {
        auto out = std::make_unique<producer>(client{broker.bootstrap()});
        auto sent = out->send(lines, std::string{"x"});
        sent.then([&dropped, out = std::move(out)](const result<record_metadata>&) mutable {
            out.reset();  // the last handle
            dropped.set_value();
        });
    }
    dropped.get_future().wait();
}

TEST_CASE("an unreachable cluster: the error names the broker that refused") {
    producer_config config;
    config.max_block = 500ms;
    producer out{client{"127.0.0.1:1"}, std::move(config)};
    const auto lost = out.send(lines, std::string{"x"}).get();
    CHECK(lost.code() == errc::unknown_topic_or_partition);
    CHECK(lost.error().message().find("127.0.0.1:1") != std::string::npos);
}

TEST_CASE("completions run where client_config::post takes them") {
    real_broker broker;
    std::promise<function<void()>> taken;
    client_config config;
    config.post = [&](function<void()> step) { taken.set_value(std::move(step)); };
    producer out{client{broker.bootstrap(), std::move(config)}};
    bool ran = false;
    out.send(lines, std::string{"x"}).then([&](const result<record_metadata>& got) { ran = got.has_value(); });
    auto step = taken.get_future().get();
    CHECK_FALSE(ran);
    step();
    CHECK(ran);
}

TEST_CASE("an executor that runs completions at once: they use the client, and never overlap") {
    real_broker broker;
    client_config config;
    config.post = [](function<void()> step) { step(); };
    producer out{client{broker.bootstrap(), std::move(config)}};
    std::atomic<int> inside{0}, overlaps{0}, left{100};
    std::promise<void> all;
    for (int i = 0; i < 100; ++i) {
        out.send(lines, std::string{"x"}).then([&](const result<record_metadata>& first) {
            if (inside.fetch_add(1) != 0) ++overlaps;
            CHECK(first);
            out.send(lines, std::string{"y"}).then([&](const result<record_metadata>& second) {
                CHECK(second);
                if (left.fetch_sub(1) == 1) all.set_value();
            });
            inside.fetch_sub(1);
        });
    }
    all.get_future().wait();
    CHECK(overlaps == 0);
}

TEST_CASE("a completion that throws on the user's executor does not keep the others from running") {
    real_broker broker;
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<function<void()>> posted;
    client_config config;
    config.post = [&](function<void()> step) {
        const std::lock_guard held{mutex};
        posted.push_back(std::move(step));
        changed.notify_one();
    };
    producer out{client{broker.bootstrap(), std::move(config)}};
    out.send(lines, std::string{"x"}).then([](const result<record_metadata>&) { throw std::runtime_error{"the application's"}; });
    bool second = false;
    out.send(lines, std::string{"y"}).then([&](const result<record_metadata>& got) { second = got.has_value(); });
    auto flushed = out.flush();
    int thrown = 0;
    while (!second) {
        std::unique_lock held{mutex};
        changed.wait(held, [&] { return !posted.empty(); });
        auto step = std::move(posted.front());
        posted.pop_front();
        held.unlock();
        try {
            step();
        } catch (const std::runtime_error&) {
            ++thrown;
        }
    }
    CHECK(thrown == 1);
    CHECK(flushed.get());
}

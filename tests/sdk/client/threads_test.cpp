// The client's own threads and the user's, over real sockets, with a broker on a real disk in the same process.
#include "real_broker.hpp"

#include <weir/producer.hpp>


#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <set>
#include <thread>

using namespace weir;
using namespace std::chrono_literals;

namespace {

const topic<none, std::string> lines{"lines"};
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

// A consumer against a whole broker, on simulated machines, in virtual time.
#pragma once
#include "broker_fixture.hpp"

#include <weir/consumer.hpp>
#include <weir/producer.hpp>

#include <optional>

namespace weir::test {

using namespace std::chrono_literals;

using text = std::optional<std::string>;
inline const topic<text, std::string> orders{"orders"};

struct consumer_fixture : broker::test::broker_fixture {
    explicit consumer_fixture(std::uint64_t seed = 1) : broker_fixture(seed) {
        start();
        reconnect();
        open_client();
    }
    ~consumer_fixture() {
        in.reset();
        out.reset();
        kafka.reset();
        world.run_for(1s);
    }
    void open_client() { kafka.emplace(world.loop(desk), world.net(desk), world.random()(), "broker:9092", client_config{}); }
    void open(consumer_config config = consumer_config{}) { in.emplace(*kafka, std::move(config), orders); }
    void reconnect() { wire.emplace(world, desk, endpoint{"broker", 9092}); }

    template <class T>
    result<T> wait(op<T> running, nanoseconds patience = 300s) {
        REQUIRE(world.run_until([&] { return running.ready(); }, patience));
        return running.get();
    }
    /// Sends values "<from>", "<from+1>", ... with keys "k<n>".
    void fill(std::int32_t partition, int from, int count, std::size_t padding = 0) {
        if (!out) {
            out.emplace(*kafka);
            (void)wait(out->enqueue(orders, "", ""), 1ms);
        }
        send_options options;
        options.partition = partition;
        for (int i = from; i < from + count; ++i) (void)out->send(orders, "k" + std::to_string(i), std::to_string(i) + std::string(padding, ' '), options);
        const auto sent = wait(out->flush());
        REQUIRE_MESSAGE(sent, sent.error().message());
    }
    /// Produces over the wire: no client of ours involved.
    void put(std::int32_t partition, const std::vector<std::string>& values, const std::string& topic = "orders") {
        if (wire->closed()) reconnect();
        REQUIRE(produce(*wire, topic, partition, values).error_code == 0);
    }
    static std::vector<std::string> numbers(int from, int count) {
        std::vector<std::string> all;
        for (int i = from; i < from + count; ++i) all.push_back(std::to_string(i));
        return all;
    }
    /// Polls until that many records came.
    template <class K, class V>
    std::vector<record<K, V>> read(consumer<K, V>& from, std::size_t count, nanoseconds patience = 60s) {
        std::vector<record<K, V>> all;
        const auto until = world.now() + patience;
        while (all.size() < count && world.now() < until) {
            auto batch = wait(from.poll(1000ms));
            REQUIRE_MESSAGE(batch, batch.error().message());
            for (const auto& each : *batch) all.push_back(each);
        }
        CHECK(all.size() >= count);
        return all;
    }
    std::vector<record<text, std::string>> read(std::size_t count) { return read(*in, count); }
    template <class K>
    static std::vector<std::string> values(const std::vector<record<K, std::string>>& of) {
        std::vector<std::string> all;
        for (const auto& each : of) all.push_back(each.value);
        return all;
    }

    std::optional<broker::test::wire_client> wire;
    std::optional<client> kafka;
    std::optional<producer> out;
    std::optional<consumer<text, std::string>> in;
};

}  // namespace weir::test

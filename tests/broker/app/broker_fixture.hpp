// A whole broker on a simulated machine, and clients on another.
#pragma once
#include "record_batches.hpp"
#include "wire_client.hpp"

#include <weir/base/log.hpp>
#include <weir/broker/broker_node.hpp>
#include <weir/protocol/messages/create_topics.hpp>
#include <weir/protocol/messages/fetch.hpp>
#include <weir/protocol/messages/produce.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

namespace weir::broker::test {

/// Lines at warn and above, while it lives.
class log_watch {
public:
    log_watch() {
        log::set_sink([lines = lines_](log::level severity, std::string_view logger, std::string_view message) {
            if (severity >= log::level::warn) lines->push_back(std::string{logger} + ": " + std::string{message});
        });
    }
    ~log_watch() { log::set_sink({}); }
    std::size_t count(std::string_view part) const {
        std::size_t found = 0;
        for (const auto& line : *lines_) found += line.find(part) != std::string::npos;
        return found;
    }
    std::string all() const {
        std::string text;
        for (const auto& line : *lines_) text += line + "\n";
        return text;
    }

private:
    std::shared_ptr<std::vector<std::string>> lines_ = std::make_shared<std::vector<std::string>>();
};

struct broker_fixture {
    explicit broker_fixture(std::uint64_t seed = 1) : world(seed) {}
    ~broker_fixture() {
        if (node && world.is_up(machine)) world.kill(machine);
        node.reset();
    }

    sim::world world;
    sim::node_id machine = world.add_node("broker", 2);
    sim::node_id desk = world.add_node("client");
    std::unique_ptr<broker_node> node;
    std::string properties;  ///< the file's text; empty: none, and what tests have in common
    std::vector<std::string> overrides;
    error failure;  ///< what the node told when it could not go on

    static broker_config settings(const std::string& text, const std::vector<std::string>& more) {
        std::vector<std::string> given{"log.dirs=/data"};
        if (text.empty()) given.insert(given.end(), {"listeners=PLAINTEXT://broker:9092", "offsets.topic.num.partitions=4", "group.initial.rebalance.delay.ms=0"});
        given.insert(given.end(), more.begin(), more.end());
        auto parsed = parse_config(text.empty() ? "" : "server.properties", text, given);
        REQUIRE_MESSAGE(parsed, parsed.error().message());
        return std::move(parsed->config);
    }
    std::unique_ptr<broker_node> make(const std::vector<std::string>& more) {
        environment in{{&world.loop(machine, 0), &world.loop(machine, 1)}, world.net(machine), world.disk(machine), world.random()(), "broker"};
        in.usage = [] { return process_usage{std::chrono::seconds{3}, 20 << 20, 12, 1024}; };
        in.slept = [this](std::size_t) { return world.loop(machine).now() - time_point{}; };
        return std::make_unique<broker_node>(settings(properties, more), std::move(in), [this](const error& why) { failure = why; });
    }
    static task<void> run_start(broker_node& which, std::optional<result<void>>& outcome) {
        auto starting = which.start();
        outcome = co_await starting;
    }
    static task<void> run_stop(broker_node& which, bool& done) {
        auto stopping = which.stop();
        static_cast<void>(co_await stopping);
        done = true;
    }
    result<void> start_node(broker_node& which) {
        std::optional<result<void>> outcome;
        world.loop(machine).post([&] { spawn(run_start(which, outcome)); });
        REQUIRE(world.run_until([&] { return outcome.has_value(); }, 60s));
        return *outcome;
    }
    result<void> try_start() {
        node = make(overrides);
        return start_node(*node);
    }
    void start() {
        const auto started = try_start();
        REQUIRE_MESSAGE(started, started.error().message());
    }
    void stop() {
        bool done = false;
        world.loop(machine).post([&] { spawn(run_stop(*node, done)); });
        REQUIRE(world.run_until([&] { return done; }, 60s));
        node.reset();
        new_life();
    }
    /// The process ends (its disk keeps what was written) and the machine is ready for the next one.
    void kill() {
        world.kill(machine);
        node.reset();
        world.restart(machine);
    }
    void power_cut(sim::unsynced what = sim::unsynced::at_random) {
        world.crash(machine, what);
        node.reset();
        world.restart(machine);
    }
    void new_life() {
        world.kill(machine);
        world.restart(machine);
    }
    wire_client connect() { return {world, desk, endpoint{"broker", 9092}}; }

    // --- the usual requests ---
    static std::int16_t create_topic(wire_client& client, const std::string& name, std::int32_t partitions,
                                     const std::vector<std::pair<std::string, std::string>>& configs = {}) {
        protocol::create_topics_request request;
        auto& topic = request.topics.emplace_back();
        topic.name = name;
        topic.num_partitions = partitions;
        topic.replication_factor = 1;
        for (auto& [key, value] : configs) {
            auto& each = topic.configs.emplace_back();
            each.name = key;
            each.value = value;
        }
        return client.call(request, 7).topics.at(0).error_code;
    }
    bytes batch(const std::vector<std::string>& values, const protocol::batch_settings& settings = {}) {
        return weir::test::make_batch(values, world.loop(desk).wall_now(), settings);
    }
    static protocol::produce_request produce_of(const std::string& topic, std::int32_t partition, bytes records, std::int16_t acks = -1) {
        protocol::produce_request request;
        request.acks = acks;
        request.timeout_ms = 30000;
        auto& into = request.topic_data.emplace_back();
        into.name = topic;
        auto& part = into.partition_data.emplace_back();
        part.index = partition;
        part.records = protocol::record_data{std::move(records)};
        return request;
    }
    protocol::produce_response::partition_produce_response produce(wire_client& client, const std::string& topic, std::int32_t partition,
                                                                   const std::vector<std::string>& values, std::int16_t acks = -1) {
        return client.call(produce_of(topic, partition, batch(values), acks), 9).responses.at(0).partition_responses.at(0);
    }
    static protocol::fetch_request fetch_of(const std::string& topic, std::int32_t partition, std::int64_t offset) {
        protocol::fetch_request request;
        request.max_wait_ms = 100;
        request.min_bytes = 1;
        request.max_bytes = 10 << 20;
        auto& from = request.topics.emplace_back();
        from.topic = topic;
        auto& part = from.partitions.emplace_back();
        part.partition = partition;
        part.fetch_offset = offset;
        part.partition_max_bytes = 1 << 20;
        return request;
    }
    /// Everything in a partition, CRC checked.
    static std::vector<std::pair<std::int64_t, std::string>> read_all(wire_client& client, const std::string& topic, std::int32_t partition) {
        std::vector<std::pair<std::int64_t, std::string>> all;
        for (std::int64_t offset = 0;;) {
            const auto answer = client.call(fetch_of(topic, partition, offset), 11);
            REQUIRE(answer.error_code == 0);
            const auto& part = answer.responses.at(0).partitions.at(0);
            REQUIRE(part.error_code == 0);
            const auto found = weir::test::records_of(part.records.memory());
            if (found.empty()) return all;
            all.insert(all.end(), found.begin(), found.end());
            offset = all.back().first + 1;
        }
    }
};

}  // namespace weir::broker::test

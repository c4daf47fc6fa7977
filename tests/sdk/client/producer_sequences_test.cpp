// No record twice and none out of order, whatever becomes of requests, leaders and deadlines.
#include "scripted_log.hpp"

#include <weir/producer.hpp>

using namespace weir;
using namespace std::chrono_literals;
using test::fate;

namespace {

struct sequences_fixture : test::scripted_log {
    explicit sequences_fixture(std::uint64_t seed = 1, int partitions = 2) : scripted_log(3, partitions, seed), partitions_(partitions) {
        client_config of_client;
        of_client.request_timeout = 1s;
        kafka.emplace(world.loop(desk), world.net(desk), seed, "b1:9092", std::move(of_client));
    }
    ~sequences_fixture() {
        out.reset();
        kafka.reset();
        world.run_for(5s);
    }
    void open(producer_config config = producer_config{}) {
        out.emplace(*kafka, std::move(config));
        (void)wait(out->partitions_for("orders"));
    }
    template <class T>
    result<T> wait(op<T> running) {
        REQUIRE(world.run_until([&] { return running.ready(); }, 300s));
        return running.get();
    }
    delivery put(std::int32_t partition, int number) {
        send_options where;
        where.partition = partition;
        return out->send("orders", "", std::to_string(number), where);
    }
    std::uint64_t chance(std::uint64_t of) { return world.random().below(of); }
    /// How often each record is there; and they are in order.
    std::map<int, int> census() const {
        std::map<int, int> seen;
        for (std::int32_t i = 0; i < partitions_; ++i) {
            int last = -1;
            for (const auto& each : values(i)) {
                const auto number = std::stoi(each);
                CHECK(number > last);
                last = number;
                ++seen[number];
            }
        }
        return seen;
    }

    const int partitions_;
    std::optional<client> kafka;
    std::optional<producer> out;
};

}  // namespace

TEST_CASE_FIXTURE(sequences_fixture, "what one partition gives up does not make another's record there twice") {
    producer_config config;
    config.delivery_timeout = 3s;
    open(std::move(config));
    REQUIRE(wait(put(0, 0)));
    REQUIRE(wait(put(1, 1)));
    // Partition 0 takes nothing for longer than a delivery may last; of partition 1 the answers are lost, not the records.
    whim = [](std::int32_t partition, const std::vector<std::string>&) { return partition == 0 ? errc::not_enough_replicas : errc::none; };
    auto late = put(0, 2);
    world.run_for(2500ms);
    fates = [](int broker, protocol::api_key key) {
        fate what;
        what.answered = broker != 2 || key != protocol::api_key::produce;
        return what;
    };
    auto there = put(1, 3);
    world.run_for(1s);
    CHECK(wait(late).code() == errc::timed_out);
    whim = {};
    auto next = put(0, 4);
    world.run_for(500ms);
    fates = {};
    REQUIRE(wait(there));
    REQUIRE(wait(next));
    CHECK(values(0) == std::vector<std::string>{"0", "4"});
    CHECK(values(1) == std::vector<std::string>{"1", "3"});
}

TEST_CASE_FIXTURE(sequences_fixture, "a delivery ends in time though a broker keeps the request") {
    producer_config config;
    config.delivery_timeout = 400ms;
    config.linger = 0ms;
    open(std::move(config));
    REQUIRE(wait(put(0, 0)));
    fates = [](int, protocol::api_key key) {
        fate what;
        if (key == protocol::api_key::produce) what.delay = 900ms;
        return what;
    };
    const auto began = world.now();
    const auto late = wait(put(0, 1));
    CHECK(late.code() == errc::timed_out);
    CHECK(world.now() - began < 500ms);
    world.run_for(1s);
    fates = {};
    REQUIRE(wait(put(0, 2)));
    CHECK(values(0) == std::vector<std::string>{"0", "1", "2"});  // it came too late to be known, and in its place
}

TEST_CASE_FIXTURE(sequences_fixture, "a broker that lost track of several batches under way gets them all, in order") {
    producer_config config;
    config.batch_size = 1;
    open(std::move(config));
    for (int i = 0; i < 5; ++i) REQUIRE(wait(put(0, i)));
    std::vector<delivery> sent;
    bool forgotten = false;
    whim = [&](std::int32_t, const std::vector<std::string>& values) {
        if (std::stoi(values.front()) < 100 || forgotten) return errc::none;
        return errc::out_of_order_sequence_number;
    };
    for (int i = 100; i < 120; ++i) sent.push_back(put(0, i));
    world.run_for(30ms);
    forgotten = true;
    forget_producers(0);
    const auto began = world.now();
    for (auto& each : sent) REQUIRE(wait(std::move(each)));
    CHECK(world.now() - began < 10s);
    CHECK(census().size() == 25);
}

TEST_CASE_FIXTURE(sequences_fixture, "a record that the broker refuses for good leaves those behind it their places") {
    open();
    REQUIRE(wait(put(0, 0)));
    whim = [](std::int32_t, const std::vector<std::string>& values) { return values.front() == "1" ? errc::invalid_record : errc::none; };
    auto bad = put(0, 1);
    world.run_for(200us);
    std::vector<delivery> sent;
    for (int i = 2; i < 8; ++i) {
        sent.push_back(put(0, i));
        world.run_for(200us);
    }
    CHECK(wait(bad).code() == errc::invalid_record);
    for (auto& each : sent) REQUIRE(wait(std::move(each)));
    CHECK(values(0) == std::vector<std::string>{"0", "2", "3", "4", "5", "6", "7"});
}

TEST_CASE("no record twice, none out of order, and none missing that was acknowledged, whatever happens to requests and leaders") {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        CAPTURE(seed);
        sequences_fixture at{seed, 3};
        producer_config config;
        config.delivery_timeout = seed % 3 == 0 ? 120s : 2s;
        config.batch_size = 40;
        config.max_request_size = 400;
        config.buffer_memory = 4'000;
        if (seed % 4 == 1) config.retries = 3;
        at.open(std::move(config));
        bool calm = false;
        at.fates = [&](int, protocol::api_key key) {
            fate what;
            if (calm || key != protocol::api_key::produce) return what;
            if (at.chance(8) == 0) what.delay = milliseconds{static_cast<std::int64_t>(at.chance(2'500))};
            what.heard = at.chance(12) != 0;
            what.answered = at.chance(12) != 0;
            return what;
        };
        at.whim = [&](std::int32_t, const std::vector<std::string>&) {
            if (calm) return errc::none;
            switch (at.chance(20)) {
                case 0: return errc::not_enough_replicas_after_append;
                case 1: return errc::not_enough_replicas;
                case 2: return errc::not_leader_or_follower;
                case 3: return seed % 5 == 0 ? errc::invalid_record : errc::none;
                default: return errc::none;
            }
        };
        at.largest_batch = 300;
        std::vector<delivery> sent;
        for (int i = 0; i < 400; ++i) {
            send_options where;
            where.partition = static_cast<std::int32_t>(at.chance(3));
            auto handed = at.wait(at.out->enqueue(topic<none, std::string>{"orders"}, std::to_string(i), where));
            REQUIRE_MESSAGE(handed, handed.error().message());
            sent.push_back(*std::move(handed));
            if (at.chance(4) == 0) at.world.run_for(std::chrono::microseconds{static_cast<std::int64_t>(at.chance(60'000))});
            if (at.chance(30) == 0) at.leaders["orders"][at.chance(3)] = static_cast<int>(1 + at.chance(3));
        }
        calm = true;
        (void)at.wait(at.out->flush());
        at.world.run_for(5s);  // what brokers have kept comes, too
        at.fates = {};
        at.whim = {};
        auto seen = at.census();
        for (std::size_t i = 0; i < sent.size(); ++i) {
            const auto came = at.wait(sent[i]);
            const auto times = seen[static_cast<int>(i)];
            if (came) CHECK_MESSAGE(times == 1, "record " << i);
            else CHECK_MESSAGE(times <= 1, "record " << i << ": " << came.error().message());
        }
    }
}

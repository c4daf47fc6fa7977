#include "broker_fixture.hpp"

#include <weir/protocol/messages/metadata.hpp>

#include <map>

using namespace weir;
using namespace weir::broker;
using namespace weir::broker::test;
using namespace weir::protocol;

namespace {

uuid id_of_topic(wire_client& client, const std::string& name) {
    metadata_request request;
    request.topics.emplace();
    request.topics->emplace_back().name = name;
    request.allow_auto_topic_creation = false;
    const auto answer = client.call(request, 12);
    REQUIRE(answer.topics.at(0).error_code == 0);
    return answer.topics.at(0).topic_id;
}

}  // namespace

TEST_CASE("a power cut in the middle of writing loses nothing that was acknowledged") {
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        CAPTURE(seed);
        broker_fixture here{seed};
        auto& random = here.world.random();
        here.start();
        here.world.disk(here.machine).set_sync_delay(milliseconds{static_cast<std::int64_t>(random.below(10))});
        const auto cluster = here.node->cluster_id();
        std::map<std::int32_t, std::map<std::int64_t, std::string>> acknowledged;
        uuid topic;
        int number = 0;
        for (int life = 0; life < 3; ++life) {
            CAPTURE(life);
            auto client = here.connect();
            REQUIRE_FALSE(client.closed());
            if (life == 0) {
                REQUIRE(broker_fixture::create_topic(client, "orders", 3) == 0);
                topic = id_of_topic(client, "orders");
            }
            struct sent {
                std::int32_t correlation;
                std::int32_t partition;
                std::vector<std::string> values;
            };
            std::deque<sent> unanswered;
            const auto enough = 5 + random.below(40);
            for (std::uint64_t i = 0; i < enough; ++i) {
                sent next;
                next.partition = static_cast<std::int32_t>(random.below(3));
                for (std::uint64_t n = 0; n <= random.below(4); ++n) next.values.push_back(std::to_string(++number) + std::string(random.below(300), 'x'));
                next.correlation = client.send(broker_fixture::produce_of("orders", next.partition, here.batch(next.values)), 9);
                unanswered.push_back(std::move(next));
                here.world.run_for(std::chrono::microseconds{static_cast<std::int64_t>(random.below(4000))});
                while (client.waiting_frames() > 0) {
                    const auto answer = client.receive<produce_request>(unanswered.front().correlation, 9);
                    REQUIRE(answer);
                    const auto& part = answer->responses.at(0).partition_responses.at(0);
                    REQUIRE(part.error_code == 0);
                    auto offset = part.base_offset;
                    for (auto& value : unanswered.front().values) {
                        const bool fresh = acknowledged[part.index].emplace(offset++, value).second;
                        CHECK(fresh);  // no offset is given twice
                    }
                    unanswered.pop_front();
                }
            }
            client.hang_up();
            if (random.chance(0.3)) here.kill();
            else here.power_cut();
            here.start();
            CHECK(here.node->cluster_id() == cluster);
            auto reader = here.connect();
            CHECK(id_of_topic(reader, "orders") == topic);
            for (const auto& [partition, expected] : acknowledged) {
                CAPTURE(partition);
                const auto found = broker_fixture::read_all(reader, "orders", partition);
                std::int64_t next = 0;
                for (const auto& [offset, value] : found) CHECK(offset == next++);
                for (const auto& [offset, value] : expected) {
                    REQUIRE(offset < static_cast<std::int64_t>(found.size()));
                    CHECK(found[static_cast<std::size_t>(offset)].second == value);
                }
                // Unacknowledged records that came through hold their offsets too.
                CHECK(here.produce(reader, "orders", partition, {"after"}).base_offset == next);
                acknowledged[partition].emplace(next, "after");
            }
        }
    }
}

TEST_CASE("a power cut at any moment of the first start leaves a disk that the next start takes") {
    std::uint64_t changes = 0;
    {
        broker_fixture whole;
        whole.start();
        changes = whole.world.disk(whole.machine).changes();
    }
    REQUIRE(changes > 10);
    for (std::uint64_t until = 0; until < changes; ++until) {
        CAPTURE(until);
        broker_fixture here{until + 1};
        here.world.disk(here.machine).stop_after(until);
        std::optional<result<void>> outcome;
        here.node = here.make({});
        here.world.loop(here.machine).post([&] { spawn(broker_fixture::run_start(*here.node, outcome)); });
        here.world.run_for(10s);
        here.power_cut();
        here.start();
        auto client = here.connect();
        CHECK(broker_fixture::create_topic(client, "orders", 1) == 0);
        CHECK(here.produce(client, "orders", 0, {"a"}).error_code == 0);
    }
}

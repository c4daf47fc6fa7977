// Which broker hears what of a transaction: the coordinators of its id and of a group are rarely the same.
#include "scripted_brokers.hpp"

#include <weir/producer.hpp>
#include <weir/protocol/messages/add_offsets_to_txn.hpp>
#include <weir/protocol/messages/end_txn.hpp>
#include <weir/protocol/messages/init_producer_id.hpp>
#include <weir/protocol/messages/txn_offset_commit.hpp>

using namespace weir;
using namespace std::chrono_literals;
using protocol::api_key;

namespace {

struct routing_fixture : test::scripted_brokers {
    routing_fixture() : scripted_brokers(3) {
        coordinators = {{"writer", 2}, {"readers", 3}};
        on<protocol::init_producer_id_request>([](int, const protocol::init_producer_id_request&) {
            protocol::init_producer_id_response answer;
            answer.producer_id = 7;
            return answer;
        });
        on<protocol::add_offsets_to_txn_request>([](int, const protocol::add_offsets_to_txn_request&) { return protocol::add_offsets_to_txn_response{}; });
        on<protocol::end_txn_request>([](int, const protocol::end_txn_request&) { return protocol::end_txn_response{}; });
        on<protocol::txn_offset_commit_request>([](int broker, const protocol::txn_offset_commit_request& asked) {
            protocol::txn_offset_commit_response answer;
            for (const auto& topic : asked.topics) {
                auto& to = answer.topics.emplace_back();
                to.name = topic.name;
                for (const auto& part : topic.partitions) {
                    auto& each = to.partitions.emplace_back();
                    each.partition_index = part.partition_index;
                    each.error_code = static_cast<std::int16_t>(broker == 3 ? errc::none : errc::not_coordinator);
                }
            }
            return answer;
        });
        kafka.emplace(world.loop(desk), world.net(desk), 7, "b1:9092", client_config{});
        producer_config config;
        config.transactional_id = "writer";
        out.emplace(*kafka, std::move(config));
    }
    ~routing_fixture() {
        out.reset();
        kafka.reset();
        world.run_for(1s);
    }
    template <class T>
    result<T> wait(op<T> running) {
        REQUIRE(world.run_until([&] { return running.ready(); }, 120s));
        return running.get();
    }
    std::optional<client> kafka;
    std::optional<producer> out;
};

}  // namespace

TEST_CASE_FIXTURE(routing_fixture, "positions go to the coordinator of their group, all else to the transaction's") {
    auto open = wait(out->begin());
    REQUIRE_MESSAGE(open, open.error().message());
    const group_metadata readers{.group_id = "readers"};
    const auto added = wait(open->add_offsets(readers, {{.where = {"orders", 0}, .offset = 11}}));
    REQUIRE_MESSAGE(added, added.error().message());
    const auto end = wait(open->commit());
    REQUIRE_MESSAGE(end, end.error().message());
    CHECK(count(3, api_key::txn_offset_commit) == 1);
    CHECK(count(api_key::txn_offset_commit) == 1);
    for (const auto key : {api_key::init_producer_id, api_key::add_offsets_to_txn, api_key::end_txn}) CHECK(count(2, key) == count(key));
}

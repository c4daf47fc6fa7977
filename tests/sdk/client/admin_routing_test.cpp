// Where admin requests go, and what happens when the cluster is in motion.
#include "scripted_brokers.hpp"

#include <weir/admin.hpp>
#include <weir/protocol/messages/create_topics.hpp>
#include <weir/protocol/messages/delete_groups.hpp>
#include <weir/protocol/messages/delete_topics.hpp>
#include <weir/protocol/messages/describe_configs.hpp>
#include <weir/protocol/messages/describe_topic_partitions.hpp>
#include <weir/protocol/messages/init_producer_id.hpp>
#include <weir/protocol/messages/list_groups.hpp>
#include <weir/protocol/messages/list_offsets.hpp>
#include <weir/protocol/messages/offset_fetch.hpp>
#include <weir/protocol/messages/write_txn_markers.hpp>

using namespace weir;
using namespace std::chrono_literals;
using protocol::api_key;

namespace {

struct routing_fixture : test::scripted_brokers {
    routing_fixture() : scripted_brokers(3) {
        kafka.emplace(world.loop(desk), world.net(desk), 7, "b1:9092", client_config{});
        ops.emplace(*kafka);
    }
    ~routing_fixture() {
        ops.reset();
        kafka.reset();
        world.run_for(1s);
    }
    template <class T>
    result<T> wait(op<T> running, nanoseconds patience = 120s) {
        REQUIRE(world.run_until([&] { return running.ready(); }, patience));
        return running.get();
    }
    std::optional<client> kafka;
    std::optional<admin> ops;
};

/// Every partition asked for ends at 100 times the broker that answers; its code is what `code` says.
template <class Code>
auto offsets_by(Code code) {
    return [code](int broker, const protocol::list_offsets_request& asked) {
        protocol::list_offsets_response answer;
        for (const auto& topic : asked.topics) {
            auto& to = answer.topics.emplace_back();
            to.name = topic.name;
            for (const auto& part : topic.partitions) {
                auto& each = to.partitions.emplace_back();
                each.partition_index = part.partition_index;
                each.error_code = static_cast<std::int16_t>(code(broker, part.partition_index));
                each.offset = broker * 100;
            }
        }
        return answer;
    };
}

}  // namespace

TEST_CASE_FIXTURE(routing_fixture, "partitions are asked of their leaders, one request each") {
    leaders = {{"orders", {1, 2, 3, 2}}, {"lines", {3}}};
    on<protocol::list_offsets_request>(offsets_by([](int, std::int32_t) { return errc::none; }));
    const auto found = wait(ops->list_offsets({"orders", "lines"}, at::latest));
    REQUIRE_MESSAGE(found, found.error().message());
    std::map<std::string, std::int64_t> ends;
    for (const auto& [where, outcome] : *found) ends[to_string(where)] = outcome->offset;
    CHECK(ends == std::map<std::string, std::int64_t>{{"lines-0", 300}, {"orders-0", 100}, {"orders-1", 200}, {"orders-2", 300}, {"orders-3", 200}});
    for (int broker = 1; broker <= 3; ++broker) CHECK(count(broker, api_key::list_offsets) == 1);
}

TEST_CASE_FIXTURE(routing_fixture, "a leader that has moved is looked for again, and only its partitions are asked again") {
    leaders = {{"orders", {1, 2}}};
    on<protocol::list_offsets_request>(offsets_by([this](int broker, std::int32_t partition) {
        if (partition == 0 || broker == 3) return errc::none;
        leaders["orders"][1] = 3;
        return errc::not_leader_or_follower;
    }));
    const auto found = wait(ops->list_offsets({"orders"}, at::latest));
    REQUIRE_MESSAGE(found, found.error().message());
    CHECK((*found->find({"orders", 0}))->offset == 100);
    CHECK((*found->find({"orders", 1}))->offset == 300);
    CHECK(count(1, api_key::list_offsets) == 1);
}

TEST_CASE_FIXTURE(routing_fixture, "a partition without a leader is waited for, and named when none comes") {
    leaders = {{"orders", {1, -1}}};
    on<protocol::list_offsets_request>(offsets_by([](int, std::int32_t) { return errc::none; }));
    const auto found = wait(ops->within(3s).list_offsets({"orders"}, at::latest));
    REQUIRE(found);
    CHECK((*found->find({"orders", 0}))->offset == 100);
    const auto& none = *found->find({"orders", 1});
    CHECK(none.code() == errc::timed_out);
    CHECK(none.error().message().find("orders-1 has no leader") != std::string::npos);
}

TEST_CASE_FIXTURE(routing_fixture, "groups go to their coordinators together, and again when one has moved") {
    coordinators = {{"a", 1}, {"b", 2}, {"c", 2}, {"d", 2}};
    on<protocol::delete_groups_request>([this](int broker, const protocol::delete_groups_request& asked) {
        protocol::delete_groups_response answer;
        for (const auto& name : asked.groups_names) {
            auto& each = answer.results.emplace_back();
            each.group_id = name;
            if (name == "c" && broker == 2) {
                coordinators["c"] = 3;
                each.error_code = static_cast<std::int16_t>(errc::not_coordinator);
            }
            if (name == "d") each.error_code = static_cast<std::int16_t>(errc::non_empty_group);
        }
        return answer;
    });
    const auto gone = wait(ops->delete_consumer_groups({"a", "b", "c", "d"}));
    REQUIRE_MESSAGE(gone, gone.error().message());
    CHECK(*gone->find("a"));
    CHECK(*gone->find("b"));
    CHECK(*gone->find("c"));
    CHECK(gone->find("d")->code() == errc::non_empty_group);
    CHECK(count(1, api_key::delete_groups) == 1);
    CHECK(count(2, api_key::delete_groups) == 1);
    CHECK(count(3, api_key::delete_groups) == 1);
}

TEST_CASE_FIXTURE(routing_fixture, "brokers that take one group per request get one") {
    limit(api_key::offset_fetch, 7);
    on<protocol::offset_fetch_request>([](int, const protocol::offset_fetch_request& asked) {
        protocol::offset_fetch_response answer;
        auto& topic = answer.topics.emplace_back();
        topic.name = asked.group_id;
        topic.partitions.emplace_back().committed_offset = 5;
        return answer;
    });
    const auto all = wait(ops->list_consumer_group_offsets({{"a", std::nullopt}, {"b", std::nullopt}}, {}));
    REQUIRE_MESSAGE(all, all.error().message());
    CHECK(count(api_key::offset_fetch) == 2);
    CHECK((*all->find("b"))->front().key.topic == "b");
}

TEST_CASE_FIXTURE(routing_fixture, "every broker tells its groups; one that cannot spoils the whole, and not its neighbours") {
    on<protocol::list_groups_request>([](int broker, const protocol::list_groups_request&) {
        protocol::list_groups_response answer;
        if (broker == 2) answer.error_code = static_cast<std::int16_t>(errc::cluster_authorization_failed);
        else answer.groups.emplace_back().group_id = "of-" + std::to_string(broker);
        return answer;
    });
    const auto whole = wait(ops->list_groups());
    CHECK(whole.code() == errc::cluster_authorization_failed);
    CHECK(whole.error().message().find("broker 2") != std::string::npos);
    const auto each = wait(ops->list_groups_by_broker({}));
    REQUIRE(each);
    CHECK((*each->find(1))->front().group == "of-1");
    CHECK((*each->find(3))->front().group == "of-3");
}

TEST_CASE_FIXTURE(routing_fixture, "before KRaft the controller is found and asked") {
    controller = 3;
    on<protocol::create_topics_request>([](int broker, const protocol::create_topics_request& asked) {
        protocol::create_topics_response answer;
        for (const auto& topic : asked.topics) {
            auto& each = answer.topics.emplace_back();
            each.name = topic.name;
            each.error_code = static_cast<std::int16_t>(broker == 3 ? errc::none : errc::not_controller);
        }
        return answer;
    });
    const auto made = wait(ops->create_topics({{.name = "orders"}, {.name = "lines"}}));
    REQUIRE_MESSAGE(made, made.error().message());
    CHECK(*made);
    CHECK(count(3, api_key::create_topics) == 1);
}

TEST_CASE_FIXTURE(routing_fixture, "a quota that is used up is waited for as long as the broker says, for what it refused") {
    std::vector<std::size_t> asked_for;
    on<protocol::create_topics_request>([&](int, const protocol::create_topics_request& asked) {
        asked_for.push_back(asked.topics.size());
        protocol::create_topics_response answer;
        answer.throttle_time_ms = asked_for.size() == 1 ? 8'000 : 0;
        for (const auto& topic : asked.topics) {
            auto& each = answer.topics.emplace_back();
            each.name = topic.name;
            if (topic.name == "second" && asked_for.size() == 1) each.error_code = static_cast<std::int16_t>(errc::throttling_quota_exceeded);
        }
        return answer;
    });
    const auto began = world.loop(desk).now();
    const auto made = wait(ops->create_topics({{.name = "first"}, {.name = "second"}}));
    REQUIRE(made);
    CHECK(*made);
    CHECK(asked_for == std::vector<std::size_t>{2, 1});
    CHECK(world.loop(desk).now() - began >= 8s);

    asked_for.clear();
    const auto refused = wait(ops->create_topics({{.name = "first"}, {.name = "second"}}, {.retry_on_quota_violation = false}));
    REQUIRE(refused);
    CHECK(refused->find("second")->code() == errc::throttling_quota_exceeded);
}

TEST_CASE_FIXTURE(routing_fixture, "deletions wait for their quota too, unless told otherwise") {
    int asked = 0;
    on<protocol::delete_topics_request>([&](int, const protocol::delete_topics_request& from) {
        protocol::delete_topics_response answer;
        const bool refuses = ++asked == 1;
        answer.throttle_time_ms = refuses ? 8'000 : 0;
        for (const auto& topic : from.topics) {
            auto& each = answer.responses.emplace_back();
            each.name = topic.name;
            each.topic_id = topic.topic_id;
            if (refuses) each.error_code = static_cast<std::int16_t>(errc::throttling_quota_exceeded);
        }
        return answer;
    });
    const auto began = world.loop(desk).now();
    SUBCASE("by name") {
        const auto gone = wait(ops->delete_topics({"orders"}));
        REQUIRE(gone);
        CHECK(*gone);
        CHECK(world.loop(desk).now() - began >= 8s);
        asked = 0;
        const auto refused = wait(ops->delete_topics({"orders"}, {.retry_on_quota_violation = false}));
        REQUIRE(refused);
        CHECK(refused->find("orders")->code() == errc::throttling_quota_exceeded);
    }
    SUBCASE("by id") {
        const uuid id{1, 2};
        const auto gone = wait(ops->delete_topics_by_id({id}));
        REQUIRE(gone);
        CHECK(*gone);
        CHECK(world.loop(desk).now() - began >= 8s);
        asked = 0;
        const auto refused = wait(ops->delete_topics_by_id({id}, {.retry_on_quota_violation = false}));
        REQUIRE(refused);
        CHECK(refused->find(id)->code() == errc::throttling_quota_exceeded);
    }
    CHECK(asked == 1);
}

TEST_CASE_FIXTURE(routing_fixture, "a broker's own settings are asked of it, those of topics of anybody") {
    std::map<int, std::vector<std::string>> asked_of;
    on<protocol::describe_configs_request>([&](int broker, const protocol::describe_configs_request& asked) {
        protocol::describe_configs_response answer;
        for (const auto& resource : asked.resources) {
            asked_of[broker].push_back(resource.resource_name);
            auto& each = answer.results.emplace_back();
            each.resource_type = resource.resource_type;
            each.resource_name = resource.resource_name;
        }
        return answer;
    });
    const auto all = wait(ops->describe_configs({{config_kind::broker, "2"}, {config_kind::broker, "3"}, {config_kind::broker, ""}}));
    REQUIRE_MESSAGE(all, all.error().message());
    CHECK(*all);
    CHECK(asked_of[2].front() == "2");
    CHECK(asked_of[3].front() == "3");
}

TEST_CASE_FIXTURE(routing_fixture, "producers are fenced at the coordinator of their transactional id") {
    coordinators = {{"checkout", 3}};
    int refusals = 2;
    on<protocol::init_producer_id_request>([&](int broker, const protocol::init_producer_id_request& asked) {
        protocol::init_producer_id_response answer;
        CHECK(asked.transactional_id == "checkout");
        if (refusals-- > 0) answer.error_code = static_cast<std::int16_t>(errc::concurrent_transactions);
        answer.producer_id = broker;
        answer.producer_epoch = 5;
        return answer;
    });
    const auto fenced = wait(ops->fence_producers({"checkout"}));
    REQUIRE(fenced);
    REQUIRE_MESSAGE(fenced->front().outcome, fenced->front().outcome.error().message());
    CHECK(fenced->front().outcome->producer_id == 3);
    CHECK(fenced->front().outcome->epoch == 5);
    CHECK(count(3, api_key::init_producer_id) == 3);
}

TEST_CASE_FIXTURE(routing_fixture, "a hanging transaction is aborted at the leader of its partition") {
    leaders = {{"orders", {1, 2}}};
    on<protocol::write_txn_markers_request>([](int, const protocol::write_txn_markers_request& asked) {
        protocol::write_txn_markers_response answer;
        auto& marker = answer.markers.emplace_back();
        auto& topic = marker.topics.emplace_back();
        topic.name = asked.markers.at(0).topics.at(0).name;
        topic.partitions.emplace_back().partition_index = 1;
        CHECK_FALSE(asked.markers.at(0).transaction_result);
        CHECK(asked.markers.at(0).coordinator_epoch == 4);
        return answer;
    });
    const auto aborted = wait(ops->abort_transaction({{"orders", 1}, 17, 2, 4}));
    REQUIRE_MESSAGE(aborted, aborted.error().message());
    CHECK(count(2, api_key::write_txn_markers) == 1);
}

TEST_CASE_FIXTURE(routing_fixture, "a place that an old leader cannot find is refused for that partition alone") {
    leaders = {{"orders", {1, 1}}};
    limit(api_key::list_offsets, 6);
    on<protocol::list_offsets_request>(offsets_by([](int, std::int32_t) { return errc::none; }));
    const auto found = wait(ops->list_offsets({{{"orders", 0}, at::latest}, {{"orders", 1}, at::max_timestamp}}));
    REQUIRE_MESSAGE(found, found.error().message());
    CHECK((*found->find({"orders", 0}))->offset == 100);
    CHECK(found->find({"orders", 1})->code() == errc::unsupported_version);
}

TEST_CASE_FIXTURE(routing_fixture, "pages of topics that lead nowhere end with the topic's name") {
    int asked = 0;
    std::vector<std::pair<std::string, std::int32_t>> cursors;
    on<protocol::describe_topic_partitions_request>(
        [&](int, const protocol::describe_topic_partitions_request& request) {
            protocol::describe_topic_partitions_response answer;
            auto& topic = answer.topics.emplace_back();
            topic.name = request.topics.at(0).name;
            topic.partitions.emplace_back().partition_index = asked;
            const auto& [name, partition] = cursors[std::min(static_cast<std::size_t>(asked++), cursors.size() - 1)];
            auto& next = *(answer.next_cursor = protocol::describe_topic_partitions_response::cursor{});
            next.topic_name = name;
            next.partition_index = partition;
            return answer;
        });
    SUBCASE("to the same place") { cursors = {{"orders", 1}}; }
    SUBCASE("back") { cursors = {{"orders", 1}, {"orders", 0}}; }
    SUBCASE("to a topic before") { cursors = {{"orders", 1}, {"lines", 7}}; }
    const auto began = world.now();
    const auto got = wait(ops->describe_topics({"lines", "orders"}));
    CHECK(got.code() == errc::malformed);
    CHECK(got.error().message().find("orders") != std::string::npos);
    CHECK(asked == 2);
    CHECK(world.now() - began < 5s);
}

// Groups of every kind, with members and without; transactions.
#include "raw.hpp"

#include <weir/protocol/messages/add_partitions_to_txn.hpp>
#include <weir/protocol/messages/consumer_group_heartbeat.hpp>
#include <weir/protocol/messages/consumer_protocol.hpp>
#include <weir/protocol/messages/init_producer_id.hpp>
#include <weir/protocol/messages/join_group.hpp>
#include <weir/protocol/messages/share_group_heartbeat.hpp>
#include <weir/protocol/messages/streams_group_heartbeat.hpp>
#include <weir/protocol/messages/sync_group.hpp>

using namespace weir;
using namespace weir::suite;
using detail::coordinator_kind;

namespace {

using lags = std::map<topic_partition, std::int64_t>;

/// A static member of a classic group that has all `partitions` of `topic`.
void join_classic(const std::string& group, const std::string& topic, std::int32_t partitions, const std::string& instance) {
    protocol::join_group_request join;
    join.group_id = group;
    join.session_timeout_ms = 30'000;
    join.rebalance_timeout_ms = 5'000;
    join.group_instance_id = instance;
    join.protocol_type = "consumer";
    protocol::consumer_protocol_subscription subscription;
    subscription.topics = {topic};
    auto& offered = join.protocols.emplace_back();
    offered.name = "range";
    offered.metadata = *protocol::encode_versioned(subscription, 1);
    auto joined = tell(coordinator_kind::group, group, join);
    REQUIRE(joined.error_code == 0);
    protocol::sync_group_request sync;
    sync.group_id = group;
    sync.generation_id = joined.generation_id;
    sync.member_id = joined.member_id;
    sync.group_instance_id = instance;
    sync.protocol_type = "consumer";
    sync.protocol_name = "range";
    protocol::consumer_protocol_assignment assigned;
    auto& to = assigned.assigned_partitions.emplace_back();
    to.topic = topic;
    for (std::int32_t i = 0; i < partitions; ++i) to.partitions.push_back(i);
    auto& each = sync.assignments.emplace_back();
    each.member_id = joined.member_id;
    each.assignment = *protocol::encode_versioned(assigned, 1);
    REQUIRE(tell(coordinator_kind::group, group, sync).error_code == 0);
}

const group_listing* find(const std::vector<group_listing>& all, const std::string& group) {
    const auto at = std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.group == group; });
    return at == all.end() ? nullptr : &*at;
}

}  // namespace

TEST_CASE("offsets of a group are set, told with their lag, moved and deleted") {
    const auto name = make_topic("read", 2), group = fresh("offsets");
    const topic_partition first{name, 0}, second{name, 1};
    fill(name, 0, 10);
    fill(name, 1, 4);
    succeed(ops().alter_consumer_group_offsets(group, {{first, {.offset = 6, .metadata = "by hand"}}, {second, {.offset = 1}}}));
    const auto committed = get(ops().list_consumer_group_offsets(group));
    CHECK((*committed.find(first))->offset == 6);
    CHECK((*committed.find(first))->metadata == "by hand");
    const auto asked = one(ops().list_consumer_group_offsets({{group, std::vector{first, topic_partition{name, 7}}}}, {.require_stable = true}));
    CHECK((*asked.find(first))->offset == 6);
    CHECK(asked.find({name, 7})->code() == errc::no_offset);
    const auto described = get(ops().describe_group(group));
    CHECK(described.type == group_type::classic);
    CHECK(described.state == group_state::empty);
    CHECK(described.coordinator.port > 0);
    CHECK(described.lag == lags{{first, 4}, {second, 3}});
    get(ops().move_group(group, {name}, at::before_end(1)));
    CHECK(get(ops().describe_group(group)).lag == lags{{first, 1}, {second, 1}});
    get(ops().move_group(group, {name}, at::time(timestamp{1'003s})));
    CHECK(get(ops().describe_group(group)).lag == lags{{first, 7}, {second, 1}});
    succeed(ops().delete_consumer_group_offsets(group, {second}));
    CHECK(get(ops().list_consumer_group_offsets(group)).size() == 1);
    REQUIRE(find(get(ops().list_groups()), group));
    CHECK(find(get(ops().list_groups({.states = {group_state::empty}})), group));
    CHECK_FALSE(find(get(ops().list_groups({.types = {group_type::share}})), group));
    CHECK(find(get(ops().list_consumer_groups()), group));
    get(ops().delete_group(group));
    CHECK_FALSE(find(get(ops().list_groups()), group));
    CHECK(code_of(ops().delete_consumer_groups({group})) == errc::group_id_not_found);
    CHECK(ops().describe_group(group).get().code() == errc::group_id_not_found);
    CHECK(code_of(ops().describe_consumer_groups({group})) == errc::group_id_not_found);
}

TEST_CASE("a classic group with a member is described, is not moved, and loses the member") {
    const auto name = make_topic("classic", 2), group = fresh("classic");
    fill(name, 0, 2);
    join_classic(group, name, 2, "i-1");
    auto described = one(ops().describe_consumer_groups({group}));
    CHECK(described.type == group_type::classic);
    CHECK(described.state == group_state::stable);
    CHECK(described.protocol == "consumer");
    CHECK(described.assignor == "range");
    REQUIRE(described.members.size() == 1);
    CHECK(described.members[0].instance_id == "i-1");
    CHECK(described.members[0].client_id == "weir");
    CHECK(described.members[0].assignment == topic_partitions{{name, 0}, {name, 1}});
    CHECK(one(ops().describe_classic_groups({group}, {.authorized_operations = true})).operations);
    CHECK(ops().move_group(group, {name}, at::earliest).get().code() == errc::non_empty_group);
    CHECK(ops().delete_group(group).get().code() == errc::non_empty_group);
    CHECK(code_of(ops().delete_consumer_group_offsets(group, {{name, 0}})) == errc::group_subscribed_to_topic);
    CHECK(code_of(ops().remove_members_from_consumer_group(group, {.instance_ids = {"i-9"}})) == errc::unknown_member_id);
    succeed(ops().remove_members_from_consumer_group(group, {.instance_ids = {"i-1"}, .reason = "a check"}));
    CHECK(eventually([&] { return one(ops().describe_classic_groups({group})).members.empty(); }));
    join_classic(group, name, 2, "i-2");
    CHECK(all_of(ops().remove_members_from_consumer_group(group, {})).size() == 1);
    CHECK(eventually([&] { return one(ops().describe_classic_groups({group})).state == group_state::empty; }));
}

TEST_CASE("a group of the consumer protocol is described with epochs and targets") {
    const auto name = make_topic("next", 2), group = fresh("next");
    fill(name, 1, 3);
    protocol::consumer_group_heartbeat_request beat;
    beat.group_id = group;
    beat.member_id = fresh("member");
    beat.member_epoch = 0;
    beat.rack_id = "r1";
    beat.rebalance_timeout_ms = 30'000;
    beat.subscribed_topic_names = std::vector{name};
    beat.topic_partitions = std::vector<protocol::consumer_group_heartbeat_request::topic_partitions_data>{};
    // A coordinator that has not heard of the topic yet assigns it at a later heartbeat.
    const topic_partitions all{{name, 0}, {name, 1}};
    REQUIRE(eventually([&] {
        const auto answer = tell(coordinator_kind::group, group, beat);
        if (answer.error_code != 0) return false;  // as while the coordinator is still loading
        beat.member_epoch = answer.member_epoch;
        const auto now = one(ops().describe_consumer_groups({group}));
        return now.members.size() == 1 && now.members[0].target == all;
    }));
    const auto described = one(ops().describe_consumer_groups({group}, {.authorized_operations = true}));
    CHECK(described.type == group_type::consumer);
    CHECK(described.assignor == "uniform");
    CHECK(described.epoch);
    CHECK(described.operations);
    CHECK(described.members[0].rack == "r1");
    CHECK(described.members[0].subscribed_topics == std::vector{name});
    CHECK(described.members[0].upgraded == true);
    const auto* listed = find(get(ops().list_groups({.types = {group_type::consumer}})), group);
    CHECK(listed);
    CHECK(get(ops().describe_group(group)).type == group_type::consumer);
    beat.member_epoch = -1;
    CHECK(tell(coordinator_kind::group, group, beat).error_code == 0);
    get(ops().move_group(group, {name}, at::latest));
    CHECK(get(ops().describe_group(group)).lag == lags{{{name, 0}, 0}, {{name, 1}, 0}});
    succeed(ops().delete_consumer_groups({group}));
}

TEST_CASE("a share group is described, and its offsets set and deleted") {
    const auto name = make_topic("shared", 2), group = fresh("share");
    const topic_partition first{name, 0};
    fill(name, 0, 5);
    protocol::share_group_heartbeat_request beat;
    beat.group_id = group;
    beat.member_id = fresh("member");
    beat.member_epoch = 0;
    beat.subscribed_topic_names = std::vector{name};
    const auto joined = tell(coordinator_kind::group, group, beat);
    INFO(joined.error_message.value_or(""));
    REQUIRE(joined.error_code == 0);
    const auto described = one(ops().describe_share_groups({group}));
    CHECK(described.type == group_type::share);
    CHECK(described.state == group_state::stable);
    REQUIRE(described.members.size() == 1);
    CHECK(described.members[0].subscribed_topics == std::vector{name});
    CHECK(code_of(ops().delete_share_groups({group})) == errc::non_empty_group);
    // Nothing is known of a partition before the group's state of it is initialised, which a heartbeat asks for, and asks again.
    beat.member_epoch = joined.member_epoch;
    CHECK(eventually([&] {
        const auto kept = tell(coordinator_kind::group, group, beat);
        CHECK(kept.error_code == 0);
        beat.member_epoch = kept.member_epoch;
        return one(ops().list_share_group_offsets({{group, std::nullopt}})).size() == 2;
    }));
    beat.member_epoch = -1;
    REQUIRE(tell(coordinator_kind::group, group, beat).error_code == 0);
    succeed(ops().alter_share_group_offsets(group, {{first, 2}}));
    const auto offsets = one(ops().list_share_group_offsets({{group, std::vector{first}}}));
    REQUIRE(offsets.front().outcome);
    CHECK(offsets.front().outcome->start == 2);
    CHECK(get(ops().describe_group(group)).type == group_type::share);
    CHECK(find(get(ops().list_groups({.types = {group_type::share}})), group));
    succeed(ops().delete_share_group_offsets(group, {name}));
    succeed(ops().delete_share_groups({group}));
    CHECK(code_of(ops().describe_share_groups({group})) == errc::group_id_not_found);
}

TEST_CASE("a streams group is described with its topology and tasks") {
    const auto name = make_topic("input", 2), group = fresh("app");
    using heartbeat = protocol::streams_group_heartbeat_request;
    heartbeat beat;
    beat.group_id = group;
    beat.member_id = fresh("member");
    beat.member_epoch = 0;
    beat.rebalance_timeout_ms = 30'000;
    beat.process_id = "process-1";
    beat.topology = heartbeat::topology_data{};
    beat.topology->epoch = 0;
    auto& part = beat.topology->subtopologies.emplace_back();
    part.subtopology_id = "0";
    part.source_topics = {name};
    beat.active_tasks = std::vector<heartbeat::task_ids>{};
    beat.standby_tasks = std::vector<heartbeat::task_ids>{};
    beat.warmup_tasks = std::vector<heartbeat::task_ids>{};
    beat.client_tags = std::vector<heartbeat::key_value>{};
    const auto joined = tell(coordinator_kind::group, group, beat);
    INFO(joined.error_message.value_or(""));
    REQUIRE(joined.error_code == 0);
    REQUIRE(eventually([&] { return one(ops().describe_streams_groups({group})).members.size() == 1; }));
    const auto described = one(ops().describe_streams_groups({group}));
    CHECK(described.type == group_type::streams);
    REQUIRE(described.subtopologies.size() == 1);
    CHECK(described.subtopologies[0].source_topics == std::vector{name});
    REQUIRE(described.members[0].streams);
    CHECK(described.members[0].streams->process_id == "process-1");
    CHECK(get(ops().describe_group(group)).type == group_type::streams);
    heartbeat leave;
    leave.group_id = group;
    leave.member_id = beat.member_id;
    leave.member_epoch = -1;
    REQUIRE(tell(coordinator_kind::group, group, leave).error_code == 0);
    succeed(ops().alter_streams_group_offsets(group, {{{name, 0}, {.offset = 0}}}));
    CHECK(one(ops().list_streams_group_offsets({{group, std::nullopt}}, {})).size() == 1);
    succeed(ops().delete_streams_group_offsets(group, {{name, 0}}));
    succeed(ops().delete_streams_groups({group}));
}

TEST_CASE("transactions are listed, described, fenced and terminated") {
    get(ops().list_transactions());  // leaves the check out where there are none
    const auto name = make_topic("paid", 1), id = fresh("checkout");
    const auto begin = [&] {
        protocol::init_producer_id_request init;
        init.transactional_id = id;
        init.transaction_timeout_ms = 60'000;
        protocol::init_producer_id_response made;
        REQUIRE(eventually([&] {
            made = tell(coordinator_kind::transaction, id, init, 5);
            return made.error_code == 0;
        }));
        protocol::add_partitions_to_txn_request add;
        add.v3_and_below_transactional_id = id;
        add.v3_and_below_producer_id = made.producer_id;
        add.v3_and_below_producer_epoch = made.producer_epoch;
        auto& topic = add.v3_and_below_topics.emplace_back();
        topic.name = name;
        topic.partitions = {0};
        REQUIRE(eventually([&] { return tell(coordinator_kind::transaction, id, add, 3).results_by_topic_v3_and_below.at(0).results_by_partition.at(0).partition_error_code == 0; }));
        return made;
    };
    const auto made = begin();
    const auto described = one(ops().describe_transactions({id}));
    CHECK(described.state == transaction_state::ongoing);
    CHECK(described.producer_id == made.producer_id);
    CHECK(described.timeout == 60s);
    CHECK(described.started);
    CHECK(described.coordinator >= 0);
    CHECK(described.partitions == std::set<topic_partition>{{name, 0}});
    CHECK(code_of(ops().describe_transactions({fresh("nobody")})) == errc::transactional_id_not_found);
    list_transactions_options mine;
    mine.states = {transaction_state::ongoing};
    mine.transactional_id_pattern = id + ".*";
    const auto listed = get(ops().list_transactions(mine));
    REQUIRE(listed.size() == 1);
    CHECK(listed[0].transactional_id == id);
    CHECK(listed[0].coordinator == described.coordinator);
    mine.running_longer_than = 1h;
    CHECK(get(ops().list_transactions(mine)).empty());

    const auto fenced = one(ops().fence_producers({id}));
    CHECK(fenced.producer_id == made.producer_id);
    CHECK(fenced.epoch > made.producer_epoch);
    CHECK(eventually([&] { return one(ops().describe_transactions({id})).state != transaction_state::ongoing; }));
    begin();
    get(ops().force_terminate_transaction(id));
    CHECK(eventually([&] { return one(ops().describe_transactions({id})).state != transaction_state::ongoing; }));
    // Nobody has written: there is nothing to abort in the partition, and the leader says so.
    const auto aborted = ops().abort_transaction({{name, 0}, made.producer_id, -1, 0}).get();
    CHECK_FALSE(aborted);
    CHECK(aborted.error().partition() == 0);
}

// Topics, settings, partitions, replicas.
#include "suite.hpp"

using namespace weir;
using namespace weir::suite;

namespace {

const config_entry& entry(const std::vector<config_entry>& all, const std::string& name) {
    const auto at = std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.name == name; });
    REQUIRE_MESSAGE(at != all.end(), name);
    return *at;
}
std::optional<std::string> value_of(const config_resource& which, const std::string& name) {
    for (const auto& each : one(ops().describe_configs({which}))) {
        if (each.name == name) return each.value;
    }
    return std::nullopt;
}

}  // namespace

TEST_CASE("topics are made with settings and assignments, described, grown and deleted") {
    const auto name = fresh("made"), other = fresh("assigned"), dry = fresh("dry");
    const auto made = all_of(ops().create_topics({{.name = name, .partitions = 3, .replication = 1, .config = {.retention = 24h, .cleanup = cleanup::compact}},
                                                  {.name = other, .assignments = {{brokers().front()}, {brokers().back()}}}}));
    CHECK_FALSE((*made.find(name))->id.is_zero());
    CHECK((*made.find(name))->partitions == 3);
    CHECK((*made.find(other))->partitions == 2);
    CHECK(entry((*made.find(name))->configs, "retention.ms").value == "86400000");
    succeed(ops().create_topics({{.name = dry}}, {.validate_only = true}));
    CHECK(code_of(ops().create_topics({{.name = name}})) == errc::topic_already_exists);
    CHECK(code_of(ops().create_topics({{.name = "no spaces"}})) == errc::invalid_topic);

    REQUIRE(eventually([&] { return bool{*ops().describe_topics({name, other}).get()}; }));
    const auto described = get(ops().describe_topics({name, dry, other}, {.authorized_operations = true}));
    CHECK(described.find(dry)->code() == errc::unknown_topic_or_partition);
    const auto& topic = *described.find(name);
    CHECK(topic->id == (*made.find(name))->id);
    REQUIRE(topic->partitions.size() == 3);
    CHECK(topic->partitions[2].replicas.size() == 1);
    CHECK(topic->partitions[2].in_sync == topic->partitions[2].replicas);
    CHECK((*described.find(other))->partitions[1].replicas == broker_ids{brokers().back()});
    CHECK(one(ops().describe_topics_by_id({topic->id})).name == name);
    CHECK(code_of(ops().describe_topics_by_id({uuid{1, 2}})) == errc::unknown_topic_id);

    get(ops().create_partitions(name, 5));
    CHECK(eventually([&] { return one(ops().describe_topics({name})).partitions.size() == 5; }));
    CHECK(ops().create_partitions(name, 2).get().code() == errc::invalid_partitions);
    const auto listed = get(ops().list_topics());
    CHECK(std::any_of(listed.begin(), listed.end(), [&](const auto& each) { return each.name == name && each.id == topic->id; }));
    succeed(ops().delete_topics({name}));
    succeed(ops().delete_topics_by_id({(*described.find(other))->id}));
    CHECK(eventually([&] { return (*ops().describe_topics({name}).get()).first_error().code() == errc::unknown_topic_or_partition; }));
}

TEST_CASE("what one may do with a topic is told when asked for") {
    const auto name = make_topic("allowed", 1);
    CHECK_FALSE(one(ops().describe_topics({name})).operations);
    const auto topic = one(ops().describe_topics({name}, {.authorized_operations = true}));
    if (!on_apache()) return;
    REQUIRE(topic.operations);
    CHECK(std::find(topic.operations->begin(), topic.operations->end(), operation::remove) != topic.operations->end());
}

TEST_CASE("many partitions are described page by page") {
    const auto name = make_topic("pages", 23);
    const auto topic = one(ops().describe_topics({name}, {.partitions_per_answer = 5}));
    REQUIRE(topic.partitions.size() == 23);
    for (int i = 0; i < 23; ++i) CHECK(topic.partitions[static_cast<std::size_t>(i)].id == i);
}

TEST_CASE("settings of topics are changed one by one, tried out, and told with where they come from") {
    const auto name = make_topic("settings", 1);
    const config_resource topic{config_kind::topic, name};
    get(ops().alter_topic_config(name, {.retention = 48h, .cleanup = cleanup::compact}));
    CHECK(eventually([&] { return value_of(topic, "retention.ms") == "172800000"; }));
    succeed(ops().incremental_alter_configs({{topic, {{"retention.ms", "1"}}}}, {.validate_only = true}));
    succeed(ops().incremental_alter_configs({{topic, {{"cleanup.policy", "delete", config_change::action::append}}}}));
    CHECK(eventually([&] { return value_of(topic, "cleanup.policy") == "compact,delete"; }));
    succeed(ops().incremental_alter_configs({{topic, {{"cleanup.policy", "compact", config_change::action::subtract}, {"retention.ms", "", config_change::action::remove}}}}));
    CHECK(eventually([&] { return value_of(topic, "cleanup.policy") == "delete" && value_of(topic, "retention.ms") == "604800000"; }));
    const auto all = one(ops().describe_configs({topic}, {.synonyms = true, .documentation = true}));
    const auto& policy = entry(all, "cleanup.policy");
    CHECK(policy.source == config_source::dynamic_topic);
    CHECK(policy.type == config_type::list);
    CHECK(policy.synonyms.size() >= 2);
    CHECK_FALSE(policy.documentation.empty());
    CHECK(code_of(ops().incremental_alter_configs({{topic, {{"retention.ms", "soon"}}}})) == errc::invalid_config);
    CHECK(code_of(ops().describe_configs({{config_kind::topic, fresh("nobody")}})) == errc::unknown_topic_or_partition);
}

TEST_CASE("settings of brokers, their common defaults, loggers, groups and client metrics are changed") {
    const auto id = std::to_string(brokers().back());
    get(ops().alter_broker_config(brokers().back(), {{"log.retention.ms", "86400001"}}));
    CHECK(eventually([&] { return value_of({config_kind::broker, id}, "log.retention.ms") == "86400001"; }));
    get(ops().alter_broker_config(brokers().back(), {}, {"log.retention.ms"}));
    succeed(ops().incremental_alter_configs({{{config_kind::broker, ""}, {{"message.max.bytes", "2000000"}}}}));
    CHECK(eventually([&] { return value_of({config_kind::broker, id}, "message.max.bytes") == "2000000"; }));
    succeed(ops().incremental_alter_configs({{{config_kind::broker, ""}, {{"message.max.bytes", "", config_change::action::remove}}}}));
    if (!on_apache()) return;
    CHECK_FALSE(one(ops().describe_configs({{config_kind::broker_logger, id}})).empty());
    const auto group = fresh("group"), metrics = fresh("metrics");
    succeed(ops().incremental_alter_configs({{{config_kind::group, group}, {{"consumer.session.timeout.ms", "46000"}}},
                                            {{config_kind::client_metrics, metrics}, {{"metrics", "org.apache.kafka."}, {"interval.ms", "60000"}}}}));
    CHECK(eventually([&] { return value_of({config_kind::group, group}, "consumer.session.timeout.ms") == "46000"; }));
    CHECK(eventually([&] {
        const auto names = get(ops().list_client_metrics_resources());
        return std::find(names.begin(), names.end(), metrics) != names.end();
    }));
    const auto everything = get(ops().list_config_resources());
    for (const auto& each : {config_resource{config_kind::group, group}, config_resource{config_kind::client_metrics, metrics}})
        CHECK(std::find(everything.begin(), everything.end(), each) != everything.end());
}

TEST_CASE("offsets are found at every place, on every leader") {
    const auto name = make_topic("places", 4);
    fill(name, 0, 10);
    fill(name, 1, 3);
    const auto at_place = [&](at::position where) {
        std::map<std::int32_t, std::int64_t> found;
        for (const auto& [key, outcome] : all_of(ops().list_offsets({name}, where))) found[key.partition] = outcome->offset;
        return found;
    };
    using offsets = std::map<std::int32_t, std::int64_t>;
    CHECK(at_place(at::earliest) == offsets{{0, 0}, {1, 0}, {2, 0}, {3, 0}});
    CHECK(at_place(at::latest) == offsets{{0, 10}, {1, 3}, {2, 0}, {3, 0}});
    CHECK(at_place(at::before_end(4)) == offsets{{0, 6}, {1, 0}, {2, 0}, {3, 0}});
    CHECK(at_place(at::time(timestamp{1'002s})) == offsets{{0, 2}, {1, 2}, {2, -1}, {3, -1}});
    CHECK(at_place(at::max_timestamp) == offsets{{0, 9}, {1, 2}, {2, -1}, {3, -1}});
    const auto committed = all_of(ops().list_offsets({name}, at::latest, isolation::read_committed));
    CHECK((*committed.find({name, 0}))->offset == 10);
    CHECK(code_of(ops().list_offsets({{{fresh("nobody"), 0}, at::latest}})) == errc::unknown_topic_or_partition);
    if (on_apache()) CHECK(at_place(at::earliest_local) == offsets{{0, 0}, {1, 0}, {2, 0}, {3, 0}});
}

TEST_CASE("records are deleted up to an offset") {
    const auto name = make_topic("cut", 2);
    fill(name, 0, 10);
    fill(name, 1, 3);
    const auto cut = get(ops().delete_records({{{name, 0}, 4}, {{name, 1}, 99}}));
    CHECK(**cut.find({name, 0}) == 4);
    CHECK(cut.find({name, 1})->code() == errc::offset_out_of_range);
    CHECK(get(ops().delete_records({name, 0}, at::latest)) == 10);
}

TEST_CASE("producers of a partition are described") {
    const auto name = make_topic("producers", 1);
    fill(name, 0, 3);
    const auto states = one(ops().describe_producers({{name, 0}}));
    REQUIRE(states.size() == 1);
    CHECK(states.front().last_sequence == 2);
    CHECK(states.front().epoch == 0);
    CHECK(states.front().last_time);
    CHECK_FALSE(states.front().transaction_start);
    CHECK(one(ops().describe_producers({{name, 0}}, one(ops().describe_topics({name})).partitions[0].leader)).size() == 1);
}

TEST_CASE("log directories, and where in them a replica is") {
    const auto name = make_topic("dirs", 1);
    fill(name, 0, 3);
    const auto leader = one(ops().describe_topics({name})).partitions[0].leader;
    const auto dirs = one(ops().describe_log_dirs({leader}));
    REQUIRE_FALSE(dirs.empty());
    CHECK(dirs.front().total_bytes);
    CHECK(dirs.front().replicas.at({name, 0}).bytes > 0);
    const topic_partition_replica replica{name, 0, leader};
    CHECK(one(ops().describe_replica_log_dirs({replica})).current == dirs.front().path);
    CHECK(code_of(ops().alter_replica_log_dirs({{replica, "/no/such/directory"}})) == errc::log_dir_not_found);
    succeed(ops().alter_replica_log_dirs({{replica, dirs.front().path}}));
}

TEST_CASE("replicas are moved, and leaders elected") {
    const auto name = make_topic("moved", 1);
    const topic_partition where{name, 0};
    const auto from = one(ops().describe_topics({name})).partitions[0].leader;
    CHECK(code_of(ops().alter_partition_reassignments({{where, std::nullopt}})) == errc::no_reassignment_in_progress);
    CHECK(code_of(ops().elect_leaders(election::preferred, std::vector{where})) == errc::election_not_needed);
    CHECK(get(ops().elect_leaders(election::preferred, std::nullopt)));
    if (brokers().size() < 2) return;
    const auto to = brokers().front() == from ? brokers().back() : brokers().front();
    succeed(ops().alter_partition_reassignments({{where, broker_ids{to, from}}}));
    CHECK(eventually([&] { return get(ops().list_partition_reassignments({where})).empty(); }));
    CHECK(get(ops().list_partition_reassignments()).empty());
    CHECK(one(ops().describe_topics({name})).partitions[0].replicas == broker_ids{to, from});
    const auto elected = get(ops().elect_leaders(election::preferred, std::vector{where}));
    const auto code = elected.front().outcome.code();
    CHECK((code == errc::none || code == errc::election_not_needed));
    CHECK(eventually([&] { return one(ops().describe_topics({name})).partitions[0].leader == to; }));
    CHECK(code_of(ops().alter_partition_reassignments({{where, broker_ids{to}}}, {.allow_replication_factor_change = false})) == errc::invalid_replication_factor);
    CHECK(code_of(ops().alter_partition_reassignments({{where, broker_ids{to, 9999}}})) == errc::invalid_replica_assignment);
}

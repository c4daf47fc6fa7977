// Administration of a whole broker, on simulated machines.
#include "broker_fixture.hpp"
#include "topics.hpp"

#include <weir/admin.hpp>
#include <weir/producer.hpp>

using namespace weir;
using namespace std::chrono_literals;

namespace {

using test::orders;

struct admin_fixture : broker::test::broker_fixture {
    explicit admin_fixture(bool up = true) {
        if (up) start();
        kafka.emplace(world.loop(desk), world.net(desk), world.random()(), "broker:9092", client_config{});
        ops.emplace(*kafka);
    }
    ~admin_fixture() {
        ops.reset();
        kafka.reset();
        world.run_for(1s);
    }
    template <class T>
    result<T> wait(op<T> running, nanoseconds patience = 300s) {
        REQUIRE(world.run_until([&] { return running.ready(); }, patience));
        return running.get();
    }
    /// What must go well.
    template <class T>
    T get(op<T> running) {
        auto got = wait(std::move(running));
        REQUIRE_MESSAGE(got, got.error().message());
        return *std::move(got);
    }
    void done(op<> running) {
        const auto got = wait(std::move(running));
        REQUIRE_MESSAGE(got, got.error().message());
    }
    void create(const std::string& name, std::int32_t partitions) {
        const auto made = get(ops->create_topics({{.name = name, .partitions = partitions, .replication = 1}}));
        REQUIRE_MESSAGE(made, made.first_error().message());
    }
    /// As many records in each of the first partitions, a second apart.
    void fill(const std::vector<int>& counts) {
        auto wire = connect();
        for (std::size_t partition = 0; partition < counts.size(); ++partition) {
            for (int i = 0; i < counts[partition]; ++i) {
                const auto batch = weir::test::make_batch({"v"}, 1'000'000 + 1'000 * i);
                REQUIRE(wire.call(produce_of("orders", static_cast<std::int32_t>(partition), batch), 9).responses.at(0).partition_responses.at(0).error_code == 0);
            }
        }
    }
    std::map<topic_partition, std::int64_t> offsets_at(at::position where) {
        std::map<topic_partition, std::int64_t> found;
        for (const auto& [key, outcome] : get(ops->list_offsets({"orders"}, where))) {
            REQUIRE_MESSAGE(outcome, outcome.error().message());
            found[key] = outcome->offset;
        }
        return found;
    }
    std::int64_t offset_at(at::position where) { return offsets_at(where).at(orders[0]); }

    std::optional<client> kafka;
    std::optional<admin> ops;
};

const config_entry& entry(const std::vector<config_entry>& all, const std::string& name) {
    const auto at = std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.name == name; });
    REQUIRE_MESSAGE(at != all.end(), name << " is not among the settings");
    return *at;
}

}  // namespace

TEST_CASE_FIXTURE(admin_fixture, "topics come, and each has its own answer") {
    auto made = get(ops->create_topics({{.name = "orders", .partitions = 3, .replication = 1, .config = {.retention = 24h, .min_insync_replicas = 1}},
                                        {.name = "not/allowed", .partitions = 1, .replication = 1},
                                        {.name = "everywhere", .partitions = 1, .replication = 7}}));
    REQUIRE(made.size() == 3);
    CHECK_FALSE(made);
    const auto& orders_made = *made.find("orders");
    REQUIRE_MESSAGE(orders_made, orders_made.error().message());
    CHECK_FALSE(orders_made->id.is_zero());
    CHECK(orders_made->partitions == 3);
    CHECK(orders_made->replication == 1);
    CHECK(entry(orders_made->configs, "retention.ms").value == "86400000");
    CHECK(made.find("not/allowed")->code() == errc::invalid_topic);
    CHECK(made.find("everywhere")->code() == errc::invalid_replication_factor);

    const auto again = get(ops->create_topics({{.name = "orders", .partitions = 3, .replication = 1}}));
    CHECK(again.first_error().code() == errc::topic_already_exists);
    CHECK(again.first_error().message().find("orders") != std::string::npos);
}

TEST_CASE_FIXTURE(admin_fixture, "topics are listed, described by name and by id, grown and deleted") {
    create("orders", 2);
    create("profiles", 1);
    const auto listed = get(ops->list_topics());
    REQUIRE(listed.size() == 2);
    CHECK(listed[0].name == "orders");

    const auto described = get(ops->describe_topics({"profiles", "nobody", "orders"}));
    REQUIRE(described.size() == 3);
    CHECK(described.begin()[0].key == "profiles");
    CHECK(described.begin()[1].outcome.code() == errc::unknown_topic_or_partition);
    const auto& topic = described.begin()[2].outcome;
    REQUIRE(topic);
    REQUIRE(topic->partitions.size() == 2);
    CHECK(topic->partitions[1].id == 1);
    CHECK(topic->partitions[1].leader == 1);
    CHECK(topic->partitions[1].replicas == broker_ids{1});
    CHECK(topic->partitions[1].in_sync == broker_ids{1});

    const auto by_id = get(ops->describe_topics_by_id({listed[0].id, uuid{1, 2}}));
    REQUIRE(by_id.begin()[0].outcome);
    CHECK(by_id.begin()[0].outcome->name == "orders");
    CHECK(by_id.begin()[1].outcome.code() == errc::unknown_topic_id);

    done(ops->create_partitions("orders", 5));
    CHECK(get(ops->describe_topics({"orders"})).front().outcome->partitions.size() == 5);
    const auto shrunk = wait(ops->create_partitions("orders", 1));
    CHECK(shrunk.code() == errc::invalid_partitions);

    CHECK(get(ops->delete_topics({"profiles"})));
    CHECK(get(ops->delete_topics_by_id({listed[0].id})));
    CHECK(get(ops->delete_topics({"profiles"})).first_error().code() == errc::unknown_topic_or_partition);
    CHECK(get(ops->list_topics()).empty());
}

TEST_CASE_FIXTURE(admin_fixture, "descriptions of many partitions come in pages") {
    create("orders", 25);
    create("lines", 7);
    const auto described = get(ops->describe_topics({"orders", "lines"}, {.partitions_per_answer = 4}));
    CHECK((*described.find("orders"))->partitions.size() == 25);
    CHECK((*described.find("lines"))->partitions.size() == 7);
    for (std::size_t i = 0; i < 25; ++i) CHECK((*described.find("orders"))->partitions[i].id == static_cast<std::int32_t>(i));
}

TEST_CASE_FIXTURE(admin_fixture, "settings are described, changed and returned to their defaults") {
    create("orders", 1);
    done(ops->alter_topic_config("orders", {.retention = 48h, .cleanup = cleanup::compact_and_remove, .extra = {{"segment.bytes", "1048576"}}}));
    auto all = get(ops->describe_topic_config("orders"));
    CHECK(entry(all, "retention.ms").value == "172800000");
    CHECK(entry(all, "retention.ms").source == config_source::dynamic_topic);
    CHECK(entry(all, "retention.ms").type == config_type::int64);
    CHECK(entry(all, "cleanup.policy").value == "compact,delete");
    CHECK(entry(all, "min.insync.replicas").source != config_source::dynamic_topic);

    done(ops->alter_topic_config("orders", {}, {"retention.ms"}));
    all = get(ops->describe_topic_config("orders"));
    CHECK(entry(all, "retention.ms").value == "604800000");
    CHECK(entry(all, "segment.bytes").value == "1048576");

    const auto refused = wait(ops->alter_topic_config("orders", {.extra = {{"segment.bytes", "tiny"}}}));
    CHECK(refused.code() == errc::invalid_config);
    CHECK(refused.error().message().find("segment.bytes") != std::string::npos);

    const auto synonyms = get(ops->describe_configs({{config_kind::topic, "orders"}, {config_kind::broker, "1"}}, {.synonyms = true, .documentation = true}));
    REQUIRE_MESSAGE(synonyms, synonyms.first_error().message());
    CHECK(entry(*synonyms.begin()[0].outcome, "segment.bytes").synonyms.size() >= 2);
    CHECK_FALSE(entry(*synonyms.begin()[0].outcome, "segment.bytes").documentation.empty());
    CHECK(entry(*synonyms.begin()[1].outcome, "node.id").value == "1");
    CHECK(get(ops->describe_configs({{config_kind::topic, "orders"}}, {.names = {"retention.ms"}})).front().outcome->size() == 1);
    CHECK_FALSE(get(ops->list_config_resources({config_kind::topic})).empty());
}

TEST_CASE_FIXTURE(admin_fixture, "offsets are found at every place") {
    create("orders", 2);
    fill({10, 4});
    CHECK(offsets_at(at::earliest) == std::map<topic_partition, std::int64_t>{{orders[0], 0}, {orders[1], 0}});
    CHECK(offsets_at(at::latest) == std::map<topic_partition, std::int64_t>{{orders[0], 10}, {orders[1], 4}});
    CHECK(offsets_at(at::before_end(5)) == std::map<topic_partition, std::int64_t>{{orders[0], 5}, {orders[1], 0}});
    CHECK(offset_at(at::offset(7)) == 7);
    CHECK(offset_at(at::time(timestamp{1'003'000ms})) == 3);
    CHECK(offset_at(at::time(timestamp{1'002'001ms})) == 3);
    CHECK(offset_at(at::time(timestamp{2'000'000ms})) == -1);
    CHECK(offset_at(at::max_timestamp) == 9);
    const auto now = world.loop(desk).wall_now();
    CHECK(offset_at(at::ago(duration{now - 1'003'500})) == 4);

    const auto found = get(ops->list_offsets({{orders[1], at::max_timestamp}}));
    CHECK(found.front().outcome->time == timestamp{1'003'000ms});
    CHECK(wait(ops->list_offsets({{orders[0], at::committed}})).code() == errc::invalid_request);
}

TEST_CASE_FIXTURE(admin_fixture, "a partition that nobody knows is asked for a few times, not for a minute") {
    create("orders", 1);
    const auto began = world.loop(desk).now();
    const auto found = get(ops->list_offsets({{orders[0], at::latest}, {orders[9], at::latest}, {{"nobody", 0}, at::latest}}));
    CHECK(found.begin()[0].key == topic_partition{"nobody", 0});
    CHECK(found.begin()[0].outcome.code() == errc::unknown_topic_or_partition);
    CHECK(found.begin()[1].outcome);
    CHECK(found.begin()[2].outcome.code() == errc::unknown_topic_or_partition);
    CHECK(found.begin()[2].outcome.error().topic() == "orders");
    CHECK(found.begin()[2].outcome.error().partition() == 9);
    CHECK(world.loop(desk).now() - began < 5s);
    CHECK(wait(ops->list_offsets({"nobody"}, at::latest)).code() == errc::unknown_topic_or_partition);
}

TEST_CASE_FIXTURE(admin_fixture, "records before an offset are deleted") {
    create("orders", 2);
    fill({10, 4});
    const auto cut = get(ops->delete_records({{orders[0], 3}, {orders[1], 99}}));
    CHECK(**cut.find(orders[0]) == 3);
    CHECK(cut.find(orders[1])->code() == errc::offset_out_of_range);
    CHECK(get(ops->delete_records(orders[0], at::before_end(2))) == 8);
    CHECK(get(ops->delete_records(orders[1], at::latest)) == 4);
    CHECK(offsets_at(at::earliest) == std::map<topic_partition, std::int64_t>{{orders[0], 8}, {orders[1], 4}});
}

TEST_CASE_FIXTURE(admin_fixture, "the offsets of a group are set, told with their lag, moved and deleted") {
    create("orders", 2);
    fill({10, 4});
    CHECK(get(ops->alter_consumer_group_offsets("printer", {{orders[0], {.offset = 6, .metadata = "by hand"}}, {orders[1], {.offset = 1}}})));
    const auto listed = get(ops->list_groups());
    REQUIRE(listed.size() == 1);
    CHECK(listed[0].group == "printer");
    CHECK(listed[0].state == group_state::empty);

    auto committed = get(ops->list_consumer_group_offsets("printer"));
    CHECK((*committed.find(orders[0]))->offset == 6);
    CHECK((*committed.find(orders[0]))->metadata == "by hand");
    const auto asked = get(ops->list_consumer_group_offsets({{"printer", std::vector{orders[0], orders[7]}}}, {.require_stable = true}));
    REQUIRE(asked.front().outcome);
    CHECK(asked.front().outcome->find(orders[7])->code() == errc::no_offset);
    CHECK(*asked.front().outcome->find(orders[0]));

    const auto described = get(ops->describe_group("printer"));
    CHECK(described.type == group_type::classic);
    CHECK(described.state == group_state::empty);
    CHECK(described.coordinator.id == 1);
    CHECK(described.coordinator.port == 9092);
    CHECK(described.lag == std::map<topic_partition, std::int64_t>{{orders[0], 4}, {orders[1], 3}});

    done(ops->move_group("printer", {"orders"}, at::before_end(1)));
    CHECK(get(ops->describe_group("printer")).lag == std::map<topic_partition, std::int64_t>{{orders[0], 1}, {orders[1], 1}});
    done(ops->move_group("printer", {"orders"}, at::time(timestamp{9'000'000ms})));
    CHECK(get(ops->describe_group("printer")).lag == std::map<topic_partition, std::int64_t>{{orders[0], 0}, {orders[1], 0}});
    done(ops->move_group("printer", {{orders[0], 2}}));
    CHECK(get(ops->describe_group("printer")).lag.at(orders[0]) == 8);

    CHECK(get(ops->delete_consumer_group_offsets("printer", {orders[1]})));
    CHECK(get(ops->list_consumer_group_offsets("printer")).size() == 1);
    done(ops->delete_group("printer"));
    CHECK(get(ops->list_groups()).empty());
    CHECK(wait(ops->describe_group("printer")).code() == errc::group_id_not_found);
    CHECK(get(ops->delete_consumer_groups({"printer"})).first_error().code() == errc::group_id_not_found);
}

TEST_CASE_FIXTURE(admin_fixture, "groups are filtered by state, type and protocol") {
    create("orders", 1);
    CHECK(get(ops->alter_consumer_group_offsets("printer", {{orders[0], {.offset = 0}}})));
    CHECK(get(ops->list_groups({.states = {group_state::empty}})).size() == 1);
    CHECK(get(ops->list_groups({.states = {group_state::stable}})).empty());
    CHECK(get(ops->list_groups({.types = {group_type::share}})).empty());
    CHECK(get(ops->list_groups({.protocols = {"connect"}})).empty());
    CHECK(get(ops->list_consumer_groups()).size() == 1);
    const auto by_broker = get(ops->list_groups_by_broker({}));
    CHECK(by_broker.front().key == 1);
    CHECK(by_broker.front().outcome->size() == 1);
}

TEST_CASE_FIXTURE(admin_fixture, "the cluster, its quorum, features, disks and producers are described") {
    create("orders", 1);
    producer out{*kafka};
    for (int i = 0; i < 3; ++i) {
        const auto handed = wait(out.enqueue(orders, "k", "v"));
        REQUIRE(handed);
        REQUIRE(wait(*handed));
    }
    const auto cluster = get(ops->describe_cluster());
    CHECK_FALSE(cluster.id.empty());
    REQUIRE(cluster.nodes.size() == 1);
    CHECK(cluster.nodes[0].id == 1);
    CHECK(cluster.nodes[0].host == "broker");
    CHECK(cluster.nodes[0].port == 9092);

    const auto quorum = get(ops->describe_metadata_quorum());
    CHECK(quorum.leader == 1);
    REQUIRE(quorum.voters.size() == 1);
    CHECK(quorum.voters[0].id == 1);
    CHECK(quorum.high_watermark > 0);

    const auto features = get(ops->describe_features());
    CHECK(features.supported.contains("metadata.version"));
    CHECK(features.finalized.contains("metadata.version"));
    CHECK(get(ops->describe_features(1)).finalized.size() == features.finalized.size());
    const auto versions = get(ops->describe_api_versions(1));
    REQUIRE(!versions.empty());
    CHECK(versions.front().key == 0);  // Produce
    CHECK(versions.front().max >= 12);
    const auto updated = wait(ops->update_features({{.feature = "nonsense", .level = 1}}));
    CHECK_FALSE((updated && *updated));

    const auto dirs = get(ops->describe_log_dirs({1, 9}));
    REQUIRE(dirs.begin()[0].outcome);
    REQUIRE(dirs.begin()[0].outcome->size() == 1);
    CHECK(dirs.begin()[0].outcome->front().path == "/data");
    CHECK(dirs.begin()[0].outcome->front().replicas.at(orders[0]).bytes > 0);
    CHECK_FALSE(dirs.begin()[1].outcome);
    const auto id = get(ops->describe_topics({"orders"})).begin()->outcome->id;
    const auto held = get(ops->read_replicas(1, {{orders[0], id, 1}, {orders[7], id, 0}}, {}));
    REQUIRE(held.begin()[0].outcome);
    CHECK(held.begin()[0].outcome->high_watermark == 3);
    REQUIRE(!held.begin()[0].outcome->batches.empty());
    CHECK(held.begin()[0].outcome->batches.back().last_offset == 2);
    CHECK_FALSE(held.begin()[1].outcome);
    const auto where = get(ops->describe_replica_log_dirs({{"orders", 0, 1}, {"orders", 5, 1}}));
    CHECK(where.begin()[0].outcome->current == "/data");
    CHECK(where.begin()[1].outcome->current.empty());

    const auto producers = get(ops->describe_producers({orders[0]}));
    REQUIRE(producers.front().outcome);
    REQUIRE(producers.front().outcome->size() == 1);
    CHECK(producers.front().outcome->front().last_sequence == 2);
}

TEST_CASE_FIXTURE(admin_fixture, "a broker without an API is named, and so is the API") {
    const auto denied = wait(ops->create_acls({{.principal = "User:web", .name = "orders", .operation = operation::read}}));
    CHECK(denied.code() == errc::unsupported_version);
    CHECK(denied.error().message().find("broker:9092") != std::string::npos);
    CHECK(denied.error().message().find("CreateAcls") != std::string::npos);
}

TEST_CASE_FIXTURE(admin_fixture, "nothing asked is nothing sent") {
    stop();
    CHECK(get(ops->create_topics({})).empty());
    CHECK(get(ops->describe_topics({})).empty());
    CHECK(get(ops->delete_records(std::map<topic_partition, std::int64_t>{})).empty());
}

TEST_CASE("an operation waits for a broker that comes back") {
    admin_fixture at{false};
    auto listing = at.ops->list_topics();
    at.world.run_for(3s);
    CHECK_FALSE(listing.ready());
    at.start();
    CHECK(at.get(listing).empty());

    at.create("orders", 1);
    at.kill();
    auto describing = at.ops->describe_topics({"orders"});
    at.world.run_for(2s);
    at.start();
    CHECK(at.get(describing).front().outcome);
}

TEST_CASE("an operation ends in time, and says what stood in its way") {
    admin_fixture at{false};
    const auto began = at.world.loop(at.desk).now();
    const auto late = at.wait(at.ops->within(1500ms).create_topics({{.name = "orders"}}));
    CHECK(late.code() == errc::timed_out);
    CHECK(at.world.loop(at.desk).now() - began <= 1500ms);
    CHECK(late.error().message().find("create_topics") != std::string::npos);
    CHECK(late.error().message().find("1500 ms") != std::string::npos);
    CHECK(late.error().message().find("caused by") != std::string::npos);
    // Things with places of their own have each their outcome.
    const auto groups = at.wait(at.ops->within(1500ms).describe_classic_groups({"a", "b"}));
    REQUIRE(groups);
    CHECK(groups->begin()[1].outcome.code() == errc::timed_out);
}

TEST_CASE("retries can be limited") {
    admin_fixture at{false};
    const admin few{*at.kafka, {.timeout = 60s, .retries = 2}};
    const auto began = at.world.loop(at.desk).now();
    const auto given_up = at.wait(few.list_topics());
    CHECK_FALSE(given_up);
    CHECK(given_up.error().message().find("after 2 retries") != std::string::npos);
    CHECK(at.world.loop(at.desk).now() - began < 20s);
}

TEST_CASE("the end of the client is the end of what is under way") {
    admin_fixture at{false};
    auto listing = at.ops->list_topics();
    at.world.run_for(1s);
    at.ops.reset();
    at.kafka.reset();
    at.world.run_for(60s);
    REQUIRE(listing.ready());
    CHECK(listing.get().code() == errc::closed);
}

TEST_CASE("a configuration that cannot be is refused at once") {
    const client kafka{"localhost:1"};
    CHECK_THROWS_WITH(admin(kafka, {.timeout = 0ms}), "INVALID_SETTING: default.api.timeout.ms=0: allowed is a whole number of at least 1");
    CHECK_THROWS_WITH(admin(kafka, {.retries = -1}), "INVALID_SETTING: retries=-1: allowed is a whole number from 0 to 2147483647");
}

TEST_CASE("Kafka's words are understood in every spelling") {
    CHECK(parse_operation("IdempotentWrite") == operation::idempotent_write);
    CHECK(parse_operation("idempotent_write") == operation::idempotent_write);
    CHECK(to_string(operation::remove) == "DELETE");
    CHECK(parse_resource_kind("transactional-id") == resource_kind::transactional_id);
    CHECK(parse_group_state("preparingrebalance") == group_state::preparing_rebalance);
    CHECK(parse_group_state("nonsense") == group_state::unknown);
    CHECK(to_string(config_resource{config_kind::broker_logger, "1"}) == "broker logger 1");
    CHECK((*parse_principal("User:a:b")).name == "a:b");
    CHECK(parse_principal("alice").code() == errc::invalid_principal_type);
}

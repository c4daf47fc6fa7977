#include "cluster_fixture.hpp"

#include <weir/base/sim/manual_loop.hpp>
#include <weir/metadata/controller_runtime.hpp>

#include <doctest/doctest.h>

using namespace weir;
using namespace weir::metadata;
using namespace weir::protocol;
using std::chrono::seconds;

namespace {

/// A quorum of one whose commits the test decides about.
struct fake_quorum : metadata_writer {
    result<std::int64_t> propose(const std::vector<bytes>& frames) override {
        if (!leading) return error{errc::not_leader_or_follower, "another node leads"};
        batches.push_back(frames);
        end += static_cast<std::int64_t>(frames.size());
        return end - 1;
    }
    std::int64_t next_offset() const override { return end; }

    bool leading = true;
    std::int64_t end = 1;  // the leader change record
    std::vector<std::vector<bytes>> batches;
};

struct running {
    sim::manual_loop loop;
    fake_quorum quorum;
    fake_schema schema;
    image_loader loader;
    std::size_t delivered = 0;
    std::int64_t committed_end = 1;
    controller_runtime runtime;

    running() : runtime(loop, quorum, schema, config(), 5) {
        const log_batch control{0, 0, 1, 0, {}};
        REQUIRE(loader.apply({&control, 1}));
    }
    static controller_config config() {
        controller_config made;
        made.node_id = 1;
        made.cluster_id = "test-cluster";
        return made;
    }
    void lead() {
        feature_level_record level;
        level.name = "metadata.version";
        level.feature_level = 30;
        runtime.on_leadership(1, loader.current(), {level});
    }
    /// Everything proposed so far is on a majority: images first, then the high watermark.
    void commit() {
        for (; delivered < quorum.batches.size(); ++delivered) {
            const auto& frames = quorum.batches[delivered];
            const std::vector<bytes_view> views(frames.begin(), frames.end());
            const log_batch batch{committed_end, committed_end + static_cast<std::int64_t>(views.size()) - 1, 1, 0,
                                  views};
            auto change = loader.apply({&batch, 1});
            REQUIRE_MESSAGE(change, change.error().message());
            committed_end = batch.last_offset + 1;
        }
        runtime.on_high_watermark(committed_end);
    }
    void add_broker(broker_id id) {
        cluster_fixture template_of;
        auto registered = start(runtime.register_broker(template_of.registration(id)));
        commit();
        REQUIRE(registered->has_value());
        REQUIRE((**registered)->error_code == 0);
        auto beat = heartbeat(id);
        commit();
        REQUIRE_FALSE((**beat)->is_fenced);
    }
    std::shared_ptr<std::optional<result<broker_heartbeat_response>>> heartbeat(broker_id id) {
        broker_heartbeat_request request;
        request.broker_id = id;
        request.broker_epoch = runtime.speculative()->find_broker(id)->epoch;
        request.current_metadata_offset = quorum.end;
        return start(runtime.broker_heartbeat(request));
    }
    static create_topics_request topic(std::string name, std::int32_t partitions = 1) {
        create_topics_request request;
        auto& made = request.topics.emplace_back();
        made.name = std::move(name);
        made.num_partitions = partitions;
        made.replication_factor = 1;
        return request;
    }

    /// Starts the task; the answer is there once it has finished.
    template <class T>
    static task<void> keep(task<T> work, std::shared_ptr<std::optional<T>> into) {
        into->emplace(co_await std::move(work));
    }
    template <class T>
    static std::shared_ptr<std::optional<T>> start(task<T> work) {
        auto slot = std::make_shared<std::optional<T>>();
        spawn(keep(std::move(work), slot));
        return slot;
    }
};

}  // namespace

TEST_CASE("a new leader of an empty log writes the bootstrap records, in one transaction") {
    running test;
    CHECK_FALSE(test.runtime.active());
    CHECK(test.runtime.speculative() == nullptr);
    test.lead();
    CHECK(test.runtime.active());
    CHECK(test.quorum.batches.size() == 1);
    CHECK(test.runtime.speculative()->metadata_version() == 30);
    CHECK(test.loader.current()->metadata_version() == 0);
    test.commit();
    CHECK(test.loader.current()->same_content(*test.runtime.speculative()));

    SUBCASE("one of a log that has records writes nothing") {
        test.runtime.on_resign();
        test.lead();
        CHECK(test.quorum.batches.size() == 1);
    }
    SUBCASE("a transaction the leader before left open is aborted") {
        test.runtime.on_resign();
        test.runtime.on_leadership(2, test.loader.current(), {}, true);
        REQUIRE(test.quorum.batches.size() == 2);
        CHECK(std::holds_alternative<abort_transaction_record>(*decode_frame(test.quorum.batches[1][0])));
    }
}

TEST_CASE("an answer leaves when its records are committed, not before") {
    running test;
    test.lead();
    test.commit();
    test.add_broker(1);
    auto created = running::start(test.runtime.create_topics(running::topic("orders", 3), "User:alice"));
    CHECK_FALSE(created->has_value());
    CHECK(test.runtime.speculative()->find_topic("orders"));
    CHECK_FALSE(test.loader.current()->find_topic("orders"));

    // A second creation sees the first, and its refusal waits with it: the first may still be lost.
    auto again = running::start(test.runtime.create_topics(running::topic("orders"), "User:bob"));
    CHECK_FALSE(again->has_value());
    test.runtime.on_high_watermark(test.committed_end);
    CHECK_FALSE(created->has_value());

    test.commit();
    REQUIRE(created->has_value());
    CHECK((**created)->topics[0].error_code == 0);
    REQUIRE(again->has_value());
    CHECK(name_of((**again)->topics[0].error_code) == "TOPIC_ALREADY_EXISTS");
    CHECK(test.loader.current()->same_content(*test.runtime.speculative()));

    SUBCASE("with nothing under way a refusal is answered at once") {
        auto third = running::start(test.runtime.create_topics(running::topic("orders"), "User:bob"));
        CHECK(third->has_value());
    }
}

TEST_CASE("the broker epoch is the offset of the registration record") {
    running test;
    test.lead();
    test.commit();
    cluster_fixture template_of;
    const auto offset = test.quorum.end;
    auto registered = running::start(test.runtime.register_broker(template_of.registration(7)));
    test.commit();
    CHECK((**registered)->broker_epoch == offset);
    CHECK(test.loader.current()->find_broker(7)->epoch == offset);
}

TEST_CASE("a controller that resigns fails those who wait, and drops what was not committed") {
    running test;
    test.lead();
    test.commit();
    test.add_broker(1);
    auto created = running::start(test.runtime.create_topics(running::topic("orders"), "User:alice"));
    test.runtime.on_resign();
    REQUIRE(created->has_value());
    CHECK((*created)->code() == errc::not_controller);
    CHECK(test.runtime.speculative() == nullptr);

    auto refused = running::start(test.runtime.delete_topics({}));
    REQUIRE(refused->has_value());
    CHECK((*refused)->code() == errc::not_controller);
    CHECK_FALSE(test.loop.next());  // no timer is left
}

TEST_CASE("a proposal the quorum refuses changes nothing") {
    running test;
    test.lead();
    test.commit();
    test.add_broker(1);
    test.quorum.leading = false;
    auto created = running::start(test.runtime.create_topics(running::topic("orders"), "User:alice"));
    REQUIRE(created->has_value());
    CHECK((*created)->code() == errc::not_controller);
    CHECK_FALSE(test.runtime.speculative()->find_topic("orders"));
}

TEST_CASE("stopping fails those who wait") {
    auto test = std::make_unique<running>();
    test->lead();
    auto waiting = running::start(test->runtime.create_partitions({}));
    CHECK_FALSE(waiting->has_value());
    test.reset();
    REQUIRE(waiting->has_value());
    CHECK((*waiting)->code() == errc::not_controller);
}

TEST_CASE("a silent broker is fenced by a timer, and an idle controller has no other") {
    running test;
    test.lead();
    test.commit();
    CHECK_FALSE(test.loop.next());
    test.add_broker(1);
    test.add_broker(2);
    test.loop.advance(seconds{6});
    test.heartbeat(2);
    test.loop.advance(seconds{2});
    CHECK_FALSE(test.runtime.speculative()->find_broker(1)->fenced);
    test.loop.advance(seconds{1});
    CHECK(test.runtime.speculative()->find_broker(1)->fenced);
    CHECK_FALSE(test.runtime.speculative()->find_broker(2)->fenced);
    test.loop.advance(seconds{10});
    CHECK(test.runtime.speculative()->find_broker(2)->fenced);
    CHECK_FALSE(test.loop.next());
    test.commit();
    CHECK(test.loader.current()->find_broker(1)->fenced);
}

TEST_CASE("a new leader gives every unfenced broker a whole session") {
    running test;
    test.lead();
    test.commit();
    test.add_broker(1);
    test.loop.advance(seconds{8});
    test.runtime.on_resign();
    test.lead();
    test.loop.advance(seconds{8});
    CHECK_FALSE(test.runtime.speculative()->find_broker(1)->fenced);
    test.loop.advance(seconds{1});
    CHECK(test.runtime.speculative()->find_broker(1)->fenced);
}

TEST_CASE("records beyond a batch go into several, in one metadata transaction") {
    running test;
    test.lead();
    test.commit();
    test.add_broker(1);
    const auto before = test.quorum.batches.size();
    auto created = running::start(test.runtime.create_topics(running::topic("orders", 100'000), "User:alice"));
    const auto used = test.quorum.batches.size() - before;
    CHECK(used > 1);
    for (auto at = before; at < test.quorum.batches.size(); ++at) {
        std::size_t size = 61;
        for (const auto& frame : test.quorum.batches[at]) size += frame.size() + 20;
        CHECK(size < (8u << 20));
    }
    CHECK(std::holds_alternative<begin_transaction_record>(*decode_frame(test.quorum.batches[before].front())));
    CHECK(std::holds_alternative<end_transaction_record>(*decode_frame(test.quorum.batches.back().back())));
    test.commit();
    REQUIRE(created->has_value());
    CHECK((**created)->topics[0].error_code == 0);
    CHECK(test.loader.current()->partition_count() == 100'000);
    CHECK(test.loader.current()->same_content(*test.runtime.speculative()));
}

TEST_CASE("every request goes through: decided, proposed, committed, answered") {
    running test;
    test.lead();
    test.commit();
    test.add_broker(1);
    auto created = running::start(test.runtime.create_topics(running::topic("orders"), "User:alice"));
    test.commit();

    create_partitions_request more;
    more.topics.resize(1);
    more.topics[0].name = "orders";
    more.topics[0].count = 2;
    more.topics[0].assignments = std::nullopt;
    auto grown = running::start(test.runtime.create_partitions(more));
    incremental_alter_configs_request change;
    change.resources.resize(1);
    change.resources[0].resource_type = 2;
    change.resources[0].resource_name = "orders";
    change.resources[0].configs.resize(1);
    change.resources[0].configs[0].name = "retention.ms";
    change.resources[0].configs[0].value = "5";
    auto changed = running::start(test.runtime.incremental_alter_configs(change));
    update_features_request features;
    features.feature_updates.resize(1);
    features.feature_updates[0].feature = "group.version";
    features.feature_updates[0].max_version_level = 1;
    auto updated = running::start(test.runtime.update_features(features, 2));
    allocate_producer_ids_request ids;
    ids.broker_id = 1;
    ids.broker_epoch = test.runtime.speculative()->find_broker(1)->epoch;
    auto allocated = running::start(test.runtime.allocate_producer_ids(ids));
    elect_leaders_request election;
    election.topic_partitions = std::nullopt;
    auto elected = running::start(test.runtime.elect_leaders(election));
    controller_registration_request controller_request;
    controller_request.controller_id = 1;
    auto registered = running::start(test.runtime.register_controller(controller_request));
    alter_partition_request isr;
    isr.broker_id = 1;
    isr.broker_epoch = ids.broker_epoch;
    auto altered = running::start(test.runtime.alter_partition(isr));
    test.commit();
    CHECK((**grown)->results[0].error_code == 0);
    CHECK((**changed)->responses[0].error_code == 0);
    CHECK((**updated)->error_code == 0);
    CHECK((**allocated)->producer_id_len == 1000);
    CHECK((**elected)->replica_election_results.empty());
    CHECK((**registered)->error_code == 0);
    CHECK((**altered)->error_code == 0);
    const auto& now = *test.loader.current();
    CHECK(now.find_topic("orders")->partitions.size() == 2);
    CHECK(*now.config(config_type::topic, "orders", "retention.ms") == "5");
    CHECK(now.feature("group.version") == 1);
    CHECK(now.next_producer_id() == 1000);
    CHECK(now.controllers().contains(1));

    alter_configs_request replace;
    replace.resources.resize(1);
    replace.resources[0].resource_type = 2;
    replace.resources[0].resource_name = "orders";
    auto replaced = running::start(test.runtime.alter_configs(replace));
    delete_topics_request removal;
    removal.topic_names = {"orders"};
    auto removed = running::start(test.runtime.delete_topics(removal));
    unregister_broker_request gone;
    gone.broker_id = 1;
    auto unregistered = running::start(test.runtime.unregister_broker(gone));
    test.commit();
    CHECK((**replaced)->responses[0].error_code == 0);
    CHECK((**removed)->responses[0].error_code == 0);
    CHECK((**unregistered)->error_code == 0);
    CHECK(test.loader.current()->topics().empty());
    CHECK(test.loader.current()->brokers().empty());
}

TEST_CASE("a snapshot is due by bytes or by age, and never without news") {
    const snapshot_policy policy{1000, std::chrono::milliseconds{60'000}};
    CHECK_FALSE(policy.due(0, 0, 1'000'000));
    CHECK_FALSE(policy.due(999, 0, 59'999));
    CHECK(policy.due(1000, 0, 0));
    CHECK(policy.due(1, 0, 60'000));
    const snapshot_policy by_bytes{1000, std::chrono::milliseconds{0}};
    CHECK_FALSE(by_bytes.due(1, 0, 1'000'000));
}

#include "cluster_fixture.hpp"

#include <doctest/doctest.h>

using namespace weir;
using namespace weir::metadata;
using namespace weir::protocol;

namespace {

topic_record topic_of(std::string name, uuid id) {
    topic_record record;
    record.name = std::move(name);
    record.topic_id = id;
    return record;
}
partition_record partition_of(uuid id, std::int32_t index, std::vector<std::int32_t> replicas) {
    partition_record record;
    record.topic_id = id;
    record.partition_id = index;
    record.isr = record.replicas = replicas;
    record.leader = replicas.front();
    record.leader_epoch = record.partition_epoch = 0;
    for (const auto replica : replicas) record.directories.push_back(cluster_fixture::directory_of(replica));
    return record;
}
partition_change_record change_of(uuid id, std::int32_t index) {
    partition_change_record record;
    record.topic_id = id;
    record.partition_id = index;
    return record;
}
image_ref with(image_ref base, std::vector<metadata_record> records) {
    auto made = apply_records(std::move(base), records, {99, 3, 1234});
    REQUIRE_MESSAGE(made, made.error().message());
    return *made;
}
error refusal(image_ref base, metadata_record record) {
    image_builder builder{base};
    auto done = builder.apply(record);
    REQUIRE_FALSE(done);
    CHECK(builder.build({}).after->same_content(base ? *base : image{}));  // nothing of it was applied
    return done.error();
}

constexpr uuid orders{1, 1};
constexpr uuid clicks{1, 2};

/// One of everything an Apache metadata log can hold.
std::vector<metadata_record> one_of_everything() {
    std::vector<metadata_record> all;
    const auto level = [&](std::string name, std::int16_t value) {
        feature_level_record record;
        record.name = std::move(name);
        record.feature_level = value;
        all.push_back(record);
    };
    level("metadata.version", 30);
    level("group.version", 1);
    register_broker_record broker;
    broker.broker_id = 7;
    broker.broker_epoch = 12;
    broker.incarnation_id = {5, 6};
    broker.rack = "r1";
    broker.log_dirs = {{3, 3}, {2, 2}};
    broker.cordoned_log_dirs = std::vector<uuid>{{2, 2}};
    broker.end_points.resize(1);
    broker.end_points[0].name = "EXTERNAL";
    broker.end_points[0].host = "example";
    broker.end_points[0].port = 65535;
    broker.end_points[0].security_protocol = 3;
    broker.features.resize(1);
    broker.features[0].name = "group.version";
    broker.features[0].max_supported_version = 1;
    all.push_back(broker);
    register_controller_record controller;
    controller.controller_id = 3000;
    controller.incarnation_id = {8, 8};
    controller.end_points.resize(1);
    controller.end_points[0].name = "CONTROLLER";
    all.push_back(controller);
    all.push_back(topic_of("orders", orders));
    auto partition = partition_of(orders, 0, {7, 8});
    partition.eligible_leader_replicas = {8};
    partition.last_known_elr = {9};
    partition.adding_replicas = {8};
    partition.removing_replicas = {7};
    partition.leader_recovery_state = 1;
    all.push_back(partition);
    for (const auto& [type, name] : {std::pair{2, "orders"}, {4, ""}, {4, "7"}, {32, "g"}, {16, "m"}}) {
        config_record config;
        config.resource_type = static_cast<std::int8_t>(type);
        config.resource_name = name;
        config.name = "some.key";
        config.value = "v";
        all.push_back(config);
    }
    client_quota_record quota;
    quota.entity.resize(2);
    quota.entity[0].entity_type = "user";
    quota.entity[0].entity_name = "alice";
    quota.entity[1].entity_type = "client-id";
    quota.entity[1].entity_name = std::nullopt;
    quota.key = "producer_byte_rate";
    quota.value = 1024.5;
    all.push_back(quota);
    producer_ids_record ids;
    ids.next_producer_id = 4000;
    all.push_back(ids);
    access_control_entry_record acl;
    acl.id = {4, 4};
    acl.principal = "User:bob";
    acl.resource_name = "orders";
    all.push_back(acl);
    user_scram_credential_record scram;
    scram.name = "alice";
    scram.mechanism = 2;
    scram.salt = to_bytes("salt");
    scram.stored_key = to_bytes("stored");
    scram.server_key = to_bytes("server");
    scram.iterations = 4096;
    all.push_back(scram);
    delegation_token_record token;
    token.token_id = "t1";
    token.owner = "User:alice";
    token.renewers = {"User:bob"};
    token.expiration_timestamp = 99;
    all.push_back(token);
    return all;
}

}  // namespace

TEST_CASE("an image keeps everything a metadata log can hold, and a snapshot says all of it") {
    const auto full = with(nullptr, one_of_everything());
    CHECK(full->position() == provenance{99, 3, 1234});
    CHECK(full->metadata_version() == 30);
    CHECK(full->feature("group.version") == 1);
    CHECK(full->feature("metadata.version") == 30);
    CHECK(full->feature("share.version") == 0);
    const auto* broker = full->find_broker(7);
    REQUIRE(broker);
    CHECK(broker->fenced);
    CHECK(broker->rack == "r1");
    CHECK(broker->log_dirs == std::vector<uuid>{{2, 2}, {3, 3}});
    REQUIRE(broker->find_endpoint("EXTERNAL"));
    CHECK(broker->find_endpoint("EXTERNAL")->port == 65535);
    CHECK(broker->find_endpoint("OTHER") == nullptr);
    const auto* part = full->find_partition("orders", 0);
    REQUIRE(part);
    CHECK(part->elr == std::vector<broker_id>{8});
    CHECK(part->last_known_elr == std::vector<broker_id>{9});
    CHECK(part->recovery == leader_recovery::recovering);
    CHECK(part->directory_of(8) == cluster_fixture::directory_of(8));
    CHECK(full->find_partition(orders, 0) == part);
    CHECK(full->find_partition("orders", 1) == nullptr);
    CHECK(full->partition_count() == 1);
    CHECK(*full->config(config_type::topic, "orders", "some.key") == "v");
    CHECK(full->config(config_type::topic, "orders", "other") == nullptr);
    CHECK(full->configs_of(config_type::group, "nobody").empty());
    CHECK(full->configs().size() == 5);
    CHECK(full->quotas().find(quota_entity{{"user", "alice"}, {"client-id", std::nullopt}})->at("producer_byte_rate") ==
          1024.5);
    CHECK(full->next_producer_id() == 4000);
    CHECK(full->acls().find(uuid{4, 4})->principal == "User:bob");
    CHECK(full->scram_credentials().find(scram_key{2, "alice"})->iterations == 4096);
    CHECK(full->delegation_tokens().find("t1")->renewers.size() == 1);
    CHECK(full->controllers().contains(3000));

    const auto records = write_snapshot(*full);
    CHECK(records == [&] {
        auto expected = one_of_everything();
        // Written sorted: directories, and entities by type.
        std::get<register_broker_record>(expected[2]).log_dirs = {{2, 2}, {3, 3}};
        for (auto& each : expected) {
            if (auto* quota = std::get_if<client_quota_record>(&each)) std::swap(quota->entity[0], quota->entity[1]);
            if (auto* ids = std::get_if<producer_ids_record>(&each)) ids->broker_id = -1;
        }
        // Settings by type, then name.
        std::vector<metadata_record> sorted;
        std::vector<std::pair<std::pair<int, std::string>, metadata_record>> configs;
        for (const auto& each : expected)
            if (const auto* config = std::get_if<config_record>(&each))
                configs.push_back({{config->resource_type, config->resource_name}, each});
        std::sort(configs.begin(), configs.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
        std::size_t next = 0;
        for (const auto& each : expected)
            sorted.push_back(std::holds_alternative<config_record>(each) ? configs[next++].second : each);
        return sorted;
    }());
    CHECK(with(nullptr, records)->same_content(*full));
}

TEST_CASE("what can be taken away again leaves an image like before") {
    const auto full = with(nullptr, one_of_everything());
    std::vector<metadata_record> undo;
    unregister_broker_record broker;
    broker.broker_id = 7;
    broker.broker_epoch = 12;
    undo.push_back(broker);
    remove_topic_record topic;
    topic.topic_id = orders;
    undo.push_back(topic);
    for (const auto& [type, name] : {std::pair{4, ""}, {4, "7"}, {32, "g"}, {16, "m"}}) {
        config_record config;
        config.resource_type = static_cast<std::int8_t>(type);
        config.resource_name = name;
        config.name = "some.key";
        config.value = std::nullopt;
        undo.push_back(config);
    }
    client_quota_record quota;
    quota.entity.resize(2);
    quota.entity[0].entity_type = "client-id";
    quota.entity[0].entity_name = std::nullopt;
    quota.entity[1].entity_type = "user";
    quota.entity[1].entity_name = "alice";
    quota.key = "producer_byte_rate";
    quota.remove = true;
    undo.push_back(quota);
    remove_access_control_entry_record acl;
    acl.id = {4, 4};
    undo.push_back(acl);
    remove_user_scram_credential_record scram;
    scram.name = "alice";
    scram.mechanism = 2;
    undo.push_back(scram);
    remove_delegation_token_record token;
    token.token_id = "t1";
    undo.push_back(token);
    feature_level_record off;
    off.name = "group.version";
    off.feature_level = 0;
    undo.push_back(off);

    image_builder builder{full};
    REQUIRE(builder.apply(undo));
    const auto change = builder.build({});
    const auto& left = *change.after;
    CHECK(left.brokers().empty());
    CHECK(left.topics().empty());
    CHECK(left.find_topic(orders) == nullptr);
    CHECK(left.partition_count() == 0);
    CHECK(left.configs().empty());  // the topic's went with it
    CHECK(left.quotas().empty());
    CHECK(left.acls().empty());
    CHECK(left.scram_credentials().empty());
    CHECK(left.delegation_tokens().empty());
    CHECK(left.features().empty());
    CHECK(change.configs.contains({config_type::topic, "orders"}));
    CHECK(change.topics.at(orders).before->name == "orders");
    CHECK(change.topics.at(orders).after == nullptr);
    CHECK(change.features == std::set<std::string, std::less<>>{"group.version"});
    CHECK_FALSE(change.producer_ids);
    CHECK(full->partition_count() == 1);  // the image before did not notice
}

TEST_CASE("a partition change raises the partition epoch, and the leader epoch when it names a leader") {
    const auto base = with(nullptr, {topic_of("orders", orders), partition_of(orders, 0, {1, 2, 3})});
    auto shrink = change_of(orders, 0);
    shrink.isr = {1, 2};
    const auto shrunk = with(base, {shrink});
    const auto* part = shrunk->find_partition("orders", 0);
    CHECK(part->isr == std::vector<broker_id>{1, 2});
    CHECK(part->leader == 1);
    CHECK(part->leader_epoch == 0);
    CHECK(part->partition_epoch == 1);

    auto same_leader = change_of(orders, 0);
    same_leader.leader = 1;
    const auto bumped = with(shrunk, {same_leader});
    CHECK(bumped->find_partition("orders", 0)->leader_epoch == 1);

    auto lost = change_of(orders, 0);
    lost.leader = -1;
    lost.isr = std::vector<std::int32_t>{};
    lost.eligible_leader_replicas = {1};
    lost.last_known_elr = {1};
    lost.leader_recovery_state = 1;
    const auto gone = with(bumped, {lost});
    part = gone->find_partition("orders", 0);
    CHECK_FALSE(part->has_leader());
    CHECK(part->isr.empty());
    CHECK(part->elr == std::vector<broker_id>{1});
    CHECK(part->recovery == leader_recovery::recovering);
    CHECK(part->replicas == std::vector<broker_id>{1, 2, 3});

    clear_elr_record clear;
    const auto cleared = with(gone, {clear});
    CHECK(cleared->find_partition("orders", 0)->elr.empty());
    CHECK(cleared->find_partition("orders", 0)->partition_epoch == part->partition_epoch + 1);
}

TEST_CASE("replicas without known directories read as migrating, one each") {
    auto record = partition_of(orders, 0, {1, 2});
    record.directories.clear();
    const auto made = with(nullptr, {topic_of("orders", orders), record});
    CHECK(made->find_partition("orders", 0)->directories ==
          std::vector<uuid>{directory_migrating, directory_migrating});
}

TEST_CASE("a record that does not fit is refused, names what is wrong, and changes nothing") {
    const auto base = with(nullptr, {topic_of("orders", orders), partition_of(orders, 0, {1, 2})});
    const auto says = [](const error& why, std::string_view part) {
        CHECK(why.code() == errc::malformed);
        CHECK_MESSAGE(why.what().find(part) != std::string_view::npos, why.what());
    };
    says(refusal(base, topic_of("orders", clicks)), "topic orders exists");
    says(refusal(base, topic_of("clicks", orders)), "is taken");
    says(refusal(base, partition_of(clicks, 0, {1})), to_string(clicks));
    says(refusal(base, partition_of(orders, -1, {1})), "partition -1");
    says(refusal(base, change_of(orders, 5)), "partition 5");
    says(refusal(base, change_of(clicks, 0)), "no partition 0");
    auto crooked = change_of(orders, 0);
    crooked.directories = std::vector<uuid>{{9, 9}};
    says(refusal(base, crooked), "2 replicas and 1 directories");
    remove_topic_record remove;
    remove.topic_id = clicks;
    says(refusal(base, remove), "no topic with id");
    fence_broker_record fence;
    fence.id = 4;
    says(refusal(base, fence), "broker 4 is not registered");
    broker_registration_change_record change;
    change.broker_id = 4;
    says(refusal(base, change), "broker 4 is not registered");
    remove_access_control_entry_record acl;
    says(refusal(base, acl), "no entry");
    remove_user_scram_credential_record scram;
    scram.name = "nobody";
    says(refusal(base, scram), "nobody");
    clear_elr_record clear;
    clear.topic_name = "clicks";
    says(refusal(base, clear), "no topic clicks");
}

TEST_CASE("a broker record of an older epoch is refused") {
    register_broker_record record;
    record.broker_id = 1;
    record.broker_epoch = 10;
    const auto base = with(nullptr, {record});
    unfence_broker_record unfence;
    unfence.id = 1;
    unfence.epoch = 9;
    CHECK(refusal(base, unfence).what().find("epoch 10, not 9") != std::string_view::npos);
    unfence.epoch = 10;
    CHECK_FALSE(with(base, {unfence})->find_broker(1)->fenced);
}

TEST_CASE("images share the topics that did not change") {
    std::vector<metadata_record> records;
    for (std::uint64_t topic = 0; topic < 1000; ++topic) {
        records.push_back(topic_of("topic-" + std::to_string(topic), {2, topic}));
        records.push_back(partition_of({2, topic}, 0, {1}));
    }
    const auto base = with(nullptr, records);
    auto change = change_of({2, 500}, 0);
    change.leader = 1;
    const auto next = with(base, {change});
    std::size_t shared = 0;
    for (const auto& [name, topic] : next->topics()) shared += topic == base->share_topic(name) ? 1 : 0;
    CHECK(shared == 999);
    CHECK(next->topics().shared_chunks(base->topics()) == base->topics().chunks() - 1);
    CHECK(next->find_topic("topic-500") == next->find_topic(uuid{2, 500}));
    CHECK(next->find_partition("topic-500", 0)->leader_epoch == 1);
    CHECK(base->find_partition("topic-500", 0)->leader_epoch == 0);
}

TEST_CASE("a change lists the partitions it touched") {
    const auto base =
        with(nullptr, {topic_of("orders", orders), partition_of(orders, 0, {1}), partition_of(orders, 1, {1})});
    image_builder builder{base};
    auto change = change_of(orders, 1);
    change.leader = 1;
    REQUIRE(builder.apply(metadata_record{change}));
    REQUIRE(builder.apply(metadata_record{change}));
    REQUIRE(builder.apply(metadata_record{topic_of("clicks", clicks)}));
    REQUIRE(builder.apply(metadata_record{partition_of(clicks, 0, {1})}));
    const auto made = builder.build({});
    CHECK(made.topics.at(orders).partitions == std::vector<std::int32_t>{1});
    CHECK(made.topics.at(clicks).before == nullptr);
    CHECK(made.topics.at(clicks).after->name == "clicks");
    CHECK_FALSE(made.empty());

    SUBCASE("a topic that came and went within the change is not in it") {
        image_builder both{base};
        remove_topic_record remove;
        remove.topic_id = clicks;
        REQUIRE(
            both.apply(std::vector<metadata_record>{topic_of("clicks", clicks), partition_of(clicks, 0, {1}), remove}));
        const auto nothing = both.build({});
        CHECK(nothing.topics.empty());
        CHECK(nothing.after->same_content(*base));
    }
    SUBCASE("a topic that was deleted and made anew is in it under both ids") {
        image_builder both{base};
        remove_topic_record remove;
        remove.topic_id = orders;
        REQUIRE(
            both.apply(std::vector<metadata_record>{remove, topic_of("orders", clicks), partition_of(clicks, 0, {2})}));
        const auto replaced = both.build({});
        CHECK(replaced.topics.at(orders).after == nullptr);
        CHECK(replaced.topics.at(clicks).after->name == "orders");
        const auto compared = compare_images(base, replaced.after);
        CHECK(compared.topics.at(orders).after == nullptr);
        CHECK(compared.topics.at(clicks).before == nullptr);
        CHECK(compared.topics.at(clicks).partitions == std::vector<std::int32_t>{0});
    }
}

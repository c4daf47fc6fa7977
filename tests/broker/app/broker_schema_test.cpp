#include "broker_schema.hpp"

#include <weir/metadata/image_builder.hpp>

#include <doctest/doctest.h>

using namespace weir;
using namespace weir::broker;
using metadata::config_source;
using metadata::config_type;

namespace {

broker_config config_with(const std::vector<std::string>& given) {
    auto parsed = parse_config("", "", given);
    REQUIRE_MESSAGE(parsed, parsed.error().message());
    return std::move(parsed->config);
}

struct stored {
    config_type type;
    std::string resource;
    std::string name;
    std::string value;
};

metadata::image_ref image_of(const std::vector<stored>& entries) {
    std::vector<protocol::metadata_record> records;
    for (const auto& each : entries) {
        protocol::config_record record;
        record.resource_type = static_cast<std::int8_t>(each.type);
        record.resource_name = each.resource;
        record.name = each.name;
        record.value = each.value;
        records.emplace_back(record);
    }
    auto made = metadata::apply_records(nullptr, records, {});
    REQUIRE_MESSAGE(made, made.error().message());
    return *std::move(made);
}

milliseconds retention(const broker_config& config, const std::vector<stored>& entries, const std::string& topic = "orders") {
    return topic_log_config(config, *image_of(entries), topic).retention_ms;
}

const stored of_topic{config_type::topic, "orders", "retention.ms", "1000"};
const stored of_broker{config_type::broker, "1", "log.retention.ms", "2000"};
const stored of_all{config_type::broker, "", "log.retention.ms", "3000"};

}  // namespace

TEST_CASE("a topic's setting wins over the broker's, that over the cluster's, that over the file, that over the default") {
    const auto file = config_with({"log.retention.ms=4000"});
    CHECK(retention(file, {of_topic, of_broker, of_all}) == milliseconds{1000});
    CHECK(retention(file, {of_broker, of_all}) == milliseconds{2000});
    CHECK(retention(file, {of_all}) == milliseconds{3000});
    CHECK(retention(file, {}) == milliseconds{4000});
    CHECK(retention(config_with({}), {}) == std::chrono::hours{24 * 7});
    CHECK(retention(config_with({}), {of_topic, of_all}) == milliseconds{1000});
}

TEST_CASE("what was set for another topic or another broker does not count") {
    const auto file = config_with({"log.retention.ms=4000"});
    CHECK(retention(file, {of_topic}, "payments") == milliseconds{4000});
    CHECK(retention(file, {{config_type::broker, "2", "log.retention.ms", "2000"}}) == milliseconds{4000});
    CHECK(retention(config_with({"node.id=2", "log.retention.ms=4000"}), {{config_type::broker, "2", "log.retention.ms", "2000"}}) == milliseconds{2000});
}

TEST_CASE("a setting leaves the others as they are") {
    const auto file = config_with({"log.retention.ms=4000", "log.segment.bytes=2000000"});
    const auto effective = topic_log_config(file, *image_of({of_topic}), "orders");
    CHECK(effective.segment_bytes == 2'000'000);
    CHECK(effective.retention_ms == milliseconds{1000});
}

TEST_CASE("a coarser unit set while running wins over a finer one in the file, and loses to a finer one set while running") {
    const auto file = config_with({"log.retention.ms=4000"});
    const stored hours{config_type::broker, "", "log.retention.hours", "1"};
    CHECK(retention(file, {hours}) == std::chrono::hours{1});
    CHECK(retention(file, {hours, of_all}) == milliseconds{3000});
}

TEST_CASE("a stored value that no longer parses is passed over") {
    const auto file = config_with({"log.retention.ms=4000"});
    CHECK(retention(file, {{config_type::topic, "orders", "retention.ms", "for ever"}}) == milliseconds{4000});
}

TEST_CASE("what changes while the broker runs: set for this broker, then for all, then the file, then the default") {
    const auto file = config_with({"max.connections=100", "log.cleaner.backoff.ms=7000"});
    const stored here{config_type::broker, "1", "max.connections", "1"};
    const stored everywhere{config_type::broker, "", "max.connections", "2"};
    CHECK(config_in_force(file, *image_of({here, everywhere})).server.max_connections == 1);
    CHECK(config_in_force(file, *image_of({everywhere})).server.max_connections == 2);
    CHECK(config_in_force(file, *image_of({})).server.max_connections == 100);
    CHECK(config_in_force(config_with({}), *image_of({})).server.max_connections == INT32_MAX);
    CHECK(config_in_force(file, *image_of({{config_type::broker, "2", "max.connections", "1"}})).server.max_connections == 100);
    CHECK(config_in_force(file, *image_of({{config_type::broker, "", "max.connections", "all"}})).server.max_connections == 100);
    CHECK(config_in_force(file, *image_of({{config_type::broker, "", "log.cleaner.backoff.ms", "9"}})).cleaner.backoff == milliseconds{9});
    // A setting that needs a restart stays as the file has it, whatever is stored.
    CHECK(config_in_force(file, *image_of({{config_type::broker, "", "num.partitions", "9"}})).server.num_partitions == 1);
    CHECK(topic_log_config(file, *image_of({{config_type::broker, "", "producer.id.expiration.ms", "5"}}), "orders").producer_id_expiration_ms == milliseconds{5});
}

TEST_CASE("the schema tells what the file says as the static value of a topic's setting") {
    const broker_schema schema{config_with({"log.retention.ms=4000", "num.partitions=3"})};
    const auto* of = schema.find(config_type::topic, "retention.ms");
    REQUIRE(of);
    CHECK(of->default_value == "4000");
    CHECK(of->default_source == config_source::static_broker);
    CHECK(of->server_keys == std::vector<std::string>{"log.retention.ms", "log.retention.minutes", "log.retention.hours"});
    CHECK(of->from_file == std::vector<std::pair<std::string, std::string>>{{"log.retention.ms", "4000"}});
    CHECK(of->built_in_value == "604800000");
    const broker_schema both{config_with({"log.retention.ms=4000", "log.retention.hours=3", "broker.id=7"})};
    CHECK(both.find(config_type::topic, "retention.ms")->from_file == std::vector<std::pair<std::string, std::string>>{{"log.retention.ms", "4000"}, {"log.retention.hours", "3"}});
    CHECK(both.find(config_type::broker, "log.retention.hours")->default_value == "3");
    CHECK(both.find(config_type::broker, "log.retention.minutes")->default_value == std::nullopt);
    CHECK(both.find(config_type::broker, "node.id")->default_source == config_source::static_broker);
    const auto* untouched = schema.find(config_type::topic, "segment.bytes");
    REQUIRE(untouched);
    CHECK(untouched->default_value == "1073741824");
    CHECK(untouched->default_source == config_source::built_in);

    const auto* partitions = schema.find(config_type::broker, "num.partitions");
    REQUIRE(partitions);
    CHECK(partitions->default_value == "3");
    CHECK(partitions->default_source == config_source::static_broker);
    CHECK(partitions->read_only);
    const auto* dynamic = schema.find(config_type::broker, "log.retention.ms");
    REQUIRE(dynamic);
    CHECK_FALSE(dynamic->read_only);
    const auto* hours = schema.find(config_type::broker, "log.retention.hours");
    REQUIRE(hours);
    CHECK(hours->read_only);
    // As in Kafka the coarsest name has the default.
    CHECK(hours->type == metadata::config_value_type::int32);
    CHECK(hours->built_in_value == "168");
    CHECK(dynamic->built_in_value == std::nullopt);
    CHECK(broker_schema{config_with({})}.find(config_type::broker, "log.retention.hours")->default_value == "168");
    CHECK(schema.find(config_type::broker, "log.segment.bytes")->built_in_value == "1073741824");
}

TEST_CASE("each resource has its own settings, and a value is checked by the rules of its name") {
    const broker_schema schema{config_with({})};
    CHECK(schema.find(config_type::topic, "log.retention.ms") == nullptr);
    CHECK(schema.find(config_type::broker, "retention.ms") == nullptr);
    CHECK(schema.find(config_type::broker_logger, "retention.ms") == nullptr);
    CHECK(schema.validate(config_type::topic, "retention.ms", "5"));
    const auto wrong = schema.validate(config_type::topic, "retention.ms", "soon");
    CHECK(wrong.code() == errc::invalid_config);
    CHECK(wrong.error().what() == "retention.ms=soon: allowed is a whole number of at least -1");
    const auto unknown = schema.validate(config_type::topic, "retention.m", "5");
    CHECK(unknown.code() == errc::invalid_config);
    CHECK(unknown.error().what() == "there is no setting 'retention.m' for this resource");
    // In hours what in milliseconds would not fit.
    CHECK_FALSE(schema.validate(config_type::broker, "log.retention.hours", "9223372036854775807"));
}

TEST_CASE("a topic may say that it has no tiered storage, and is told when it asks for it") {
    const broker_schema schema{config_with({})};
    const auto* remote = schema.find(config_type::topic, "remote.storage.enable");
    REQUIRE(remote);
    CHECK(remote->default_value == "false");
    CHECK(remote->server_keys.empty());
    CHECK(schema.validate(config_type::topic, "remote.storage.enable", "false"));
    const auto asked = schema.validate(config_type::topic, "remote.storage.enable", "true");
    CHECK(asked.code() == errc::invalid_config);
    CHECK(asked.error().what() == "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.");
    CHECK(schema.validate(config_type::topic, "local.retention.ms", "-2"));
}

TEST_CASE("a level that no codec has is refused for topics and for the broker") {
    const broker_schema schema{config_with({})};
    for (const auto type : {config_type::topic, config_type::broker}) {
        CHECK(schema.validate(type, "compression.gzip.level", "9"));
        CHECK(schema.validate(type, "compression.gzip.level", "-1"));
        CHECK(schema.validate(type, "compression.gzip.level", "0").code() == errc::invalid_config);
    }
}

TEST_CASE("what is refused for the broker is refused by the same words for a listener") {
    const broker_schema schema{config_with({})};
    CHECK(schema.why_unknown(config_type::broker, "ssl.keystore.location") == "this broker does not have it");
    CHECK(schema.why_unknown(config_type::broker, "listener.name.external.ssl.keystore.location") == "this broker does not have it");
    CHECK(schema.why_unknown(config_type::broker, "listener.name.external.num.network.threads") == "it has no effect in this broker");
}

TEST_CASE("a listener's own limits change while the broker runs, under the listener's prefix") {
    const auto config = config_with({"listener.name.plaintext.max.connections=9"});
    const broker_schema schema{config};
    const auto* key = schema.find(config_type::broker, "listener.name.plaintext.max.connections");
    REQUIRE(key);
    CHECK(key->default_value == "9");
    CHECK(key->default_source == config_source::static_broker);
    CHECK_FALSE(key->read_only);
    CHECK(schema.find(config_type::broker, "listener.name.other.max.connections") == nullptr);
    for (const auto* all : {"max.connections", "listener.name.plaintext.max.connections"}) CHECK(schema.validate(config_type::broker, all, "0").code() == errc::invalid_config);
    CHECK(schema.validate(config_type::broker, "listener.name.plaintext.max.connections", "-1").code() == errc::invalid_config);
    const auto limit = [&](const std::vector<stored>& entries) {
        return config_in_force(config, *image_of(entries)).server.limits_of_listeners.at("PLAINTEXT").max_connections;
    };
    CHECK(limit({}) == 9);
    CHECK(limit({{config_type::broker, "", "listener.name.plaintext.max.connections", "5"}}) == 5);
    CHECK(limit({{config_type::broker, "1", "listener.name.plaintext.max.connections", "4"}, {config_type::broker, "", "listener.name.plaintext.max.connections", "5"}}) == 4);
    CHECK(limit({{config_type::broker, "1", "max.connections", "4"}}) == 9);
}

TEST_CASE("only log directories of the broker can be cordoned") {
    const broker_schema schema{config_with({"log.dirs=/a,/b"})};
    CHECK(schema.validate(config_type::broker, "cordoned.log.dirs", "/a"));
    CHECK(schema.validate(config_type::broker, "cordoned.log.dirs", "*"));
    CHECK(schema.validate(config_type::broker, "cordoned.log.dirs", ""));
    CHECK(schema.validate(config_type::broker, "cordoned.log.dirs", "/a,/c").code() == errc::invalid_config);
    CHECK(schema.find(config_type::broker, "cordoned.log.dirs")->per_broker_only);
}

TEST_CASE("a client is matched by one expression per attribute") {
    const broker_schema schema{config_with({})};
    for (const auto* bad : {"client_id=[", "client_id=", "client_id=a=b"}) CHECK(schema.validate(config_type::client_metrics, "match", bad).code() == errc::invalid_config);
}

TEST_CASE("settings have the types that Kafka's clients know them by") {
    using type = metadata::config_value_type;
    const broker_schema schema{config_with({})};
    const auto type_of = [&](std::string_view name) { return schema.find(config_type::broker, name)->type; };
    CHECK(type_of("producer.id.expiration.ms") == type::int32);
    CHECK(type_of("log.dir") == type::list);
    CHECK(type_of("max.connections.per.ip.overrides") == type::string);
}

TEST_CASE("a broker's retention is read as in its file, a topic's as it stands") {
    const auto config = config_with({});
    const broker_schema schema{config};
    CHECK(schema.validate(config_type::broker, "log.retention.ms", "-2"));
    CHECK_FALSE(schema.validate(config_type::broker, "log.retention.ms", "0"));
    CHECK_FALSE(schema.validate(config_type::topic, "retention.ms", "-2"));
    CHECK(schema.validate(config_type::topic, "retention.ms", "0"));
    CHECK(retention(config, {{config_type::broker, "", "log.retention.ms", "-2"}}) == milliseconds{-1});
    CHECK(retention(config, {{config_type::topic, "orders", "retention.ms", "0"}}) == milliseconds{0});
}

TEST_CASE("connections from an address are switched off while running only beside limits of single addresses") {
    const auto none = metadata::config_entries{{"max.connections.per.ip", "0"}};
    const auto with_some =
        metadata::config_entries{{"max.connections.per.ip", "0"}, {"max.connections.per.ip.overrides", "127.0.0.1:5"}};
    const auto config = config_with({});
    const broker_schema schema{config};
    for (const auto* broker : {"", "1"}) {
        CHECK_FALSE(schema.validate_together(*image_of({}), broker, none));
        CHECK(schema.validate_together(*image_of({}), broker, with_some));
    }
    // What stands elsewhere counts, too.
    const stored overrides_of_all{config_type::broker, "", "max.connections.per.ip.overrides", "127.0.0.1:5"};
    const stored none_of_own{config_type::broker, "1", "max.connections.per.ip", "0"};
    CHECK(schema.validate_together(*image_of({overrides_of_all}), "1", none));
    CHECK_FALSE(schema.validate_together(*image_of({overrides_of_all, none_of_own}), "", {}));
    const auto file = config_with({"max.connections.per.ip.overrides=127.0.0.1:5"});
    CHECK(broker_schema{file}.validate_together(*image_of({}), "", none));
}

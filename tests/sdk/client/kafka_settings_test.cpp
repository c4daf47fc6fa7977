// What Apache Kafka 4.3.1's clients take under a name, ours take, and what those refuse; where a default differs, it says so.
#include "config/catalog.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace weir;

namespace {

struct expectation {
    std::string_view who, name;
    std::string_view standard;                   ///< Kafka's default
    std::vector<std::string_view> takes, refuses;
    std::optional<std::string_view> ours{};      ///< a default of our own
};

constexpr std::string_view most_int = "2147483647", over_int = "2147483648", most_long = "9223372036854775807";

const expectation all[] = {
    {"client", "client.id", "", {"", "web"}, {}, "weir"},
    {"client", "metadata.max.age.ms", "300000", {"0", most_long}, {"-1", "5 minutes"}},
    {"client", "send.buffer.bytes", "131072", {"-1", "0", most_int}, {"-2", over_int}, "-1"},     // the system sizes them
    {"client", "receive.buffer.bytes", "65536", {"-1", "0", most_int}, {"-2", over_int}, "-1"},
    {"client", "reconnect.backoff.ms", "50", {"0", most_long}, {"-1"}},
    {"client", "reconnect.backoff.max.ms", "1000", {"0", most_long}, {"-1"}},
    {"client", "retry.backoff.ms", "100", {"0", most_long}, {"-1"}},
    {"client", "retry.backoff.max.ms", "1000", {"0", most_long}, {"-1"}},
    {"client", "enable.metrics.push", "true", {"true", "FALSE"}, {"yes"}},
    {"client", "request.timeout.ms", "30000", {"1", most_int}, {"-1", over_int}},
    {"client", "socket.connection.setup.timeout.ms", "10000", {"1", most_long}, {"soon"}},
    {"client", "socket.connection.setup.timeout.max.ms", "30000", {"1", most_long}, {"soon"}},
    {"client", "connections.max.idle.ms", "540000", {"-1", most_long}, {"soon"}},
    {"client", "security.protocol", "PLAINTEXT", {"PLAINTEXT", "SSL", "sasl_plaintext", "Sasl_Ssl"}, {"TLS"}, ""},  // the fields decide
    {"client", "metadata.recovery.strategy", "rebootstrap", {"REBOOTSTRAP", "none"}, {"never"}},
    {"client", "metadata.recovery.rebootstrap.trigger.ms", "300000", {"0", most_long}, {"-1"}},
    {"client", "ssl.enabled.protocols", "TLSv1.2,TLSv1.3", {"TLSv1.2", "TLSv1.3"}, {"SSLv3"}},
    {"client", "ssl.endpoint.identification.algorithm", "https", {"https", ""}, {"ldap"}},
    {"client", "ssl.keystore.type", "JKS", {"PEM", "PKCS12", "JKS"}, {"DER"}, ""},                // its content tells
    {"client", "ssl.truststore.type", "JKS", {"PEM", "PKCS12", "JKS"}, {"DER"}, ""},
    {"client", "sasl.mechanism", "GSSAPI", {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"}, {"GSSAPI"}, ""},
    {"client", "sasl.login.refresh.window.factor", "0.8", {"0.5", "1.0"}, {"0.49", "1.01"}},
    {"client", "sasl.login.refresh.window.jitter", "0.05", {"0.0", "0.25"}, {"-0.01", "0.26"}},
    {"client", "sasl.login.retry.backoff.ms", "100", {"0", most_long}, {"soon"}},
    {"client", "sasl.login.retry.backoff.max.ms", "10000", {"0", most_long}, {"soon"}},
    {"client", "sasl.oauthbearer.header.urlencode", "false", {"true"}, {"1"}},

    {"producer", "acks", "all", {"all", "-1", "0", "1"}, {"2", "some"}},
    {"producer", "buffer.memory", "33554432", {"1", most_long}, {"-1"}},
    {"producer", "retries", most_int, {"0", most_int}, {"-1", over_int}},
    {"producer", "compression.type", "none", {"none", "gzip", "snappy", "lz4", "zstd"}, {"brotli"}},
    {"producer", "compression.gzip.level", "-1", {"-1", "1", "9"}, {"0", "10", "-2"}, ""},        // counts for gzip alone
    {"producer", "compression.lz4.level", "9", {"1", "17"}, {"0", "18"}, ""},
    {"producer", "compression.zstd.level", "3", {"-131072", "22"}, {"-131073", "23"}, ""},
    {"producer", "batch.size", "16384", {"0", most_int}, {"-1", over_int}, "65536"},              // an idle broker gets them at once
    {"producer", "partitioner.adaptive.partitioning.enable", "true", {"false"}, {"no"}},
    {"producer", "partitioner.availability.timeout.ms", "0", {"0", most_long}, {"-1"}},
    {"producer", "partitioner.ignore.keys", "false", {"true"}, {"no"}},
    {"producer", "linger.ms", "5", {"0", most_long}, {"-1"}},
    {"producer", "delivery.timeout.ms", "120000", {"1", most_int}, {"-1"}},
    {"producer", "max.request.size", "1048576", {"1", most_int}, {"-1", over_int}},
    {"producer", "max.block.ms", "60000", {"0", most_long}, {"-1"}},
    {"producer", "max.in.flight.requests.per.connection", "5", {"1", most_int}, {"0", over_int}},
    {"producer", "enable.idempotence", "true", {"false"}, {"no"}},
    {"producer", "transaction.timeout.ms", "60000", {"1", most_int}, {over_int}},
    {"producer", "transactional.id", "", {"till-1"}, {}},

    {"consumer", "group.id", "", {"readers"}, {}},
    {"consumer", "group.instance.id", "", {"reader-1"}, {}},
    {"consumer", "session.timeout.ms", "45000", {"1", most_int}, {"0", over_int}},
    {"consumer", "heartbeat.interval.ms", "3000", {"1", most_int}, {"0", over_int}},
    {"consumer", "partition.assignment.strategy", "range,cooperative-sticky",
     {"org.apache.kafka.clients.consumer.RangeAssignor,org.apache.kafka.clients.consumer.CooperativeStickyAssignor", "roundrobin", "sticky"}, {"lottery"}},
    {"consumer", "enable.auto.commit", "true", {"false"}, {"no"}},
    {"consumer", "auto.commit.interval.ms", "5000", {"0", most_int}, {"-1", over_int}},
    {"consumer", "client.rack", "", {"north"}, {}},
    {"consumer", "max.partition.fetch.bytes", "1048576", {"0", most_int}, {"-1", over_int}},
    {"consumer", "fetch.min.bytes", "1", {"0", most_int}, {"-1", over_int}},
    {"consumer", "fetch.max.bytes", "52428800", {"0", most_int}, {"-1", over_int}},
    {"consumer", "fetch.max.wait.ms", "500", {"0", most_int}, {"-1", over_int}},
    {"consumer", "auto.offset.reset", "latest", {"latest", "earliest", "none", "by_duration:PT1H", "by_duration:P1DT2H3M4.5S"}, {"soonest", "by_duration:1h", "by_duration:-PT1H"}},
    {"consumer", "check.crcs", "true", {"false"}, {"no"}},
    {"consumer", "default.api.timeout.ms", "60000", {"0", most_int}, {"-1"}},
    {"consumer", "max.poll.records", "500", {"1", most_int}, {"0", over_int}},
    {"consumer", "max.poll.interval.ms", "300000", {"1", most_int}, {"0", over_int}},
    {"consumer", "exclude.internal.topics", "true", {"false"}, {"no"}},
    {"consumer", "isolation.level", "read_uncommitted", {"read_committed", "read_uncommitted"}, {"serializable"}},
    {"consumer", "allow.auto.create.topics", "true", {"false"}, {"no"}},
    {"consumer", "group.protocol", "classic", {"CLASSIC", "consumer"}, {"share"}},
    {"consumer", "group.remote.assignor", "", {"uniform"}, {}},

    {"share consumer", "share.acknowledgement.mode", "implicit", {"implicit", "explicit"}, {"tacit"}},
    {"share consumer", "share.acquire.mode", "batch_optimized", {"BATCH_OPTIMIZED", "record_limit"}, {"all"}},
    {"share consumer", "max.poll.records", "500", {"1", most_int}, {"0", over_int}},
    {"share consumer", "max.poll.interval.ms", "300000", {"1", most_int}, {"0", over_int}},
    {"share consumer", "fetch.max.wait.ms", "500", {"0", most_int}, {"-1", over_int}},
    {"share consumer", "fetch.min.bytes", "1", {"0", most_int}, {"-1", over_int}},
    {"share consumer", "fetch.max.bytes", "52428800", {"0", most_int}, {"-1", over_int}},

    {"admin", "default.api.timeout.ms", "60000", {"1", most_int}, {"-1"}},
    {"admin", "retries", most_int, {"0", most_int}, {"-1", over_int}},
};

}  // namespace

TEST_CASE("settings take what Kafka's take, refuse what those refuse, and begin with the same values") {
    for (const auto& each : all) {
        CAPTURE(each.who);
        CAPTURE(each.name);
        const auto kinds = detail::config_kinds();
        const auto kind = std::ranges::find(kinds, each.who, &detail::config_kind::who);
        REQUIRE(kind != kinds.end());
        const auto found = detail::find_row(kind->settings(), each.name);
        REQUIRE(found);
        CHECK(found.row->name == each.name);
        CHECK(found.row->default_text.value_or("") == each.ours.value_or(each.standard));
        for (const auto value : each.takes) CHECK_MESSAGE(kind->check(*found.row, value, found.factor), value);
        for (const auto value : each.refuses) {
            const auto parsed = kind->check(*found.row, value, found.factor);
            REQUIRE_MESSAGE(!parsed, value);
            CHECK(std::string{parsed.error().what()}.starts_with(std::string{each.name} + "=" + std::string{value} + ": allowed "));
        }
    }
}

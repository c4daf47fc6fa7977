#include "foreign.hpp"

#include <algorithm>

namespace weir::detail {
namespace {

constexpr auto ignored = treatment::ignored;
constexpr auto refused = treatment::refused;

constexpr std::string_view typed = "how keys and values travel is said by the topic's types (topic<K, V>)";
constexpr std::string_view java_class = "a Java class cannot run here";
constexpr std::string_view java_metrics = "of Java's metrics; a program asks for metrics when it wants them";
constexpr std::string_view a_function = "a function, which no text can be: the program gives it to the config or the call";
constexpr std::string_view on_demand = "the view of the cluster is refreshed when something shows that it is wrong, and by metadata.max.age.ms";
constexpr std::string_view java_tls = "of Java's security framework; TLS is OpenSSL's here";
constexpr std::string_view only_credentials = "of tokens, the client credentials grant is offered, and oauth_config::fetch for all else";
constexpr std::string_view of_brokers = "of those who check tokens: brokers";
constexpr std::string_view of_queues = "librdkafka's queues have no counterpart";
constexpr std::string_view of_files = "of properties files, whose references load_properties() fills; what a program gives itself is taken as it is written";
constexpr std::string_view of_log = "the program chooses what is logged (weir::log)";
constexpr std::string_view versions = "brokers are asked for their versions";

// Sorted as the documentation shows them: Kafka's names, then librdkafka's.
constexpr foreign_setting all[] = {
    {"client.dns.lookup", "", "use_all_dns_ips", refused, "every address of a name is tried; only Kerberos needs canonical names"},
    {"config.providers", "", "", refused, of_files},
    {"config.providers.*", "", "", refused, of_files},
    {"interceptor.classes", "", "", refused, "a Java class cannot run here; on_send, on_acknowledgement, on_consume and on_commit of the configs take functions"},
    {"metric.reporters", "", "", ignored, java_metrics},
    {"metrics.context.*", "", "", ignored, java_metrics},
    {"metrics.num.samples", "", "", ignored, java_metrics},
    {"metrics.recording.level", "", "", ignored, java_metrics},
    {"metrics.sample.window.ms", "", "", ignored, java_metrics},
    {"auto.include.jmx.reporter", "", "", ignored, java_metrics},
    {"security.providers", "", "", ignored, java_tls},

    {"ssl.engine.factory.class", "", "", refused, java_class},
    {"ssl.keymanager.algorithm", "", "", ignored, java_tls},
    {"ssl.protocol", "", "", ignored, "ssl.enabled.protocols says which versions are spoken"},
    {"ssl.provider", "", "", ignored, java_tls},
    {"ssl.secure.random.implementation", "", "", ignored, java_tls},
    {"ssl.trustmanager.algorithm", "", "", ignored, java_tls},
    {"sasl.client.callback.handler.class", "", "", refused, java_class},
    {"sasl.kerberos.*", "", "", ignored, "Kerberos is not offered; sasl.mechanism says what is"},
    {"sasl.login.callback.handler.class", "",
     "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler|org.apache.kafka.common.security.oauthbearer.secured.OAuthBearerLoginCallbackHandler", refused,
     "a Java class cannot run here; oauth_config::fetch gets tokens from wherever"},
    {"sasl.login.class", "", "", refused, java_class},
    {"sasl.login.refresh.buffer.seconds", "", "", ignored, "a token is renewed at sasl.login.refresh.window.factor of its life"},
    {"sasl.login.refresh.min.period.seconds", "", "", ignored, "a token is renewed at sasl.login.refresh.window.factor of its life"},
    {"sasl.oauthbearer.assertion.*", "", "", refused, only_credentials},
    {"sasl.oauthbearer.clock.skew.seconds", "", "", ignored, of_brokers},
    {"sasl.oauthbearer.expected.audience", "", "", ignored, of_brokers},
    {"sasl.oauthbearer.expected.issuer", "", "", ignored, of_brokers},
    {"sasl.oauthbearer.jwks.endpoint.*", "", "", ignored, of_brokers},
    {"sasl.oauthbearer.jwt.retriever.class", "", "org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever|org.apache.kafka.common.security.oauthbearer.ClientCredentialsJwtRetriever",
     refused, only_credentials},
    {"sasl.oauthbearer.jwt.validator.class", "", "", ignored, of_brokers},
    {"sasl.oauthbearer.scope.claim.name", "", "", ignored, of_brokers},
    {"sasl.oauthbearer.sub.claim.name", "", "", ignored, of_brokers},

    {"key.serializer", "producer", "", ignored, typed},
    {"value.serializer", "producer", "", ignored, typed},
    {"partitioner.class", "producer", "", refused, "a Java class cannot run here; producer_config::partitioner takes a function, else keys go where Java's producer puts them"},
    {"transaction.two.phase.commit.enable", "producer", "false", refused, "not offered"},

    {"key.deserializer", "consumer", "", ignored, typed},
    {"value.deserializer", "consumer", "", ignored, typed},
    {"internal.throw.on.fetch.stable.offset.unsupported", "consumer", "false", ignored, "of Kafka Streams, internal"},

    {"builtin.features", "", "", ignored, "of librdkafka"},
    {"message.copy.max.bytes", "", "", ignored, "records are encoded into their batch at once"},
    {"receive.message.max.bytes", "", "", ignored, "an answer is bounded by what was asked for"},
    {"topic.metadata.refresh.fast.interval.ms", "", "", ignored, on_demand},
    {"topic.metadata.refresh.fast.cnt", "", "", ignored, on_demand},
    {"topic.metadata.refresh.sparse", "", "true", ignored, on_demand},
    {"topic.metadata.propagation.max.ms", "", "", ignored, on_demand},
    {"topic.blacklist", "", "", refused, "not offered: use the topics that are wanted"},
    {"debug", "", "", ignored, of_log},
    {"socket.blocking.max.ms", "", "", ignored, of_queues},
    {"socket.keepalive.enable", "", "false", ignored, "requests have a time limit (request.timeout.ms), which finds dead connections"},
    {"socket.nagle.disable", "", "true", ignored, "small packets are never held back"},
    {"socket.max.fails", "", "1", ignored, "a connection ends with its first failure"},
    {"broker.address.ttl", "", "", ignored, "a name is resolved for each connection"},
    {"broker.address.family", "", "any", refused, "every address of a name is tried, of both families"},
    {"reconnect.backoff.jitter.ms", "", "", ignored, "every wait varies by 20 %"},
    {"statistics.interval.ms", "", "0", ignored, "a program asks for metrics when it wants them"},
    {"enabled_events", "", "", ignored, of_queues},
    {"error_cb", "", "", refused, a_function},
    {"throttle_cb", "", "", refused, a_function},
    {"stats_cb", "", "", refused, a_function},
    {"log_cb", "", "", refused, a_function},
    {"background_event_cb", "", "", refused, a_function},
    {"socket_cb", "", "", refused, a_function},
    {"connect_cb", "", "", refused, a_function},
    {"closesocket_cb", "", "", refused, a_function},
    {"open_cb", "", "", refused, a_function},
    {"resolve_cb", "", "", refused, a_function},
    {"opaque", "", "", refused, a_function},
    {"default_topic_conf", "", "", refused, a_function},
    {"interceptors", "", "", refused, a_function},
    {"log_level", "", "", ignored, of_log},
    {"log.queue", "", "", ignored, of_log},
    {"log.thread.name", "", "", ignored, of_log},
    {"log.connection.close", "", "", ignored, of_log},
    {"enable.random.seed", "", "true", ignored, "of librdkafka"},
    {"internal.termination.signal", "", "0", ignored, "threads end without a signal"},
    {"api.version.request", "", "true", refused, versions},
    {"api.version.request.timeout.ms", "", "", ignored, versions},
    {"api.version.fallback.ms", "", "0", ignored, versions},
    {"broker.version.fallback", "", "", ignored, versions},
    {"ssl.curves.list", "", "", refused, "OpenSSL's choice is taken"},
    {"ssl.sigalgs.list", "", "", refused, "OpenSSL's choice is taken"},
    {"ssl_key", "", "", refused, "the PEM text goes to ssl.keystore.key"},
    {"ssl_certificate", "", "", refused, "the PEM text goes to ssl.keystore.certificate.chain"},
    {"ssl_ca", "", "", refused, "the PEM text goes to ssl.truststore.certificates"},
    {"ssl.ca.certificate.stores", "", "", ignored, "of Windows"},
    {"ssl.crl.location", "", "", refused, "revocation lists are not offered"},
    {"ssl.providers", "", "", refused, "OpenSSL's own are used"},
    {"ssl.engine.location", "", "", refused, "OpenSSL's own are used"},
    {"ssl.engine.id", "", "dynamic", ignored, "OpenSSL's own are used"},
    {"ssl_engine_callback_data", "", "", refused, a_function},
    {"ssl.certificate.verify_cb", "", "", refused, a_function},
    {"enable.ssl.certificate.verification", "", "true", refused, "certificates are always verified; ssl.truststore.location says whom to trust"},
    {"oauthbearer_token_refresh_cb", "", "", refused, a_function},
    {"enable.sasl.oauthbearer.unsecure.jwt", "", "false", refused, "tokens that nobody signed are not offered"},
    {"sasl.oauthbearer.config", "", "", refused, "tokens that nobody signed are not offered"},
    {"sasl.oauthbearer.grant.type", "", "client_credentials", refused, only_credentials},
    {"sasl.oauthbearer.metadata.authentication.type", "", "none", refused, only_credentials},
    {"sasl.oauthbearer.method", "", "default|oidc", refused, "tokens come from the token endpoint or from oauth_config"},
    {"plugin.library.paths", "", "", refused, "librdkafka's plug-ins cannot run here"},

    {"batch.num.messages", "producer", "", ignored, "batches are bounded by bytes: batch.size"},
    {"delivery.report.only.error", "producer", "", ignored, "a delivery that nobody asks about costs nothing"},
    {"dr_cb", "producer", "", refused, a_function},
    {"dr_msg_cb", "producer", "", refused, a_function},
    {"enable.gapless.guarantee", "producer", "false", refused, "not offered: a record that is given up fails alone, those behind it go on"},
    {"msg_order_cmp", "producer", "", refused, a_function},
    {"partitioner", "producer", "murmur2|murmur2_random", refused, "keys go where Java's producer puts them (murmur2); producer_config::partitioner chooses otherwise"},
    {"partitioner_cb", "producer", "", refused, a_function},
    {"produce.offset.report", "producer", "true", ignored, "a delivery always tells its offset"},
    {"queue.buffering.backpressure.threshold", "producer", "", ignored, of_queues},
    {"queue.buffering.max.messages", "producer", "", ignored, "the buffer is bounded by bytes: buffer.memory"},
    {"queuing.strategy", "producer", "fifo", refused, "the order of a partition is always kept"},
    {"sticky.partitioning.linger.ms", "producer", "", ignored, "records without a key stay with a partition for a batch's worth of bytes"},

    {"consume.callback.max.messages", "consumer", "0", ignored, of_queues},
    {"consume_cb", "consumer", "", refused, a_function},
    {"coordinator.query.interval.ms", "consumer", "", ignored, "a coordinator is looked for when it is needed"},
    {"enable.auto.offset.store", "consumer", "true", refused, "automatic commits cover what the program has moved past; commit() where it decides itself"},
    {"enable.partition.eof", "consumer", "false", refused, "not offered: lag() tells what is left"},
    {"fetch.error.backoff.ms", "consumer", "", ignored, "fetches are tried again as other requests are: retry.backoff.ms"},
    {"fetch.queue.backoff.ms", "consumer", "", ignored, of_queues},
    {"group.protocol.type", "consumer", "consumer", refused, "groups of consumers only"},
    {"offset.store.method", "consumer", "broker", refused, "the group keeps offsets"},
    {"offset.store.path", "consumer", "", ignored, "the group keeps offsets"},
    {"offset.store.sync.interval.ms", "consumer", "", ignored, "the group keeps offsets"},
    {"offset_commit_cb", "consumer", "", refused, a_function},
    {"queued.min.messages", "consumer", "", ignored, "what is fetched ahead is bounded by bytes: buffer.memory"},
    {"rebalance_cb", "consumer", "", refused, a_function},
};

}  // namespace

bool foreign_setting::agrees(std::string_view value) const noexcept {
    for (std::size_t at = 0; at <= agreed.size();) {
        const auto end = std::min(agreed.find('|', at), agreed.size());
        if (agreed.substr(at, end - at) == value) return true;
        at = end + 1;
    }
    return false;
}

std::span<const foreign_setting> foreign_settings() { return all; }

const foreign_setting* find_foreign(std::string_view name) noexcept {
    for (const auto& each : all) {
        const bool any_ending = each.name.ends_with('*');
        if (any_ending ? name.starts_with(each.name.substr(0, each.name.size() - 1)) : name == each.name) return &each;
    }
    return nullptr;
}

}  // namespace weir::detail

// What everything that talks to a cluster shares: connections, what is known of the cluster, and one thread.
#pragma once
#include <weir/base/event_loop.hpp>
#include <weir/base/network.hpp>
#include <weir/base/uuid.hpp>
#include <weir/client_metrics.hpp>
#include <weir/op.hpp>
#include <weir/properties.hpp>
#include <weir/security.hpp>
#include <weir/serde.hpp>

#include <memory>
#include <string>

namespace weir {

enum class metadata_recovery_strategy : std::uint8_t { none, rebootstrap };

struct client_config {
    std::string client_id = "weir";               ///< client.id
    duration request_timeout{30'000};             ///< request.timeout.ms
    duration connect_timeout{10'000};             ///< socket.connection.setup.timeout.ms
    duration metadata_max_age{300'000};           ///< metadata.max.age.ms: how old a view of the cluster may become
    duration retry_backoff{100};                  ///< retry.backoff.ms: before the first retry; doubles (KIP-580)
    duration retry_backoff_max{1'000};            ///< retry.backoff.max.ms
    duration reconnect_backoff{50};               ///< reconnect.backoff.ms: before a broker that could not be reached is tried again; doubles
    duration reconnect_backoff_max{1'000};        ///< reconnect.backoff.max.ms
    duration connect_timeout_max{30'000};         ///< socket.connection.setup.timeout.max.ms: connect_timeout doubles up to this (KIP-601)
    duration connections_max_idle{540'000};       ///< connections.max.idle.ms: unused connections are closed after that; below 0: never
    /// metadata.recovery.strategy: whether `bootstrap` is asked again when no known broker tells about the cluster (KIP-899,
    /// KIP-1102).
    weir::metadata_recovery_strategy metadata_recovery_strategy = weir::metadata_recovery_strategy::rebootstrap;
    duration rebootstrap_trigger{300'000};        ///< metadata.recovery.rebootstrap.trigger.ms: known brokers that tell nothing for so long are forgotten
    bool enable_metrics_push = true;              ///< enable.metrics.push: to brokers that ask for metrics (KIP-714)
    int send_buffer = -1;                         ///< send.buffer.bytes; -1: the system sizes it
    int receive_buffer = -1;                      ///< receive.buffer.bytes; -1: the system sizes it
    tls_config tls{};                             ///< security.protocol=SSL or SASL_SSL, ssl.*
    sasl_config sasl{};                           ///< security.protocol=SASL_PLAINTEXT or SASL_SSL, sasl.*
    /// Runs completions, one after the other, elsewhere or at once; none may block for the client. Otherwise it has a thread for them.
    function<void(function<void()>)> post{};
    /// Any setting by Kafka's or librdkafka's name (docs/reference/client_settings.md); what is built on the client finds its
    /// own there too. A setting given twice, here and as a field, has to say the same.
    properties extra{};
};

namespace net {
class in_process_cluster;
}
namespace detail {
class client_core;
}

/// Connections and metadata for any number of producers. A cheap, thread-safe handle: copies are the same client, and what
/// is built on it keeps it alive. The constructor does no I/O: an unreachable cluster shows in the operations. It throws
/// weir::exception (errc::invalid_setting) for a configuration that cannot be; the error has a line per mistake.
class client {
public:
    client(const char* bootstrap) : client(std::string{bootstrap}) {}  // NOLINT: a producer takes an address directly
    /// "host:port,host:port": any brokers of the cluster (bootstrap.servers).
    client(const std::string& bootstrap) : client(bootstrap, client_config{}) {}  // NOLINT
    client(const std::string& bootstrap, client_config config);
    /// Everything by Kafka's names, bootstrap.servers among them: what load_properties() read, for example.
    explicit client(const properties& kafka_names);
    /// On a loop and a network of the caller's, which outlive the client: simulations. Everything runs on that loop,
    /// callbacks too, and nothing may block there. The
    /// same seed makes the same random choices.
    client(event_loop& loop, network& net, std::uint64_t seed, const std::string& bootstrap, client_config config);
    /// Of a cluster in this process, without any socket (<weir/broker/embedded.hpp>, <weir/broker/simulated.hpp>). In
    /// virtual time the client lives on the simulation's loop, and whoever waits, in get() or in a full producer, lets that
    /// time pass: programs that block run single-threaded, the same from the same seed.
    explicit client(const net::in_process_cluster& cluster) : client(cluster, client_config{}) {}
    client(const net::in_process_cluster& cluster, client_config config);
    ~client();
    client(const client&);
    client& operator=(const client&);

    /// Closes the connections: what is under way on any copy, and all that comes after, fails with errc::closed. Producers
    /// and consumers that still have something to do are closed before. What spawn() began runs no more once this has
    /// ended (unless it is awaited there), so that what it refers to may go.
    op<> close();
    /// What this client and all that is built on it have done so far. Any thread; costs a few microseconds.
    client_metrics metrics() const;
    /// Pushes a number of the application's too, to brokers that subscribe to its name, for as long as the registration is kept
    /// (KIP-1076); with enable.metrics.push=false it is never read. Throws weir::exception (errc::invalid_request) for one that
    /// has no name or nothing to read.
    [[nodiscard]] metrics::registration register_metric_for_subscription(application_metric which) const;
    /// What brokers call this client where they take its metrics (KIP-714). Asks them, unless it is known.
    /// errc::unsupported_version: this cluster does not; errc::invalid_request: enable.metrics.push=false.
    op<uuid> instance_id() const;

    detail::client_core& core() const noexcept { return *core_; }  ///< for the library

private:
    std::shared_ptr<detail::client_core> core_;
};

}  // namespace weir

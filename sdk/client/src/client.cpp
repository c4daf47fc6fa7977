#include "client_core.hpp"
#include "metrics/snapshot.hpp"
#include "op_state.hpp"
#include "telemetry/telemetry.hpp"

#include <weir/base/asio_runtime.hpp>
#include <weir/net/in_process.hpp>

#include <future>

namespace weir {
namespace {

client_config named(const properties& kafka_names) {
    client_config config;
    config.extra = kafka_names;
    return config;
}

}  // namespace

namespace detail {

client_core::client_core(std::unique_ptr<runtime> own, event_loop& loop, network& net, const std::string& bootstrap, client_config given, std::uint64_t seed,
                         net::virtual_time* time, std::shared_ptr<network> keep)
    : keep_(std::move(keep)), own_(std::move(own)), loop_(loop), seed_(seed) {
    client_setup setup{bootstrap, std::move(given)};
    settings_ = *resolve_client(setup);
    auto& config = setup.config;
    strand_ = std::make_shared<callbacks>(loop, std::move(config.post), own_ == nullptr, time);
    cluster_config parts;
    parts.bootstrap = *parse_bootstrap(setup.bootstrap);
    parts.connection.socket.send_buffer_bytes = config.send_buffer;
    parts.connection.socket.receive_buffer_bytes = config.receive_buffer;
    parts.connection.client_id = client_id_ = config.client_id;
    parts.connection.connect_timeout = config.connect_timeout;
    parts.connection.request_timeout = config.request_timeout;
    parts.metadata_max_age = config.metadata_max_age;
    parts.retry = {config.retry_backoff, config.retry_backoff_max};
    parts.reconnect = {config.reconnect_backoff, config.reconnect_backoff_max};
    parts.connect_timeout_max = config.connect_timeout_max;
    parts.connections_max_idle = config.connections_max_idle;
    parts.recovery = config.metadata_recovery_strategy;
    parts.rebootstrap_trigger = config.rebootstrap_trigger;
    if (config.tls.enabled || config.sasl.mechanism != sasl_mechanism::none) {
        parts.connection.security = std::make_shared<net::credentials>(
            loop, net, std::move(config.tls), std::move(config.sasl), [strand = strand_](function<void()> step) { strand->post(std::move(step)); }, next_seed());
    }
    view_ = std::make_shared<cluster>(loop, net, std::move(parts), next_seed());
    if (config.enable_metrics_push) {
        pushes_ = std::make_shared<telemetry>(view_, client_id_, next_seed());
        view_->on_connected([pushes = pushes_](const connection_ptr& link) { pushes->connected(link); });
    }
    if (own_) own_->start();
}

client_core::~client_core() {
    if (!own_) {
        close(view_, pushes_, [] {});
        return;
    }
    std::promise<void> closed;
    loop_.post([this, &closed] {
        close(view_, pushes_, [&closed] { closed.set_value(); });
    });
    closed.get_future().wait();
    tasks_->stop();
    own_->stop();
    own_->join();
    strand_->stop();
}

void client_core::on_signal(std::vector<int> signals, function<void(int)> handler) {
    if (!own_) return;
    loop_.post([own = own_.get(), signals = std::move(signals), handler = std::move(handler)]() mutable { own->on_signal(signals, std::move(handler)); });
}

void client_core::close(const std::shared_ptr<cluster>& view, const std::shared_ptr<telemetry>& pushes, function<void()> done) {
    auto end = [view, done = std::move(done)]() mutable {
        view->close();
        done();
    };
    if (pushes) pushes->close(std::move(end));
    else end();
}

}  // namespace detail

client::client(const std::string& bootstrap, client_config config) {
    auto own = std::make_unique<runtime>(1);
    auto& loop = own->loop(0);
    auto& net = own->net();
    core_ = std::make_shared<detail::client_core>(std::move(own), loop, net, bootstrap, std::move(config), random_source::from_system()());
}
client::client(const properties& kafka_names) : client(std::string{}, named(kafka_names)) {}
client::client(event_loop& loop, network& net, std::uint64_t seed, const std::string& bootstrap, client_config config)
    : core_(std::make_shared<detail::client_core>(nullptr, loop, net, bootstrap, std::move(config), seed)) {}
client::client(const net::in_process_cluster& cluster, client_config config) {
    auto access = cluster.access();
    auto& net = *access.net;
    std::unique_ptr<runtime> own;
    if (!access.loop) own = std::make_unique<runtime>(1);
    auto& loop = access.loop ? *access.loop : own->loop(0);
    const auto seed = access.loop ? access.seed : random_source::from_system()();
    core_ = std::make_shared<detail::client_core>(std::move(own), loop, net, access.bootstrap, std::move(config), seed, access.time, std::move(access.net));
}
op<> client::close() {
    auto done = std::make_shared<detail::op_state<void>>(core_->strand());
    core_->loop().post([view = core_->view(), pushes = core_->pushes(), tasks = core_->tasks(), done] {
        detail::client_core::close(view, pushes, [tasks, done] {
            tasks->end([done] { done->complete({}); });
        });
    });
    return op<>{std::move(done)};
}
client_metrics client::metrics() const {
    auto& core = *core_;
    return detail::snapshot(core.view()->counters(), detail::client_counters::which::open, core.client_id(), core.loop().now());
}
metrics::registration client::register_metric_for_subscription(application_metric which) const {
    if (which.name.empty()) throw exception{error{errc::invalid_request, "a metric of the application's needs a name"}};
    if (!which.read) throw exception{error{errc::invalid_request, "metric '" + which.name + "': there is nothing to read"}};
    const auto counters = core_->view()->shared_counters();
    const auto one = std::make_shared<application_metric>(std::move(which));
    counters->add(one);
    return metrics::registration{[counters, one] { counters->remove(one); }};
}
op<uuid> client::instance_id() const {
    auto done = std::make_shared<detail::op_state<uuid>>(core_->strand());
    if (const auto& pushes = core_->pushes()) core_->loop().post([pushes, done] { pushes->instance_id(done); });
    else done->complete(error{errc::invalid_request, "enable.metrics.push=false: brokers know no instance of this client"});
    return op<uuid>{std::move(done)};
}
client::~client() = default;
client::client(const client&) = default;
client& client::operator=(const client&) = default;

}  // namespace weir

#include "telemetry.hpp"

#include "../metrics/snapshot.hpp"

#include <weir/base/log.hpp>
#include <weir/protocol/messages/push_telemetry.hpp>

#include <fmt/format.h>

namespace weir::detail {
namespace {

log::logger telemetry_logs{"weir.client.telemetry"};
constexpr milliseconds last_push_within{1000};

bool offers(const net::connection& link) {
    using asking = protocol::get_telemetry_subscriptions_request;
    using pushing = protocol::push_telemetry_request;
    return link.version_of(asking::api_key, asking::min_version, asking::max_version) >= 0 && link.version_of(pushing::api_key, pushing::min_version, pushing::max_version) >= 0;
}

}  // namespace

telemetry::telemetry(std::shared_ptr<cluster> view, std::string client_id, std::uint64_t seed)
    : view_(std::move(view)), client_id_(std::move(client_id)), session_(seed), window_(view_->loop().wall_now()) {}

void telemetry::connected(const connection_ptr& link) {
    if (closing_ || !session_.resting() || !offers(*link)) return;
    session_.offered(view_->loop().now());
    arm();
}

void telemetry::arm() {
    view_->loop().cancel(std::exchange(timer_, timer_id::none));
    const auto next = session_.next();
    if (closing_ || busy_ || next.what == telemetry_session::step::rest) return;
    timer_ = view_->loop().call_at(next.at, [self = shared_from_this()] {
        self->timer_ = timer_id::none;
        self->busy_ = true;
        spawn(take_step(self));
    });
}

task<void> telemetry::take_step(std::shared_ptr<telemetry> self) {
    auto finding = cluster::any(self->view_);
    auto link = co_await finding;
    if (!link) {
        self->session_.unanswered(link.error(), self->view_->loop().now());
        self->tell_instance(link.error());
    } else if (self->session_.next().what == telemetry_session::step::push) {
        auto pushing = push(self, *link, false);
        co_await pushing;
    } else {
        auto asking = ask(self, *link);
        co_await asking;
    }
    self->busy_ = false;
    self->arm();
}

task<void> telemetry::ask(std::shared_ptr<telemetry> self, connection_ptr link) {
    protocol::get_telemetry_subscriptions_request request;
    request.client_instance_id = self->session_.instance();
    auto asking = link->call(request);
    const auto got = co_await asking;
    const auto now = self->view_->loop().now();
    if (got) self->session_.told(got->message, now);
    else self->session_.unanswered(got.error(), now);
    auto& counters = self->view_->counters();
    counters.keep_ended(self->session_.subscribed());
    if (!self->session_.subscribed()) counters.forget_ended();
    self->tell_instance(got ? error{errc_from_wire(got->message.error_code), "GetTelemetrySubscriptions"} : got.error());
}

task<void> telemetry::push(std::shared_ptr<telemetry> self, connection_ptr link, bool last) {
    auto& loop = self->view_->loop();
    auto& session = self->session_;
    auto samples = samples_of(snapshot(self->view_->counters(), client_counters::which::ended_too, self->client_id_, loop.now()));
    const auto of_application = self->view_->counters().read_application();  // samples are views of these
    for (auto& each : samples_of(of_application)) samples.push_back(std::move(each));
    const auto wall = loop.wall_now();
    const auto of_sums = session.delta() ? temporality::delta : temporality::cumulative;
    const auto codec = session.codec();
    auto packed = protocol::compress(codec, std::nullopt, encode_otlp(self->window_.points(samples, session.metrics(), of_sums, wall), of_sums, wall));
    if (!packed || packed->size() > session.max_bytes()) {
        telemetry_logs.warn(packed ? fmt::format("{} bytes of metrics are more than the {} that the broker takes", packed->size(), session.max_bytes()) : packed.error().message());
        session.pushed(errc::telemetry_too_large, loop.now());
        co_return;
    }
    protocol::push_telemetry_request request;
    request.client_instance_id = session.instance();
    request.subscription_id = session.subscription();
    request.terminating = last;
    request.compression_type = static_cast<std::int8_t>(codec);
    request.metrics = *std::move(packed);
    auto asking = link->call(request);
    const auto got = co_await asking;
    if (!got) {
        session.unanswered(got.error(), loop.now());
        co_return;
    }
    const auto code = errc_from_wire(got->message.error_code);
    if (code == errc::none) {
        self->window_.commit(samples, wall);
        self->view_->counters().forget_ended();
    }
    session.pushed(code, loop.now());
}

void telemetry::tell_instance(const error& why) {
    for (auto waiting = std::exchange(asked_for_id_, {}); auto& each : waiting) {
        if (session_.instance().is_zero()) each->complete(why);
        else each->complete(session_.instance());
    }
}

void telemetry::instance_id(std::shared_ptr<op_state<uuid>> done) {
    if (!session_.instance().is_zero()) return done->complete(session_.instance());
    if (closing_) return done->complete(error{errc::closed, "the client is closed"});
    if (session_.over()) return done->complete(error{errc::unsupported_version, "the brokers take no metrics of this client"});
    asked_for_id_.push_back(std::move(done));
    if (busy_) return;
    view_->loop().cancel(std::exchange(timer_, timer_id::none));
    session_.offered(view_->loop().now());
    busy_ = true;
    spawn(take_step(shared_from_this()));
}

void telemetry::close(function<void()> done) {
    const bool first = !std::exchange(closing_, true);
    if (first ? !session_.subscribed() : closed_.empty()) {
        view_->loop().cancel(std::exchange(timer_, timer_id::none));
        return done();
    }
    closed_.push_back(std::move(done));
    if (!first) return;
    view_->loop().cancel(std::exchange(timer_, timer_id::none));
    timer_ = view_->loop().call_after(last_push_within, [self = shared_from_this()] {
        self->timer_ = timer_id::none;
        self->tell_closed();
    });
    spawn(push_last(shared_from_this()));
}

task<void> telemetry::push_last(std::shared_ptr<telemetry> self) {
    auto finding = cluster::any(self->view_);
    auto link = co_await finding;
    if (link && !self->closed_.empty()) {
        auto pushing = push(self, *link, true);
        co_await pushing;
    }
    self->view_->loop().cancel(std::exchange(self->timer_, timer_id::none));
    self->tell_closed();
}

void telemetry::tell_closed() {
    for (auto told = std::exchange(closed_, {}); auto& each : told) each();
}

}  // namespace weir::detail

#include "telemetry_session.hpp"

#include <weir/base/log.hpp>

#include <fmt/format.h>

namespace weir::detail {
namespace {
log::logger telemetry_session_logs{"weir.client.telemetry"};
constexpr milliseconds default_interval{300'000};
}  // namespace

void telemetry_session::offered(time_point now) {
    if (!over_ && resting()) next_ = {step::ask, now};
}

void telemetry_session::told(const protocol::get_telemetry_subscriptions_response& answer, time_point now) {
    const auto code = errc_from_wire(answer.error_code);
    if (code == errc::throttling_quota_exceeded) {
        next_ = {step::ask, now + interval_};
        return;
    }
    if (code != errc::none) {
        const error why{code, "GetTelemetrySubscriptions"};
        if (code == errc::invalid_request || code == errc::unsupported_version) return end(why);
        return unanswered(why, now);
    }
    instance_ = answer.client_instance_id;
    subscription_ = answer.subscription_id;
    metrics_ = answer.requested_metrics;
    codecs_ = answer.accepted_compression_types;
    interval_ = answer.push_interval_ms > 0 ? milliseconds{answer.push_interval_ms} : default_interval;
    max_bytes_ = answer.telemetry_max_bytes > 0 ? static_cast<std::size_t>(answer.telemetry_max_bytes) : 0;
    delta_ = answer.delta_temporality;
    if (metrics_.empty()) {
        next_ = {step::ask, now + interval_};
        return;
    }
    // Clients that were told at the same time do not push at the same time.
    const auto first = static_cast<double>(nanoseconds{interval_}.count()) * (0.5 + random_.unit());
    next_ = {step::push, now + nanoseconds{static_cast<nanoseconds::rep>(first)}};
}

void telemetry_session::pushed(errc code, time_point now) {
    switch (code) {
        case errc::none:
        case errc::throttling_quota_exceeded: next_ = {step::push, now + interval_}; return;
        case errc::telemetry_too_large: next_ = {step::ask, now + interval_}; return;
        case errc::unknown_subscription_id: next_ = {step::ask, now}; return;
        case errc::unsupported_compression_type:
            refused_codecs_.insert(static_cast<std::int8_t>(codec()));
            next_ = {step::ask, now};
            return;
        case errc::invalid_request:
        case errc::invalid_record:
        case errc::unsupported_version: return end(error{code, "PushTelemetry"});
        default: unanswered(error{code, "PushTelemetry"}, now);
    }
}

void telemetry_session::unanswered(const error& why, time_point now) {
    if (why.code() == errc::unsupported_version) {
        next_ = {};
        return;
    }
    telemetry_session_logs.debug("metrics are not pushed now: " + why.message());
    // Whatever broker comes next may have another subscription.
    next_ = {step::ask, now + interval_};
}

void telemetry_session::end(const error& why) {
    telemetry_session_logs.warn("no more metrics are pushed: " + why.message());
    over_ = true;
    next_ = {};
}

protocol::codec telemetry_session::codec() const {
    for (const auto each : codecs_) {
        const auto known = each < 0 ? std::nullopt : protocol::codec_from_bits(static_cast<unsigned>(each));
        if (known && !refused_codecs_.contains(each)) return *known;
    }
    return protocol::codec::none;
}

}  // namespace weir::detail

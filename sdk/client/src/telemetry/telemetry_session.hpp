// When a client asks what to push, when it pushes, and what an answer means for that (KIP-714). No I/O.
#pragma once
#include <weir/base/error.hpp>
#include <weir/base/random.hpp>
#include <weir/base/time.hpp>
#include <weir/base/uuid.hpp>
#include <weir/protocol/compression.hpp>
#include <weir/protocol/messages/get_telemetry_subscriptions.hpp>

#include <set>
#include <string>
#include <vector>

namespace weir::detail {

class telemetry_session {
public:
    enum class step : std::uint8_t { rest, ask, push };
    struct plan {
        step what = step::rest;
        time_point at{};
    };
    explicit telemetry_session(std::uint64_t seed) : random_(seed) {}

    /// What is next; rest: nothing, until offered().
    plan next() const noexcept { return next_; }
    bool resting() const noexcept { return next_.what == step::rest; }
    /// A broker has the two APIs.
    void offered(time_point now);
    /// The answer to GetTelemetrySubscriptions.
    void told(const protocol::get_telemetry_subscriptions_response& answer, time_point now);
    /// The answer to PushTelemetry.
    void pushed(errc code, time_point now);
    /// A request was not answered. errc::unsupported_version: that broker lacks the API.
    void unanswered(const error& why, time_point now);

    /// Zero until a broker has given one.
    const uuid& instance() const noexcept { return instance_; }
    std::int32_t subscription() const noexcept { return subscription_; }
    const std::vector<std::string>& metrics() const noexcept { return metrics_; }
    bool delta() const noexcept { return delta_; }
    std::size_t max_bytes() const noexcept { return max_bytes_; }
    /// The first of the broker's that it has not refused meanwhile.
    protocol::codec codec() const;
    /// A broker said that nothing of this client is wanted any more.
    bool over() const noexcept { return over_; }
    /// Whether a last push is due at the end.
    bool subscribed() const noexcept { return !over_ && !metrics_.empty(); }

private:
    void end(const error& why);

    random_source random_;
    plan next_;
    uuid instance_;
    std::int32_t subscription_ = 0;
    std::vector<std::int8_t> codecs_;
    std::set<std::int8_t> refused_codecs_;
    std::vector<std::string> metrics_;
    milliseconds interval_{300'000};
    std::size_t max_bytes_ = 0;
    bool delta_ = true;
    bool over_ = false;
};

}  // namespace weir::detail

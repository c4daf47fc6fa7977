// When a client asks and pushes (KIP-714).
#include "telemetry/telemetry_session.hpp"

#include <doctest/doctest.h>

using namespace weir;
using namespace weir::detail;
using namespace std::chrono_literals;

namespace {

using step = telemetry_session::step;

struct session_fixture {
    telemetry_session session{7};
    time_point now{1000s};

    static protocol::get_telemetry_subscriptions_response subscription(std::vector<std::string> metrics = {"*"}) {
        protocol::get_telemetry_subscriptions_response answer;
        answer.client_instance_id = {1, 2};
        answer.subscription_id = 9;
        answer.accepted_compression_types = {42, 4, 1};
        answer.push_interval_ms = 10'000;
        answer.telemetry_max_bytes = 1000;
        answer.requested_metrics = std::move(metrics);
        return answer;
    }
    bool asks_at(time_point when) const { return session.next().what == step::ask && session.next().at == when; }
    bool pushes_at(time_point when) const { return session.next().what == step::push && session.next().at == when; }
    void subscribe() {
        session.offered(now);
        session.told(subscription(), now);
    }
};

}  // namespace

TEST_CASE_FIXTURE(session_fixture, "nothing is asked before a broker offers it, and then at once") {
    CHECK(session.next().what == step::rest);
    session.offered(now);
    CHECK(asks_at(now));
    CHECK(session.instance().is_zero());
}

TEST_CASE_FIXTURE(session_fixture, "the first push comes within half to one and a half intervals, those after it an interval after the answer") {
    subscribe();
    CHECK(session.instance() == uuid{1, 2});
    CHECK(session.subscribed());
    CHECK(session.next().what == step::push);
    CHECK(session.next().at >= now + 5s);
    CHECK(session.next().at <= now + 15s);
    session.pushed(errc::none, now);
    CHECK(pushes_at(now + 10s));
}

TEST_CASE_FIXTURE(session_fixture, "who is to push nothing asks again after the interval") {
    session.offered(now);
    session.told(subscription({}), now);
    CHECK(asks_at(now + 10s));
    CHECK_FALSE(session.subscribed());
}

TEST_CASE_FIXTURE(session_fixture, "an outdated subscription is asked for at once, and a codec that was refused is not taken again") {
    subscribe();
    CHECK(session.codec() == protocol::codec::zstd);
    session.pushed(errc::unknown_subscription_id, now);
    CHECK(asks_at(now));
    session.told(subscription(), now);
    session.pushed(errc::unsupported_compression_type, now);
    CHECK(asks_at(now));
    CHECK(session.codec() == protocol::codec::gzip);
    session.told(subscription(), now);
    session.pushed(errc::unsupported_compression_type, now);
    CHECK(session.codec() == protocol::codec::none);
}

TEST_CASE_FIXTURE(session_fixture, "who came too early or with too much waits for an interval") {
    subscribe();
    session.pushed(errc::throttling_quota_exceeded, now);
    CHECK(pushes_at(now + 10s));
    session.pushed(errc::telemetry_too_large, now);
    CHECK(asks_at(now + 10s));
    auto late = subscription();
    late.error_code = static_cast<std::int16_t>(errc::throttling_quota_exceeded);
    session.told(late, now);
    CHECK(asks_at(now + 10s));
}

TEST_CASE_FIXTURE(session_fixture, "a broker that cannot read the pushes gets no more of them") {
    for (const auto code : {errc::invalid_record, errc::invalid_request}) {
        telemetry_session fresh{1};
        fresh.offered(now);
        fresh.told(subscription(), now);
        fresh.pushed(code, now);
        CHECK(fresh.over());
        CHECK(fresh.resting());
        CHECK_FALSE(fresh.subscribed());
        fresh.offered(now);
        CHECK(fresh.resting());
    }
}

TEST_CASE_FIXTURE(session_fixture, "a request without an answer is no reason to hurry, and a broker without the API ends it until another comes") {
    subscribe();
    session.unanswered(error{errc::network_exception, "gone"}, now);
    CHECK(asks_at(now + 10s));
    session.unanswered(error{errc::unsupported_version, "older"}, now);
    CHECK(session.resting());
    session.offered(now);
    CHECK(asks_at(now));
}

TEST_CASE_FIXTURE(session_fixture, "an interval that cannot be is five minutes") {
    auto answer = subscription({});
    answer.push_interval_ms = 0;
    session.offered(now);
    session.told(answer, now);
    CHECK(asks_at(now + 5min));
}

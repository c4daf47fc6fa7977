// The heartbeats of a member whose coordinator assigns, one answer at a time.
#include "consumer/heartbeat_session.hpp"

#include <doctest/doctest.h>

using namespace weir;
using namespace weir::detail;
using namespace std::chrono_literals;
using outcome = heartbeat_outcome;

namespace {

struct heartbeat_fixture {
    heartbeat_session session{net::backoff{}, 1};
    time_point now{1h};

    std::uint64_t send() {
        REQUIRE(session.due(now));
        return session.send();
    }
    outcome answer(errc code, std::int32_t epoch = 0, milliseconds interval = 3s) { return session.answered(send(), code, epoch, interval, now); }
    void settle() {
        session.join(now);
        REQUIRE(answer(errc::none, 1) == outcome::accepted);
    }
};

}  // namespace

TEST_CASE("a member joins with epoch 0, and beats with the epoch and the interval that the coordinator tells") {
    heartbeat_fixture f;
    CHECK(f.session.out());
    CHECK(f.session.epoch() == -1);
    CHECK(f.session.deadline() == time_point::max());
    f.session.join(f.now);
    CHECK(f.session.joining());
    CHECK(f.session.epoch() == 0);
    CHECK(f.answer(errc::none, 4, 3s) == outcome::accepted);
    CHECK(f.session.member());
    CHECK(f.session.epoch() == 4);
    CHECK(f.session.deadline() == f.now + 3s);
    f.now += 3s;
    CHECK(f.answer(errc::none, 5, 0ms) == outcome::accepted);  // says nothing about the interval
    CHECK(f.session.deadline() == f.now + 3s);
}

TEST_CASE("one heartbeat at a time is under way, and an answer that comes late counts for nothing") {
    heartbeat_fixture f;
    f.settle();
    f.session.hurry(f.now);
    const auto sent = f.send();
    f.session.hurry(f.now);
    CHECK(f.session.deadline() == time_point::max());
    CHECK(f.session.answered(sent - 1, errc::none, 9, 3s, f.now) == outcome::outdated);
    CHECK(f.session.failed(sent - 1, error{errc::network_exception, "cut"}, f.now) == outcome::outdated);
    f.session.drop();
    CHECK(f.session.answered(sent, errc::none, 9, 3s, f.now) == outcome::outdated);
    CHECK(f.session.out());
}

TEST_CASE("news does not wait for the interval, unless there is nobody to tell it to") {
    heartbeat_fixture f;
    f.session.hurry(f.now);
    CHECK(!f.session.due(f.now));
    f.settle();
    CHECK(!f.session.due(f.now));
    f.session.hurry(f.now);
    CHECK(f.session.due(f.now));
}

TEST_CASE("a fenced member is out, and may join again at once") {
    for (const auto code : {errc::fenced_member_epoch, errc::unknown_member_id}) {
        heartbeat_fixture f;
        f.settle();
        f.now += 3s;
        CHECK(f.answer(code) == outcome::fenced);
        CHECK(f.session.out());
        CHECK(f.session.epoch() == -1);
        f.session.join(f.now);
        CHECK(f.session.due(f.now));
    }
}

TEST_CASE("what may pass is tried again with the same epoch, later each time, until an answer is good") {
    heartbeat_fixture f;
    f.settle();
    f.now += 3s;
    nanoseconds before{};
    for (const auto code : {errc::coordinator_load_in_progress, errc::not_coordinator, errc::coordinator_not_available}) {
        CHECK(f.answer(code) == (code == errc::coordinator_load_in_progress ? outcome::retry : outcome::retry_elsewhere));
        CHECK(f.session.member());
        CHECK(f.session.epoch() == 1);
        const auto pause = f.session.deadline() - f.now;
        CHECK(pause > before);
        before = pause;
        f.now += pause;
    }
    CHECK(f.session.failed(f.send(), error{errc::network_exception, "cut"}, f.now) == outcome::retry_elsewhere);
    CHECK(f.session.deadline() - f.now > before);
    f.now = f.session.deadline();
    CHECK(f.answer(errc::none, 1) == outcome::accepted);
    f.now += 3s;
    CHECK(f.answer(errc::coordinator_load_in_progress) == outcome::retry);
    CHECK(f.session.deadline() - f.now <= 120ms);
}

TEST_CASE("what no other try would mend ends it") {
    for (const auto code : {errc::group_authorization_failed, errc::unreleased_instance_id, errc::unsupported_version}) {
        heartbeat_fixture f;
        f.session.join(f.now);
        CHECK(f.answer(code) == outcome::refused);
        CHECK(f.session.out());
    }
    for (const auto code : {errc::unsupported_version, errc::sasl_authentication_failed}) {
        heartbeat_fixture f;
        f.session.join(f.now);
        CHECK(f.session.failed(f.send(), error{code, "no"}, f.now) == outcome::refused);
        CHECK(f.session.out());
    }
}

TEST_CASE("the last heartbeat waits for no other, and whatever comes of it, the member has left") {
    for (const auto code : {errc::none, errc::unknown_member_id, errc::network_exception}) {
        heartbeat_fixture f;
        f.settle();
        f.session.hurry(f.now);
        const auto earlier = f.send();
        const auto last = f.session.send_last();
        CHECK(f.session.leaving());
        CHECK(f.session.deadline() == time_point::max());
        CHECK(f.session.answered(earlier, errc::none, 2, 3s, f.now) == outcome::outdated);
        if (code == errc::network_exception) CHECK(f.session.failed(last, error{code, "cut"}, f.now) == outcome::left);
        else CHECK(f.session.answered(last, code, -1, 3s, f.now) == outcome::left);
        CHECK(f.session.out());
    }
}

TEST_CASE("a refusal names the request and the group, what to do, and what the coordinator said") {
    CHECK(heartbeat_error("ShareGroupHeartbeat", "g", errc::group_max_size_reached, "it is full", "at most 2").what() ==
          "ShareGroupHeartbeat of group g: it is full; the coordinator says: at most 2");
    CHECK(heartbeat_error("ShareGroupHeartbeat", "g", errc::group_authorization_failed, "", "").what() ==
          "ShareGroupHeartbeat of group g: the principal may not read it; it needs READ on the group");
}

// A member of a KIP-848 group, one input at a time.
#include "consumer/consumer_member.hpp"

#include <doctest/doctest.h>

using namespace weir;
using namespace weir::detail;
using namespace std::chrono_literals;

namespace {

const uuid id_a{1, 1}, id_b{2, 2};
using parts = std::vector<topic_partition>;
using answer_t = protocol::consumer_group_heartbeat_response;
using places = std::vector<std::pair<uuid, std::int32_t>>;

struct consumer_fixture {
    explicit consumer_fixture(const std::string& instance = "") : member(config(instance), net::backoff{}, 1) { member.names_are({{id_a, "a"}, {id_b, "b"}}); }
    static membership_config config(const std::string& instance) {
        membership_config made;
        made.group_id = "g";
        made.instance_id = instance;
        made.rack = "r1";
        made.remote_assignor = "range";
        made.max_poll_interval = 60s;
        return made;
    }
    void let_pass(nanoseconds span, bool polling = true) {
        now += span;
        if (polling) polled = now;
        member.tick(now, polled);
    }
    template <class T>
    std::optional<T> next() {
        for (auto& each : member.take_effects()) seen.push_back(std::move(each));
        for (auto at = seen.begin(); at != seen.end(); ++at) {
            if (!std::holds_alternative<T>(*at)) continue;
            auto found = std::get<T>(std::move(*at));
            seen.erase(at);
            return found;
        }
        return std::nullopt;
    }
    template <class T>
    T take() {
        auto found = next<T>();
        REQUIRE(found);
        return *std::move(found);
    }
    static answer_t answer(std::int32_t epoch, std::optional<places> target = std::nullopt, errc code = errc::none) {
        answer_t made;
        made.error_code = wire_code(code);
        made.member_epoch = epoch;
        made.heartbeat_interval_ms = 5000;
        if (target) {
            auto& list = (made.assignment = answer_t::assignment_data{})->topic_partitions;
            for (const auto& [id, partition] : *target) {
                auto& topic = list.emplace_back();
                topic.topic_id = id;
                topic.partitions.push_back(partition);
            }
        }
        return made;
    }
    /// Answers the heartbeat that is due.
    consumer_effect::heartbeat beat(const answer_t& with) {
        let_pass(0s);
        auto sent = take<consumer_effect::heartbeat>();
        member.answered(sent.of, with, now);
        return sent;
    }
    void settle() {
        member.subscribe({{"a"}, ""});
        beat(answer(1, places{{id_a, 0}, {id_a, 1}}));
        CHECK(take<consumer_effect::assigned>().added == parts{{"a", 0}, {"a", 1}});
        beat(answer(1));
    }
    consumer_member member;
    std::vector<consumer_member::effect> seen;
    time_point now{1h};
    time_point polled{1h};
};

}  // namespace

TEST_CASE("the first heartbeat tells everything, with an id of the member's own; the next ones nothing new") {
    consumer_fixture f;
    f.member.subscribe({{"b", "a"}, ""});
    const auto first = f.beat(f.answer(1));
    CHECK(first.request.member_id.size() == 22);
    CHECK(first.request.member_epoch == 0);
    CHECK(first.request.rebalance_timeout_ms == 60'000);
    CHECK(first.request.subscribed_topic_names == std::vector<std::string>{"a", "b"});
    CHECK(!first.request.subscribed_topic_regex);
    CHECK(first.request.rack_id == "r1");
    CHECK(first.request.server_assignor == "range");
    CHECK(first.request.topic_partitions.has_value());
    CHECK(first.request.topic_partitions->empty());
    f.let_pass(4s);
    CHECK(!f.next<consumer_effect::heartbeat>());
    f.let_pass(1s);
    const auto second = f.take<consumer_effect::heartbeat>();
    CHECK(second.request.member_id == first.request.member_id);
    CHECK(second.request.member_epoch == 1);
    CHECK(!second.request.subscribed_topic_names);
    CHECK(!second.request.topic_partitions);
    CHECK(second.request.rebalance_timeout_ms == -1);
}

TEST_CASE("what is taken away is given up and told before anything else happens") {
    consumer_fixture f;
    f.settle();
    f.let_pass(5s);
    f.beat(f.answer(2, places{{id_a, 0}, {id_b, 0}}));
    const auto revoke = f.take<consumer_effect::revoke>();
    CHECK(revoke.going == parts{{"a", 1}});
    CHECK(!f.next<consumer_effect::assigned>());
    f.let_pass(5s);
    CHECK(!f.take<consumer_effect::heartbeat>().request.topic_partitions);  // it still has it
    f.member.answered(0, f.answer(9), f.now);
    f.member.revoked(revoke.of);
    CHECK(f.take<consumer_effect::assigned>().added == parts{{"b", 0}});
    CHECK(f.member.identity().generation == 2);
}

TEST_CASE("the acknowledgement tells what is owned, at once") {
    consumer_fixture f;
    f.settle();
    f.let_pass(5s);
    f.beat(f.answer(2, places{{id_a, 0}}));
    f.member.revoked(f.take<consumer_effect::revoke>().of);
    f.let_pass(0s);
    const auto acknowledged = f.take<consumer_effect::heartbeat>();
    REQUIRE(acknowledged.request.topic_partitions);
    REQUIRE(acknowledged.request.topic_partitions->size() == 1);
    CHECK(acknowledged.request.topic_partitions->at(0).partitions == std::vector<std::int32_t>{0});
}

TEST_CASE("the newest target counts, also when it comes during a revocation") {
    consumer_fixture f;
    f.settle();
    f.let_pass(5s);
    f.beat(f.answer(2, places{{id_a, 0}, {id_b, 0}}));
    const auto revoke = f.take<consumer_effect::revoke>();
    f.let_pass(5s);
    f.beat(f.answer(3, places{{id_b, 1}}));
    f.member.revoked(revoke.of);
    const auto second = f.take<consumer_effect::revoke>();
    CHECK(second.going == parts{{"a", 0}});
    f.member.revoked(second.of);
    CHECK(f.take<consumer_effect::assigned>().added == parts{{"b", 1}});
}

TEST_CASE("a partition is taken when its topic has a name") {
    consumer_fixture f;
    const uuid unknown{3, 3};
    f.member.subscribe({{"a", "c"}, ""});
    f.beat(f.answer(1, places{{id_a, 0}, {unknown, 0}}));
    CHECK(f.take<consumer_effect::assigned>().added == parts{{"a", 0}});
    CHECK(f.take<consumer_effect::find_names>().ids == std::vector<uuid>{unknown});
    CHECK(f.member.nameless().size() == 1);
    f.member.names_are({{unknown, "c"}});
    CHECK(f.take<consumer_effect::assigned>().added == parts{{"c", 0}});
    CHECK(f.member.nameless().empty());
}

TEST_CASE("an empty assignment is told too") {
    consumer_fixture f;
    f.member.subscribe({{"a"}, ""});
    f.beat(f.answer(1, places{}));
    CHECK(f.take<consumer_effect::assigned>().added.empty());
}

TEST_CASE("a fenced member loses everything and joins again as the same one") {
    for (const auto code : {errc::fenced_member_epoch, errc::unknown_member_id}) {
        consumer_fixture f;
        f.settle();
        f.let_pass(5s);
        const auto refused = f.beat(f.answer(0, std::nullopt, code));
        CHECK(f.take<consumer_effect::lost>().gone.size() == 2);
        f.let_pass(0s);
        const auto again = f.take<consumer_effect::heartbeat>();
        CHECK(again.request.member_epoch == 0);
        CHECK(again.request.member_id == refused.request.member_id);
        CHECK(again.request.subscribed_topic_names);
    }
}

TEST_CASE("after a failure everything is told again") {
    consumer_fixture f;
    f.settle();
    f.let_pass(5s);
    f.member.request_failed(f.take<consumer_effect::heartbeat>().of, error{errc::network_exception, "cut"}, f.now);
    CHECK(f.next<consumer_effect::forget_coordinator>());
    f.let_pass(2s);
    const auto again = f.take<consumer_effect::heartbeat>();
    CHECK(again.request.member_epoch == 1);
    CHECK(again.request.subscribed_topic_names);
    REQUIRE(again.request.topic_partitions);
    CHECK(again.request.topic_partitions->at(0).partitions.size() == 2);
}

TEST_CASE("a pattern goes to the coordinator, and is taken back when names follow") {
    consumer_fixture f;
    f.member.subscribe({{}, "log-.*"});
    const auto first = f.beat(f.answer(1));
    CHECK(first.request.subscribed_topic_regex == "log-.*");
    f.member.subscribe({{"a"}, ""});
    const auto second = f.beat(f.answer(1));
    CHECK(second.request.subscribed_topic_regex == "");
    CHECK(second.request.subscribed_topic_names == std::vector<std::string>{"a"});
}

TEST_CASE("leaving: revocation, then epoch -1, or -2 for a static member") {
    for (const char* instance : {"", "i"}) {
        consumer_fixture f{instance};
        f.settle();
        f.member.leave();
        f.let_pass(0s);
        f.member.revoked(f.take<consumer_effect::revoke>().of);
        const auto farewell = f.beat(f.answer(-1));
        CHECK(farewell.request.member_epoch == (*instance ? -2 : -1));
        CHECK(f.next<consumer_effect::left>());
    }
}

TEST_CASE("leaving as it was asked for: a static member gives its place up, or any member keeps it") {
    for (const char* instance : {"", "i"}) {
        for (const auto how : {farewell::leave_group, farewell::remain_in_group}) {
            consumer_fixture f{instance};
            f.settle();
            f.member.leave(how);
            f.let_pass(0s);
            f.member.revoked(f.take<consumer_effect::revoke>().of);
            if (how == farewell::leave_group) CHECK(f.beat(f.answer(-1)).request.member_epoch == -1);
            else if (*instance) CHECK(f.beat(f.answer(-2)).request.member_epoch == -2);
            f.let_pass(0s);
            CHECK(f.next<consumer_effect::left>());
            CHECK(!f.next<consumer_effect::heartbeat>());
        }
    }
}

TEST_CASE("who leaves and takes time to give up stays in the group until then, and sleeps between heartbeats") {
    consumer_fixture f;
    f.settle();
    f.member.leave();
    f.let_pass(0s);
    const auto revoke = f.take<consumer_effect::revoke>();
    CHECK(f.member.deadline(f.polled) > f.now);
    for (int i = 0; i < 3; ++i) {
        f.let_pass(5s);
        const auto sent = f.take<consumer_effect::heartbeat>();
        CHECK(sent.request.member_epoch == 1);
        CHECK(f.member.deadline(f.polled) > f.now);
        f.member.answered(sent.of, f.answer(1), f.now);
        f.let_pass(0s);
        CHECK(f.member.deadline(f.polled) > f.now);
    }
    f.member.revoked(revoke.of);
    CHECK(f.beat(f.answer(-1)).request.member_epoch == -1);
    CHECK(f.next<consumer_effect::left>());
}

TEST_CASE("a member of KIP-848 that does not poll leaves, and comes back when it does") {
    consumer_fixture f;
    f.settle();
    for (int i = 0; i < 12; ++i) {
        f.let_pass(5s, false);
        if (const auto beat = f.next<consumer_effect::heartbeat>(); beat && beat->request.member_epoch > 0) f.member.answered(beat->of, f.answer(1), f.now);
        else if (beat) CHECK(beat->request.member_epoch == -1);
    }
    CHECK(f.take<consumer_effect::lost>().gone.size() == 2);
    f.let_pass(60s, false);
    CHECK(!f.next<consumer_effect::heartbeat>());
}

TEST_CASE("what a KIP-848 coordinator refuses for good is told once") {
    struct { errc code; const char* part; } cases[] = {
        {errc::unsupported_version, "group.protocol=classic"}, {errc::unsupported_assignor, "group.remote.assignor"}, {errc::unreleased_instance_id, "group.instance.id=i"},
        {errc::group_authorization_failed, "READ on the group"}, {errc::invalid_regular_expression, "RE2"}, {errc::group_max_size_reached, "group.consumer.max.size"}};
    for (const auto& each : cases) {
        consumer_fixture f{"i"};
        f.member.subscribe({{"a"}, ""});
        f.beat(f.answer(0, std::nullopt, each.code));
        const auto failed = f.take<consumer_effect::failed>();
        CHECK(failed.why.code() == each.code);
        CHECK_MESSAGE(failed.why.message().find(each.part) != std::string::npos, failed.why.message());
        f.let_pass(100s);
        CHECK(!f.next<consumer_effect::heartbeat>());
    }
}

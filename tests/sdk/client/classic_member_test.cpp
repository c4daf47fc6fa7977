// A classic member, one input at a time: scripted answers, no network, time by hand.
#include "consumer/classic_member.hpp"
#include "consumer/consumer_protocol.hpp"

#include <doctest/doctest.h>

using namespace weir;
using namespace weir::detail;
using namespace std::chrono_literals;

namespace {

struct member_fixture {
    explicit member_fixture(std::vector<std::string> assignors = {"range"}, const std::string& instance = "")
        : member(config(std::move(assignors), instance), net::backoff{}, 1) {}
    static membership_config config(std::vector<std::string> assignors, const std::string& instance) {
        membership_config made;
        made.group_id = "g";
        made.instance_id = instance;
        made.assignors = std::move(assignors);
        made.session_timeout = 10s;
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
    protocol::join_group_response join_answer(errc code, std::int32_t generation = 1, const std::string& leader = "other") const {
        protocol::join_group_response answer;
        answer.error_code = wire_code(code);
        answer.generation_id = generation;
        answer.protocol_type = "consumer";
        answer.protocol_name = "range";
        answer.leader = leader;
        answer.member_id = "m";
        return answer;
    }
    static protocol::sync_group_response sync_answer(errc code, const std::vector<topic_partition>& partitions = {}) {
        protocol::sync_group_response answer;
        answer.error_code = wire_code(code);
        answer.assignment = *encode_assignment(partitions);
        return answer;
    }
    /// From wherever the member is to stable, as a follower.
    void settle(const std::vector<topic_partition>& partitions, std::int32_t generation = 1, const std::string& name = "range") {
        let_pass(1s);
        const auto join = take<member_effect::join>();
        auto answer = join_answer(errc::none, generation);
        answer.protocol_name = name;
        member.joined(join.of, answer, now);
        const auto sync = take<member_effect::sync>();
        CHECK(sync.request.generation_id == generation);
        CHECK(sync.request.assignments.empty());
        member.synced(sync.of, sync_answer(errc::none, partitions), now);
        let_pass(0s);
        member.heartbeat_answered(take<member_effect::heartbeat>().of, errc::none, now);  // at once: the session counts from here
    }
    classic_member member;
    std::vector<classic_member::effect> seen;
    time_point now{1h};
    time_point polled{1h};
};

using parts = std::vector<topic_partition>;

}  // namespace

TEST_CASE("a new member is given an id first, and says why it joins") {
    member_fixture f;
    f.member.subscribe({"a"});
    f.let_pass(0s);
    const auto first = f.take<member_effect::join>();
    CHECK(first.request.member_id.empty());
    CHECK(first.request.session_timeout_ms == 10'000);
    CHECK(first.request.rebalance_timeout_ms == 60'000);
    CHECK(first.request.reason == "first join");
    REQUIRE(first.request.protocols.size() == 1);
    CHECK((*decode_subscription(first.request.protocols[0].metadata)).topics == std::vector<std::string>{"a"});
    f.member.joined(first.of, f.join_answer(errc::member_id_required), f.now);
    CHECK(f.take<member_effect::join>().request.member_id == "m");
    CHECK(f.member.identity().generation == -1);
}

TEST_CASE("a follower takes what the leader decided, and keeps its session alive") {
    member_fixture f;
    f.member.subscribe({"a"});
    f.settle({{"a", 0}, {"a", 1}});
    CHECK(f.take<member_effect::assigned>().added == parts{{"a", 0}, {"a", 1}});
    CHECK(f.member.identity().member_id == "m");
    CHECK(f.member.identity().generation == 1);
    f.let_pass(2s);
    CHECK(!f.next<member_effect::heartbeat>());
    f.let_pass(1s);
    const auto beat = f.take<member_effect::heartbeat>();
    CHECK(beat.request.generation_id == 1);
    f.let_pass(4s);
    CHECK(!f.next<member_effect::heartbeat>());  // one at a time
    f.member.heartbeat_answered(beat.of, errc::none, f.now);
    f.let_pass(0s);
    CHECK(f.next<member_effect::heartbeat>());
    CHECK(!f.next<member_effect::join>());
}

TEST_CASE("the leader asks for the topics of all members, divides them, and watches them") {
    member_fixture f;
    f.member.subscribe({"a"});
    f.let_pass(0s);
    const auto join = f.take<member_effect::join>();
    auto answer = f.join_answer(errc::none, 1, "m");
    for (const char* id : {"m", "n"}) {
        joining_member other;
        other.topics = {*id == 'm' ? "a" : "b"};
        auto& one = answer.members.emplace_back();
        one.member_id = id;
        one.metadata = *encode_subscription(other);
    }
    f.member.joined(join.of, answer, f.now);
    const auto describe = f.take<member_effect::describe_topics>();
    CHECK(describe.topics == std::vector<std::string>{"a", "b"});
    const topic_map topics{{"a", topic_racks(2)}, {"b", topic_racks(1)}};
    f.member.described(describe.of, topics);
    const auto sync = f.take<member_effect::sync>();
    REQUIRE(sync.request.assignments.size() == 2);
    CHECK(*decode_assignment(sync.request.assignments[1].assignment) == parts{{"b", 0}});
    f.member.synced(sync.of, f.sync_answer(errc::none, {{"a", 0}, {"a", 1}}), f.now);
    CHECK(f.take<member_effect::assigned>().added.size() == 2);
    f.member.topics_are(topics);
    f.let_pass(0s);
    CHECK(!f.next<member_effect::revoke>());
    f.member.topics_are({{"a", topic_racks(3)}, {"b", topic_racks(1)}});
    f.let_pass(0s);
    CHECK(f.next<member_effect::revoke>());  // eager: everything is given up, then all join again
}

TEST_CASE("eager: everything is given up before the member joins again, and the consumer has its time for that") {
    member_fixture f;
    f.member.subscribe({"a"});
    f.settle({{"a", 0}});
    f.take<member_effect::assigned>();
    f.let_pass(3s);
    f.member.heartbeat_answered(f.take<member_effect::heartbeat>().of, errc::rebalance_in_progress, f.now);
    const auto revoke = f.take<member_effect::revoke>();
    CHECK(revoke.going == parts{{"a", 0}});
    CHECK(!f.next<member_effect::join>());
    f.let_pass(3s);
    f.member.heartbeat_answered(f.take<member_effect::heartbeat>().of, errc::rebalance_in_progress, f.now);  // alive meanwhile
    CHECK(f.member.identity().generation == 1);                                                              // and may commit
    f.member.revoked(revoke.of);
    const auto join = f.take<member_effect::join>();
    CHECK((*decode_subscription(join.request.protocols[0].metadata)).owned.empty());
    CHECK(join.request.reason == "group is already rebalancing");
}

TEST_CASE("cooperative: only what goes elsewhere is given up, and that makes a second rebalance") {
    member_fixture f{{"cooperative-sticky"}};
    f.member.subscribe({"a"});
    f.settle({{"a", 0}, {"a", 1}}, 1, "cooperative-sticky");
    CHECK(f.take<member_effect::assigned>().added.size() == 2);
    f.let_pass(3s);
    f.member.heartbeat_answered(f.take<member_effect::heartbeat>().of, errc::rebalance_in_progress, f.now);
    CHECK(!f.next<member_effect::revoke>());
    const auto join = f.take<member_effect::join>();
    const auto told = *decode_subscription(join.request.protocols[0].metadata);
    CHECK(told.owned == parts{{"a", 0}, {"a", 1}});
    CHECK(told.generation == 1);
    auto answer = f.join_answer(errc::none, 2);
    answer.protocol_name = "cooperative-sticky";
    f.member.joined(join.of, answer, f.now);
    f.member.synced(f.take<member_effect::sync>().of, f.sync_answer(errc::none, {{"a", 0}}), f.now);
    const auto revoke = f.take<member_effect::revoke>();
    CHECK(revoke.going == parts{{"a", 1}});
    CHECK(!f.next<member_effect::join>());
    f.member.revoked(revoke.of);
    CHECK(f.take<member_effect::assigned>().added.empty());
    CHECK((*decode_subscription(f.take<member_effect::join>().request.protocols[0].metadata)).owned == parts{{"a", 0}});
}

TEST_CASE("a cooperative member that waits for a rebalance notices when it is cut off") {
    member_fixture f{{"cooperative-sticky"}};
    f.member.subscribe({"a"});
    f.settle({{"a", 0}}, 1, "cooperative-sticky");
    f.member.rejoin("test");
    f.let_pass(3s);
    const auto join = f.take<member_effect::join>();
    CHECK(f.next<member_effect::heartbeat>());
    f.let_pass(11s);
    CHECK(f.take<member_effect::lost>().gone == parts{{"a", 0}});
    CHECK(f.next<member_effect::drop_join>());
    f.member.joined(join.of, f.join_answer(errc::none, 2), f.now);  // too late
    CHECK(!f.next<member_effect::sync>());
}

TEST_CASE("an unknown member loses everything and joins anew; an old generation keeps its id") {
    for (const auto code : {errc::unknown_member_id, errc::illegal_generation}) {
        member_fixture f;
        f.member.subscribe({"a"});
        f.settle({{"a", 0}});
        f.let_pass(3s);
        f.member.heartbeat_answered(f.take<member_effect::heartbeat>().of, code, f.now);
        CHECK(f.take<member_effect::lost>().gone == parts{{"a", 0}});
        CHECK(f.take<member_effect::join>().request.member_id == (code == errc::illegal_generation ? "m" : ""));
    }
}

TEST_CASE("a commit that was refused ends the membership, unless it is somebody else's by now") {
    member_fixture f;
    f.member.subscribe({"a"});
    f.settle({{"a", 0}});
    auto stale = f.member.identity();
    stale.generation = 0;
    f.member.rejected(stale, errc::unknown_member_id);
    CHECK(!f.next<member_effect::lost>());
    f.member.rejected(f.member.identity(), errc::illegal_generation);
    CHECK(f.next<member_effect::lost>());
    CHECK(f.next<member_effect::join>());
}

TEST_CASE("what cannot get better is told once, with what to do") {
    struct { errc code; const char* part; } cases[] = {
        {errc::group_authorization_failed, "READ on the group"}, {errc::inconsistent_group_protocol, "partition.assignment.strategy"},
        {errc::invalid_session_timeout, "session.timeout.ms=10000"}, {errc::group_max_size_reached, "group.max.size"}, {errc::fenced_instance_id, "group.instance.id=i"},
        {errc::invalid_group_id, "no group may have this id"}};
    for (const auto& each : cases) {
        member_fixture f{{"range"}, "i"};
        f.member.subscribe({"a"});
        f.let_pass(0s);
        f.member.joined(f.take<member_effect::join>().of, f.join_answer(each.code), f.now);
        const auto failed = f.take<member_effect::failed>();
        CHECK(failed.why.code() == each.code);
        CHECK_MESSAGE(failed.why.message().find(each.part) != std::string::npos, failed.why.message());
        f.let_pass(100s);
        CHECK(!f.next<member_effect::join>());
    }
}

TEST_CASE("a moved coordinator is looked for again, at growing distances") {
    member_fixture f;
    f.member.subscribe({"a"});
    f.let_pass(0s);
    nanoseconds before{0};
    for (int i = 0; i < 3; ++i) {
        f.member.joined(f.take<member_effect::join>().of, f.join_answer(errc::not_coordinator), f.now);
        CHECK(f.next<member_effect::forget_coordinator>());
        CHECK(!f.next<member_effect::join>());
        const auto pause = f.member.deadline(f.polled) - f.now;
        CHECK(pause > before);
        before = pause;
        f.let_pass(pause);
    }
    f.member.request_failed(f.take<member_effect::join>().of, error{errc::network_exception, "cut"}, f.now);
    CHECK(f.next<member_effect::forget_coordinator>());
    f.let_pass(2s);
    CHECK(f.next<member_effect::join>());
}

TEST_CASE("a coordinator that stays silent for the session has given the partitions away") {
    member_fixture f;
    f.member.subscribe({"a"});
    f.settle({{"a", 0}});
    for (int i = 0; i < 3; ++i) {
        f.let_pass(3s);
        if (const auto beat = f.next<member_effect::heartbeat>()) f.member.request_failed(beat->of, error{errc::timed_out, "silence"}, f.now);
    }
    CHECK(!f.next<member_effect::lost>());
    f.let_pass(2s);
    CHECK(f.next<member_effect::lost>());
    CHECK(f.take<member_effect::join>().request.member_id == "m");
}

TEST_CASE("a member that does not poll leaves, and comes back when it does") {
    member_fixture f;
    f.member.subscribe({"a"});
    f.settle({{"a", 0}});
    for (int i = 0; i < 20; ++i) {
        f.let_pass(3s, false);
        if (const auto beat = f.next<member_effect::heartbeat>()) f.member.heartbeat_answered(beat->of, errc::none, f.now);
    }
    CHECK(f.next<member_effect::lost>());
    const auto leave = f.take<member_effect::leave>();
    CHECK(leave.request.members.at(0).member_id == "m");
    CHECK(leave.request.members.at(0).reason == "consumer poll timeout has expired.");
    f.member.leave_ended(leave.of);
    f.let_pass(10s, false);
    CHECK(!f.next<member_effect::join>());
    f.member.polled();
    f.let_pass(0s);
    CHECK(f.take<member_effect::join>().request.member_id.empty());
}

TEST_CASE("leaving: first what is owned, then the word to the group; a static member says nothing") {
    for (const char* instance : {"", "i"}) {
        member_fixture f{{"range"}, instance};
        f.member.subscribe({"a"});
        f.settle({{"a", 0}});
        f.member.leave();
        f.let_pass(0s);
        const auto revoke = f.take<member_effect::revoke>();
        CHECK(!f.next<member_effect::leave>());
        f.member.revoked(revoke.of);
        if (*instance == 0) {
            const auto leave = f.take<member_effect::leave>();
            CHECK(!f.next<member_effect::left>());
            f.member.leave_ended(leave.of);
        }
        CHECK(f.next<member_effect::left>());
        CHECK(!f.next<member_effect::leave>());
        CHECK(f.member.identity().member_id.empty());
        f.member.subscribe({"b"});
        f.let_pass(0s);
        CHECK(f.next<member_effect::join>());
    }
}

TEST_CASE("leaving as it was asked for: a static member gives its place up, or any member keeps it") {
    for (const char* instance : {"", "i"}) {
        for (const auto how : {farewell::leave_group, farewell::remain_in_group}) {
            member_fixture f{{"range"}, instance};
            f.member.subscribe({"a"});
            f.settle({{"a", 0}});
            f.member.leave(how);
            f.let_pass(0s);
            f.member.revoked(f.take<member_effect::revoke>().of);
            if (how == farewell::leave_group) {
                const auto leave = f.take<member_effect::leave>();
                CHECK(leave.request.members.at(0).group_instance_id == (*instance ? std::optional<std::string>{"i"} : std::nullopt));
                f.member.leave_ended(leave.of);
            }
            CHECK(!f.next<member_effect::leave>());
            CHECK(f.next<member_effect::left>());
        }
    }
}

TEST_CASE("leaving ends when its time is up, whatever the consumer does") {
    member_fixture f;
    f.member.subscribe({"a"});
    f.settle({{"a", 0}});
    f.member.leave();
    f.let_pass(0s);
    const auto revoke = f.take<member_effect::revoke>();
    f.member.leave_at_once();
    CHECK(f.next<member_effect::lost>());
    CHECK(f.next<member_effect::left>());
    f.member.revoked(revoke.of);
    f.let_pass(100s);
    CHECK(!f.next<member_effect::leave>());
}

TEST_CASE("a revocation that takes longer than the rebalance waits is a loss") {
    member_fixture f;
    f.member.subscribe({"a"});
    f.settle({{"a", 0}});
    f.member.rejoin("test");
    f.let_pass(0s);
    const auto revoke = f.take<member_effect::revoke>();
    for (int i = 0; i < 20; ++i) {
        f.let_pass(3s);
        if (const auto beat = f.next<member_effect::heartbeat>()) f.member.heartbeat_answered(beat->of, errc::rebalance_in_progress, f.now);
    }
    CHECK(f.take<member_effect::lost>().gone == parts{{"a", 0}});
    CHECK(f.next<member_effect::join>());
    f.member.revoked(revoke.of);  // too late
    CHECK(!f.next<member_effect::join>());
}

TEST_CASE("a subscription that changed meanwhile is agreed on again") {
    member_fixture f;
    f.member.subscribe({"a"});
    f.let_pass(0s);
    const auto join = f.take<member_effect::join>();
    f.member.subscribe({"b"});
    f.member.joined(join.of, f.join_answer(errc::none), f.now);
    f.member.synced(f.take<member_effect::sync>().of, f.sync_answer(errc::none, {{"a", 0}}), f.now);
    CHECK(!f.next<member_effect::assigned>());
    CHECK((*decode_subscription(f.take<member_effect::join>().request.protocols[0].metadata)).topics == std::vector<std::string>{"b"});
}

TEST_CASE("another rebalance before the assignment was there: joins at once, with the id it has") {
    member_fixture f;
    f.member.subscribe({"a"});
    f.let_pass(0s);
    f.member.joined(f.take<member_effect::join>().of, f.join_answer(errc::none), f.now);
    f.member.synced(f.take<member_effect::sync>().of, f.sync_answer(errc::rebalance_in_progress), f.now);
    CHECK(f.take<member_effect::join>().request.member_id == "m");
}

TEST_CASE("a static leader that came back keeps its assignment and watches the topics again") {
    member_fixture f{{"range"}, "i"};
    f.member.subscribe({"a"});
    f.let_pass(0s);
    auto answer = f.join_answer(errc::none, 4, "m");
    answer.skip_assignment = true;
    joining_member me;
    me.topics = {"a"};
    auto& one = answer.members.emplace_back();
    one.member_id = "m";
    one.metadata = *encode_subscription(me);
    f.member.joined(f.take<member_effect::join>().of, answer, f.now);
    f.member.described(f.take<member_effect::describe_topics>().of, {{"a", topic_racks(1)}});
    const auto sync = f.take<member_effect::sync>();
    CHECK(sync.request.assignments.empty());
    CHECK(sync.request.group_instance_id == "i");
    CHECK(!f.member.watched_topics().empty());
}

// A share session and a share group's member, one step at a time.
#include "consumer/share_session.hpp"

#include <doctest/doctest.h>

using namespace weir;
using namespace weir::detail;
using namespace std::chrono_literals;

namespace {

const uuid id_a{1, 1}, id_b{2, 2};
const place a0{id_a, 0}, a1{id_a, 1}, b0{id_b, 0};

using batch = protocol::share_acknowledge_request::acknowledgement_batch;
using types = std::vector<std::int8_t>;

struct session_fixture {
    share_member member{"g", "m", "r1", 60s, net::backoff{}, 1};
    std::vector<share_member::effect> seen;
    time_point now{1h};

    template <class T>
    T take() {
        member.tick(now, now);
        for (auto& each : member.take_effects()) seen.push_back(std::move(each));
        for (auto at = seen.begin(); at != seen.end(); ++at) {
            if (!std::holds_alternative<T>(*at)) continue;
            auto found = std::get<T>(std::move(*at));
            seen.erase(at);
            return found;
        }
        FAIL("no such effect");
        return {};
    }
    static protocol::share_group_heartbeat_response answer(errc code, const std::vector<place>& target = {}) {
        protocol::share_group_heartbeat_response made;
        made.error_code = wire_code(code);
        made.member_epoch = 3;
        made.heartbeat_interval_ms = 5000;
        auto& list = (made.assignment = protocol::share_group_heartbeat_response::assignment_data{})->topic_partitions;
        for (const auto& [id, partition] : target) {
            auto& topic = list.emplace_back();
            topic.topic_id = id;
            topic.partitions.push_back(partition);
        }
        return made;
    }
};

}  // namespace

TEST_CASE("verdicts travel as ranges, with one type where that is enough") {
    std::map<std::int64_t, verdict> decided;
    for (std::int64_t i = 0; i < 5; ++i) decided[i] = verdict::accept;
    decided[5] = verdict::release;
    decided[6] = verdict::gap;
    decided[9] = verdict::reject;
    decided[10] = verdict::reject;
    const auto batches = acknowledgement_batches<batch>(decided);
    REQUIRE(batches.size() == 2);
    CHECK(batches[0].first_offset == 0);
    CHECK(batches[0].last_offset == 6);
    CHECK(batches[0].acknowledge_types == types{1, 1, 1, 1, 1, 2, 0});
    CHECK(batches[1].first_offset == 9);
    CHECK(batches[1].last_offset == 10);
    CHECK(batches[1].acknowledge_types == types{3});
}

TEST_CASE("a session names what changes, and what verdicts are about") {
    share_session session{"g", "m"};
    auto request = session.fetch({a0, a1}, {}, {});
    CHECK(request.share_session_epoch == 0);
    REQUIRE(request.topics.size() == 1);
    CHECK(request.topics[0].partitions.size() == 2);
    CHECK(!session.open());
    CHECK(session.answered(errc::none));
    CHECK(session.open());

    request = session.fetch({a0, b0}, {{a0, {{7, verdict::accept}}}}, {});
    CHECK(request.share_session_epoch == 1);
    REQUIRE(request.topics.size() == 2);
    REQUIRE(request.topics[0].partitions.size() == 1);  // a0, for its verdict
    CHECK(request.topics[0].partitions[0].acknowledgement_batches.size() == 1);
    CHECK(request.topics[1].topic_id == id_b);
    REQUIRE(request.forgotten_topics_data.size() == 1);
    CHECK(request.forgotten_topics_data[0].partitions == std::vector<std::int32_t>{1});
    session.answered(errc::none);

    request = session.fetch({a0, b0}, {}, {});
    CHECK(request.topics.empty());
    CHECK(request.share_session_epoch == 2);
}

TEST_CASE("a partition that was given up is named for its last verdicts and does not stay") {
    share_session session{"g", "m"};
    session.fetch({a0, a1}, {}, {});
    session.answered(errc::none);
    session.fetch({a0}, {}, {});
    session.answered(errc::none);
    const auto request = session.fetch({a0}, {{a1, {{3, verdict::release}}}}, {});
    REQUIRE(request.topics.size() == 1);
    CHECK(request.topics[0].partitions[0].partition_index == 1);
    REQUIRE(request.forgotten_topics_data.size() == 1);
    CHECK(request.forgotten_topics_data[0].partitions == std::vector<std::int32_t>{1});
}

TEST_CASE("a broker that lost the session gets a new one, and old loans are of another") {
    share_session session{"g", "m"};
    session.fetch({a0}, {}, {});
    session.answered(errc::none);
    const auto before = session.number();
    CHECK(!session.answered(errc::share_session_not_found));
    CHECK(session.number() != before);
    const auto request = session.fetch({a0}, {}, {});
    CHECK(request.share_session_epoch == 0);
    CHECK(request.topics.size() == 1);
    session.answered(errc::none);
    const auto last = session.farewell({{a0, {{1, verdict::accept}}}});
    CHECK(last.share_session_epoch == -1);
    CHECK(last.topics.size() == 1);
    CHECK(!session.open());
}

TEST_CASE("a member of a share group joins with an id of its own, and is told where to fetch") {
    session_fixture f;
    f.member.subscribe({"b", "a"});
    const auto first = f.take<share_effect::heartbeat>();
    CHECK(first.request.member_id == "m");
    CHECK(first.request.member_epoch == 0);
    CHECK(first.request.rack_id == "r1");
    CHECK(first.request.subscribed_topic_names == std::vector<std::string>{"a", "b"});
    f.member.answered(first.of, f.answer(errc::none, {a0, b0}), f.now);
    CHECK(f.take<share_effect::find_names>().ids.size() == 2);
    f.take<share_effect::assigned>();
    f.member.names_are({{id_a, "a"}, {id_b, "b"}});
    CHECK(f.take<share_effect::assigned>().places == std::map<place, std::string>{{a0, "a"}, {b0, "b"}});
    f.now += 5s;
    const auto second = f.take<share_effect::heartbeat>();
    CHECK(second.request.member_epoch == 3);
    CHECK(!second.request.subscribed_topic_names);
    f.member.answered(second.of, f.answer(errc::fenced_member_epoch), f.now);
    CHECK(f.take<share_effect::assigned>().places.empty());
    CHECK(f.take<share_effect::heartbeat>().request.member_epoch == 0);
}

TEST_CASE("a member of a share group leaves with a word, and says what a cluster without them lacks") {
    session_fixture f;
    f.member.subscribe({"a"});
    f.member.answered(f.take<share_effect::heartbeat>().of, f.answer(errc::none), f.now);
    f.member.leave();
    const auto last = f.take<share_effect::heartbeat>();
    CHECK(last.request.member_epoch == -1);
    f.member.answered(last.of, f.answer(errc::none), f.now);
    f.take<share_effect::left>();

    session_fixture g;
    g.member.subscribe({"a"});
    g.member.request_failed(g.take<share_effect::heartbeat>().of, error{errc::unsupported_version, "broker"}, g.now);
    CHECK(g.take<share_effect::failed>().why.message().find("share.version") != std::string::npos);
}

// Incremental fetch sessions (KIP-227), as values: requests in, plans out.
#include "fetch_sessions.hpp"

#include <doctest/doctest.h>

using namespace weir;
using namespace weir::server;
using namespace std::chrono_literals;

namespace {

constexpr std::int16_t by_name = 12, by_id = 13;
const uuid orders_id{1, 2};

struct wanted {
    std::int32_t partition;
    std::int64_t offset = 0;
};

protocol::fetch_request ask(std::int32_t session, std::int32_t epoch, const std::vector<wanted>& positions, const std::vector<std::int32_t>& forgotten = {}) {
    protocol::fetch_request request;
    request.session_id = session;
    request.session_epoch = epoch;
    if (!positions.empty()) {
        auto& topic = request.topics.emplace_back();
        topic.topic = "orders";
        for (const auto& each : positions) {
            auto& part = topic.partitions.emplace_back();
            part.partition = each.partition;
            part.fetch_offset = each.offset;
            part.partition_max_bytes = 1000;
        }
    }
    if (!forgotten.empty()) {
        auto& topic = request.forgotten_topics_data.emplace_back();
        topic.topic = "orders";
        topic.partitions = forgotten;
    }
    return request;
}

std::vector<std::pair<std::int32_t, std::int64_t>> offsets(fetch_plan& plan) {
    std::vector<std::pair<std::int32_t, std::int64_t>> found;
    for (const auto& each : plan.wanted()) found.emplace_back(each.target.partition, each.fetch_offset);
    return found;
}

using offset_list = std::vector<std::pair<std::int32_t, std::int64_t>>;

struct session_fixture {
    random_source random{7};
    fetch_session_cache cache{2, random};
    time_point now{1h};
    fetch_plan plan(const protocol::fetch_request& request, std::int16_t version = by_name) { return cache.plan(request, version, now); }
};

}  // namespace

TEST_CASE_FIXTURE(session_fixture, "a full fetch opens a session, and later requests name only what changed") {
    auto first = plan(ask(0, 0, {{0}, {1}, {2}}));
    REQUIRE(first.session);
    CHECK_FALSE(first.incremental);
    const auto id = first.answer_session_id();
    CHECK(id > 0);

    auto second = plan(ask(id, 1, {{1, 50}, {3, 7}}, {0}));
    CHECK(second.code == errc::none);
    CHECK(second.incremental);
    CHECK(offsets(second) == offset_list{{1, 50}, {2, 0}, {3, 7}});

    auto third = plan(ask(id, 2, {}));
    CHECK(offsets(third) == offset_list{{1, 50}, {2, 0}, {3, 7}});
    CHECK(cache.partitions() == 3);
}

TEST_CASE("a core passes on the end of another core's session") {
    random_source random{7};
    fetch_session_cache first{100, random, 0, 3}, last{100, random, 2, 3};
    const time_point now{1h};
    for (int i = 0; i < 100; ++i) {
        const auto id = last.plan(ask(0, 0, {{0}}), by_name, now).answer_session_id();
        REQUIRE(id > 0);
        CHECK(first.core_of(id) == 2);
        CHECK(first.plan(ask(id, i % 2 == 0 ? -1 : 0, {}), by_name, now).ended_elsewhere == id);
        CHECK(last.size() == 1);
        CHECK(last.plan(ask(id, -1, {}), by_name, now).ended_elsewhere == 0);
        CHECK(last.size() == 0);
    }
}

TEST_CASE_FIXTURE(session_fixture, "a fetch without a session leaves nothing behind, and ends the session it names") {
    const auto id = plan(ask(0, 0, {{0}})).answer_session_id();
    auto last = plan(ask(id, -1, {{0, 9}}));
    CHECK(last.answer_session_id() == 0);
    CHECK(offsets(last) == offset_list{{0, 9}});
    CHECK(cache.size() == 0);
    CHECK(plan(ask(id, 1, {})).code == errc::fetch_session_id_not_found);
}

TEST_CASE_FIXTURE(session_fixture, "an epoch out of turn is refused, and the session goes on with the right one") {
    const auto id = plan(ask(0, 0, {{0}})).answer_session_id();
    CHECK(plan(ask(id, 2, {{0, 5}})).code == errc::invalid_fetch_session_epoch);
    auto right = plan(ask(id, 1, {}));
    CHECK(right.code == errc::none);
    CHECK(offsets(right) == offset_list{{0, 0}});  // what the refused request said was not taken
    CHECK(plan(ask(id, 1, {})).code == errc::invalid_fetch_session_epoch);
}

TEST_CASE_FIXTURE(session_fixture, "a partition that is named twice is fetched once, from where it was said last") {
    const offset_list once{{0, 7}, {1, 0}};
    auto bare = plan(ask(0, -1, {{0, 3}, {1}, {0, 7}}));
    CHECK(offsets(bare) == once);
    auto full = plan(ask(0, 0, {{0, 3}, {1}, {0, 7}}));
    CHECK(offsets(full) == once);
    CHECK(cache.partitions() == 2);
    auto next = plan(ask(full.answer_session_id(), 1, {{1, 5}, {2, 1}, {1, 6}, {2, 2}}));
    CHECK(offsets(next) == offset_list{{0, 7}, {1, 6}, {2, 2}});
    next.wanted().forget({{}, "orders", 1});
    CHECK(offsets(next) == offset_list{{0, 7}, {2, 2}});
}

TEST_CASE_FIXTURE(session_fixture, "a session that names topics is not one that has their ids") {
    const auto named = plan(ask(0, 0, {{0}})).answer_session_id();
    CHECK(plan(ask(named, 1, {}), by_id).code == errc::fetch_session_topic_id_error);
    auto request = ask(0, 0, {{0}});
    request.topics[0].topic.clear();
    request.topics[0].topic_id = orders_id;
    auto with_ids = plan(request, by_id);
    REQUIRE(with_ids.session);
    auto& known = with_ids.session->positions;
    CHECK(known.find({orders_id, "", 0}) != known.end());
    CHECK(known.find({uuid{1, 3}, "", 0}) == known.end());
}

TEST_CASE_FIXTURE(session_fixture, "a partition that was served goes behind the others") {
    auto first = plan(ask(0, 0, {{0}, {1}, {2}}));
    auto& known = first.session->positions;
    known.move_to_end(known.find({{}, "orders", 0}));
    CHECK(offsets(first) == offset_list{{1, 0}, {2, 0}, {0, 0}});
    known.forget({{}, "orders", 1});
    CHECK(offsets(first) == offset_list{{2, 0}, {0, 0}});
}

TEST_CASE_FIXTURE(session_fixture, "with no slot free a fetch is served without a session, until one is stale or smaller and has had its time") {
    const auto small = plan(ask(0, 0, {{0}})).answer_session_id();
    const auto other = plan(ask(0, 0, {{0}, {1}})).answer_session_id();
    auto refused = plan(ask(0, 0, {{0}, {1}, {2}}));
    CHECK(refused.answer_session_id() == 0);
    CHECK(offsets(refused) == offset_list{{0, 0}, {1, 0}, {2, 0}});

    SUBCASE("the one nobody uses goes first") {
        now += 100s;
        REQUIRE(plan(ask(small, 1, {})).code == errc::none);
        now += 30s;
        CHECK(plan(ask(0, 0, {{0}})).answer_session_id() > 0);
        CHECK(plan(ask(small, 2, {})).code == errc::none);
        CHECK(plan(ask(other, 1, {})).code == errc::fetch_session_id_not_found);
        CHECK(cache.evictions() == 1);
    }
    SUBCASE("a larger one pushes out the smallest, when that has lived for a while") {
        for (int round = 1; round <= 2; ++round) {
            now += 70s;
            REQUIRE(plan(ask(small, round, {})).code == errc::none);
            REQUIRE(plan(ask(other, round, {})).code == errc::none);
        }
        CHECK(plan(ask(0, 0, {{0}})).answer_session_id() == 0);  // not larger
        CHECK(plan(ask(0, 0, {{0}, {1}, {2}})).answer_session_id() > 0);
        CHECK(plan(ask(small, 3, {})).code == errc::fetch_session_id_not_found);
        CHECK(plan(ask(other, 3, {})).code == errc::none);
    }
}

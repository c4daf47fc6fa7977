// Incremental fetch sessions: what a request names (KIP-227).
#include "consumer/byte_budget.hpp"
#include "consumer/fetch_session.hpp"

#include <doctest/doctest.h>

#include <limits>

using namespace weir;
using namespace weir::detail;

namespace {

const uuid first_id{1, 1}, second_id{2, 2};

fetch_want from(std::int64_t offset) { return {offset, 0, 1000}; }

/// "orders/0@5 orders/1@7 -orders/2": asked and forgotten, by name.
std::string asked(fetch_session& session, bool by_id = false) {
    protocol::fetch_request request;
    session.ask(request, by_id);
    std::string text = std::to_string(request.session_id) + "." + std::to_string(request.session_epoch) + ":";
    const auto name = [&](const auto& topic) { return by_id ? (topic.topic_id == first_id ? "orders" : "lines") : topic.topic; };
    for (const auto& topic : request.topics) for (const auto& part : topic.partitions) text += " " + std::string{name(topic)} + "/" + std::to_string(part.partition) + "@" + std::to_string(part.fetch_offset);
    for (const auto& topic : request.forgotten_topics_data) for (const auto part : topic.partitions) text += " -" + std::string{name(topic)} + "/" + std::to_string(part);
    return text;
}

}  // namespace

TEST_CASE("the first request names everything, the next ones what changed") {
    fetch_session session;
    session.want(0, "orders", first_id, 0, from(5));
    session.want(1, "orders", first_id, 1, from(7));
    session.want(2, "lines", second_id, 0, from(0));
    CHECK(asked(session) == "0.0: orders/0@5 orders/1@7 lines/0@0");
    session.answered(42);
    session.want(1, "orders", first_id, 1, from(9));
    session.want(0, "orders", first_id, 0, from(5));  // as before
    CHECK(asked(session) == "42.1: orders/1@9");
    session.answered(42);
    CHECK(asked(session) == "42.2:");
    session.answered(42);
    session.drop(2);
    session.want(3, "lines", second_id, 1, from(1));
    CHECK(asked(session, true) == "42.3: lines/1@1 -lines/0");
    CHECK(session.size() == 3);
}

TEST_CASE("leaving and coming back between two requests is neither") {
    fetch_session session;
    session.want(0, "orders", first_id, 0, from(5));
    (void)asked(session);
    session.answered(42);
    session.drop(0);
    CHECK(session.empty());
    session.want(0, "orders", first_id, 0, from(5));
    CHECK(asked(session) == "42.1:");
    session.answered(42);
    session.drop(0);
    session.want(0, "orders", first_id, 0, from(6));
    CHECK(asked(session) == "42.2: orders/0@6");
}

TEST_CASE("a session that the broker does not know, or a broken connection, begins anew with everything") {
    fetch_session session;
    session.want(0, "orders", first_id, 0, from(5));
    session.want(1, "orders", first_id, 1, from(7));
    (void)asked(session);
    session.answered(42);
    session.want(0, "orders", first_id, 0, from(6));
    session.drop(1);
    session.failed(true);
    CHECK(asked(session) == "0.0: orders/0@6");
    session.answered(43);
    session.failed();
    CHECK(asked(session) == "43.0: orders/0@6");  // closes the old one
    session.answered(0);                          // the broker keeps none
    CHECK(asked(session) == "0.0: orders/0@6");
}

TEST_CASE("the last request ends the session, and there is none to end twice, or before the broker made one") {
    fetch_session session;
    session.want(0, "orders", first_id, 0, from(5));
    protocol::fetch_request last;
    CHECK_FALSE(session.end(last));
    (void)asked(session);
    session.answered(42);
    REQUIRE(session.end(last));
    CHECK(last.session_id == 42);
    CHECK(last.session_epoch == -1);
    CHECK(last.topics.empty());
    CHECK_FALSE(session.end(last));
}

TEST_CASE("a topic made anew has another id, and no request names both") {
    fetch_session session;
    session.want(0, "orders", first_id, 0, from(5));
    (void)asked(session);
    session.answered(42);
    session.want(0, "orders", second_id, 0, from(0));
    CHECK(asked(session).starts_with("42.0: orders/0@0"));
    CHECK(session.find("", second_id, 0) == 0);
    CHECK(session.find("", first_id, 0) == -1);
}

TEST_CASE("a topic made anew while a request is under way: the next one is full, and names it though its offset is the same") {
    fetch_session session;
    session.want(0, "orders", first_id, 0, from(0));
    (void)asked(session);
    session.answered(42);
    (void)asked(session);
    SUBCASE("at once") {}
    SUBCASE("after it had left") { session.drop(0); }
    session.want(0, "orders", second_id, 0, from(0));
    session.answered(42);
    CHECK(asked(session) == "42.0: orders/0@0");
    session.answered(43);
    CHECK(asked(session) == "43.1:");
}

TEST_CASE("answers find their partition, unless something else is wanted of it by now") {
    fetch_session session;
    session.want(4, "orders", first_id, 3, from(5));
    session.want(5, "lines", uuid{}, 0, from(5));
    CHECK_FALSE(session.all_ids());
    (void)asked(session);
    CHECK(session.find("orders", uuid{}, 3) == 4);
    CHECK(session.find("", first_id, 3) == 4);
    CHECK(session.find("", second_id, 3) == -1);
    CHECK(session.find("orders", uuid{}, 7) == -1);
    session.want(4, "orders", first_id, 3, from(100));  // a seek
    CHECK(session.find("orders", uuid{}, 3) == -1);
    session.drop(5);
    CHECK(session.find("lines", uuid{}, 0) == -1);
    CHECK(session.all_ids());
}

TEST_CASE("epochs go round without zero, which would begin a new session") {
    fetch_session session;
    session.want(0, "orders", first_id, 0, from(5));
    (void)asked(session);
    session.answered(42);
    for (int i = 1; i <= 3; ++i) {
        CHECK(asked(session).starts_with("42." + std::to_string(i)));
        session.answered(42);
    }
}

TEST_CASE("a budget gives what is left, and tells once when there is room again") {
    auto budget = std::make_shared<byte_budget>(100);
    int told = 0;
    budget->on_room([&] { ++told; });
    CHECK(budget->reserve(60, 10) == 60);
    CHECK(budget->reserve(60, 10) == 40);
    CHECK(budget->reserve(60, 10) == 0);
    CHECK(budget->used() == 100);
    budget->settle(40, 25);
    CHECK(told == 1);
    {
        const held_bytes held{budget, 25, nullptr};
        CHECK(budget->reserve(60, 20) == 0);
        CHECK(told == 1);
    }
    CHECK(told == 2);
    CHECK(budget->used() == 60);
    CHECK(budget->reserve(1000, 500) == 0);  // more than the whole is never asked for: all of it is
    budget->release(60);
    CHECK(budget->reserve(1000, 500) == 100);
}

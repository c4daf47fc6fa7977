// A share consumer's loop: when it asks for records, how verdicts travel, and how everything ends.
#include "scripted_queue.hpp"

#include <weir/share_consumer.hpp>

#include <algorithm>

using namespace weir;
using namespace std::chrono_literals;
using protocol::api_key;

namespace {

using worker = share_consumer<bytes_view, std::string>;
using job = worker::record_type;
using offsets = std::set<std::int64_t>;

struct share_fixture : test::scripted_queue {
    ~share_fixture() {
        in.reset();
        kafka.reset();
        world.run_for(1s);
    }
    void open_client() { kafka.emplace(world.loop(desk), world.net(desk), 7, "b1:9092", client_config{}); }
    void open(share_consumer_config config = share_consumer_config{}) {
        open_client();
        config.group_id = "workers";
        config.on_acknowledged = [this](const std::vector<acknowledged>& some) { told.insert(told.end(), some.begin(), some.end()); };
        in.emplace(*kafka, std::move(config), topic<bytes_view, std::string>{"jobs"});
    }
    void open_explicit() {
        share_consumer_config config;
        config.explicit_ack = true;
        open(std::move(config));
    }
    template <class T>
    result<T> wait(op<T> running, nanoseconds patience = 120s) {
        REQUIRE(world.run_until([&] { return running.ready(); }, patience));
        return running.get();
    }
    std::vector<job> take(std::size_t count) {
        std::vector<job> all;
        for (int polls = 0; all.size() < count && polls < 20; ++polls) {
            auto some = wait(in->poll(1s));
            REQUIRE_MESSAGE(some, some.error().message());
            all.insert(all.end(), some->begin(), some->end());
        }
        CHECK(all.size() == count);
        return all;
    }
    errc outcome_of(std::int64_t offset) const {
        for (const auto& each : told) {
            if (each.first <= offset && offset <= each.last) return each.why.code();
        }
        FAIL("nothing was told about it");
        return errc::none;
    }
    long times(const std::string& what) const { return std::count(story.begin(), story.end(), what); }

    std::vector<acknowledged> told;
    std::optional<client> kafka;
    std::optional<worker> in;
};

}  // namespace

TEST_CASE_FIXTURE(share_fixture, "nothing is borrowed before the application asks, nor while it is busy") {
    put(0, 3);
    open();
    world.run_for(10s);
    CHECK(times("join") == 1);
    CHECK(count(api_key::share_fetch) == 0);
    take(3);
    const auto asked = count(api_key::share_fetch);
    world.run_for(60s);
    CHECK(count(api_key::share_fetch) - asked <= 1);
}

TEST_CASE_FIXTURE(share_fixture, "the next poll accepts what the last one gave, and the next fetch says so") {
    put(0, 3);
    put(1, 2);
    open();
    take(5);
    CHECK(said(1).empty());
    (void)wait(in->poll(100ms));
    world.run_for(2s);
    CHECK(said(1, 0) == offsets{0, 1, 2});
    CHECK(said(1, 1) == offsets{0, 1});
    CHECK(count(api_key::share_acknowledge) == 0);
}

TEST_CASE_FIXTURE(share_fixture, "a marker of a transaction is a gap, and ends no poll") {
    put_marker(0);
    open();
    auto waiting = in->poll(10s);
    world.run_for(3s);
    CHECK_FALSE(waiting.ready());
    CHECK(said(0) == offsets{0});
    put(1, 2);
    const auto got = wait(std::move(waiting));
    REQUIRE_MESSAGE(got, got.error().message());
    CHECK(got->size() == 2);
    CHECK(told.empty());  // nobody said anything about it
}

TEST_CASE_FIXTURE(share_fixture, "a broker that lends what cannot be loses its session, and nothing of the answer is handed out") {
    put(0, 3);
    bool distorted = false;
    distort = [&](protocol::share_fetch_response& answer) {
        auto& parts = answer.responses.front().partitions;
        if (parts.empty() || parts.front().acquired_records.empty() || std::exchange(distorted, true)) return;
        parts.front().acquired_records.back().last_offset = std::int64_t{1} << 62;
    };
    open();
    CHECK((*wait(in->poll(10s))).empty());
    CHECK(distorted);
    CHECK(times("fetch 1 epoch 0") == 2);
    put(0, 3);
    take(3);
}

TEST_CASE_FIXTURE(share_fixture, "a part of a batch of which nothing is left ends no poll") {
    SUBCASE("") {
        put_compacted(0, 4, 4);
        open();
        auto waiting = in->poll(10s);
        world.run_for(3s);
        CHECK_FALSE(waiting.ready());
        CHECK(said(0) == offsets{4, 5, 6, 7, 8, 9});
        put(1, 2);
        const auto got = wait(std::move(waiting));
        REQUIRE_MESSAGE(got, got.error().message());
        CHECK(got->size() == 2);
    }
    SUBCASE("what is left of one does") {
        put_compacted(0, 4, 2);
        open();
        const auto got = take(2);
        CHECK(got[1].value == "v3");
        world.run_for(3s);
        CHECK(said(0) == offsets{4, 5, 6, 7, 8, 9});
    }
}

TEST_CASE_FIXTURE(share_fixture, "records that are rejected because they cannot be decoded end no poll") {
    open_client();
    share_consumer_config config;
    config.group_id = "workers";
    config.on_bad_record = on_bad_record::skip;
    const std::string seven{"\0\0\0\0\0\0\0\7", 8};
    share_consumer<bytes_view, std::int64_t> of{*kafka, std::move(config), topic<bytes_view, std::int64_t>{"jobs"}};
    put(0, {"oops", "oops"});
    const auto began = world.now();
    SUBCASE("none other comes") {
        CHECK((*wait(of.poll(10s))).empty());
        CHECK(world.now() - began >= 10s);
        CHECK(said(3) == offsets{0, 1});
    }
    SUBCASE("others come") {
        auto waiting = of.poll(10s);
        world.run_for(3s);
        CHECK_FALSE(waiting.ready());
        CHECK(said(3) == offsets{0, 1});
        put(1, {"oops", seven, "oops", seven});
        const auto got = wait(std::move(waiting));
        REQUIRE_MESSAGE(got, got.error().message());
        REQUIRE(got->size() == 2);
        CHECK((*got)[0].value == 7);
        CHECK((*got)[0].info.offset == 1);
        CHECK((*got)[1].info.offset == 3);
        (void)wait(of.poll(100ms));
        world.run_for(3s);
        CHECK(said(1, 1) == offsets{1, 3});
        CHECK(said(3, 1) == offsets{0, 2});
    }
    SUBCASE("nobody waits any more") {
        auto waiting = of.poll(10s);
        world.run_for(3s);
        waiting.cancel();
        CHECK(wait(waiting).code() == errc::cancelled);
        put(1, {seven});
        CHECK((*wait(of.poll(10s))).size() == 1);
    }
    (void)wait(of.close());
}

TEST_CASE_FIXTURE(share_fixture, "how long brokers lend for is known once one has said so") {
    put(0, 1);
    open();
    CHECK_FALSE(in->acquisition_lock_timeout());
    const auto jobs = take(1);
    CHECK(in->acquisition_lock_timeout() == 30s);
    CHECK(jobs[0].time_left() > 29s);
    lock_ms = 5'000;
    put(0, 1);
    CHECK(take(1)[0].time_left() <= 5s);
    CHECK(in->acquisition_lock_timeout() == 5s);
}

TEST_CASE_FIXTURE(share_fixture, "verdicts without a fetch travel within a second; a commit sends them at once, and knows the answers") {
    put(0, 4);
    open_explicit();
    const auto jobs = take(4);
    jobs[0].accept();
    jobs[1].reject();
    world.run_for(2s);
    CHECK(said(1) == offsets{0});
    CHECK(said(3) == offsets{1});
    jobs[2].accept();
    const auto began = world.now();
    const auto done = wait(in->commit());
    REQUIRE(done);
    CHECK(world.now() - began < 500ms);
    CHECK(said(1) == offsets{0, 2});
    REQUIRE(done->size() == 1);
    CHECK(done->front().first == 2);
    CHECK(done->front().what == acknowledgement::accept);
    CHECK_FALSE(done->front().why);
}

TEST_CASE_FIXTURE(share_fixture, "a released record comes again, for the second time") {
    put(0, 2);
    open_explicit();
    for (const auto& each : take(2)) {
        if (each.info.offset == 0) each.release();
        else each.accept();
    }
    const auto again = take(1);
    CHECK(again.front().info.offset == 0);
    CHECK(again.front().delivery_count() == 2);
}

TEST_CASE_FIXTURE(share_fixture, "what has no verdict goes back with the last record of its batch") {
    put(0, 2);
    open_explicit();
    auto jobs = take(2);
    jobs[0].accept();
    jobs.pop_back();
    world.run_for(5s);
    CHECK(said(2).empty());
    jobs.clear();
    world.run_for(5s);
    CHECK(said(1) == offsets{0});
    CHECK(said(2) == offsets{1});
}

TEST_CASE_FIXTURE(share_fixture, "a renewal goes at once, by itself, and starts the time again") {
    put(0, 1);
    open_explicit();
    const auto jobs = take(1);
    world.run_for(20s);
    jobs[0].renew();
    world.run_for(100ms);
    CHECK(times("renew 1") == 1);
    CHECK(jobs[0].time_left() > 29s);
    world.run_for(20s);
    jobs[0].accept();
    world.run_for(2s);
    CHECK(outcome_of(0) == errc::none);
    CHECK(said(1) == offsets{0});
}

TEST_CASE_FIXTURE(share_fixture, "a verdict that comes too late does not take others with it") {
    put(0, 2);
    open_explicit();
    const auto jobs = take(2);
    jobs[0].renew();
    world.run_for(20s);
    jobs[0].renew();
    world.run_for(11s);  // the other's time is up
    jobs[0].accept();
    jobs[1].accept();
    const auto done = wait(in->commit());
    REQUIRE(done);
    CHECK(said(1) == offsets{0});
    std::map<std::int64_t, errc> outcomes;
    for (const auto& each : *done) {
        for (auto offset = each.first; offset <= each.last; ++offset) outcomes[offset] = each.why.code();
    }
    CHECK(outcomes == std::map<std::int64_t, errc>{{0, errc::none}, {1, errc::invalid_record_state}});
}

TEST_CASE_FIXTURE(share_fixture, "a broker that lost the session gets a new one; what was on loan is not its to hear of") {
    put(0, 2);
    open_explicit();
    const auto jobs = take(2);
    session_code[1] = errc::share_session_not_found;
    jobs[0].accept();
    world.run_for(3s);
    CHECK(outcome_of(0) == errc::share_session_not_found);
    jobs[1].accept();
    world.run_for(3s);
    CHECK(outcome_of(1) == errc::share_session_not_found);
    CHECK(said(1).empty());
    put(0, 1);
    take(1);
    CHECK(times("fetch 1 epoch 0") == 2);
}

TEST_CASE_FIXTURE(share_fixture, "verdicts that a broker refuses are told, each with its record") {
    put(0, 2);
    open_explicit();
    const auto jobs = take(2);
    verdict_code[0] = errc::invalid_record_state;
    for (const auto& each : jobs) each.accept();
    const auto done = wait(in->commit());
    REQUIRE(done);
    REQUIRE(done->size() == 1);
    CHECK(done->front().why.code() == errc::invalid_record_state);
    CHECK(done->front().why.topic() == "jobs");
    CHECK(done->front().why.offset() == 0);
}

TEST_CASE_FIXTURE(share_fixture, "what a share consumer acquires, says and loses is counted") {
    put(0, 3);
    put(1, 2);
    open_explicit();
    auto jobs = take(5);
    const auto job_at = [&](std::int32_t partition, std::int64_t offset) -> job& {
        return *std::find_if(jobs.begin(), jobs.end(), [&](const job& each) { return each.info.partition == partition && each.info.offset == offset; });
    };
    const auto counted = [&] {
        const auto all = kafka->metrics().share_consumers;
        REQUIRE(all.size() == 1);
        return all[0];
    };
    auto now = counted();
    CHECK(now.number == 1);
    CHECK(now.group_id == "workers");
    CHECK(now.records == 5);
    CHECK(now.bytes > 100);
    CHECK(now.fetches == static_cast<std::uint64_t>(count(api_key::share_fetch)));
    CHECK(now.fetch_ms.count == now.fetches);
    CHECK(now.fetch_bytes.sum == now.bytes);
    CHECK(now.sessions == 2);
    CHECK(now.assigned == 2);
    CHECK(now.rebalances == 1);
    CHECK(now.heartbeats >= 1);
    CHECK(now.sent == 0);

    job_at(0, 0).accept();
    job_at(0, 1).release();
    job_at(0, 2).reject();
    job_at(1, 0).renew();
    REQUIRE(wait(in->commit()));
    now = counted();
    CHECK(now.sent == 4);
    CHECK(now.accepted == 1);
    CHECK(now.released == 1);
    CHECK(now.rejected == 1);
    CHECK(now.renewed == 1);
    CHECK(now.failed == 0);
    CHECK(now.expired == 0);

    world.run_for(31s);
    job_at(1, 1).accept();
    REQUIRE(wait(in->commit()));
    now = counted();
    CHECK(now.sent == 4);
    CHECK(now.failed == 1);
    CHECK(now.expired == 1);
    jobs.clear();
    CHECK(counted().expired == 2);  // the one that was renewed

    const auto text = kafka->metrics().prometheus_text();
    const auto shows = [&](std::string_view line) { return text.find(line) != std::string::npos; };
    CHECK_MESSAGE(shows(R"(kafka_consumer_consumer_share_fetch_manager_metrics_acknowledgements_send_total{client_id="weir",share_consumer="1",group_id="workers"} 4)"), text);
    CHECK(shows(R"(kafka_consumer_consumer_share_fetch_manager_metrics_records_consumed_total{client_id="weir",share_consumer="1",group_id="workers"} 5)"));
    CHECK(shows(R"(kafka_consumer_consumer_share_coordinator_metrics_assigned_partitions{client_id="weir",share_consumer="1",group_id="workers"} 2)"));
    CHECK(shows(R"(kafka_consumer_consumer_share_metrics_connection_count{client_id="weir"} )"));
    CHECK_FALSE(shows("admin_client"));

    in.reset();
    world.run_for(2s);
    CHECK(kafka->metrics().share_consumers.empty());
}

TEST_CASE_FIXTURE(share_fixture, "verdicts that brokers refuse are counted, and sessions that begin anew") {
    put(0, 2);
    open_explicit();
    const auto jobs = take(2);
    verdict_code[0] = errc::invalid_record_state;
    jobs[0].accept();
    REQUIRE(wait(in->commit()));
    session_code[1] = errc::share_session_not_found;
    jobs[1].accept();
    world.run_for(3s);
    verdict_code.clear();
    put(0, 1);
    take(1);
    const auto now = kafka->metrics().share_consumers.at(0);
    CHECK(now.sent == 2);
    CHECK(now.failed == 2);
    CHECK(now.accepted == 0);
    CHECK(now.expired == 0);
    CHECK(now.sessions == static_cast<std::uint64_t>(times("fetch 1 epoch 0") + times("fetch 2 epoch 0")));
    CHECK(times("fetch 1 epoch 0") == 2);
}

TEST_CASE_FIXTURE(share_fixture, "a leader that moves is followed") {
    put(0, 1);
    open();
    take(1);
    leaders["jobs"] = {2, 2};
    put(0, 1);
    verdict_code[0] = errc::not_leader_or_follower;
    take(1);
    CHECK(outcome_of(0) == errc::not_leader_or_follower);
}

TEST_CASE_FIXTURE(share_fixture, "an application that does not come back leaves the group, and joins again when it does") {
    put(0, 1);
    share_consumer_config config;
    config.max_poll_interval = 30s;
    open(std::move(config));
    take(1);
    world.run_for(40s);
    CHECK(times("leave") == 1);
    put(0, 1);
    take(1);
    CHECK(times("join") == 2);
}

TEST_CASE_FIXTURE(share_fixture, "whoever waited for records for longer than that is a member as long as it works on what came, or did not") {
    share_consumer_config config;
    config.max_poll_interval = 30s;
    open(std::move(config));
    auto waiting = in->poll(60s);
    SUBCASE("") {
        world.run_for(50s);
        put(0, 1);
        CHECK((*wait(waiting)).size() == 1);
    }
    SUBCASE("") { CHECK((*wait(waiting)).empty()); }
    world.run_for(25s);
    CHECK(times("leave") == 0);
    world.run_for(10s);
    CHECK(times("leave") == 1);
}

TEST_CASE_FIXTURE(share_fixture, "who unsubscribes leaves the group and gets nothing; what is on loan can still be judged; and it may come back") {
    put(0, 3);
    open_explicit();
    CHECK(in->subscription() == std::vector<std::string>{"jobs"});
    const auto jobs = take(3);
    in->unsubscribe();
    CHECK(in->subscription().empty());
    world.run_for(1s);
    CHECK(times("leave") == 1);
    jobs[0].accept();
    world.run_for(2s);
    CHECK(said(1) == offsets{0});
    put(1, 2);
    CHECK((*wait(in->poll(5s))).empty());
    SUBCASE("") {
        in->subscribe({"jobs"});
        CHECK(take(2).size() == 2);
        CHECK(times("join") == 2);
    }
    SUBCASE("in one breath") {
        in->subscribe({"jobs"});
        in->unsubscribe();
        in->subscribe({"jobs"});
        CHECK(take(2).size() == 2);
    }
    SUBCASE("or not") {}
    CHECK(wait(in->close()));
    CHECK(times("leave") == times("join"));
}

TEST_CASE_FIXTURE(share_fixture, "the close tells the last verdicts, ends the sessions and leaves") {
    put(0, 4);
    open_explicit();
    const auto jobs = take(4);
    jobs[0].accept();
    jobs[1].reject();
    REQUIRE(wait(in->close()));
    CHECK(said(1) == offsets{0});
    CHECK(said(3) == offsets{1});
    CHECK(times("end 1") == 1);
    CHECK(times("leave") == 1);
    jobs[2].accept();  // nobody hears of it
    world.run_for(10s);
    CHECK(said(1) == offsets{0});
}

TEST_CASE_FIXTURE(share_fixture, "after the close everything ends at once: polls, commits and closes") {
    put(0, 1);
    open();
    auto waiting = in->poll();
    world.run_for(10s);
    REQUIRE(waiting.ready());
    auto pending = in->poll();
    REQUIRE(wait(in->close()));
    CHECK(wait(std::move(pending), 1s).code() == errc::closed);
    CHECK(wait(in->poll(), 1s).code() == errc::closed);
    CHECK(wait(in->commit(), 1s).code() == errc::closed);
    CHECK(wait(in->close(), 1s));
    CHECK_FALSE(in->status());
}

TEST_CASE_FIXTURE(share_fixture, "closed before it was a member, and with brokers that say nothing") {
    open();
    REQUIRE(wait(in->close()));
    CHECK(count(api_key::share_fetch) == 0);
    put(0, 1);
    open();
    take(1);
    world.isolate(desk);
    const auto began = world.now();
    CHECK(wait(in->close(3s)).code() == errc::timed_out);
    CHECK(world.now() - began < 4s);
}

TEST_CASE_FIXTURE(share_fixture, "commit gives up when a broker does not answer") {
    put(0, 1);
    share_consumer_config config;
    config.default_api_timeout = 5s;
    open(std::move(config));
    take(1);
    world.isolate(desk);
    const auto done = wait(in->commit());
    REQUIRE_FALSE(done);
    CHECK(done.error().code() == errc::timed_out);
    CHECK(done.error().message().find("default.api.timeout.ms") != std::string::npos);
}

TEST_CASE_FIXTURE(share_fixture, "what nobody can mend ends the loop, with the group and what to do") {
    heartbeat_code = errc::group_authorization_failed;
    open();
    auto got = wait(in->poll());
    REQUIRE_FALSE(got);
    CHECK(got.error().code() == errc::group_authorization_failed);
    CHECK(got.error().message().find("workers") != std::string::npos);
    CHECK(in->status().code() == errc::group_authorization_failed);
    CHECK(wait(in->close()));
}

TEST_CASE_FIXTURE(share_fixture, "a cluster without share groups: the error names the feature") {
    limit(api_key::share_group_heartbeat, -1);
    open();
    const auto got = wait(in->poll());
    REQUIRE_FALSE(got);
    CHECK(got.error().message().find("share.version") != std::string::npos);
}

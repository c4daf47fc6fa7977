// Records lent, and what becomes of them.
#include "share_suite.hpp"

using namespace weir;
using namespace weir::suite;

namespace {

share_consumer_config explicitly() {
    share_consumer_config config;
    config.explicit_ack = true;
    return config;
}

/// One after the other would find all records taken: a member works in a thread of its own.
class busy_worker {
public:
    explicit busy_worker(const queue& of) : in_(of.join()) {
        thread_ = std::thread{[this] {
            for (auto& each : in_) {
                const std::lock_guard held{mutex_};
                values_.push_back(each.value);
                again_ += each.delivery_count() > 1;
            }
        }};
    }
    ~busy_worker() {
        in_.stop();
        thread_.join();
    }
    std::vector<std::string> values() {
        const std::lock_guard held{mutex_};
        return values_;
    }
    int again() {
        const std::lock_guard held{mutex_};
        return again_;
    }

private:
    worker in_;
    std::mutex mutex_;
    std::vector<std::string> values_;
    int again_ = 0;
    std::thread thread_;
};

}  // namespace

TEST_CASE("members of a share group work through more than one partition has: every record once") {
    const queue jobs{"shared", 2};
    std::vector<std::unique_ptr<busy_worker>> workers;
    for (int i = 0; i < 4; ++i) workers.push_back(std::make_unique<busy_worker>(jobs));
    constexpr int count = 20'000;
    producer out{client{bootstrap()}};
    for (int i = 0; i < count; ++i) {
        (void)out.send(jobs.from, "key-" + std::to_string(i), "value-" + std::to_string(i));
        if (i % 500 == 0) REQUIRE_GOOD(out.flush().get());  // many batches: with few, one member gets them all
    }
    REQUIRE_GOOD(out.flush().get());
    const auto all = [&] {
        std::multiset<std::string> found;
        for (auto& each : workers) {
            for (auto& value : each->values()) found.insert(std::move(value));
        }
        return found;
    };
    REQUIRE(eventually([&] { return all().size() >= static_cast<std::size_t>(count); }, 120s));
    CHECK(all() == values_between(0, count));
    std::string shares;
    int working = 0;
    for (auto& each : workers) {
        const auto done = each->values().size();
        working += done > 0;
        shares += (shares.empty() ? "" : " + ") + std::to_string(done);
        CHECK(each->again() == 0);
    }
    CHECK(working >= 2);
    workers.clear();
    CHECK(values_between(0, 0) == jobs.rest());
    MESSAGE(count << " records to " << workers.capacity() << " members of one group on two partitions: " << shares);
}

TEST_CASE("keys, headers, times and every codec reach a share consumer") {
    const queue jobs{"whole"};
    int sent = 0;
    for (const auto codec : {compression::none, compression::gzip, compression::snappy, compression::lz4, compression::zstd}) {
        producer_config config;
        config.compression = codec;
        producer out{client{bootstrap()}, std::move(config)};
        for (int i = 0; i < 100; ++i, ++sent) {
            send_options options;
            options.headers = {{"number", to_bytes(as_bytes(std::to_string(sent)))}};
            options.time = timestamp{duration{1'700'000'000'000 + sent}};
            (void)out.send(jobs.from, "key-" + std::to_string(sent), "value-" + std::to_string(sent), options);
        }
        REQUIRE_GOOD(out.flush().get());
    }
    auto in = jobs.join();
    const auto got = queue::take(in, 500);
    REQUIRE(got.size() == 500);
    for (const auto& each : got) {
        const auto number = each.value.substr(6);
        REQUIRE(each.key == "key-" + number);
        REQUIRE(each.info.headers.size() == 1);
        CHECK(as_text(*each.info.headers.begin()->value) == number);
        CHECK(each.info.time.time_since_epoch() == duration{1'700'000'000'000 + std::stoll(number)});
        CHECK(each.delivery_count() == 1);
    }
}

TEST_CASE("explicit verdicts: accepted and rejected never come again, released ones do; the brokers' answers are told") {
    const queue jobs{"verdicts", 1, 30};
    auto in = jobs.join(explicitly());
    auto got = queue::take(in, 30);
    REQUIRE(values(got) == values_between(0, 30));
    for (const auto& each : got) {
        CHECK(each.delivery_count() == 1);
        CHECK(each.time_left() > 10s);
        if (each.info.offset % 3 == 0) each.accept();
        else if (each.info.offset % 3 == 1) each.release();
        else each.reject();
        each.accept();  // the first verdict counts
    }
    auto outcome = in.commit().get();
    REQUIRE_GOOD(outcome);
    std::map<acknowledgement, std::int64_t> counted;
    for (const auto& each : *outcome) {
        REQUIRE_MESSAGE(!each.why, each.why.message());
        counted[each.what] += each.last - each.first + 1;
    }
    CHECK(counted == std::map<acknowledgement, std::int64_t>{{acknowledgement::accept, 10}, {acknowledgement::release, 10}, {acknowledgement::reject, 10}});
    REQUIRE(eventually([&] { return jobs.told->good(acknowledgement::reject).size() == 10; }));
    auto again = queue::take(in, 10);
    CHECK(again.size() == 10);
    for (const auto& each : again) {
        CHECK(each.info.offset % 3 == 1);
        CHECK(each.delivery_count() == 2);
        each.accept();
    }
    CHECK(in.commit().get());
    CHECK(in.close().get());
    CHECK(jobs.exhausted());
}

TEST_CASE("a record that is released each time is given up after as many deliveries as the group allows") {
    const queue jobs{"poison", 1, 1};
    auto in = jobs.join(explicitly());
    for (int delivery = 1; delivery <= 5; ++delivery) {
        const auto got = queue::take(in, 1);
        REQUIRE(got.size() == 1);
        CHECK(got.front().delivery_count() == delivery);
        got.front().release();
    }
    CHECK(queue::take(in, 1, 3s).empty());
}

TEST_CASE("a loop: moving on accepts, and leaving it in the middle gives back what is in hand and behind") {
    const queue jobs{"loop", 1, 10};
    {
        auto in = jobs.join();
        int done = 0;
        for (auto& each : in) {
            CHECK(each.value == "value-" + std::to_string(done));
            if (done++ == 4) break;
        }
    }
    CHECK(jobs.rest() == values_between(4, 10));
}

TEST_CASE("a loop with explicit verdicts: what has none when it moves on goes back") {
    const queue jobs{"explicit-loop", 1, 10};
    {
        auto in = jobs.join(explicitly());
        int done = 0;
        for (auto& each : in) {
            if (each.delivery_count() == 1 && each.info.offset % 2 == 0) each.accept();
            else if (each.delivery_count() == 2) {
                CHECK(each.info.offset % 2 == 1);
                each.accept();
            }
            if (++done == 15) break;
        }
    }
    CHECK(jobs.exhausted());
}

TEST_CASE("a batch with explicit verdicts goes back when its last record is dropped, whoever holds it") {
    const queue jobs{"dropped", 1, 10};
    auto in = jobs.join(explicitly());
    auto held = queue::take(in, 10);
    REQUIRE(held.size() == 10);
    CHECK(queue::take(in, 1, 2s).empty());
    for (int i = 0; i < 3; ++i) held[static_cast<std::size_t>(i)].accept();
    std::thread{[held = std::move(held)] {}}.join();
    const auto again = queue::take(in, 7);
    CHECK(values(again) == values_between(3, 10));
    for (const auto& each : again) each.accept();
}

TEST_CASE("a renewed loan outlasts the lock; one that is not goes to somebody else, and its verdict comes too late") {
    const queue jobs{"renewed", 1, 2, 3s};
    auto slow = jobs.join(explicitly());
    auto held = queue::take(slow, 2);
    REQUIRE(held.size() == 2);
    auto other = jobs.join(explicitly());
    std::vector<job> elsewhere;
    const auto until = std::chrono::steady_clock::now() + 9s;  // three locks
    while (std::chrono::steady_clock::now() < until) {
        held[0].renew();
        auto some = other.poll(500ms).get();
        REQUIRE_GOOD(some);
        for (auto& each : *some) {
            CHECK(each.delivery_count() > 1);
            each.accept();
            elsewhere.push_back(std::move(each));
        }
    }
    CHECK(values(elsewhere) == std::multiset<std::string>{"value-1"});
    CHECK(held[0].time_left() > 0s);
    CHECK(held[1].time_left() == 0s);
    held[0].accept();
    held[1].accept();
    auto outcome = slow.commit().get();
    REQUIRE_GOOD(outcome);
    std::map<std::int64_t, errc> whys;
    for (const auto& each : *outcome) {
        for (auto offset = each.first; offset <= each.last; ++offset) {
            if (each.what == acknowledgement::accept) whys[offset] = each.why.code();
        }
    }
    CAPTURE(outcome->size());
    CHECK(whys[0] == errc::none);
    CHECK(whys[1] == errc::invalid_record_state);
    CHECK(other.commit().get());
    CHECK(other.close().get());
    CHECK(slow.close().get());
    CHECK(jobs.exhausted());
}

TEST_CASE("record_limit never lends more than asked for; batches may") {
    const queue jobs{"limited", 1, 1000};
    share_consumer_config config;
    config.acquire = acquire_mode::record_limit;
    config.max_poll_records = 7;
    auto in = jobs.join(std::move(config));
    std::multiset<std::string> found;
    while (found.size() < 70) {
        auto some = in.poll(5s).get();
        REQUIRE_GOOD(some);
        REQUIRE(some->size() <= 7);
        REQUIRE_FALSE(some->empty());
        found.merge(values(*some));
    }
    CHECK(found == values_between(0, static_cast<int>(found.size())));
}

TEST_CASE("markers of transactions are no records, and hold nobody up") {
    const queue jobs{"marked"};
    producer_config config;
    config.transactional_id = jobs.group + "-writer";
    producer out{client{bootstrap()}, std::move(config)};
    for (int round = 0; round < 20; ++round) {
        const auto end = out.transact([&](transaction& open) {
            for (int i = 0; i < 5; ++i) open.send(jobs.from, "k", "value-" + std::to_string(round * 5 + i));
        });
        REQUIRE_GOOD(end);
    }
    auto in = jobs.join();
    CHECK(values(queue::take(in, 100)) == values_between(0, 100));
    CHECK(in.commit().get());
    const admin tool{client{bootstrap()}};
    REQUIRE(eventually([&] {
        const auto told = tool.list_share_group_offsets({{jobs.group, std::vector{jobs.from[0]}}}).get();
        return told && !told->first_error() && told->front().outcome->front().outcome->lag == 0;
    }));
}

TEST_CASE("topics subscribed to later, and others no more") {
    const queue jobs{"first", 1, 5};
    const auto second = make_topic("second", 1);
    fill(second, 5);
    auto in = jobs.join();
    CHECK(values(queue::take(in, 5)) == values_between(0, 5));
    in.subscribe({second.name()});
    const auto got = queue::take(in, 5);
    REQUIRE(got.size() == 5);
    for (const auto& each : got) CHECK(each.info.topic == second.name());
}

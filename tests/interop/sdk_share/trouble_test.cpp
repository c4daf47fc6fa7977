// Brokers that die, time that runs out, ends of every kind.
#include "share_suite.hpp"

#include <atomic>

using namespace weir;
using namespace weir::suite;

namespace {

share_consumer_config explicitly() {
    share_consumer_config config;
    config.explicit_ack = true;
    return config;
}

template <class F>
std::chrono::milliseconds time_of(F&& action) {
    const auto began = std::chrono::steady_clock::now();
    action();
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
}

}  // namespace

TEST_CASE("what nobody answers for is lent to somebody else when its time is up") {
    const queue jobs{"expired", 1, 20, 3s};
    auto silent = jobs.join(explicitly());
    const auto held = queue::take(silent, 20);
    REQUIRE(held.size() == 20);
    auto other = jobs.join(explicitly());
    const auto got = queue::take(other, 20);
    CHECK(values(got) == values_between(0, 20));
    for (const auto& each : got) {
        CHECK(each.delivery_count() == 2);
        each.accept();
    }
    CHECK(other.commit().get());
    CHECK(silent.close().get());
    CHECK(other.close().get());
    CHECK(jobs.exhausted());
}

TEST_CASE("a broker that is killed and comes back: every record is delivered, and none again whose verdict counted") {
    const queue jobs{"restart", 1};
    auto in = jobs.join(explicitly());
    constexpr int count = 2000;
    std::set<std::string> found;
    std::set<std::int64_t> wrong;
    std::thread writer{[&] {
        producer out{client{bootstrap()}};
        for (int i = 0; i < count; ++i) {
            (void)out.send(jobs.from, "k", "value-" + std::to_string(i));
            if (i % 20 == 0) (void)out.flush().get();
        }
        (void)out.flush().get();
    }};
    bool down = false, back = false;
    int again = 0;
    // A broker may take minutes to start on a busy machine: they do not count.
    const auto patience = [] { return std::chrono::steady_clock::now() + 180s; };
    auto until = patience();
    while (found.size() < count && std::chrono::steady_clock::now() < until) {
        const auto done = jobs.told->good(acknowledgement::accept);
        auto some = in.poll(500ms).get();
        REQUIRE_GOOD(some);
        if (!down && found.size() > 300 && !some->empty()) {  // with records in hand
            kill_broker(nodes() - 1);
            down = true;
        } else if (down && !back && (nodes() == 1 || found.size() > 900)) {
            start_broker(nodes() - 1);
            back = true;
            until = patience();
        }
        for (const auto& each : *some) {
            again += !found.insert(each.value).second;
            if (done.contains(each.info.offset)) wrong.insert(each.info.offset);
            each.accept();
        }
    }
    if (down && !back) start_broker(nodes() - 1);
    writer.join();
    CHECK(found.size() == count);
    CHECK(wrong.empty());
    CHECK(in.commit().get());
    CHECK(in.close().get());
    CHECK(jobs.exhausted());
    MESSAGE(count << " records, " << again << " of them delivered again because their broker died, none of them accepted before");
}

TEST_CASE("a record that cannot be decoded: stop says where and gives it back, skip rejects it") {
    const queue jobs{"bad", 1};
    {
        producer out{client{bootstrap()}};
        (void)out.send(jobs.from, "k", "12345678");
        (void)out.send(jobs.from, "k", "short");
        (void)out.send(jobs.from, "k", "87654321");
        REQUIRE_GOOD(out.flush().get());
    }
    const topic<std::string, std::int64_t> numbers{jobs.from.name()};
    const auto join = [&](on_bad_record then) {
        share_consumer_config config;
        config.group_id = jobs.group;
        config.on_bad_record = then;
        return share_consumer{client{bootstrap()}, std::move(config), numbers};
    };
    {
        auto in = join(on_bad_record::stop);
        int found = 0;
        for (auto& each : in) {
            (void)each;
            ++found;
        }
        CHECK(found == 1);
        const auto why = in.status();
        CHECK(why.code() == errc::malformed);
        CHECK(why.message().find(jobs.from.name() + "-0: the record at offset 1 ") != std::string::npos);
        CHECK(why.offset() == 1);
    }
    {
        auto in = join(on_bad_record::skip);
        auto got = in.poll(30s).get();
        REQUIRE_GOOD(got);
        CHECK(got->size() == 1);
        CHECK(in.commit().get());
    }
    CHECK(jobs.exhausted());
}

TEST_CASE("close in every state: it returns, what was accepted stays accepted, the rest goes to others") {
    const queue jobs{"ends", 2, 100};
    const auto quick = [](worker& in) {
        const auto took = time_of([&] { CHECK(in.close().get()); });
        CHECK(took < 10s);
        CHECK_FALSE(in.status());
        CHECK(in.poll().get().code() == errc::closed);
        CHECK(in.commit().get().code() == errc::closed);
        CHECK(in.close().get());
    };
    SUBCASE("never asked for anything") {
        auto in = jobs.join();
        quick(in);
    }
    SUBCASE("never asked, and closed by its destructor") {
        CHECK(time_of([&] { auto in = jobs.join(); }) < 10s);
    }
    SUBCASE("while a poll waits") {
        const queue nothing{"no-jobs", 1};
        auto in = nothing.join();
        auto waiting = in.poll();
        CHECK(in.close().get());
        auto got = waiting.get();
        REQUIRE_FALSE(got);
        CHECK(got.error().code() == errc::closed);
    }
    SUBCASE("while a loop waits in another thread") {
        const queue one{"one-loop", 1, 1};
        auto in = one.join();
        std::atomic<int> came = 0;
        std::thread loop{[&] {
            for (auto& each : in) came += !each.value.empty();
        }};
        CHECK(eventually([&] { return came == 1; }));  // and it goes on to wait for a second
        in.stop();
        loop.join();
        quick(in);
    }
    SUBCASE("with records in hand") {
        auto in = jobs.join();
        CHECK_FALSE(queue::take(in, 1).empty());
        quick(in);
    }
    SUBCASE("with a poll that was never taken") {
        auto in = jobs.join();
        auto waiting = in.poll(30s);
        REQUIRE(eventually([&] { return waiting.ready(); }));
        quick(in);
    }
    SUBCASE("while a commit is under way") {
        auto in = jobs.join();
        CHECK_FALSE(queue::take(in, 1).empty());
        auto done = in.commit();
        CHECK(in.close().get());
        (void)done.get();
        CHECK(jobs.rest().size() < 100);
        return;
    }
    SUBCASE("with loans that outlive it") {
        auto in = std::make_unique<worker>(jobs.join(explicitly()));
        const auto held = queue::take(*in, 1);
        CHECK_FALSE(held.empty());
        in.reset();
        held.front().accept();  // nobody hears of it
    }
    CHECK(jobs.rest() == values_between(0, 100));
}

TEST_CASE("verdicts given just before the close count") {
    const queue jobs{"last-words", 2, 100};
    std::multiset<std::string> accepted;
    {
        auto in = jobs.join(explicitly());
        for (const auto& each : queue::take(in, 100)) {
            if (each.value.back() != '7') {
                each.accept();
                accepted.insert(each.value);
            }
        }
    }
    CHECK(accepted.size() == 90);
    const auto rest = jobs.rest();
    CHECK(rest.size() == 10);
    for (const auto& each : rest) CHECK(each.back() == '7');
}

TEST_CASE("close with all brokers gone ends at its deadline") {
    if (nodes() > 1) return;  // one is enough to take away
    const queue jobs{"gone", 1, 10};
    auto in = jobs.join(explicitly());
    for (const auto& each : queue::take(in, 10)) each.accept();
    kill_broker(0);
    const auto took = time_of([&] { (void)in.close(3s).get(); });
    start_broker(0);
    CHECK(took < 6s);
}

TEST_CASE("a group that is not one for sharing: the error says so") {
    const auto from = make_topic("other-kind", 1);
    fill(from, 1);
    consumer_config config;
    config.group_id = fresh_name("classic");
    config.start = at::earliest;
    const auto name = config.group_id;
    consumer member{client{bootstrap()}, std::move(config), from};
    REQUIRE_GOOD(member.next().get());
    share_consumer_config wrong;
    wrong.group_id = name;
    share_consumer in{client{bootstrap()}, std::move(wrong), from};
    auto got = in.poll(30s).get();
    REQUIRE_FALSE(got);
    CHECK(got.error().message().find(name) != std::string::npos);
    MESSAGE(got.error().message());
}

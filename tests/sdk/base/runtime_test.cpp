#include <weir/base/asio_runtime.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <ctime>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <sys/resource.h>

using namespace weir;
using namespace std::chrono_literals;

TEST_CASE("steps posted from many threads all run on the loop, in each poster's order") {
    runtime rt{1};
    rt.start();
    constexpr int posters = 4, each = 5000;
    std::vector<int> next(posters, 0);  // touched by the loop alone
    bool in_order = true;
    int left = posters * each;
    std::promise<void> done;
    std::vector<std::thread> threads;
    for (int p = 0; p < posters; ++p) {
        threads.emplace_back([&, p] {
            for (int i = 0; i < each; ++i) {
                rt.loop(0).post([&, p, i] {
                    in_order = in_order && rt.loop(0).running_here() && next[static_cast<std::size_t>(p)]++ == i;
                    if (--left == 0) done.set_value();
                });
            }
        });
    }
    for (auto& thread : threads) thread.join();
    done.get_future().wait();
    CHECK(in_order);
    CHECK_FALSE(rt.loop(0).running_here());
}

TEST_CASE("a loop that sleeps lets other threads take its place, one at a time and in each one's order") {
    runtime rt{1};
    rt.start();
    auto& loop = rt.loop(0);
    constexpr int threads = 4, each = 3000;
    std::vector<int> next(threads, 0);  // touched by whoever is the loop
    bool in_order = true;
    int left = threads * each;
    std::promise<void> done;
    std::vector<std::thread> all;
    std::atomic<int> elsewhere = 0;
    for (int t = 0; t < threads; ++t) {
        all.emplace_back([&, t] {
            for (int i = 0; i < each; ++i) {
                auto step = [&, t, i, by = std::this_thread::get_id()] {
                    in_order = in_order && loop.running_here() && next[static_cast<std::size_t>(t)]++ == i;
                    if (std::this_thread::get_id() == by) ++elsewhere;
                    if (--left == 0) done.set_value();
                };
                if (i % 3 == 0) loop.post(std::move(step));
                else loop.run_or_post(std::move(step));
                if (i % 16 == 0) std::this_thread::yield();
            }
        });
    }
    for (auto& thread : all) thread.join();
    done.get_future().wait();
    CHECK(in_order);
    CHECK_FALSE(loop.running_here());
    MESSAGE(elsewhere.load() << " of " << threads * each << " ran where they were asked for");
}

TEST_CASE("what a step begins that ran on another thread goes on: steps, the end of the turn, timers, sockets") {
    runtime rt{1};
    rt.start();
    auto& loop = rt.loop(0);
    int here = 0;
    const auto caller = std::this_thread::get_id();
    while (here == 0) {  // until the loop was asleep
        std::promise<void> turned, deep, late, connected;
        std::unique_ptr<listener> listening;
        std::unique_ptr<stream> client;
        std::promise<bool> ran_here;
        loop.run_or_post([&] {
            ran_here.set_value(std::this_thread::get_id() == caller);
            loop.defer_to_turn_end([&] { turned.set_value(); });
            loop.post([&] { loop.post([&] { loop.post([&] { loop.post([&] { deep.set_value(); }); }); }); });
            loop.call_after(1ms, [&] { late.set_value(); });
            auto opened = rt.net().listen(loop, {"127.0.0.1", 0}, {}, [&]() -> event_loop& { return loop; }, [](std::unique_ptr<stream>) {});
            listening = std::move(*opened);
            rt.net().connect(loop, listening->local(), {}, 5s, [&](result<std::unique_ptr<stream>> made) {
                client = std::move(*made);
                connected.set_value();
            });
        });
        turned.get_future().wait();
        deep.get_future().wait();
        late.get_future().wait();
        connected.get_future().wait();
        here += ran_here.get_future().get();
        std::promise<void> gone;
        loop.post([&] {
            client.reset();
            listening.reset();
            gone.set_value();
        });
        gone.get_future().wait();
    }
    CHECK(here == 1);
}

namespace {

/// What one waits for by lending its thread, or asleep where the loop takes none.
struct awaited {
    std::mutex mutex;
    std::condition_variable changed;
    bool ended = false;
    std::thread::id by;
    void end() {
        const std::lock_guard held{mutex};
        ended = true;
        by = std::this_thread::get_id();
        changed.notify_all();
    }
    bool over() {
        const std::lock_guard held{mutex};
        return ended;
    }
    /// Whether this thread brought it about.
    bool wait(event_loop& loop, nanoseconds most = 10s) {
        loop.lend_thread([this] { return over(); }, most);
        std::unique_lock held{mutex};
        changed.wait(held, [this] { return ended; });
        return by == std::this_thread::get_id();
    }
};

}  // namespace

TEST_CASE("who waits again and again is the loop meanwhile, and others' steps and timers run as ever") {
    runtime rt{2};
    rt.start();
    auto& loop = rt.loop(0);
    std::atomic<bool> over = false;
    std::vector<std::thread> others;
    std::vector<int> next(3, 0);
    bool in_order = true;
    for (std::size_t t = 0; t < next.size(); ++t) {
        others.emplace_back([&, t] {
            for (int i = 0; !over; ++i) {
                awaited ran;
                auto step = [&, t, i] {
                    in_order = in_order && loop.running_here() && next[t]++ == i;
                    ran.end();
                };
                if (t == 0) loop.run_or_post(std::move(step));
                else loop.post(std::move(step));
                ran.wait(loop);
            }
        });
    }
    int served_itself = 0;
    for (int i = 0; i < 3000; ++i) {
        awaited answer;
        // Through another loop, as an answer comes from elsewhere; now and then by the clock.
        loop.run_or_post([&] {
            if (i % 50 == 0) return void(loop.call_after(100us, [&] { answer.end(); }));
            rt.loop(1).post([&] { loop.post([&] { answer.end(); }); });
        });
        served_itself += answer.wait(loop);
    }
    over = true;
    for (auto& each : others) each.join();
    CHECK(in_order);
    MESSAGE(served_itself << " of 3000 by the thread that waited");
}

TEST_CASE("when the one that waited does not come back the loop goes on by itself") {
    runtime rt{1};
    rt.start();
    auto& loop = rt.loop(0);
    int served_itself = 0;
    for (int i = 0; served_itself == 0 || i < 100; ++i) {
        awaited answer;
        loop.run_or_post([&] { loop.post([&] { answer.end(); }); });
        served_itself += answer.wait(loop);
        if (i % 20 != 19) continue;
        std::promise<void> by_the_clock, by_a_post;
        loop.run_or_post([&] { loop.call_after(2ms, [&] { by_the_clock.set_value(); }); });
        by_the_clock.get_future().wait();
        loop.post([&] { by_a_post.set_value(); });
        by_a_post.get_future().wait();
    }
    // A limit ends the visit; so does the loop's end.
    std::atomic<bool> returned = false;
    std::thread last{[&] {
        for (int i = 0; i < 10; ++i) {
            awaited never;
            const auto began = loop.now();
            loop.lend_thread([&] { return never.over(); }, 100us);
            CHECK(loop.now() - began < 5s);
        }
        awaited never;
        loop.lend_thread([&] { return never.over(); }, nanoseconds::max());
        returned = true;
    }};
    while (!returned) {
        rt.stop();
        std::this_thread::yield();
    }
    last.join();
}

TEST_CASE("a doorbell is heard from a signal handler, once for many rings, and no more once it is gone") {
    runtime rt{1};
    rt.start();
    std::atomic<int> heard = 0, other = 0;
    std::promise<void> first;
    static doorbell* rung = nullptr;
    auto bell = rt.loop(0).hang_doorbell([&] {
        if (++heard == 1) first.set_value();
    });
    const auto quiet = rt.loop(0).hang_doorbell([&] { ++other; });
    rung = bell.get();
    std::signal(SIGUSR2, [](int) {
        for (int i = 0; i < 10; ++i) rung->ring();
    });
    std::promise<void> looked;
    rt.loop(0).post([&] {
        std::raise(SIGUSR2);  // in the middle of a step, whatever it holds
        rt.loop(0).post([&] { looked.set_value(); });
    });
    first.get_future().wait();
    looked.get_future().wait();
    CHECK(heard == 1);
    bell->ring();
    bell.reset();
    std::promise<void> again;
    const auto last = rt.loop(0).hang_doorbell([&] { again.set_value(); });
    last->ring();
    again.get_future().wait();
    std::signal(SIGUSR2, SIG_DFL);
    CHECK(other == 0);
    CHECK(heard <= 2);
}

TEST_CASE("loops hand steps to each other") {
    runtime rt{3};
    rt.start();
    std::promise<int> done;
    struct ring {
        runtime& rt;
        std::promise<int>& done;
        int hops = 0;
        void hop() {
            if (++hops == 3000) {
                done.set_value(hops);
                return;
            }
            rt.loop(hops % 3).post([this] { hop(); });
        }
    } ring{rt, done};
    rt.loop(0).post([&] { ring.hop(); });
    CHECK(done.get_future().get() == 3000);
}

TEST_CASE("the end of a turn comes once, after the steps that were ready") {
    runtime rt{1};
    std::string seen;
    rt.loop(0).post([&] {
        auto& loop = rt.loop(0);
        loop.post([&] {
            seen += '1';
            loop.defer_to_turn_end([&] { seen += 'E'; });
            loop.post([&] {
                seen += '3';
                rt.stop();
            });
        });
        loop.post([&] { seen += '2'; });
    });
    rt.run();
    CHECK(seen == "12E3");
}

TEST_CASE("what the end of a turn defers runs too, without anything else happening") {
    runtime rt{1};
    int runs = 0;
    rt.loop(0).post([&] {
        rt.loop(0).defer_to_turn_end([&] {
            ++runs;
            rt.loop(0).defer_to_turn_end([&] {
                ++runs;
                rt.stop();
            });
        });
    });
    rt.run();
    CHECK(runs == 2);
}

TEST_CASE("ten thousand timers fire in order and not early; cancelled ones do not") {
    runtime rt{1};
    auto& loop = rt.loop(0);
    std::vector<time_point> due;
    bool early = false, cancelled_fired = false;
    loop.post([&] {
        for (int i = 0; i < 10'000; ++i) {
            const auto when = loop.now() + std::chrono::microseconds{(i * 7919) % 20'000};
            loop.call_at(when, [&, when] {
                early = early || loop.now() < when;
                due.push_back(when);
                if (due.size() == 10'000) rt.stop();
            });
            loop.cancel(loop.call_at(when, [&] { cancelled_fired = true; }));
        }
    });
    rt.run();
    CHECK(due.size() == 10'000);
    CHECK(std::is_sorted(due.begin(), due.end()));
    CHECK_FALSE(early);
    CHECK_FALSE(cancelled_fired);
}

TEST_CASE("a timer set later for sooner is not held up by one set before") {
    runtime rt{1};
    auto& loop = rt.loop(0);
    nanoseconds took{};
    loop.post([&] {
        const auto start = loop.now();
        loop.call_after(1h, [] {});
        loop.call_after(30s, [&] { rt.stop(); });
        loop.post([&, start] {
            loop.call_after(5ms, [&, start] {
                took = loop.now() - start;
                rt.stop();
            });
        });
    });
    rt.run();
    CHECK(took >= 5ms);
    CHECK(took < 5s);
}

TEST_CASE("an idle loop sleeps: no processor time and no wake-ups") {
    runtime rt{2};
    rt.start();
    std::promise<void> settled;
    rt.loop(1).post([&] {
        rt.loop(1).call_after(1h, [] {});
        settled.set_value();
    });
    settled.get_future().wait();
    rusage before{}, after{};
    std::promise<void> waited;
    // The one timer that is needed to let time pass is the test's own, on the other loop.
    rt.loop(0).post([&] {
        rt.loop(0).call_after(20ms, [&] {
            ::getrusage(RUSAGE_SELF, &before);
            rt.loop(0).call_after(200ms, [&] {
                ::getrusage(RUSAGE_SELF, &after);
                waited.set_value();
            });
        });
    });
    waited.get_future().wait();
    CHECK(after.ru_nvcsw - before.ru_nvcsw < 10);
}

TEST_CASE("signals arrive as steps of loop 0") {
    runtime rt{2};
    int got = 0;
    bool on_loop = false;
    rt.on_signal({SIGUSR1, SIGUSR2}, [&](int number) {
        got += number == SIGUSR1 ? 1 : 10;
        on_loop = rt.loop(0).running_here();
        if (got == 11) rt.stop();
        else std::raise(SIGUSR2);
    });
    rt.loop(0).post([] { std::raise(SIGUSR1); });
    rt.run();
    CHECK(got == 11);
    CHECK(on_loop);
}

TEST_CASE("steps that never ran are dropped with what they own, even when that posts again") {
    struct noisy {
        event_loop* loop;
        std::atomic<int>* drops;
        noisy(event_loop* loop, std::atomic<int>* drops) : loop(loop), drops(drops) {}
        noisy(noisy&& other) noexcept : loop(std::exchange(other.loop, nullptr)), drops(other.drops) {}
        ~noisy() {
            if (!loop) return;
            ++*drops;
            loop->post([] {});
        }
    };
    std::atomic<int> drops = 0;
    {
        runtime rt{2};
        rt.loop(0).post([held = noisy{&rt.loop(1), &drops}] {});
        rt.loop(1).post([held = noisy{&rt.loop(0), &drops}] {});
        rt.loop(0).call_at(rt.loop(0).now() + 1h, [held = noisy{&rt.loop(0), &drops}] {});
    }
    CHECK(drops == 3);
}

// Exactly once with two instances of one transactional id, of which one does not know that it has been replaced.
#include "scripted_pipeline.hpp"

#include <weir/transactor.hpp>

#include <doctest/doctest.h>

using namespace weir;
using namespace std::chrono_literals;

namespace {

using strings = std::vector<std::string>;
const topic<none, std::string> in{"in"}, out{"out"};

struct instance {
    explicit instance(const test::scripted_pipeline::machine& on)
        : kafka(on), work(kafka, {.group_id = "copiers", .transactional_id = "copier", .max_poll_records = 3}, in) {}
    /// Copies what it gets; `then` runs while the transaction is open, and gets how many records it has.
    template <class Then>
    result<> run(Then then) {
        return work.run([&](const auto& batch, transaction& tx) {
            for (const auto& each : batch) (void)tx.send(out, each.value);
            then(batch.size(), tx);
        });
    }
    client kafka;
    transactor<none, std::string> work;
};

/// A machine that stands still, and another that goes on where it was.
struct takeover : test::scripted_pipeline {
    explicit takeover(bool v2) : scripted_pipeline(v2) {
        put({"a", "b", "c"});
        put({"d", "e", "f"});
        put({"g"});
    }
    ~takeover() { world.run_for(1s); }
    /// A new instance reads to the end while the old one's machine stands still.
    void take_over(const machine& old) {
        world.pause(old.id(), 60s);
        std::size_t copied = 0;
        instance fresh{second};
        const auto end = fresh.run([&](std::size_t records, transaction&) {
            copied += records;
            if (copied == 7 - done_before) fresh.work.stop();
        });
        CHECK_MESSAGE(end, end.error().message());
        CHECK(output() == everything);
    }
    machine first{world, "first"}, second{world, "second"};
    std::size_t done_before = 0;  ///< records that the old one has copied
    const strings everything{"a", "b", "c", "d", "e", "f", "g"};
};

/// `arrived`: records of the first one's last transaction are in the log when the second one begins.
void replace(bool v2, bool arrived) {
    takeover cluster{v2};
    std::optional<instance> old{cluster.first};
    bool taken_over = false;
    const auto end = old->run([&](std::size_t records, transaction& tx) {
        if (cluster.done_before == 0) {  // one transaction of its own is committed
            cluster.done_before = records;
            return;
        }
        REQUIRE_FALSE(std::exchange(taken_over, true));
        if (arrived) CHECK(tx.send(out, std::string{"of the old one"}).get());
        cluster.take_over(cluster.first);
    });
    CHECK(taken_over);
    REQUIRE_FALSE(end);
    CHECK(end.code() == errc::producer_fenced);
    CHECK(end.error().fatal());
    CHECK(end.error().message().find("transactional.id 'copier': another producer took over") != std::string::npos);
    CHECK(cluster.output() == cluster.everything);
    CHECK(cluster.committed() == 7);
    // Asked to go on it says the same: another one works here.
    cluster.put({"h"});
    const auto again = old->run([](std::size_t, transaction&) { FAIL("a fenced instance works on"); });
    CHECK(again.code() == errc::producer_fenced);
    CHECK(cluster.output() == cluster.everything);
    old.reset();
}

}  // namespace

TEST_CASE("a second instance with the same transactional id fences the first: that one ends for good, and nothing is there twice") {
    SUBCASE("V1, before anything of its transaction has arrived") { replace(false, false); }
    SUBCASE("V1, when its records are there already: they are aborted") { replace(false, true); }
    SUBCASE("V2, before anything of its transaction has arrived") { replace(true, false); }
    SUBCASE("V2, when its records are there already: they are aborted") { replace(true, true); }
}

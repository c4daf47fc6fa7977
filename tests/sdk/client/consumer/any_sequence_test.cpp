// Whatever an application does with a consumer, and whatever happens to its broker: what it reads, and what is committed.
#include "consumer_fixture.hpp"

#include <algorithm>
#include <array>
#include <set>

using namespace weir;
using namespace weir::test;
using namespace std::chrono_literals;

namespace {

constexpr std::int32_t partitions = 3;

/// What the application knows of a partition.
struct ledger {
    std::int64_t next = 0;              ///< what has to come
    bool anew = true;                   ///< a new consumer begins where its group is: nowhere behind `committable`
    bool paused = false;
    std::int64_t finished = 0;          ///< it moved past everything below
    std::int64_t handed = 0;
    std::set<std::int64_t> committable{0};  ///< offsets that may be the group's
    std::int64_t written = 0;
};

struct any_sequence : consumer_fixture {
    any_sequence(std::uint64_t seed, bool member) : consumer_fixture(seed), member_(member) {
        REQUIRE(create_topic(*wire, "orders", partitions) == 0);
        for (std::int32_t i = 0; i < partitions; ++i) write(i, 20);
        begin();
    }
    std::size_t chance(std::size_t of) { return static_cast<std::size_t>(world.random().below(of)); }
    std::int32_t some_partition() { return static_cast<std::int32_t>(chance(partitions)); }

    void write(std::int32_t partition, int count) {
        auto& of = known[static_cast<std::size_t>(partition)];
        put(partition, numbers(static_cast<int>(of.written), count));
        of.written += count;
    }
    void begin() {
        consumer_config config;
        config.group_id = "readers";
        config.start = at::earliest;
        config.auto_commit_interval = 1s;
        config.max_poll_records = static_cast<int>(1 + chance(15));
        if (chance(2) == 0) config.assignors = {"cooperative-sticky"};
        if (chance(3) == 0) config.max_partition_fetch_bytes = 200;
        open(std::move(config));
        rebalance_listener listener;
        listener.assigned = [this](std::span<const topic_partition> which) {
            for (const auto& each : which) {
                auto& of = known[static_cast<std::size_t>(each.partition)];
                of.anew = true;
                of.paused = false;
            }
        };
        if (member_) in->on_rebalance(std::move(listener));
        else in->assign({orders[0], orders[1], orders[2]});
        for (auto& each : known) {
            each.anew = true;
            each.paused = false;
        }
    }
    void poll() {
        for (auto& each : known) {  // it asks anew: all it has is done with
            each.finished = each.handed;
            each.committable.insert(each.finished);
        }
        const auto batch = wait(in->poll(milliseconds{static_cast<std::int64_t>(chance(800))}));
        REQUIRE_MESSAGE(batch, batch.error().message());
        for (const auto& each : *batch) {
            auto& of = known[static_cast<std::size_t>(each.info.partition)];
            CHECK_FALSE(of.paused);
            if (std::exchange(of.anew, false)) {
                CHECK_MESSAGE(of.committable.contains(each.info.offset), each.info.partition << " begins at " << each.info.offset);
                of.next = each.info.offset;
            }
            REQUIRE(each.info.offset == of.next);
            CHECK(each.value == std::to_string(each.info.offset));
            of.handed = of.next = each.info.offset + 1;
        }
    }
    void seek() {
        const auto which = some_partition();
        auto& of = known[static_cast<std::size_t>(which)];
        const auto owned = in->assignment();
        if (std::find(owned.begin(), owned.end(), orders[which]) == owned.end()) return;
        const auto to = static_cast<std::int64_t>(chance(static_cast<std::size_t>(of.written) + 1));
        in->seek(orders[which], at::offset(to));
        of.next = of.handed = of.finished = to;
        of.anew = false;
        of.committable.insert(to);
    }
    void pause() {
        const auto which = some_partition();
        const auto owned = in->assignment();
        if (std::find(owned.begin(), owned.end(), orders[which]) == owned.end()) return;
        auto& of = known[static_cast<std::size_t>(which)];
        of.paused = chance(2) == 0;
        if (of.paused) in->pause({orders[which]});
        else in->resume({orders[which]});
    }
    void commit() {
        for (auto& each : known) each.committable.insert(each.handed);
        (void)wait(in->commit());
    }
    void restart_reader() {
        if (chance(2) == 0) CHECK(wait(in->close()));
        in.reset();
        look_at_commits();
        begin();
    }
    void restart_broker() {
        kill();
        start();
        reconnect();
    }
    void look_at_commits() {
        const auto group = wait(in ? in->committed({orders[0], orders[1], orders[2]}) : looker().committed({orders[0], orders[1], orders[2]}));
        REQUIRE_MESSAGE(group, group.error().message());
        for (const auto& each : *group) {
            if (each.offset < 0) continue;
            const auto& of = known[static_cast<std::size_t>(each.where.partition)];
            CHECK_MESSAGE(of.committable.contains(each.offset), each.where.partition << ": " << each.offset << " is committed");
        }
    }
    consumer<text, std::string>& looker() {
        consumer_config config;
        config.group_id = "readers";
        config.auto_commit = false;
        looker_.emplace(*kafka, std::move(config), orders);
        return *looker_;
    }

    std::array<ledger, partitions> known;

private:
    const bool member_;
    std::optional<consumer<text, std::string>> looker_;
};

}  // namespace

TEST_CASE("every partition in order from where it was said, nothing while it is paused, and no commit of what is not done with") {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        CAPTURE(seed);
        any_sequence run{seed, seed % 2 == 0};
        for (int step = 0; step < 60; ++step) {
            CAPTURE(step);
            switch (run.chance(16)) {
                case 0: run.seek(); break;
                case 1: run.pause(); break;
                case 2: run.commit(); break;
                case 3: run.world.run_for(milliseconds{static_cast<std::int64_t>(run.chance(5'000))}); break;
                case 4: run.look_at_commits(); break;
                case 5: run.write(run.some_partition(), static_cast<int>(1 + run.chance(30))); break;
                case 6: if (run.chance(4) == 0) run.restart_reader(); break;
                case 7: if (run.chance(6) == 0) run.restart_broker(); break;
                default: run.poll();
            }
        }
        for (auto& each : run.known) each.paused = false;
        run.in->resume({orders[0], orders[1], orders[2]});
        const auto all_read = [&] { return std::all_of(run.known.begin(), run.known.end(), [](const ledger& each) { return !each.anew && each.next == each.written; }); };
        for (int polls = 0; !all_read() && polls < 300; ++polls) run.poll();
        // One that begins at the end has nothing to read.
        for (const auto& each : run.known) CHECK((each.anew ? each.committable.contains(each.written) : each.next == each.written));
    }
}

#include "fake_log.hpp"

#include <weir/base/sim/manual_loop.hpp>
#include <weir/coordinator/errors.hpp>
#include <weir/coordinator/runtime.hpp>

#include <map>
#include <stdexcept>
#include <string>

using namespace weir;
using namespace weir::coordinator;
using namespace weir::coordinator::testing;
using namespace std::chrono_literals;

namespace {

/// Keys and their values; pending ones by producer.
class map_machine final : public state_machine {
public:
    std::map<std::string, std::string> values;
    std::map<std::int64_t, std::map<std::string, std::string>> pending;
    std::vector<std::int64_t> offsets;
    std::vector<answer> ready;
    std::vector<answer> parked;
    std::optional<time_point> deadline;
    int ticks = 0;

    void replay(std::int64_t offset, std::int64_t producer, bytes_view key, std::optional<bytes_view> value) override {
        offsets.push_back(offset);
        auto& into = producer < 0 ? values : pending[producer];
        if (value)
            into[std::string{as_text(key)}] = as_text(*value);
        else
            into.erase(std::string{as_text(key)});
    }
    void replay_marker(std::int64_t producer, bool committed) override {
        if (committed) {
            for (auto& [key, value] : pending[producer]) values[key] = value;
        }
        pending.erase(producer);
    }
    void loaded(instant) override {}
    std::optional<time_point> next_deadline() const override { return deadline; }
    std::vector<record> tick(instant) override {
        ++ticks;
        deadline.reset();
        return {{to_bytes("ticked"), to_bytes("yes")}};
    }
    std::vector<answer> take_answers() override { return std::exchange(ready, {}); }
    void shut_down(errc) override {
        for (auto& each : parked) ready.push_back(std::move(each));
        parked.clear();
    }
};

struct fixture {
    explicit fixture(runtime_options options = {})
        : runtime(loop, named(std::move(options)), [this]() -> std::unique_ptr<state_machine> {
              ++made;
              auto fresh = std::make_unique<map_machine>();
              machine = fresh.get();
              return fresh;
          }) {}
    static runtime_options named(runtime_options options) {
        options.partition = "__consumer_offsets-0";
        return options;
    }

    void load(std::int32_t epoch = 1) {
        runtime.load(std::make_unique<fake_store>(log), epoch);
        loop.run_ready();
    }
    /// Sets a key; its outcome appears in done.
    void put(const std::string& key, const std::string& value) {
        runtime.run(
            [key, value](state_machine&, instant) { return outcome{{{to_bytes(key), to_bytes(value)}}, {}, {}}; },
            [this, key](errc how) { CHECK(done.emplace(key, how).second); });
    }
    /// Looks, without writing.
    void look(const std::string& name) {
        runtime.run([](state_machine&, instant) { return outcome{}; },
                    [this, name](errc how) { CHECK(done.emplace(name, how).second); });
    }
    /// The same state from nothing but the log.
    std::map<std::string, std::string> reloaded() {
        fixture other;
        other.log = {.batches = log.batches, .start = log.start, .end = log.end, .parked = {}, .settling = {}};
        other.load();
        REQUIRE(other.runtime.state() == runtime_state::active);
        return other.machine->values;
    }

    sim::manual_loop loop;
    fake_log log;
    map_machine* machine = nullptr;
    int made = 0;
    std::map<std::string, errc> done;
    partition_runtime runtime;
};

/// Shows by `held` whether it is still there.
class counted_store final : public partition_store {
public:
    counted_store(fake_log& log, std::shared_ptr<int> held) : inner_(log), held_(std::move(held)) {}
    std::int64_t log_start_offset() const override { return inner_.log_start_offset(); }
    std::int64_t log_end_offset() const override { return inner_.log_end_offset(); }
    task<result<bytes>> read(std::int64_t offset, std::int32_t max_bytes) override { return inner_.read(offset, max_bytes); }
    task<result<std::int64_t>> append(bytes batch) override { return inner_.append(std::move(batch)); }

private:
    fake_store inner_;
    std::shared_ptr<int> held_;
};

}  // namespace

TEST_CASE("a load whose loop ends before it does leaves nothing behind") {
    fixture written;
    written.load();
    written.put("a", "1");
    written.loop.run_ready();
    const auto held = std::make_shared<int>();
    {
        fixture f;
        f.log.batches = written.log.batches;
        f.log.end = written.log.end;
        f.runtime.load(std::make_unique<counted_store>(f.log, held), 1);
        REQUIRE(f.log.reads == 1);
        REQUIRE(f.runtime.state() == runtime_state::loading);  // it waits for its next turn
    }
    CHECK(held.use_count() == 1);
}

TEST_CASE("an operation is answered when its record is committed, not before") {
    fixture f;
    f.load();
    f.log.commit_at_once = false;
    f.put("a", "1");
    CHECK(f.machine->values["a"] == "1");  // the next operation sees it
    CHECK(f.done.empty());
    f.loop.run_ready();
    CHECK(f.log.records() == 1);
    CHECK(f.done.empty());
    f.log.commit();
    CHECK(f.done["a"] == errc::none);
    CHECK(f.runtime.committed_offset() == 1);
    CHECK(f.reloaded() == f.machine->values);
}

TEST_CASE("operations of one turn share a batch, those that come while it is on its way share the next") {
    fixture f;
    f.load();
    f.log.commit_at_once = false;
    for (int i = 0; i < 100; ++i) f.put("a" + std::to_string(i), "x");
    f.loop.run_ready();
    CHECK(f.log.batches.size() == 1);
    for (int i = 0; i < 50; ++i) f.put("b" + std::to_string(i), "x");
    f.loop.run_ready();
    CHECK(f.log.batches.size() == 1);
    f.log.commit();
    CHECK(f.done.size() == 100);
    CHECK(f.log.batches.size() == 2);
    f.log.commit();
    CHECK(f.done.size() == 150);
    CHECK(f.log.records() == 150);
    CHECK(f.runtime.metrics().appended_batches == 2);
    CHECK(f.runtime.metrics().appended_records == 150);
    for (std::size_t i = 0; i < 150; ++i) CHECK(f.machine->offsets[i] == static_cast<std::int64_t>(i));
    CHECK(f.reloaded() == f.machine->values);
}

TEST_CASE("a linger gathers over several turns") {
    fixture f{{.linger = 5ms}};
    f.load();
    f.put("a", "1");
    f.loop.advance(3ms);
    f.put("b", "1");
    f.loop.advance(1ms);
    CHECK(f.log.batches.empty());
    f.loop.advance(1ms);
    CHECK(f.log.batches.size() == 1);
    CHECK(f.done.size() == 2);
}

TEST_CASE("records that do not fit one batch go in several, and the answer waits for all") {
    fixture f{{.max_batch_bytes = 1000}};
    f.load();
    f.log.commit_at_once = false;
    std::vector<record> many;
    for (int i = 0; i < 30; ++i) many.push_back({to_bytes("k" + std::to_string(i)), bytes(100)});
    errc how = errc::cancelled;
    f.runtime.run([&](state_machine&, instant) { return outcome{many, {}, {}}; }, [&](errc e) { how = e; });
    f.loop.run_ready();
    int commits = 0;
    while (f.log.parked) {
        CHECK(how == errc::cancelled);
        f.log.commit();
        ++commits;
    }
    CHECK(commits >= 4);
    CHECK(how == errc::none);
    for (const auto& each : f.log.batches) CHECK(each.size() <= 1000);
    CHECK(f.reloaded().size() == 30);
}

TEST_CASE("a read waits for the writes before it") {
    fixture f;
    f.load();
    f.look("free");
    CHECK(f.done["free"] == errc::none);
    f.log.commit_at_once = false;
    f.put("a", "1");
    f.look("behind a");
    f.loop.run_ready();
    CHECK(!f.done.contains("behind a"));
    f.log.commit();
    CHECK(f.done["behind a"] == errc::none);
}

TEST_CASE("the log is replayed in order, compaction holes, transactions and markers included") {
    fixture f;
    f.load();
    const transaction_producer producer{7, 1};
    f.put("a", "1");
    f.runtime.run(
        [&](state_machine&, instant) { return outcome{{{to_bytes("t"), to_bytes("pending")}}, producer, {}}; },
        [](errc) {});
    f.runtime.run([](state_machine&, instant) { return outcome{{{to_bytes("a"), to_bytes("2")}}, {}, {}}; },
                  [](errc) {});
    f.loop.run_ready();
    CHECK(f.log.batches.size() == 3);
    CHECK(f.reloaded() == std::map<std::string, std::string>{{"a", "2"}});
    f.runtime.run([&](state_machine&, instant) { return outcome{{}, producer, true, 4}; }, [](errc) {});
    f.runtime.run([](state_machine&, instant) { return outcome{{{to_bytes("a"), std::nullopt}}, {}, {}}; },
                  [](errc) {});
    f.loop.run_ready();
    CHECK(f.machine->values == std::map<std::string, std::string>{{"t", "pending"}});
    CHECK(f.reloaded() == f.machine->values);

    // A compacted log: the first batch is gone, and the log starts later.
    f.log.batches.erase(f.log.batches.begin());
    CHECK(f.reloaded() == f.machine->values);
    f.log.start = f.log.end;
    f.log.batches.clear();
    CHECK(f.reloaded().empty());
}

TEST_CASE("while loading the answer is to try again, and it loads in slices") {
    fixture f;
    f.load();
    for (int i = 0; i < 3000; ++i) {
        f.put(std::to_string(i), std::string(300, 'x'));
        if (i % 100 == 0) f.loop.run_ready();
    }
    f.loop.run_ready();
    fixture other;
    other.log = {.batches = f.log.batches, .start = 0, .end = f.log.end, .parked = {}, .settling = {}};
    other.runtime.load(std::make_unique<fake_store>(other.log), 1);
    CHECK(other.runtime.state() == runtime_state::loading);
    CHECK(other.runtime.machine() == nullptr);
    other.put("early", "x");
    CHECK(other.done["early"] == errc::coordinator_load_in_progress);
    int turns_of_others = 0;
    other.loop.post([&] { ++turns_of_others; });
    other.loop.run_ready();
    CHECK(turns_of_others == 1);
    CHECK(other.runtime.state() == runtime_state::active);
    CHECK(other.machine->values.size() == 3000);
    other.put("late", "x");
    other.loop.run_ready();
    CHECK(other.done["late"] == errc::none);
}

TEST_CASE("what the last leader wrote is not shown before it is committed") {
    fixture f;
    f.load();
    f.put("a", "1");
    f.loop.run_ready();
    f.log.settled = false;
    f.load(2);
    CHECK(f.runtime.state() == runtime_state::loading);
    f.log.settle();
    CHECK(f.runtime.state() == runtime_state::active);
    CHECK(f.machine->values["a"] == "1");
}

TEST_CASE("a failed append fails everyone who waited and reloads what the log has") {
    const std::pair<errc, errc> cases[] = {{errc::not_leader_or_follower, errc::not_coordinator},
                                           {errc::kafka_storage_error, errc::not_coordinator},
                                           {errc::io_error, errc::not_coordinator},
                                           {errc::no_space, errc::not_coordinator},
                                           {errc::not_enough_replicas, errc::coordinator_not_available},
                                           {errc::not_enough_replicas_after_append, errc::coordinator_not_available},
                                           {errc::request_timed_out, errc::coordinator_not_available},
                                           {errc::unknown_topic_or_partition, errc::coordinator_not_available},
                                           {errc::message_too_large, errc::unknown_server_error},
                                           {errc::record_list_too_large, errc::unknown_server_error},
                                           {errc::corrupt_message, errc::corrupt_message}};
    for (const auto& [append_error, expected] : cases) {
        CAPTURE(append_error);
        fixture f;
        f.load();
        f.put("kept", "1");
        f.loop.run_ready();
        f.log.fail_append = append_error;
        f.put("lost", "1");
        f.look("behind lost");
        CHECK(f.machine->values.contains("lost"));
        f.loop.run_ready();
        CHECK(f.done["lost"] == expected);
        CHECK(f.done["behind lost"] == expected);
        CHECK(f.made == 2);
        CHECK(f.runtime.state() == runtime_state::active);
        CHECK(f.machine->values == std::map<std::string, std::string>{{"kept", "1"}});
        CHECK(f.runtime.metrics().failed_appends == 1);
        f.log.fail_append = errc::none;
        f.put("again", "1");
        f.loop.run_ready();
        CHECK(f.done["again"] == errc::none);
        CHECK(f.reloaded() == f.machine->values);
    }
}

TEST_CASE("an append that reached the log before it failed is found there again") {
    fixture f;
    f.load();
    f.log.fail_commit = errc::request_timed_out;
    f.put("a", "1");
    f.loop.run_ready();
    CHECK(f.done["a"] == errc::coordinator_not_available);
    f.log.fail_commit = errc::none;
    CHECK(f.machine->values["a"] == "1");
    f.put("b", "1");
    f.loop.run_ready();
    CHECK(f.done["b"] == errc::none);
    CHECK(f.reloaded() == f.machine->values);
}

TEST_CASE("a write to the log by somebody else is noticed, and the state is read again") {
    fixture f;
    f.load();
    f.put("a", "1");
    f.loop.run_ready();
    auto foreign = f.log.batches[0];
    f.log.add(foreign);
    f.put("b", "1");
    f.loop.run_ready();
    CHECK(f.done["b"] == errc::not_coordinator);
    CHECK(f.runtime.state() == runtime_state::active);
    CHECK(f.machine->values.contains("b"));
    f.put("c", "1");
    f.loop.run_ready();
    CHECK(f.done["c"] == errc::none);
}

TEST_CASE("a record that fits no batch costs its operation and a reload, not the others' data") {
    fixture f{{.max_batch_bytes = 1000}};
    f.load();
    f.put("a", "1");
    f.loop.run_ready();
    f.put("big", std::string(2000, 'x'));
    CHECK(f.done["big"] == errc::unknown_server_error);
    f.loop.run_ready();
    CHECK(f.runtime.state() == runtime_state::active);
    CHECK(f.machine->values == std::map<std::string, std::string>{{"a", "1"}});
}

TEST_CASE("an exception in a decision is an error answer and a reload") {
    fixture f;
    f.load();
    errc how = errc::none;
    f.runtime.run([](state_machine&, instant) -> outcome { throw std::logic_error{"bug"}; }, [&](errc e) { how = e; });
    CHECK(how == errc::unknown_server_error);
    f.loop.run_ready();
    CHECK(f.runtime.state() == runtime_state::active);
    CHECK(f.made == 2);
}

TEST_CASE("an answer that waits too long fails, while its record stays on its way") {
    fixture f{{.write_timeout = 5s}};
    f.load();
    f.log.commit_at_once = false;
    f.put("a", "1");
    f.loop.advance(3s);
    f.put("b", "1");
    f.loop.advance(2s);
    CHECK(f.done["a"] == errc::coordinator_not_available);
    CHECK(!f.done.contains("b"));
    f.log.commit();
    f.log.commit();
    CHECK(f.done["b"] == errc::none);
    CHECK(f.made == 1);
    CHECK(f.machine->values.size() == 2);
    CHECK(!f.loop.next());  // nothing wakes an idle coordinator
}

TEST_CASE("a resignation answers who waits and who is parked; older epochs change nothing") {
    fixture f;
    f.put("before", "1");
    CHECK(f.done["before"] == errc::not_coordinator);
    f.load(5);
    f.log.commit_at_once = false;
    errc parked = errc::cancelled;
    f.machine->parked.push_back([&](errc e) { parked = e; });
    f.put("a", "1");
    f.loop.run_ready();
    f.runtime.unload(4);
    CHECK(f.runtime.state() == runtime_state::active);
    f.runtime.load(std::make_unique<fake_store>(f.log), 5);
    CHECK(f.made == 1);

    f.runtime.unload(6);
    CHECK(f.runtime.state() == runtime_state::unloaded);
    CHECK(f.done["a"] == errc::not_coordinator);
    CHECK(parked == errc::none);  // it was ready with an error of its own
    f.put("after", "1");
    CHECK(f.done["after"] == errc::not_coordinator);
    CHECK(f.runtime.busy());
    f.log.commit();
    CHECK(!f.runtime.busy());
    f.log.commit_at_once = true;
    f.load(7);
    CHECK(f.machine->values["a"] == "1");
}

TEST_CASE("an election while an append is under way loads its record too, once") {
    fixture f;
    f.load(1);
    f.log.commit_at_once = false;
    f.put("a", "1");
    f.loop.run_ready();
    f.load(2);
    CHECK(f.done["a"] == errc::not_coordinator);
    CHECK(f.runtime.state() == runtime_state::active);
    CHECK(f.machine->values["a"] == "1");
    f.log.commit();  // the old append ends, and concerns nobody
    f.put("b", "1");
    f.loop.run_ready();
    f.log.commit();
    CHECK(f.done["b"] == errc::none);
    CHECK(f.machine->offsets == std::vector<std::int64_t>{0, 1});
}

TEST_CASE("a resignation during a load ends it") {
    fixture f;
    f.load();
    for (int i = 0; i < 50; ++i) f.put(std::to_string(i), std::string(20'000, 'x'));
    f.loop.run_ready();
    f.runtime.load(std::make_unique<fake_store>(f.log), 2);
    CHECK(f.runtime.state() == runtime_state::loading);
    f.runtime.unload(3);
    f.loop.run_ready();
    CHECK(f.runtime.state() == runtime_state::unloaded);
    CHECK(!f.runtime.busy());
}

TEST_CASE("a load that fails is tried again") {
    fixture f;
    f.load();
    f.put("a", "1");
    f.loop.run_ready();
    SUBCASE("when the disk does not read") { f.log.fail_read = errc::kafka_storage_error; }
    SUBCASE("when a batch is damaged") { f.log.batches[0].back() ^= std::byte{1}; }
    f.load(2);
    CHECK(f.runtime.state() == runtime_state::failed);
    f.put("b", "1");
    CHECK(f.done["b"] == errc::not_coordinator);
    if (f.log.fail_read == errc::none) f.log.batches[0].back() ^= std::byte{1};
    f.log.fail_read = errc::none;
    f.loop.advance(5s);
    CHECK(f.runtime.state() == runtime_state::active);
    CHECK(f.machine->values["a"] == "1");
}

TEST_CASE("deadlines of the machine are kept, and what they write is committed like the rest") {
    fixture f;
    f.load();
    f.machine->deadline = f.loop.now() + 3s;
    f.look("arms the timer");
    f.loop.advance(2999ms);
    CHECK(f.machine->ticks == 0);
    f.loop.advance(1ms);
    CHECK(f.machine->ticks == 1);
    CHECK(f.log.records() == 1);
    CHECK(!f.loop.next());
    CHECK(f.reloaded()["ticked"] == "yes");
}

TEST_CASE("an answer may start the next operation") {
    fixture f;
    f.load();
    int left = 100;
    std::function<void()> next = [&] {
        f.runtime.run(
            [&](state_machine&, instant) { return outcome{{{to_bytes(std::to_string(left)), bytes{}}}, {}, {}}; },
            [&](errc how) {
                CHECK(how == errc::none);
                if (--left > 0) next();
            });
    };
    next();
    f.loop.run_ready();
    CHECK(left == 0);
    CHECK(f.log.records() == 100);
}

TEST_CASE("an operation that fails is answered behind those that wait, and its answer may end the leadership") {
    fixture f;
    f.load();
    f.log.commit_at_once = false;
    f.put("a", "1");
    f.loop.run_ready();
    bool last = false;
    f.runtime.run([](state_machine&, instant) -> outcome { throw std::logic_error{"bug"}; },
                  [&](errc) {
                      last = f.done.contains("a");
                      f.runtime.unload(9);
                  });
    CHECK(last);
    f.loop.run_ready();
    CHECK(f.runtime.state() == runtime_state::unloaded);
    CHECK(f.made == 1);
}

TEST_CASE("an answer may end the leadership") {
    fixture f;
    f.load();
    f.runtime.run([](state_machine&, instant) { return outcome{{{to_bytes("a"), bytes{}}}, {}, {}}; },
                  [&](errc) { f.runtime.unload(9); });
    f.put("b", "1");
    f.loop.run_ready();
    CHECK(f.runtime.state() == runtime_state::unloaded);
    CHECK(f.done.contains("b"));
}

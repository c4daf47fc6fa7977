#include <doctest/doctest.h>

#include <weir/base/sim/manual_loop.hpp>
#include <weir/base/sim/memory_files.hpp>
#include <weir/raft/format.hpp>

#include "../../../broker/raft/src/recent_values.hpp"
#include "memory_durable_log.hpp"

using namespace weir;
using namespace weir::raft;
using namespace weir::testing;
using namespace std::chrono_literals;

namespace {

const std::string root = "/data";
const std::string folder = "/data/__cluster_metadata-0";
const uuid directory{1, 2};

struct recorder : quorum_listener {
    std::vector<std::string> told;
    std::vector<std::string> records;
    log_offset high_watermark = 0;
    void on_snapshot(snapshot_reader& snapshot) override {
        std::string line = "snapshot " + std::to_string(snapshot.info().id.offset);
        for (auto some = snapshot.next(); some && !some->empty(); some = snapshot.next())
            for (const auto& frame : *some) line += " " + std::string{as_text(frame)};
        told.push_back(line);
        records.clear();
    }
    void on_commit(std::span<const committed_batch> batches) override {
        for (const auto& batch : batches) {
            if (!batch.frames.empty()) CHECK(batch.last_offset - batch.base_offset + 1 == static_cast<log_offset>(batch.frames.size()));
            for (const auto& frame : batch.frames) records.emplace_back(as_text(frame));
        }
    }
    void on_high_watermark(log_offset offset) override { high_watermark = offset; }
    void on_leadership(quorum_epoch epoch) override { told.push_back("leads " + std::to_string(epoch)); }
    void on_resign(quorum_epoch epoch) override { told.push_back("resigned " + std::to_string(epoch)); }
    void on_leader(const leader_and_epoch& leader) override {
        told.push_back("leader " + std::to_string(leader.leader_id) + " of " + std::to_string(leader.epoch));
    }
    void on_failure(const error& why) override { told.push_back("failed " + std::string{describe(why.code()).name}); }
};

struct one_node {
    sim::manual_loop loop;
    sim::memory_files files;
    std::unique_ptr<memory_durable_log> log;
    recorder seen;
    std::unique_ptr<quorum_driver> driver;

    one_node() {
        REQUIRE(format_metadata(files, standalone_format(root, 1, directory, {"CONTROLLER", "localhost", 9093}, loop.wall_now())));
        log = std::make_unique<memory_durable_log>(loop, files, folder);
    }
    result<void> open() {
        driver_options options;
        options.quorum.self = {1, directory};
        options.quorum.cluster_id = "the-cluster";
        auto made = quorum_driver::open(loop, files, *log, nullptr, seen, options);
        if (!made) return made.error();
        driver = std::move(*made);
        driver->start();
        return {};
    }
    std::vector<bytes> frames(std::initializer_list<const char*> texts) {
        std::vector<bytes> all;
        for (const auto* text : texts) all.push_back(to_bytes(std::string_view{text}));
        return all;
    }
};

}  // namespace

TEST_CASE("a node alone leads after one flush, and says so after its log is delivered") {
    one_node node;
    REQUIRE(node.open());
    node.loop.run_ready();
    CHECK(as_text(*read_file(node.files, folder + "/quorum-state")) ==
          "{\"leaderId\":1,\"leaderEpoch\":1,\"votedId\":-1,\"votedDirectoryId\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"data_version\":1}");
    CHECK(node.seen.told == std::vector<std::string>{"leader 1 of 1"});
    node.loop.advance(2ms);
    CHECK(node.seen.told.back() == "leads 1");
    CHECK(node.seen.high_watermark == 3);
    CHECK_FALSE(node.loop.next());  // idle: nothing will wake it
}

TEST_CASE("proposals made while a flush runs share the next one, and commit in order") {
    one_node node;
    REQUIRE(node.open());
    node.loop.advance(2ms);
    const auto before = node.log->flushes;
    CHECK(*node.driver->propose(node.frames({"a", "b"})) == 4);
    node.loop.run_ready();
    CHECK(node.log->flushes == before + 1);
    for (const auto* value : {"c", "d", "e", "f"}) REQUIRE(node.driver->propose(node.frames({value})));
    node.loop.advance(1ms);
    CHECK(node.seen.records.empty());
    node.loop.advance(10ms);
    CHECK(node.log->flushes == before + 2);
    CHECK(node.seen.records == std::vector<std::string>{"a", "b", "c", "d", "e", "f"});
    CHECK(node.seen.high_watermark == 9);
    CHECK(node.driver->propose({}).error().code() == errc::invalid_request);
    CHECK(node.driver->propose({bytes(max_batch_bytes)}).error().code() == errc::record_list_too_large);
}

TEST_CASE("figures tell how long elections and commits took lately") {
    one_node node;
    REQUIRE(node.open());
    node.loop.advance(2ms);
    auto lately = node.driver->figures();
    CHECK(lately.election_max > 0);
    CHECK(lately.election_max <= 2);
    CHECK(lately.commit_max == 0);
    CHECK(node.driver->status().voted == 1);
    CHECK(node.driver->status().log_end_epoch == 1);
    REQUIRE(node.driver->propose(node.frames({"a", "b"})));
    node.loop.advance(1s);
    REQUIRE(node.driver->propose(node.frames({"c"})));
    node.loop.advance(1s);
    lately = node.driver->figures();
    CHECK(lately.commit_max > 0);
    CHECK(lately.commit_average == doctest::Approx(lately.commit_max));
    CHECK(lately.appended == doctest::Approx(0.1));  // three in half a minute
    node.loop.advance(2min);
    lately = node.driver->figures();
    CHECK(lately.commit_max == 0);
    CHECK(lately.election_average == 0);
    CHECK(lately.appended == 0);
}

TEST_CASE("recent values are those of the last half minute to minute") {
    recent_values values;
    const time_point start{1h};
    CHECK(values.average(start) == 0);
    values.add(10, start);
    values.add(20, start + 20s);
    CHECK(values.average(start + 20s) == 15);
    values.add(60, start + 40s);  // begins the second window
    CHECK(values.average(start + 50s) == 30);
    CHECK(values.max(start + 50s) == 60);
    CHECK(values.rate(start + 45s) == doctest::Approx(2));
    CHECK(values.average(start + 60s) == 60);
    values.add(1, start + 75s);
    CHECK(values.max(start + 80s) == 60);
    CHECK(values.max(start + 100s) == 1);
    CHECK(values.max(start + 10min) == 0);
    CHECK(values.rate(start + 10min) == 0);
}

TEST_CASE("a snapshot ends at a batch, is loaded by the next run, and the records behind it follow") {
    one_node node;
    REQUIRE(node.open());
    node.loop.advance(2ms);
    REQUIRE(node.driver->propose(node.frames({"a", "b"})));
    node.loop.advance(5ms);
    CHECK(node.driver->begin_snapshot(4).error().code() == errc::invalid_request);   // inside a batch
    CHECK(node.driver->begin_snapshot(6).error().code() == errc::invalid_request);   // not committed
    auto writer = node.driver->begin_snapshot(5);
    REQUIRE(writer);
    CHECK((*writer)->id() == snapshot_id{5, 1});
    REQUIRE((*writer)->add(as_bytes("state of a and b")));
    result<void> finished = errc::timed_out;
    (*writer)->finish(node.loop, [&](result<void> done) { finished = std::move(done); });
    node.loop.advance(100ms);
    REQUIRE(finished);
    node.driver->snapshot_finished({5, 1});
    REQUIRE(node.driver->propose(node.frames({"c"})));
    node.loop.advance(5ms);
    CHECK(node.files.exists(folder + "/00000000000000000005-0000000001.checkpoint"));

    node.driver.reset();
    node.seen = {};
    REQUIRE(node.open());
    node.loop.advance(5ms);
    CHECK(node.seen.told.front() == "snapshot 5 state of a and b");
    CHECK(node.seen.told.back() == "leads 2");
    CHECK(node.seen.records == std::vector<std::string>{"c"});
}

TEST_CASE("a request is answered on the loop, not from inside the call") {
    one_node node;
    REQUIRE(node.open());
    node.loop.advance(2ms);
    std::optional<message_body> answer;
    node.driver->request(7, fetch_request{.replica = {7, {}}, .epoch = 1}, [&](message_body body) { answer = std::move(body); });
    CHECK_FALSE(answer);
    node.loop.run_ready();
    REQUIRE(answer);
    CHECK(std::get<fetch_response>(*answer).high_watermark == 3);
    CHECK(std::get<fetch_response>(*answer).records.size() > 61);
}

TEST_CASE("a quorum-state that cannot be read stops the start and is left as it is") {
    one_node node;
    const std::string broken = "{\"leaderId\":1,\"leaderEpoch\":";
    REQUIRE(replace_file(node.files, folder + "/quorum-state", as_bytes(broken)));
    const auto opened = node.open();
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code() == errc::malformed);
    CHECK(opened.error().message().find("/data/__cluster_metadata-0/quorum-state") != std::string::npos);
    CHECK(as_text(*read_file(node.files, folder + "/quorum-state")) == broken);
}

TEST_CASE("a disk that fails, at the flush or under quorum-state, ends the replica") {
    one_node node;
    SUBCASE("flush") {
        REQUIRE(node.open());
        node.loop.advance(5ms);
        node.log->fail_flush = true;
        REQUIRE(node.driver->propose(node.frames({"a"})));
        node.loop.advance(5ms);
    }
    SUBCASE("quorum-state") {
        node.files.inject({.operation = sim::disk_operation::sync, .path_contains = "quorum-state"});
        REQUIRE(node.open());
        node.loop.advance(5ms);
    }
    CHECK(node.seen.told.back() == "failed IO_ERROR");
    CHECK(node.seen.records.empty());
    CHECK_FALSE(node.driver->is_leader());
    CHECK_FALSE(node.driver->propose(node.frames({"b"})));
}

TEST_CASE("quorum-state is read back as written, in Kafka's older form too; anything else is refused") {
    const quorum_state voted{no_node, 7, {3, {0x1234, 0x5678}}};
    CHECK(*parse_quorum_state(write_quorum_state(voted)) == voted);
    const auto old = parse_quorum_state(R"({"clusterId":"","leaderId":2,"leaderEpoch":5,"votedId":-1,"appliedOffset":0,)"
                                        R"("currentVoters":[{"voterId":1},{"voterId":2}],"data_version":0})");
    REQUIRE(old);
    CHECK(*old == quorum_state{2, 5, {}});
    for (const auto* text : {"", "[]", "{}", R"({"leaderId":1,"leaderEpoch":1,"votedId":-1,"data_version":2})",
                             R"({"leaderId":"1","leaderEpoch":1,"votedId":-1,"data_version":1})",
                             R"({"leaderId":1,"leaderEpoch":-1,"votedId":-1,"data_version":1})",
                             R"({"leaderId":1,"leaderEpoch":99999999999,"votedId":-1,"data_version":1})",
                             R"({"leaderId":1,"leaderEpoch":1,"votedId":2,"votedDirectoryId":"no","data_version":1})"})
        CHECK_MESSAGE(parse_quorum_state(text).error().code() == errc::malformed, text);
}

#include "replica_fixture.hpp"

#include <weir/base/sim/world.hpp>
#include <weir/replica/replicas.hpp>

#include <map>
#include <set>

using namespace weir;
using namespace weir::replica;
using namespace weir::replica::test;

namespace {

/// Opens logs in one directory and remembers what it was told.
class one_directory final : public log_source {
public:
    one_directory(file_system& files, const weir::clock& time) : files_(files), time_(time) {}
    result<std::unique_ptr<storage::partition_log>> open(const partition_spec& spec) override {
        if (opening) opening(spec);
        if (stopping) return error{errc::cancelled, spec.topic};
        if (refused.contains(spec.topic)) return error{errc::kafka_storage_error, spec.topic};
        return open_log(files_, time_, spec.topic, spec.id.index, spec.config);
    }
    result<void> remove(std::unique_ptr<storage::partition_log> log) override {
        removed.insert(log->directory());
        return {};
    }
    std::unique_ptr<storage::partition_log> interrupted_copy(const partition_spec&) override { return nullptr; }
    result<std::unique_ptr<storage::partition_log>> open_future(const partition_spec&, const std::string& path) override {
        return error{errc::log_dir_not_found, path};
    }
    void checkpoint(event_loop&, function<void()> done) override { done(); }
    result<void> promote(std::unique_ptr<storage::partition_log>, storage::partition_log&) override { return {}; }
    function<void(const partition_spec&)> opening;
    bool stopping = false;
    std::set<std::string> refused;
    std::set<std::string> removed;

private:
    file_system& files_;
    const weir::clock& time_;
};

struct replicas_fixture {
    sim::world world{3};
    sim::node_id node = world.add_node("broker", 3);
    std::vector<event_loop*> cores{&world.loop(node, 0), &world.loop(node, 1), &world.loop(node, 2)};
    one_directory logs{world.disk(node), *cores[0]};
    replicas all{cores, world.disk(node), logs};

    replicas_fixture() { REQUIRE(world.disk(node).create_directories("/data")); }

    static partition_spec spec(const std::string& topic, std::int32_t index, std::int32_t epoch = 0) {
        partition_spec made;
        made.id = {uuid{1, std::hash<std::string>{}(topic)}, index};
        made.topic = topic;
        made.leader_epoch = epoch;
        return made;
    }
    task<void> try_again(std::vector<partition_spec>& back) {
        auto trying = all.put_left_out(*cores[0]);
        back = co_await trying;
    }
    static task<void> finish(task<void> work, bool& done) {
        co_await work;
        done = true;
    }
    void wait_for(task<void> work) {
        bool done = false;
        auto shared = std::make_shared<task<void>>(std::move(work));
        cores[0]->post([&done, shared] { spawn(finish(std::move(*shared), done)); });
        REQUIRE(world.run_until([&] { return done; }, 60s));
    }
};

}  // namespace

TEST_CASE_FIXTURE(replicas_fixture, "a log that cannot be opened is tried again when asked for, unless its topic is gone") {
    std::vector<partition_spec> back;
    logs.refused = {"orders", "clicks"};
    wait_for(all.put(*cores[0], {spec("orders", 0), spec("clicks", 1), spec("views", 0)}));
    CHECK(all.left_out() == std::vector<std::string>{"clicks-1", "orders-0"});
    CHECK(all.find(0, spec("views", 0).id));
    wait_for(try_again(back));
    CHECK(back.empty());
    CHECK(all.left_out().size() == 2);
    wait_for(all.remove(*cores[0], {spec("clicks", 1).id}));
    CHECK(all.left_out() == std::vector<std::string>{"orders-0"});
    logs.refused.clear();
    wait_for(try_again(back));
    REQUIRE(back.size() == 1);
    CHECK(back[0].topic == "orders");
    CHECK(all.left_out().empty());
    REQUIRE(all.find(2, spec("orders", 0).id));
    CHECK(all.find(2, spec("orders", 0).id)->leads());
    CHECK_FALSE(all.find(0, spec("clicks", 1).id));
}

TEST_CASE_FIXTURE(replicas_fixture, "partitions are spread over the cores, and every core finds all of them") {
    std::vector<partition_spec> specs;
    for (int i = 0; i < 30; ++i) specs.push_back(spec("orders", i));
    for (int i = 0; i < 6; ++i) specs.push_back(spec("__consumer_offsets", i));
    wait_for(all.put(*cores[0], specs));
    std::set<event_loop*> used;
    for (const auto& each : specs) {
        const auto found = all.find(0, each.id);
        REQUIRE(found);
        CHECK(found->leads());
        CHECK(&found->home() == cores[all.home_of(each)]);
        for (std::size_t core = 0; core < cores.size(); ++core) CHECK(all.find(core, each.id) == found);
        used.insert(&found->home());
        if (each.topic != "orders") CHECK(all.home_of(each) == static_cast<std::size_t>(each.id.index) % 3);
    }
    CHECK(used.size() == 3);
    CHECK(all.count(2) == 36);
    CHECK(all.all(1).size() == 36);
    CHECK_FALSE(all.find(0, spec("orders", 99).id));
}

TEST_CASE_FIXTURE(replicas_fixture, "only the topics of coordinators are placed by index, not whatever begins with two underscores") {
    for (const auto* topic : {"__consumer_offsets", "__transaction_state", "__share_group_state"})
        for (int i = 0; i < 6; ++i) CHECK(all.home_of(spec(topic, i)) == static_cast<std::size_t>(i) % 3);
    std::set<std::size_t> used;
    for (int i = 0; i < 30; ++i) used.insert(all.home_of(spec("__debezium-" + std::to_string(i), 0)));
    CHECK(used.size() == 3);
}

TEST_CASE_FIXTURE(replicas_fixture, "a log that cannot be opened is left out; the others are there") {
    logs.refused.insert("broken");
    wait_for(all.put(*cores[0], {spec("broken", 0), spec("orders", 0)}));
    CHECK_FALSE(all.find(1, spec("broken", 0).id));
    CHECK(all.find(1, spec("orders", 0).id));
    logs.refused.clear();
    wait_for(all.put(*cores[0], {spec("broken", 0)}));
    CHECK(all.find(1, spec("broken", 0).id));
}

TEST_CASE_FIXTURE(replicas_fixture, "a partition that is there gets the new epoch and configuration") {
    wait_for(all.put(*cores[0], {spec("orders", 0)}));
    const auto before = all.find(0, spec("orders", 0).id);
    auto changed = spec("orders", 0, 4);
    changed.config.max_message_bytes = 1234;
    wait_for(all.put(*cores[0], {changed}));
    const auto after = all.find(0, changed.id);
    CHECK(after == before);
    CHECK(after->leader_epoch() == 4);
    CHECK(after->log().config().max_message_bytes == 1234);
}

TEST_CASE_FIXTURE(replicas_fixture, "a removed partition is out of sight and serves nobody who still holds it") {
    wait_for(all.put(*cores[0], {spec("orders", 0), spec("orders", 1)}));
    const auto held = all.find(0, spec("orders", 0).id);
    wait_for(all.remove(*cores[0], {held->id(), spec("orders", 7).id}));
    for (std::size_t core = 0; core < cores.size(); ++core) {
        CHECK_FALSE(all.find(core, held->id()));
        CHECK(all.find(core, spec("orders", 1).id));
    }
    CHECK_FALSE(held->leads());
    CHECK(held->read({}).code == errc::not_leader_or_follower);
    CHECK(logs.removed == std::set<std::string>{"/data/orders-0"});
}

TEST_CASE_FIXTURE(replicas_fixture, "logs are opened on the cores they belong to, and other work of a core comes between") {
    std::vector<partition_spec> specs;
    for (int i = 0; i < 30; ++i) specs.push_back(spec("orders", i));
    std::map<std::size_t, int> opened;
    int opened_here_when_asked = 0;
    logs.opening = [&](const partition_spec& each) {
        const auto home = all.home_of(each);
        CHECK(cores[home]->running_here());
        if (++opened[home] == 1 && home == 0) cores[0]->post([&] { opened_here_when_asked = opened[0]; });
    };
    wait_for(all.put(*cores[0], specs));
    CHECK(opened.size() == 3);
    CHECK(all.count(0) == 30);
    CHECK(opened_here_when_asked == 1);
}

TEST_CASE_FIXTURE(replicas_fixture, "a stop does not wait until every log is open") {
    std::vector<partition_spec> specs;
    for (int i = 0; i < 30; ++i) specs.push_back(spec("orders", i));
    int asked = 0;
    logs.opening = [&](const partition_spec&) {
        if (++asked == 5) cores[0]->post([&] { logs.stopping = true; });
    };
    wait_for(all.put(*cores[0], specs));
    CHECK(asked < 15);
    CHECK(all.left_out().empty());
    wait_for(all.close(*cores[0]));
}

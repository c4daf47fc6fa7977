// What a client knows of its cluster, when the cluster is not what it was.
#include "cluster.hpp"
#include "scripted_brokers.hpp"

using namespace weir;
using namespace weir::detail;
using namespace std::chrono_literals;

namespace {

struct cluster_fixture : test::scripted_brokers {
    explicit cluster_fixture(milliseconds metadata_max_age = 300s) : scripted_brokers(3) {
        cluster_config parts;
        parts.bootstrap = {{"b3", 9092}};
        parts.metadata_max_age = metadata_max_age;
        view = std::make_shared<cluster>(world.loop(desk), world.net(desk), parts, 1);
        leaders["a"] = {1};
    }
    ~cluster_fixture() {
        on_desk([&] { view->close(); });
        world.run_for(1s);
    }
    template <class Step>
    void on_desk(Step step) {
        bool done = false;
        world.loop(desk).post([&] {
            step();
            done = true;
        });
        REQUIRE(world.run_until([&] { return done; }, 60s));
    }
    /// The metadata of brokers without those that left.
    void leave(int gone) {
        on<protocol::metadata_request>([gone](int, const protocol::metadata_request&) {
            protocol::metadata_response answer;
            for (int id = 1; id <= 3; ++id) {
                if (id == gone) continue;
                auto& each = answer.brokers.emplace_back();
                each.node_id = id;
                each.host = "b" + std::to_string(id);
                each.port = 9092;
            }
            return answer;
        });
    }
    static task<void> run_find(std::shared_ptr<cluster> view, std::optional<result<connection_ptr>>& found) {
        auto finding = cluster::coordinator(view, coordinator_kind::group, "g");
        found = co_await finding;
    }
    std::string coordinator() {
        std::optional<result<connection_ptr>> found;
        on_desk([&] { spawn(run_find(view, found)); });
        REQUIRE(world.run_until([&] { return found.has_value(); }, 60s));
        return *found ? (**found)->remote().host : found->error().message();
    }

    std::shared_ptr<cluster> view;
};

}  // namespace

TEST_CASE("metadata.max.age.ms=0 asks often, not without pause") {
    cluster_fixture f{0ms};
    f.on_desk([&] { f.view->want(&f, "a", true); });
    f.world.run_for(10s);
    CHECK(f.count(protocol::api_key::metadata) > 50);
    CHECK(f.count(protocol::api_key::metadata) <= 101);
}

TEST_CASE("a topic is asked for as long as somebody wants it") {
    cluster_fixture f{60s};
    const int one = 1, two = 2;
    f.on_desk([&] {
        f.view->want(&one, "a", true);
        f.view->want(&one, "b", true);
        f.view->want(&two, "a", true);
    });
    f.world.run_for(1s);
    CHECK(f.view->find("a"));
    CHECK(f.view->find("b"));
    f.on_desk([&] { f.view->unwant(&one, "a"); });
    f.world.run_for(61s);
    CHECK(f.view->find("a"));
    f.on_desk([&] { f.view->forget(&two); });
    CHECK_FALSE(f.view->find("a"));
    f.world.run_for(61s);
    CHECK_FALSE(f.view->find("a"));
    CHECK(f.view->find("b"));
    f.on_desk([&] { f.view->forget(&one); });
    f.world.run_for(61s);
    const auto before = f.count(protocol::api_key::metadata);
    f.world.run_for(3600s);
    CHECK(f.count(protocol::api_key::metadata) == before);
}

TEST_CASE("asking may make a topic that was never there, and not one that was deleted") {
    cluster_fixture f{60s};
    const int owner = 1;
    std::vector<bool> may_be_made;  // as the requests about it said
    f.on<protocol::metadata_request>([&](int, const protocol::metadata_request& asked) {
        if (!asked.topics->empty()) may_be_made.push_back(asked.allow_auto_topic_creation);
        return f.tell(asked);
    });
    const auto last_of = [&](nanoseconds span) {
        may_be_made.clear();
        f.world.run_for(span);
        REQUIRE_FALSE(may_be_made.empty());
        return may_be_made.back();
    };
    f.on_desk([&] { f.view->want(&owner, "new", true); });
    CHECK(last_of(1s));
    CHECK(last_of(61s));
    f.leaders["new"] = {1};
    f.world.run_for(61s);
    f.leaders.erase("new");
    CHECK_FALSE(last_of(61s));
    CHECK_FALSE(last_of(61s));
    f.on_desk([&] { f.view->want(&owner, "new", true); });
    CHECK(last_of(1s));
}

TEST_CASE("a cluster that closes while it connects asks nothing more") {
    cluster_fixture f;
    f.on_desk([&] {
        f.view->want(&f, "a", true);
        f.view->close();
    });
    f.world.run_for(1s);
    CHECK(f.count(protocol::api_key::api_versions) == 0);
}

TEST_CASE("a process that is killed while it connects leaves nothing of its cluster") {
    cluster_fixture f;
    std::optional<result<connection_ptr>> found;
    f.world.isolate(f.desk);
    cluster_config parts;
    parts.bootstrap = {{"b3", 9092}};
    auto view = std::make_shared<cluster>(f.world.loop(f.desk), f.world.net(f.desk), parts, 1);
    f.world.loop(f.desk).post([&] { spawn(cluster_fixture::run_find(view, found)); });
    f.world.run_for(1s);
    const std::weak_ptr<cluster> watched = view;
    view.reset();
    CHECK_FALSE(watched.expired());
    f.world.kill(f.desk);
    f.world.run_for(10s);
    CHECK(watched.expired());
    CHECK_FALSE(found);
    f.world.restart(f.desk);
}

TEST_CASE("a coordinator that left the cluster is looked for anew") {
    cluster_fixture f;
    f.coordinators["g"] = 2;
    f.on_desk([&] { f.view->want(&f, "a", true); });
    CHECK(f.coordinator() == "b2");
    f.leave(2);
    f.coordinators["g"] = 1;
    f.on_desk([&] { f.view->refresh(); });
    f.world.run_for(1s);
    CHECK(f.coordinator() == "b1");
}

TEST_CASE("a broker that is of another cluster by now sends its clients back to the bootstrap list") {
    cluster_fixture f;
    f.on_desk([&] { f.view->want(&f, "a", true); });
    f.world.run_for(1s);
    f.leave(1);
    bool moved = true;
    f.on<protocol::metadata_request>([&](int broker, const protocol::metadata_request& asked) {
        protocol::metadata_response answer;
        if (moved && broker != 3) {
            answer.error_code = wire_code(errc::rebootstrap_required);
            return answer;
        }
        auto& only = answer.brokers.emplace_back();
        only.node_id = 7;
        only.host = "b3";
        only.port = 9092;
        for (const auto& each : *asked.topics) {
            auto& topic = answer.topics.emplace_back();
            topic.name = each.name;
            topic.partitions.emplace_back().leader_id = 7;
        }
        return answer;
    });
    f.on_desk([&] { f.view->refresh(); });
    f.world.run_for(2s);
    f.on_desk([&] {
        REQUIRE(f.view->brokers().size() == 1);
        CHECK(f.view->brokers().begin()->first == 7);
        REQUIRE(f.view->find("a"));
        CHECK(f.view->find("a")->partitions.at(0).leader == 7);
    });
}

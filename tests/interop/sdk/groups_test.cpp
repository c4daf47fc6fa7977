// Members of a group: ours among themselves, in both protocols.
#include "suite.hpp"

#include <atomic>
#include <mutex>
#include <thread>

using namespace weir;
using namespace weir::suite;

namespace {

constexpr std::int16_t consumer_group_heartbeat = 68;

/// Reads until stopped, and notes what it got.
class member {
public:
    member(const topic<std::string, std::string>& from, consumer_config config) : in_{client{bootstrap()}, std::move(config), from} {
        reader_ = std::thread{[this] {
            for (const auto& each : in_) {
                const std::lock_guard held{mutex_};
                values_.push_back(each.value);
            }
        }};
    }
    ~member() {
        in_.stop();
        reader_.join();
    }
    std::vector<std::string> values() const {
        const std::lock_guard held{mutex_};
        return values_;
    }
    std::size_t owned() const { return in_.assignment().size(); }
    std::vector<topic_partition> assignment() const { return in_.assignment(); }
    error status() const { return in_.status(); }

private:
    consumer<std::string, std::string> in_;
    mutable std::mutex mutex_;
    std::vector<std::string> values_;
    std::thread reader_;
};

consumer_config of_group(const std::string& name, group_protocol protocol, std::vector<std::string> assignors) {
    consumer_config config;
    config.group_id = name;
    config.start = at::earliest;
    config.group_protocol = protocol;
    if (protocol == group_protocol::classic) {
        config.assignors = std::move(assignors);
        config.session_timeout = 10s;
    }
    return config;
}

void share_and_take_over(group_protocol protocol, const std::vector<std::string>& assignors) {
    const auto to = make_topic("group", 6);
    const auto group = fresh_name("members");
    fill(to, 600);
    member first{to, of_group(group, protocol, assignors)};
    REQUIRE(eventually([&] { return first.values().size() == 600; }));
    std::vector<std::string> all;
    {
        member second{to, of_group(group, protocol, assignors)};
        member third{to, of_group(group, protocol, assignors)};
        REQUIRE(eventually([&] { return first.owned() == 2 && second.owned() == 2 && third.owned() == 2; }));
        std::set<topic_partition> owned;
        for (const auto* each : {&first, &second, &third}) {
            for (const auto& where : each->assignment()) CHECK(owned.insert(where).second);
        }
        CHECK(owned.size() == 6);
        fill(to, 600);
        REQUIRE(eventually([&] { return first.values().size() + second.values().size() + third.values().size() >= 1200; }));
        for (const auto* each : {&first, &second, &third}) {
            const auto got = each->values();
            all.insert(all.end(), got.begin(), got.end());
        }
    }
    REQUIRE(eventually([&] { return first.owned() == 6; }));
    CHECK(all.size() == 1200);  // a rebalance without a crash gives nothing twice
    std::map<std::string, int> times;
    for (const auto& each : all) ++times[each];
    CHECK(times.size() == 600);
    for (const auto& [value, count] : times) REQUIRE_MESSAGE(count == 2, value);
    CHECK_FALSE(first.status());
}

}  // namespace

TEST_CASE("classic groups: members share the partitions and take over when one leaves, for every assignor") {
    for (const std::vector<std::string>& assignors : std::vector<std::vector<std::string>>{{"range"}, {"roundrobin"}, {"sticky"}, {"cooperative-sticky"}, {"range", "cooperative-sticky"}}) {
        CAPTURE(assignors.front());
        share_and_take_over(group_protocol::classic, assignors);
    }
}

TEST_CASE("the consumer protocol (KIP-848): the same") {
    if (!offers(consumer_group_heartbeat)) {
        MESSAGE("not offered by this broker");
        return;
    }
    share_and_take_over(group_protocol::consumer, {});
}

TEST_CASE("what was committed is where the next member begins") {
    const auto to = make_topic("resume", 1);
    const auto group = fresh_name("resume");
    fill(to, 100);
    {
        auto config = of_group(group, group_protocol::classic, {"range"});
        config.auto_commit = false;
        consumer in{client{bootstrap()}, std::move(config), to};
        for (int i = 0; i < 40; ++i) {
            auto one = in.next().get();
            REQUIRE_GOOD(one);
            if (i == 29) {
                auto done = in.commit(one->info).get();
                REQUIRE_GOOD(done);
            }
        }
    }
    consumer in{client{bootstrap()}, of_group(group, group_protocol::classic, {"range"}), to};
    auto one = in.next().get();
    REQUIRE_GOOD(one);
    CHECK(one->info.offset == 30);
    auto told = in.committed({to[0]}).get();
    REQUIRE_GOOD(told);
    CHECK(told->front().offset == 30);
}

TEST_CASE("a pattern takes in topics that are made later") {
    const auto first = make_topic("pattern-a", 1);
    fill(first, 10);
    auto config = of_group(fresh_name("pattern"), group_protocol::classic, {"range"});
    client_config often;
    often.metadata_max_age = 1s;
    consumer in{client{bootstrap(), std::move(often)}, std::move(config), any_text};
    in.subscribe_matching("sdk-pattern-.*");
    std::multiset<std::string> got;
    while (got.size() < 10) {
        auto one = in.next().get();
        REQUIRE_GOOD(one);
        got.insert(one->value);
    }
    const auto second = make_topic("pattern-b", 1);
    fill(second, 5);
    while (got.size() < 15) {
        auto one = in.next().get();
        REQUIRE_GOOD(one);
        got.insert(one->value);
    }
    CHECK(in.assignment().size() == 2);
}

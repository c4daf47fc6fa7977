#include "cluster_fixture.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <ctime>

using namespace weir;
using namespace weir::metadata;
using namespace weir::protocol;

namespace {
/// CPU seconds this process used so far: what other programs on the machine do does not count.
double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }
// Bounds are for what ships; sanitizers and debug builds are an order of magnitude slower.
#if !defined(NDEBUG) || defined(__SANITIZE_ADDRESS__)
constexpr double allowance = 20;
#elif defined(__clang__)
constexpr double allowance = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ? 20 : 1;
#else
constexpr double allowance = 1;
#endif
}  // namespace

TEST_CASE("10,000 partitions in one request are decided, framed, read back and applied in well under a second") {
    for (const int topics : {1, 100, 10'000}) {
        CAPTURE(topics);
        cluster_fixture cluster;
        cluster.add_brokers(1);
        create_topics_request request;
        for (int each = 0; each < topics; ++each) {
            auto& topic = request.topics.emplace_back();
            topic.name = "topic-" + std::to_string(each);
            topic.num_partitions = 10'000 / topics;
            topic.replication_factor = 1;
        }
        const auto start = cpu_seconds();
        auto decided = cluster.decider.create_topics(cluster.context(), request);
        auto frames = encode_frames(decided.records, 30);
        REQUIRE(frames);
        std::vector<bytes_view> views(frames->begin(), frames->end());
        const auto base = cluster.next_offset();
        const log_batch batch{base, base + static_cast<std::int64_t>(views.size()) - 1, 1, 0, views};
        auto change = cluster.loader.apply({&batch, 1});
        const auto spent = cpu_seconds() - start;
        REQUIRE(change);
        CHECK(cluster.loader.current()->partition_count() == 10'000);
        CHECK((*change)->topics.size() == static_cast<std::size_t>(topics));
        CHECK(spent < 0.6 * allowance);
        MESSAGE(topics << " topics: " << spent * 1000 << " ms");
    }
}

TEST_CASE("changing one of 10,000 topics costs microseconds, not a copy of all") {
    cluster_fixture cluster;
    cluster.add_brokers(1);
    create_topics_request request;
    for (int each = 0; each < 10'000; ++each) {
        auto& topic = request.topics.emplace_back();
        topic.name = "topic-" + std::to_string(each);
        topic.num_partitions = topic.replication_factor = 1;
    }
    cluster.commit(cluster.decider.create_topics(cluster.context(), request));
    partition_change_record change;
    change.partition_id = 0;
    change.topic_id = cluster.now->find_topic("topic-77")->id;
    change.leader = 0;
    auto image = cluster.now;
    const auto start = cpu_seconds();
    for (int round = 0; round < 1000; ++round) image = *apply_records(image, std::vector<metadata_record>{change}, {});
    const auto spent = cpu_seconds() - start;
    CHECK(image->find_partition("topic-77", 0)->leader_epoch == 1000);
    CHECK(spent < 0.25 * allowance);  // 250 us each
    MESSAGE("one change among 10,000 topics: " << spent * 1000 << " us");
}

TEST_CASE("a broker with 10,000 partitions is fenced and unfenced in well under a second") {
    cluster_fixture cluster;
    cluster.add_brokers(2);
    std::vector<std::vector<broker_id>> assignments(10'000, {0, 1});
    cluster.create_on("orders", assignments);
    const auto start = cpu_seconds();
    cluster.clock += std::chrono::seconds{5};
    cluster.decider.sessions().touch(1, false, cluster.next_offset(), cluster.clock);
    cluster.clock += std::chrono::seconds{4};
    const auto decided = cluster.decider.fence_expired(cluster.context());
    const auto spent = cpu_seconds() - start;
    CHECK(decided.response == 0);
    CHECK(decided.records.size() == 10'001);
    CHECK(spent < 0.3 * allowance);
    cluster.commit_records(decided.records);
    CHECK(cluster.part("orders", 9999).leader == 1);
}

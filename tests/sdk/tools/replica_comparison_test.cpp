// What replica-verification finds in what replicas hold.
#include <doctest/doctest.h>

#include "replicas/replica_comparison.hpp"

using namespace weir;
using namespace weir::tools;

namespace {

const topic_partition orders{"orders", 0};

held_records held(std::int64_t high_watermark, std::vector<held_batch> batches) { return {high_watermark, std::move(batches)}; }

}  // namespace

TEST_CASE("replicas that hold the same are verified up to the high watermark of each") {
    const std::vector<held_batch> same{{0, 4, 1}, {5, 9, 2}, {10, 14, 3}};
    const auto all = compare_replicas(orders, 0, {{1, held(15, same)}, {2, held(15, same)}});
    CHECK(all.offset == 15);
    CHECK(all.high_watermark == 15);
    CHECK(all.checksums.empty());
    CHECK(all.offsets.empty());
    const auto behind = compare_replicas(orders, 0, {{1, held(15, same)}, {2, held(10, same)}});
    CHECK(behind.offset == 10);
    CHECK(behind.high_watermark == 15);
    const auto shorter = compare_replicas(orders, 0, {{1, held(15, same)}, {2, held(15, {same[0]})}});
    CHECK(shorter.offset == 5);
}

TEST_CASE("a batch with another checksum is told, and the comparison goes on") {
    const auto found = compare_replicas(orders, 0, {{1, held(10, {{0, 4, 11}, {5, 9, 2}})}, {2, held(10, {{0, 4, 12}, {5, 9, 2}})}});
    REQUIRE(found.checksums.size() == 1);
    CHECK(found.checksums.front() == "partition orders-0 has unmatched checksum at offset 4; replica 1's checksum 11; replica 2's checksum 12");
    CHECK(found.offset == 10);
}

TEST_CASE("batches of other offsets end the comparison where the replicas part") {
    const auto found = compare_replicas(orders, 0, {{1, held(10, {{0, 4, 1}, {5, 9, 2}})}, {2, held(10, {{0, 4, 1}, {5, 7, 2}})}});
    CHECK(found.offsets == "partition orders-0: replica 1's offset 9 doesn't match replica 2's offset 7");
    CHECK(found.offset == 5);
    CHECK(found.checksums.empty());
}

TEST_CASE("replicas that hold nothing stay where they are") {
    const auto found = compare_replicas(orders, 7, {{1, held(7, {})}, {2, held(7, {})}});
    CHECK(found.offset == 7);
    CHECK(found.high_watermark == 7);
}

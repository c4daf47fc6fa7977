#include "producer/partitioner.hpp"

#include <doctest/doctest.h>

#include <array>
#include <vector>

using namespace weir;
using detail::sticky_partitioner;

namespace {

/// How often each partition was drawn.
std::vector<int> draws(const std::vector<std::int32_t>& queued, int times) {
    random_source random{42};
    sticky_partitioner sticky;
    std::vector<int> counts(queued.size());
    for (int i = 0; i < times; ++i) {
        ++counts[static_cast<std::size_t>(sticky.partition(queued, true, random))];
        sticky.appended(100, 100);
    }
    return counts;
}

}  // namespace

TEST_CASE("records without a key stay with a partition until a batch's worth of bytes went there") {
    random_source random{1};
    sticky_partitioner sticky;
    const std::array<std::int32_t, 8> queued{};
    const auto first = sticky.partition(queued, true, random);
    for (int i = 0; i < 9; ++i) {
        CHECK_FALSE(sticky.appended(100, 1000));
        CHECK(sticky.partition(queued, true, random) == first);
    }
    CHECK(sticky.appended(100, 1000));
}

TEST_CASE("a longer queue draws fewer records, and the longest still some") {
    const auto counts = draws({0, 3, 1}, 7000);  // weights 4, 1, 3
    CHECK(counts[0] > 3200);
    CHECK(counts[0] < 3800);
    CHECK(counts[1] > 700);
    CHECK(counts[1] < 1100);
    CHECK(counts[2] > 2300);
    CHECK(counts[2] < 2900);
}

TEST_CASE("a partition without a leader is avoided while there are others") {
    const auto counts = draws({-1, 0, -1, 0}, 1000);
    CHECK(counts[0] == 0);
    CHECK(counts[2] == 0);
    CHECK(counts[1] > 400);
    const auto leaderless = draws({-1, -1}, 1000);
    CHECK(leaderless[0] > 400);
    CHECK(leaderless[1] > 400);
}

// What waits for the end of an operation: kept in order, and once where thousands are the same.
#include "op_state.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

using namespace weir;
using detail::continuation;
using detail::continuations;

namespace {

using heard = std::vector<std::uint32_t>;

/// Runs them all; for what has no operation behind it.
void run(continuations& all) {
    detail::op_state<int> none{nullptr};
    continuation room{};
    while (auto* const each = all.next(room)) each->run(none, each->index);
}
continuation note(heard& into, std::uint32_t index) {
    return {[&into](detail::op_core&, std::uint32_t at) { into.push_back(at); }, index};
}

}  // namespace

TEST_CASE("continuations run in the order they came, whether they are the same or not") {
    heard one, other;
    continuations all;
    heard expected;
    for (std::uint32_t i = 0; i < 1000; ++i) {
        all.push(note(i % 100 == 99 ? other : one, i));
        if (i % 100 != 99) expected.push_back(i);
    }
    all.push(note(one, 5));  // a second one for a record, out of order
    expected.push_back(5);
    run(all);
    CHECK(one == expected);
    CHECK(other == heard{99, 199, 299, 399, 499, 599, 699, 799, 899, 999});
    continuation room{};
    CHECK(all.next(room) == nullptr);
}

TEST_CASE("each continuation has a state of its own") {
    std::vector<int> counts;
    continuations all;
    for (std::uint32_t i = 0; i < 5; ++i)
        all.push({[&counts, count = 0](detail::op_core&, std::uint32_t) mutable { counts.push_back(++count); }, i});
    run(all);
    CHECK(counts == std::vector<int>{1, 1, 1, 1, 1});
}

TEST_CASE("what a continuation owns goes with it") {
    const auto owned = std::make_shared<int>(7);
    std::vector<int> seen;
    {
        continuations all;
        for (std::uint32_t i = 0; i < 600; ++i) all.push({[&seen, owned](detail::op_core&, std::uint32_t) { seen.push_back(*owned); }, i});
        CHECK(owned.use_count() == 601);
        run(all);
        CHECK(owned.use_count() == 1);
    }
    CHECK(seen == std::vector<int>(600, 7));
}

TEST_CASE("those of one index come out of the middle of many") {
    heard all_of_them, its;
    continuations all;
    for (std::uint32_t i = 0; i < 300; ++i) all.push(note(all_of_them, i));
    all.push(note(its, 150));
    auto mine = all.of(150);
    run(mine);
    CHECK(all_of_them == heard{150});
    CHECK(its == heard{150});
    auto none = all.of(150);
    CHECK(none.empty());
    all.push(note(all_of_them, 300));
    all_of_them.clear();
    run(all);
    heard expected;
    for (std::uint32_t i = 0; i <= 300; ++i) if (i != 150) expected.push_back(i);
    CHECK(all_of_them == expected);
    CHECK(its == heard{150});
}

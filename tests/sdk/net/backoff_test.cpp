#include <weir/net/backoff.hpp>

#include <doctest/doctest.h>

using namespace weir;

TEST_CASE("the wait doubles with each failure up to its limit, give or take a fifth") {
    random_source random{1};
    const net::backoff retry{milliseconds{100}, milliseconds{1000}};
    const milliseconds expected[] = {milliseconds{100}, milliseconds{200}, milliseconds{400}, milliseconds{800}, milliseconds{1000}, milliseconds{1000}};
    for (int failures = 1; failures <= 6; ++failures) {
        const auto middle = expected[failures - 1];
        bool early = false, late = false;
        for (int i = 0; i < 200; ++i) {
            const auto wait = retry.after(failures, random);
            CHECK(wait >= middle * 8 / 10);
            CHECK(wait <= middle * 12 / 10);
            early |= wait < middle * 9 / 10;
            late |= wait > middle * 11 / 10;
        }
        CHECK(early);
        CHECK(late);
    }
    CHECK(retry.after(1'000'000, random) <= milliseconds{1200});
}

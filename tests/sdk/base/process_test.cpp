#include <weir/base/process.hpp>
#include <weir/base/posix_files.hpp>

#include <doctest/doctest.h>

using namespace weir;

TEST_CASE("a process is told what it uses") {
    const auto before = usage_of_process();
    CHECK(before.resident_bytes > 100'000);
    CHECK(before.open_files >= 3);
    CHECK(before.max_files > before.open_files);
    const auto files = make_posix_files();
    const auto one_more = files->open("/proc/self/exe", open_mode::read);
    REQUIRE(one_more);
    const auto after = usage_of_process();
    CHECK(after.open_files == before.open_files + 1);
    CHECK(after.cpu >= before.cpu);
}

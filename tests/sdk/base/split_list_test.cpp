// Lists as settings and options write them.
#include <weir/base/split_list.hpp>

#include <doctest/doctest.h>

using weir::split_list;
using strings = std::vector<std::string>;

TEST_CASE("a list is its parts, without the white space around them and without empty ones") {
    CHECK(split_list("a") == strings{"a"});
    CHECK(split_list(" a ,\tb c,, d\r\n,") == strings{"a", "b c", "d"});
    CHECK(split_list("").empty());
    CHECK(split_list(" , ,").empty());
    CHECK(split_list("1:2,3", ':') == strings{"1", "2,3"});
}

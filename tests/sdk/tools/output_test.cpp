// Tables, JSON and the progress bar.
#include <doctest/doctest.h>

#include "output.hpp"
#include "perf/metrics_table.hpp"

using namespace weir::tools;

namespace {

table make_table() {
    table made{{{"GROUP", "group"}, {"LAG", "lag", true, 5}}};
    made.row({"first-group", "12"});
    made.row({"gr\xc3\xbc\xc3\x9f" "e", "-"});
    return made;
}

}  // namespace

TEST_CASE("columns are as wide as their widest cell, counted in characters") {
    output out{output::format::text};
    make_table().print(out, " ", table::last_column::plain);
    CHECK(out.text() == "GROUP       LAG\nfirst-group 12\ngr\xc3\xbc\xc3\x9f" "e       -\n");
}

TEST_CASE("the last column is padded where Kafka pads it") {
    output out{output::format::text};
    make_table().print(out);
    CHECK(out.text() == "GROUP       LAG  \nfirst-group 12   \ngr\xc3\xbc\xc3\x9f" "e       -    \n");
    output tabbed{output::format::text};
    make_table().print(tabbed, "\t", table::last_column::padded_with_gap);
    CHECK(tabbed.text().starts_with("GROUP      \tLAG  \t\n"));
}

TEST_CASE("a column that does not grow lets what is longer push its line aside; hidden ones are in JSON only") {
    table made{{{"GROUP", "group"}, {"STATE", "state", false, 6, false}, {"EPOCH", "epoch", true, 0, true, true}, {"LAG", "lag", true}}};
    made.row({"g", "rebalancing", "3", "12"});
    made.row({"h", "empty", "-", "1"});
    made.hide_details();
    output out{output::format::text}, json{output::format::json};
    made.print(out, " ", table::last_column::plain);
    CHECK(out.text() == "GROUP STATE  LAG\ng     rebalancing 12\nh     empty  1\n");
    made.hide("state");
    made.print(json);
    CHECK(json.text() == "[{\"group\":\"g\",\"state\":\"rebalancing\",\"epoch\":3,\"lag\":12},{\"group\":\"h\",\"state\":\"empty\",\"epoch\":null,\"lag\":1}]\n");
}

TEST_CASE("as JSON each row is an object, and what is no number is null") {
    output out{output::format::json};
    make_table().print(out);
    CHECK(out.text() == "[{\"group\":\"first-group\",\"lag\":12},{\"group\":\"gr\xc3\xbc\xc3\x9f" "e\",\"lag\":null}]\n");
}

TEST_CASE("metrics have the names and the layout of Kafka's --print-metrics") {
    weir::client_metrics all;
    all.client_id = "perf, \"mine\"";
    all.producers.emplace_back().number = 1;
    all.producers.back().records = 12;
    output out{output::format::text};
    print_metrics(out, all);
    CHECK(out.text().starts_with("\nMetric Name "));
    const std::string_view row{"producer-metrics:record-send-total:{client-id=perf, \"mine\", producer=1}"};
    const auto at = out.text().find(row);
    REQUIRE(at != std::string::npos);
    const auto line = out.text().substr(at, out.text().find('\n', at) - at);
    CHECK(line.ends_with(" : 12.000"));
    output json{output::format::json};
    print_metrics(json, all);
    CHECK(json.text().find("{\"name\":\"producer-metrics:record-send-total:{client-id=perf, \\\"mine\\\", producer=1}\",\"value\":12.0}") != std::string::npos);
}

TEST_CASE("nothing but a terminal gets colours") {
    output out{output::format::text};
    CHECK(painted(out, colour::red, "text") == "text");
}

TEST_CASE("a progress bar shows how far it is") {
    CHECK(progress::picture("reading", 0, 200, 27) == "reading [..........]   0%");
    CHECK(progress::picture("reading", 100, 200, 27) == "reading [#####.....]  50%");
    CHECK(progress::picture("reading", 300, 200, 27) == "reading [##########] 100%");
    CHECK(progress::picture("reading", 7, 0, 27) == "reading 7");
}

// Which topics and partitions are meant; what performance tests count.
#include <doctest/doctest.h>

#include "arguments.hpp"
#include "connect.hpp"
#include "groups/csv.hpp"
#include "groups/offset_plan.hpp"
#include "numbers.hpp"
#include "partition_file.hpp"
#include "partition_filter.hpp"
#include "perf/payloads.hpp"
#include "perf/send_statistics.hpp"
#include "perf/stopwatch.hpp"

#include <named_pipe.hpp>

#include <algorithm>
#include <set>

using namespace weir;
using namespace weir::tools;

TEST_CASE("a topic option is a regular expression over the whole name, commas are \"or\"") {
    const topic_filter filter{"\"orders.*, audit\""};
    CHECK(filter.matches("orders-eu"));
    CHECK(!filter.matches("my-orders"));
    CHECK(topic_filter{"a,b"}.matches("b"));
    CHECK(!topic_filter{"a\\.b"}.matches("a-b"));
    CHECK_THROWS_AS(topic_filter{"a("}, usage_error);
}

TEST_CASE("partition rules are a number, a range without its end, or all") {
    const auto filter = partition_filter::of_rules("t1:1,t2:0-3,t3,t4:5-,:-2");
    CHECK(filter.matches("t1", 1));
    CHECK(!filter.matches("t1", 2));
    CHECK(filter.matches("t2", 2));
    CHECK(!filter.matches("t2", 3));
    CHECK(filter.matches("t3", 1'000));
    CHECK(filter.matches("t4", 5));
    CHECK(!filter.matches("t4", 4));
    CHECK(filter.matches("other", 1));  // the rule without a topic
    CHECK(!filter.matches("other", 2));
    CHECK_THROWS_WITH_AS(partition_filter::of_rules("t:x"), "INVALID_REQUEST: Invalid rule specification: t:x", weir::exception);
}

TEST_CASE("partitions of --partitions are numbers") {
    const auto filter = partition_filter::of_topic("t", "0,2");
    CHECK(filter.matches("t", 2));
    CHECK(!filter.matches("t", 1));
    CHECK(partition_filter::of_topic("t", "").matches("t", 1));
    CHECK_THROWS_AS(partition_filter::of_topic("t", "0,x"), weir::exception);
}

TEST_CASE("cells of CSV are in quotes where Kafka's tools put them") {
    CHECK(csv_cell("orders-1.eu_2") == "orders-1.eu_2");
    CHECK(csv_cell("") == "");
    CHECK(csv_cell("a,b") == "\"a,b\"");
    CHECK(csv_cell("say \"no\"") == "\"say \"\"no\"\"\"");
    CHECK(csv_cell("all groups") == "\"all groups\"");
    CHECK(csv_cell("group+1") == "\"group+1\"");
    CHECK(csv_cell("gr\xc3\xbc\xc3\x9f" "e") == "gr\xc3\xbc\xc3\x9f" "e");
    CHECK(csv_cell(std::string(24, 'x')) == std::string(24, 'x'));
    CHECK(csv_cell(std::string(25, 'x')) == "\"" + std::string(25, 'x') + "\"");
}

TEST_CASE("lines of CSV are read as they were written") {
    using cells = std::vector<std::string>;
    CHECK(csv_cells("orders,0,5") == cells{"orders", "0", "5"});
    CHECK(csv_cells("\"a,b\",\"say \"\"no\"\"\", 0 ,5") == cells{"a,b", "say \"no\"", "0", "5"});
    CHECK(csv_cells("\" kept \" ,\"\",") == cells{" kept ", "", ""});
    CHECK(csv_cells("") == cells{""});
    CHECK(!csv_cells("\"open,0,5"));
    CHECK(!csv_cells("\"a\"b,0,5"));
    for (const std::string each : {"plain", "a,b", "\"", "two words", " edges ", "a name that is longer than most are"}) CHECK(csv_cells(csv_cell(each) + ",1") == cells{each, "1"});
}

TEST_CASE("a partition that does not fit 31 bits is refused, and not another one") {
    CHECK(parse_id("2147483647") == 2'147'483'647);
    CHECK(!parse_id("2147483648"));
    CHECK(!parse_id("4294967296"));
    CHECK(!parse_id("-1"));
    CHECK(!parse_id("+-1"));
    CHECK_THROWS_AS(partition_filter::of_topic("t", "4294967296"), weir::exception);
    const test::named_pipe plan{"t,4294967296,5\n"};
    CHECK_THROWS_AS(read_plan(plan.path(), "g"), usage_error);
    const test::named_pipe negative{"t,-1,5\n"};
    CHECK_THROWS_AS(read_plan(negative.path(), "g"), usage_error);
}

TEST_CASE("a number with something behind it is none") {
    CHECK(parse_decimal("1.5e6") == 1.5e6);
    CHECK(parse_decimal("1048576") == 1'048'576.0);
    CHECK(!parse_decimal("10MB"));
    CHECK(!parse_decimal(""));
}

TEST_CASE("durations are ISO 8601's, of days and what is shorter") {
    CHECK(parse_iso_duration("P1DT12H") == std::chrono::hours{36});
    CHECK(parse_iso_duration("PT30M") == std::chrono::minutes{30});
    CHECK(parse_iso_duration("PT1.25S") == milliseconds{1'250});
    CHECK(parse_iso_duration("PT-1.5S") == milliseconds{-1'500});
    CHECK(parse_iso_duration("-P1D") == std::chrono::hours{-24});
    CHECK(parse_iso_duration("P1W") == std::chrono::hours{168});
    // What leads nowhere, means nothing, comes twice or in another order, or is beyond all time.
    for (const auto* wrong : {"", "P", "PT", "PTT", "P1DT", "1D", "P1H", "PT1D", "PT1M1H", "P1D1D", "PT1.5H", "PinfD", "PnanD", "P1e300D", "P99999999999D", "PT0x10S", "P1D "})
        CHECK_THROWS_AS_MESSAGE(parse_iso_duration(wrong), usage_error, wrong);
}

TEST_CASE("times are those of a calendar, in UTC when no zone is told") {
    CHECK(parse_datetime("2023-11-14T22:13:20.123") == 1'700'000'000'123);
    CHECK(parse_datetime("2023-11-14T22:13:20Z") == 1'700'000'000'000);
    CHECK(parse_datetime("2023-11-15T00:13:20.5+02:00") == 1'700'000'000'500);
    for (const auto* wrong : {"2023-11-14", "2023-02-30T00:00:00", "2023-11-14T24:00:00", "2023-11-14T-1:00:00", "2023-11-14T22:13:20X", "2023-11-14T22:13:20+2"})
        CHECK_THROWS_AS_MESSAGE(parse_datetime(wrong), usage_error, wrong);
}

TEST_CASE("a file of partitions with numbers that cannot be is refused in a sentence") {
    const auto refusal = [](const char* content) {
        const test::named_pipe file{content};
        try {
            read_partitions(file.path());
        } catch (const weir::exception& wrong) {
            return std::string{wrong.error().what()}.substr(file.path().size());
        }
        return std::string{"taken"};
    };
    CHECK(refusal(R"({"version":"x","partitions":[]})") == ": Not supported version field value \"x\"");
    CHECK(refusal(R"({"version":1.5,"partitions":[]})").starts_with(": Not supported version field value 1.5"));
    CHECK(refusal(R"({"version":99999999999999,"partitions":[]})") == ": Not supported version field value 99999999999999");
    CHECK(refusal(R"({"partitions":[{"topic":"t","partition":0,"replicas":[99999999999]}]})") == ": an entry of 'replicas' is no number");
    CHECK(refusal(R"({"partitions":[{"topic":"t","partition":4294967296}]})") == ": 'partition' is missing or no number");
    CHECK(refusal(R"({"partitions":[{"topic":"t","partition":-1}]})") == ": 'partition' is -1");
    CHECK(refusal(R"({"version":1,"partitions":[{"topic":"t","partition":0,"offset":-1}]})") == "taken");
}

TEST_CASE("the producer's lines are Kafka's") {
    send_statistics all{4, 1'000};
    for (const auto latency : {10, 20, 30, 40}) all.record(latency, 1 << 18);
    CHECK(all.window_line(2'000) == "4 records sent, 4.0 records/sec (1.00 MB/sec), 25.0 ms avg latency, 40.0 ms max latency.");
    CHECK(all.total_line(3'000) == "4 records sent, 2.000000 records/sec (0.50 MB/sec), 25.00 ms avg latency, 40.00 ms max latency, 30 ms 50th, 40 ms 95th, 40 ms 99th, 40 ms 99.9th.");
    CHECK(!all.window_has_records());
    send_statistics steady{1, 0, true};
    steady.record(5, 1);
    CHECK(steady.total_line(1'000).starts_with("1 steady state records sent, "));
}

TEST_CASE("of millions of latencies a part is kept, evenly") {
    send_statistics all{5'000'000, 0};
    for (int each = 0; each < 1'000'000; ++each) all.record(each % 1'000, 1);
    const auto shares = all.percentiles();
    CHECK(shares[0] >= 490);
    CHECK(shares[0] <= 510);
    CHECK(all.count() == 1'000'000);
}

TEST_CASE("payloads are letters of a size, lines of a file, or a count") {
    auto letters = payloads::of_size(20);
    const std::string first{as_text(letters.next())};
    CHECK(first.size() == 20);
    CHECK(std::all_of(first.begin(), first.end(), [](char c) { return c >= 'A' && c <= 'Z'; }));
    CHECK(as_text(letters.next()) != first);
    CHECK(as_text(payloads::of_size(20).next()) == first);

    auto counting = payloads::counting();
    counting.next();
    CHECK(as_text(counting.next()) == "1");

    test::temporary_folder folder;
    REQUIRE(replace_file(*folder.files, folder / "values", as_bytes("one|two|three")));
    auto parts = payloads::of_file(*folder.files, folder / "values", "|");
    REQUIRE(parts);
    CHECK(parts->parts() == 3);
    std::set<std::string> seen;
    for (int each = 0; each < 100; ++each) seen.emplace(as_text(parts->next()));
    CHECK(seen == std::set<std::string>{"one", "two", "three"});
    CHECK(payloads::of_file(*folder.files, folder / "values", "").code() == errc::invalid_setting);
    REQUIRE(replace_file(*folder.files, folder / "empty", {}));
    CHECK(payloads::of_file(*folder.files, folder / "empty", "|").code() == errc::malformed);
}

TEST_CASE("times are formatted as Java's patterns say") {
    const auto text = format_time(1'700'000'000'123);
    CHECK(text.size() == 23);
    CHECK(text.ends_with(":123"));
    CHECK(format_time(0, "yyyy/SSS").ends_with("/000"));
    CHECK(format_time(1'700'000'000'123, "yy'T'''SSS") == "23T'123");
    CHECK_THROWS_WITH_AS(format_time(0, "bogus"), "INVALID_SETTING: Illegal pattern character 'b'", weir::exception);
}

TEST_CASE("plans, settings and payloads come from pipes as well as from files") {
    const test::named_pipe moves{R"({"version":1,"partitions":[{"topic":"t","partition":2,"replicas":[3,1]}]})"};
    const auto wanted = read_partitions(moves.path());
    REQUIRE(wanted.size() == 1);
    CHECK(wanted[0].where == topic_partition{"t", 2});
    CHECK(wanted[0].replicas == std::vector{3, 1});
    const test::named_pipe topics{R"({"version":1,"topics":[{"topic":"t"}]})"};
    CHECK(read_topics(topics.path()) == std::vector<std::string>{"t"});
    const test::named_pipe offsets{"t,0,5\n\"t\",2,7\n"};
    CHECK(read_plan(offsets.path(), "g") == std::map<std::string, offset_map>{{"g", {{{"t", 0}, 5}, {{"t", 2}, 7}}}});
    const test::named_pipe settings{"acks=1\n"};
    const auto read = read_properties(settings.path());
    REQUIRE(read.find("acks"));
    CHECK(read.find("acks")->where == settings.path() + ":1");
    const test::named_pipe values{"one\ntwo\n"};
    CHECK(payloads::of_file(*make_posix_files(), values.path(), "\n"));
}

TEST_CASE("of a settings file, names that no client knows are left out, and only they") {
    const test::named_pipe file{"acks=soon\nlingering.ms=5\nmy.own.setting=x\nkey.serializer=y\n"};
    const auto path = file.path();
    const char* const words[] = {"--bootstrap-server", "b:1", "--command-config", path.c_str()};
    const arguments args{*find_tool("topics"), words};
    const auto settings = file_settings(args);
    CHECK(settings.size() == 2);
    CHECK(settings.find("key.serializer"));
    REQUIRE(settings.find("acks"));
    CHECK_THROWS_AS(client{settings}, weir::exception);  // its value is none
}

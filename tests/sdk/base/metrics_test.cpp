#include <weir/base/metrics.hpp>

#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

using namespace weir;

TEST_CASE("counters and gauges read as Prometheus text, sorted by name") {
    metrics::registry all;
    const auto requests = all.counter("requests_total", "Requests answered.", {{"api", "Produce"}});
    const auto other = all.counter("requests_total", "Requests answered.", {{"api", "Fetch"}});
    const auto open = all.gauge("connections", "Open now.");
    requests->add();
    requests->add(2);
    other->add(40);
    open->set(1.5);
    CHECK(all.text() ==
          "# HELP connections Open now.\n# TYPE connections gauge\nconnections 1.5\n"
          "# HELP requests_total Requests answered.\n# TYPE requests_total counter\n"
          "requests_total{api=\"Fetch\"} 40\nrequests_total{api=\"Produce\"} 3\n");
}

TEST_CASE("objects of the same name and labels are shown as their sum, and vanish with their owners") {
    metrics::registry all;
    auto one = all.counter("n_total", "N.");
    auto two = all.counter("n_total", "N.");
    one->add(1);
    two->add(10);
    CHECK(all.text().find("n_total 11\n") != std::string::npos);
    one.reset();
    CHECK(all.text().find("n_total 10\n") != std::string::npos);
    two.reset();
    CHECK(all.text().empty());
}

TEST_CASE("series made and dropped without anybody reading do not pile up") {
    metrics::registry all;
    const auto kept = all.counter("kept_total", "K.");
    for (int i = 0; i < 5000; ++i) all.counter("gone_total", "G.", {{"i", std::to_string(i)}});
    kept->add(7);
    CHECK(all.text() == "# HELP kept_total K.\n# TYPE kept_total counter\nkept_total 7\n");
}

TEST_CASE("labels and help are escaped, names made valid") {
    metrics::registry all;
    const auto odd = all.gauge("a.b-c", "one\ntwo\\", {{"topic", "say \"hi\"\n\\"}});
    CHECK(all.text() == "# HELP a_b_c one\\ntwo\\\\\n# TYPE a_b_c gauge\na_b_c{topic=\"say \\\"hi\\\"\\n\\\\\"} 0\n");
}

TEST_CASE("collected samples are made when asked, until the registration goes") {
    metrics::registry all;
    int asked = 0;
    {
        const auto sizes = all.collect("log_size", "Bytes.", metrics::series_type::gauge, [&](metrics::sample_sink& sink) {
            ++asked;
            sink.add({{"partition", "0"}}, 10);
            sink.add({{"partition", "1"}}, 20);
        });
        const auto uptime = all.gauge_from("uptime", "Seconds.", {}, [] { return 3.0; });
        CHECK(asked == 0);
        const auto text = all.text();
        CHECK(text.find("log_size{partition=\"0\"} 10\nlog_size{partition=\"1\"} 20\n") != std::string::npos);
        CHECK(text.find("uptime 3\n") != std::string::npos);
    }
    CHECK(all.text().empty());
    CHECK(asked == 1);
}

TEST_CASE("quantiles are right to an eighth, from one to billions") {
    metrics::histogram spread;
    CHECK(spread.quantile(0.5) == 0);
    for (std::uint64_t value = 1; value <= 100'000; ++value) spread.record(value);
    CHECK(spread.count() == 100'000);
    CHECK(spread.sum() == 5'000'050'000);
    for (const double q : {0.01, 0.1, 0.5, 0.9, 0.99, 0.999}) {
        CAPTURE(q);
        CHECK(spread.quantile(q) == doctest::Approx(q * 100'000).epsilon(0.125));
    }
    metrics::histogram far;
    far.record(3'000'000'000);
    CHECK(far.quantile(0.99) == doctest::Approx(3e9).epsilon(0.25));
    far.record(~std::uint64_t{0} >> 1);
    CHECK(far.count() == 2);
    metrics::histogram small;
    for (int i = 0; i < 10; ++i) small.record(2);
    CHECK(small.quantile(0.5) == 2);
}

TEST_CASE("a histogram is shown as a summary in the unit asked for, merged over its parts") {
    metrics::registry all;
    const auto one = all.histogram("time_ms", "Time.", {{"api", "Fetch"}}, 0.001);
    const auto two = all.histogram("time_ms", "Time.", {{"api", "Fetch"}}, 0.001);
    one->record(1000);
    two->record(3000);
    const auto text = all.text();
    CHECK(text.find("# TYPE time_ms summary\n") != std::string::npos);
    CHECK(text.find("time_ms_sum{api=\"Fetch\"} 4\n") != std::string::npos);
    CHECK(text.find("time_ms_count{api=\"Fetch\"} 2\n") != std::string::npos);
    const auto at = text.find("time_ms{api=\"Fetch\",quantile=\"0.99\"} ");
    REQUIRE(at != std::string::npos);
    CHECK(std::atof(text.c_str() + text.find("} ", at) + 2) == doctest::Approx(3).epsilon(0.25));
}

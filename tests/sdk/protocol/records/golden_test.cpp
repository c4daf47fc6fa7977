#include "../../../golden/batches.hpp"

#include <weir/protocol/compression.hpp>

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <sstream>

TEST_CASE("batches of the reference implementation read, rebuild and are refused as there") {
    std::ifstream file{WEIR_GOLDEN_DIR "/batches.jsonl.gz", std::ios::binary};
    REQUIRE(file);
    const std::string packed{std::istreambuf_iterator<char>{file}, {}};
    const auto text = weir::protocol::decompress(weir::protocol::codec::gzip, weir::as_bytes(packed));
    REQUIRE(text);
    std::istringstream lines{std::string{weir::as_text(*text)}};
    std::ostringstream log;
    int count = 0;
    const int failed = weir::golden::run_batches(lines, log, count);
    CHECK_MESSAGE(failed == 0, log.str());
    CHECK(count == 141);
}

TEST_CASE("the golden runner notices fields, records and answers that differ") {
    const std::string good =
        R"({"name":"x","hex":"00000000000000000000003affffffff02","batches":[],"broker_produce_error":87})";
    const auto run = [](const std::string& line) {
        std::istringstream lines{line};
        std::ostringstream log;
        int count = 0;
        weir::golden::run_batches(lines, log, count);
        return log.str();
    };
    CHECK(run(good) == "x: verdict: found incomplete, expected ok\n");
    CHECK(run(R"({"name":"y","hex":"","batches":[{}],"broker_produce_error":87})") ==
          "y: batches: found 0, expected 1\n");
    CHECK(run(R"({"name":"z","hex":"","batches":[],"broker_produce_error":0})")
              .starts_with("z: produce: INVALID_RECORD"));
    CHECK(run(R"({"name":"v","case":"corrupted","hex":"","verdict":{"result":"bad-crc","broker_produce_error":87}})")
              .starts_with("v: verdict: ok"));
}

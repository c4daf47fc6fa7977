// The walk over the error codes of an answer.
#include <weir/protocol/messages/find_coordinator.hpp>
#include <weir/protocol/messages/metadata.hpp>

#include <doctest/doctest.h>

#include <vector>

using namespace weir::protocol;

namespace {

template <class Response>
std::vector<int> errors_of(const Response& answer, std::int16_t version) {
    std::vector<int> found;
    for_each_error(answer, version, [&](std::int16_t code) { found.push_back(code); });
    return found;
}

}  // namespace

TEST_CASE("every error code of an answer is met, those of nested lists in their places") {
    metadata_response answer;
    answer.error_code = 29;
    answer.topics.resize(2);
    answer.topics[0].error_code = 3;
    answer.topics[1].partitions.resize(3);
    answer.topics[1].partitions[1].error_code = 5;
    CHECK(errors_of(answer, 13) == std::vector{3, 0, 0, 5, 0, 29});
    CHECK(errors_of(answer, 12) == std::vector{3, 0, 0, 5, 0});
}

TEST_CASE("a version is asked for the fields that it has") {
    find_coordinator_response answer;
    answer.error_code = 15;
    answer.coordinators.resize(1);
    answer.coordinators[0].error_code = 16;
    CHECK(errors_of(answer, 3) == std::vector{15});
    CHECK(errors_of(answer, 4) == std::vector{16});
}

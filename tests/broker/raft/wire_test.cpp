#include <doctest/doctest.h>

#include <weir/raft/wire.hpp>

#include "quorum_fixture.hpp"

using namespace weir;
using namespace weir::raft;
using namespace weir::testing;

namespace {

template <class Request>
Request there_and_back(const Request& request, std::int16_t version) {
    const auto sent = encode_request(request, version);
    REQUIRE_MESSAGE(sent, sent.error().message());
    CHECK(sent->version == version);
    const auto read = decode_request(sent->api_key, sent->version, sent->body);
    REQUIRE_MESSAGE(read, read.error().message());
    return std::get<Request>(*read);
}

template <class Response>
Response back(const Response& response, std::int16_t api_key, std::int16_t version) {
    const auto sent = encode_response(response, version);
    REQUIRE_MESSAGE(sent, sent.error().message());
    const auto read = decode_response(api_key, version, *sent);
    REQUIRE_MESSAGE(read, read.error().message());
    return std::get<Response>(*read);
}

const leader_hint led{2, 9, {{"", "two.example", 9002}}};

}  // namespace

TEST_CASE("votes keep everything their version can carry") {
    vote_request request{.cluster_id = "c", .candidate = {1, directory_of(1)}, .voter = {2, directory_of(2)}, .epoch = 5, .log_end = {77, 4}, .pre_vote = true};
    for (std::int16_t version = 2; version >= 0; --version) {
        if (version < 2) request.pre_vote = false;
        const auto read = there_and_back(request, version);
        CHECK(read.cluster_id == "c");
        CHECK(read.candidate.id == 1);
        CHECK(read.candidate.directory == (version >= 1 ? directory_of(1) : uuid{}));
        CHECK(read.voter.id == (version >= 1 ? 2 : -1));
        CHECK(read.epoch == 5);
        CHECK(read.log_end == log_position{77, 4});
        CHECK(read.pre_vote == request.pre_vote);
        const auto answer = back(vote_response{errc::none, led, true}, api_key_of(request), version);
        CHECK(answer.granted);
        CHECK(answer.leader.leader_id == 2);
        CHECK(answer.leader.epoch == 9);
        CHECK(answer.leader.endpoints.size() == (version >= 1 ? 1u : 0u));
        CHECK(back(vote_response{errc::inconsistent_cluster_id, {}, false}, api_key_of(request), version).error == errc::inconsistent_cluster_id);
        CHECK(back(vote_response{errc::fenced_leader_epoch, led, false}, api_key_of(request), version).error == errc::fenced_leader_epoch);
    }
    request.pre_vote = true;
    CHECK(encode_request(request, 1).error().code() == errc::unsupported_version);  // or an old voter would really vote
}

TEST_CASE("the beginning and the end of an epoch keep leader, endpoints and successors") {
    const begin_epoch_request begin{.cluster_id = "c", .voter = {3, directory_of(3)}, .leader_id = 2, .epoch = 9, .endpoints = {{"CONTROLLER", "two", 9002}}};
    const end_epoch_request end{.cluster_id = "c", .leader_id = 2, .epoch = 9, .successors = {{3, directory_of(3)}, {1, directory_of(1)}}, .endpoints = {{"CONTROLLER", "two", 9002}}};
    for (std::int16_t version = 0; version <= 1; ++version) {
        const auto began = there_and_back(begin, version);
        CHECK(began.leader_id == 2);
        CHECK(began.epoch == 9);
        CHECK(began.endpoints.size() == (version >= 1 ? 1u : 0u));
        const auto ended = there_and_back(end, version);
        REQUIRE(ended.successors.size() == 2);
        CHECK(ended.successors[0].id == 3);
        CHECK(ended.successors[1].directory == (version >= 1 ? directory_of(1) : uuid{}));
        CHECK(back(begin_epoch_response{errc::none, led}, api_key_of(begin), version).leader.leader_id == 2);
        CHECK(back(end_epoch_response{errc::invalid_request, led}, api_key_of(end), version).error == errc::invalid_request);
    }
}

TEST_CASE("fetches and their answers keep records, divergence and snapshot ids in every version") {
    fetch_request request{.cluster_id = "c", .replica = {3, directory_of(3)}, .epoch = 9, .offset = 100, .last_fetched_epoch = 8, .max_wait = 500ms, .max_bytes = 4096, .high_watermark = 90};
    const std::vector<std::string> values{"value"};
    const auto records = data_batch(values);
    for (std::int16_t version = 12; version <= 18; ++version) {
        const auto read = there_and_back(request, version);
        CHECK(read.replica.id == 3);
        CHECK(read.replica.directory == (version >= 17 ? directory_of(3) : uuid{}));
        CHECK(read.offset == 100);
        CHECK(read.last_fetched_epoch == 8);
        CHECK(read.max_wait == 500ms);
        CHECK(read.high_watermark == (version >= 18 ? 90 : std::numeric_limits<log_offset>::max()));
        const auto got = back(fetch_response{.leader = led, .high_watermark = 95, .log_start = 10, .records = records}, 1, version);
        CHECK(got.records == records);
        CHECK(got.high_watermark == 95);
        CHECK(got.log_start == 10);
        CHECK(got.leader.leader_id == 2);
        CHECK_FALSE(got.diverging);
        CHECK_FALSE(got.snapshot);
        CHECK(back(fetch_response{.leader = led, .diverging = log_position{50, 7}}, 1, version).diverging == log_position{50, 7});
        CHECK(back(fetch_response{.leader = led, .snapshot = snapshot_id{60, 8}}, 1, version).snapshot == snapshot_id{60, 8});
        CHECK(back(fetch_response{.error = errc::not_leader_or_follower, .leader = led}, 1, version).error == errc::not_leader_or_follower);
    }
}

TEST_CASE("snapshot chunks and voter changes keep their fields") {
    const fetch_snapshot_request ask{.cluster_id = "c", .replica = {3, directory_of(3)}, .epoch = 9, .snapshot = {60, 8}, .position = 33, .max_bytes = 11};
    for (std::int16_t version = 0; version <= 1; ++version) {
        const auto read = there_and_back(ask, version);
        CHECK(read.snapshot == snapshot_id{60, 8});
        CHECK(read.position == 33);
        const auto got = back(fetch_snapshot_response{.leader = led, .snapshot = {60, 8}, .size = 99, .position = 33, .chunk = to_bytes("chunk")}, 59, version);
        CHECK(as_text(got.chunk) == "chunk");
        CHECK(got.size == 99);
        CHECK(got.position == 33);
    }
    const auto added = there_and_back(add_voter_request{.cluster_id = "c", .added = voter_of(4), .timeout = 5s}, 1);
    CHECK(added.added.key == voter_of(4).key);
    CHECK(added.added.endpoints == voter_of(4).endpoints);
    CHECK(added.timeout == 5s);
    CHECK(there_and_back(remove_voter_request{"c", {4, directory_of(4)}}, 0).removed == replica_key{4, directory_of(4)});
    CHECK(there_and_back(update_voter_request{.cluster_id = "c", .epoch = 9, .updated = voter_of(4)}, 0).updated == voter_of(4));
    CHECK(back(add_voter_response{errc::duplicate_voter, "there already"}, 80, 1).text == "there already");
    CHECK(back(remove_voter_response{errc::voter_not_found, ""}, 81, 0).error == errc::voter_not_found);
    CHECK(back(update_voter_response{errc::none, led}, 82, 0).leader.endpoints.size() == 1);
}

TEST_CASE("other topics, several partitions, cut and unknown requests are refused") {
    const vote_request request{.candidate = {1, {}}, .epoch = 5};
    const auto good = *encode_request(request, 2);
    auto renamed = good.body;
    const auto at = std::string{as_text(renamed)}.find("__cluster_metadata");
    REQUIRE(at != std::string::npos);
    renamed[at] = std::byte{'x'};
    CHECK(decode_request(52, 2, renamed).error().code() == errc::unknown_topic_or_partition);
    for (std::size_t cut = 0; cut < good.body.size(); ++cut)
        CHECK_FALSE(decode_request(52, 2, bytes_view{good.body}.first(cut)));
    CHECK(decode_request(0, 2, good.body).error().code() == errc::unsupported_version);
    CHECK(decode_request(52, 9, good.body).error().code() == errc::unsupported_version);
    CHECK_FALSE(encode_request(vote_response{}, 2));
    CHECK_FALSE(encode_response(request, 2));
    random_source random{1};
    for (int round = 0; round < 20'000; ++round) {  // nothing in a mutated frame reads out of bounds
        auto mutated = good.body;
        for (auto flips = 1 + random.below(4); flips > 0; --flips) mutated[random.below(mutated.size())] = static_cast<std::byte>(random());
        (void)decode_request(52, 2, mutated);
        (void)decode_response(52, 2, mutated);
        (void)decode_request(1, 17, mutated);
    }
}

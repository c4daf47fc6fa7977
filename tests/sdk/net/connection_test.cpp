// One connection, and a peer that misbehaves on purpose.
#include <weir/base/sim/world.hpp>
#include <weir/net/connection.hpp>
#include <weir/protocol/messages/api_versions.hpp>
#include <weir/protocol/messages/metadata.hpp>

#include <doctest/doctest.h>

using namespace weir;
using namespace std::chrono_literals;
using net::connection;

namespace {

struct peer_fixture {
    sim::world world{1};
    sim::node_id server = world.add_node("server"), desk = world.add_node("desk");
    std::unique_ptr<listener> listening;
    std::unique_ptr<stream> accepted;
    bytes inbox = bytes(4096);
    std::size_t requests = 0;
    bool reads = true;
    /// What the peer does with its n-th request; empty: nothing.
    std::function<bytes(std::size_t, bytes_view)> answer;
    std::shared_ptr<connection> link;
    error failure;

    peer_fixture() {
        auto made = world.net(server).listen(world.loop(server), {"server", 9092}, {}, [this]() -> event_loop& { return world.loop(server); },
                                             [this](std::unique_ptr<stream> one) {
                                                 accepted = std::move(one);
                                                 read();
                                             });
        REQUIRE(made);
        listening = *std::move(made);
    }
    ~peer_fixture() {
        if (link) link->close(error{errc::closed, "over"});
        world.run_for(1s);
    }
    void read() {
        accepted->read_some(inbox, [this](result<std::size_t> got) {
            if (!got || *got == 0) return;
            if (auto reply = answer ? answer(requests++, bytes_view{inbox}.first(*got)) : bytes{}; !reply.empty()) {
                auto kept = std::make_shared<bytes>(std::move(reply));
                std::vector<write_piece> pieces(1);
                pieces[0].owner = kept;
                pieces[0].memory = *kept;
                accepted->write(std::move(pieces), [](const result<void>&) {});
            }
            if (reads) read();
        });
    }
    static task<void> run_open(peer_fixture& at, bool& done) {
        net::connection_config config;
        config.request_timeout = 5s;
        endpoint where{"server", 9092};
        auto opening = connection::open(at.world.loop(at.desk), at.world.net(at.desk), where, config, {});
        auto opened = co_await opening;
        if (opened) at.link = *opened;
        else at.failure = opened.error();
        done = true;
    }
    void open() {
        bool done = false;
        world.loop(desk).post([&] { spawn(run_open(*this, done)); });
        REQUIRE(world.run_until([&] { return done; }, 60s));
    }
    static task<void> wait_for_answer(std::shared_ptr<connection> on, bool& done) {
        const protocol::metadata_request request;
        auto calling = on->call(request);
        (void)co_await calling;
        done = true;
    }
    template <class Request>
    static task<void> run_call(peer_fixture& at, const Request& request, milliseconds extra_time, bool& done) {
        auto calling = at.link->call(request, Request::max_version, extra_time);
        auto got = co_await calling;
        at.failure = got.error();
        done = true;
    }
    template <class Request>
    errc call(const Request& request, milliseconds extra_time = {}) {
        bool done = false;
        world.loop(desk).post([&] { spawn(run_call(*this, request, extra_time, done)); });
        REQUIRE(world.run_until([&] { return done; }, 60s));
        return failure.code();
    }
    static task<void> run_tell(std::shared_ptr<connection> on, const protocol::metadata_request& request, std::optional<result<void>>& outcome) {
        auto telling = on->tell(request);
        outcome = co_await telling;
    }
    /// More than the peer takes without reading.
    void tell_much(std::optional<result<void>>& outcome) {
        sim::link_config narrow;
        narrow.window = 16 << 10;
        world.set_links(narrow);
        answer = {};
        reads = false;
        for (int i = 0; i < 1000; ++i) much.topics->emplace_back().name = std::string(50, 't');
        world.loop(desk).post([&] { spawn(run_tell(link, much, outcome)); });
        world.run_for(2s);
    }
    protocol::metadata_request much;
    static bytes versions(std::int32_t correlation, std::int16_t version, errc code, std::vector<std::array<std::int16_t, 3>> rows) {
        protocol::api_versions_response response;
        response.error_code = static_cast<std::int16_t>(code);
        for (const auto& [key, low, high] : rows) {
            auto& row = response.api_keys.emplace_back();
            row.api_key = key;
            row.min_version = low;
            row.max_version = high;
        }
        protocol::writer out;
        REQUIRE(protocol::encode_response_frame(response, version, correlation, out));
        return *out.take_bytes();
    }
};

}  // namespace

TEST_CASE_FIXTURE(peer_fixture, "versions are the newest both sides know, and an API the broker lacks is said to be missing") {
    answer = [](std::size_t, bytes_view) { return versions(0, 4, errc::none, {{18, 0, 4}, {3, 5, 9}}); };
    open();
    REQUIRE(link);
    CHECK(link->version_of(protocol::api_key::metadata, 0, 13) == 9);
    CHECK(link->version_of(protocol::api_key::metadata, 0, 7) == 7);
    CHECK(link->version_of(protocol::api_key::metadata, 10, 13) == -1);
    CHECK(link->version_of(protocol::api_key::metadata, 0, 4) == -1);
    CHECK(link->version_of(protocol::api_key::produce, 3, 13) == -1);
}

TEST_CASE_FIXTURE(peer_fixture, "an old broker that does not know our ApiVersions is asked again in its own version") {
    answer = [](std::size_t count, bytes_view) {
        return count == 0 ? versions(0, 0, errc::unsupported_version, {{18, 0, 2}}) : versions(1, 2, errc::none, {{18, 0, 2}, {3, 0, 8}});
    };
    open();
    REQUIRE_MESSAGE(link, failure.message());
    CHECK(requests == 2);
    CHECK(link->version_of(protocol::api_key::metadata, 0, 13) == 8);
}

TEST_CASE_FIXTURE(peer_fixture, "a peer that is no Kafka broker is told apart, by its bytes or by its silence") {
    SUBCASE("it speaks TLS") {
        answer = [](std::size_t, bytes_view) { return bytes{std::byte{0x15}, std::byte{3}, std::byte{3}, std::byte{0}, std::byte{2}, std::byte{2}, std::byte{40}}; };
        open();
        CHECK(failure.code() == errc::tls_failed);
        CHECK(failure.message().find("security.protocol=SSL or SASL_SSL") != std::string::npos);
    }
    SUBCASE("it speaks HTTP") {
        answer = [](std::size_t, bytes_view) { return to_bytes("HTTP/1.1 400 Bad Request\r\n\r\n"); };
        open();
        CHECK(failure.code() == errc::malformed);
    }
    SUBCASE("it says nothing") {
        open();
        CHECK(failure.code() == errc::timed_out);
        CHECK(failure.what() == "server:9092 did not answer within 5000 ms (request.timeout.ms)");
    }
    CHECK_FALSE(link);
}

TEST_CASE_FIXTURE(peer_fixture, "an answer nobody waits for, or none at all, ends the connection and what is under way") {
    answer = [](std::size_t count, bytes_view) { return count == 0 ? versions(0, 4, errc::none, {{18, 0, 4}, {3, 0, 13}}) : bytes{}; };
    open();
    REQUIRE(link);
    SUBCASE("a wrong correlation id") {
        answer = [](std::size_t, bytes_view) { return versions(77, 4, errc::none, {}); };
        CHECK(call(protocol::metadata_request{}) == errc::malformed);
    }
    SUBCASE("rubbish in the body") {
        answer = [](std::size_t, bytes_view) {
            bytes reply(24, std::byte{0xff});
            store_big_endian(reply.data(), std::int32_t{20});
            store_big_endian(reply.data() + 4, std::int32_t{1});
            reply[8] = std::byte{0};  // no tags in the header
            return reply;
        };
        CHECK(call(protocol::metadata_request{}) == errc::malformed);
    }
    SUBCASE("silence") {
        CHECK(call(protocol::metadata_request{}) == errc::timed_out);
        CHECK(failure.what() == "server:9092 did not answer within 5000 ms (request.timeout.ms)");
    }
    SUBCASE("silence, to one that may wait there") {
        CHECK(call(protocol::metadata_request{}, 500ms) == errc::timed_out);
        CHECK(failure.what() == "server:9092 did not answer within 5500 ms (request.timeout.ms, and 500 ms that the request may wait there)");
    }
    SUBCASE("the peer goes") {
        world.at(world.now() + 1s, [this] { accepted.reset(); });
        CHECK(call(protocol::metadata_request{}) == errc::network_exception);
    }
    CHECK(link->closed());
    CHECK(call(protocol::metadata_request{}) == errc::network_exception);
}

TEST_CASE_FIXTURE(peer_fixture, "a request without an answer ends when the peer has taken it, or with the connection") {
    answer = [](std::size_t, bytes_view) { return versions(0, 4, errc::none, {{18, 0, 4}, {3, 5, 9}}); };
    open();
    REQUIRE(link);
    std::optional<result<void>> outcome;
    tell_much(outcome);
    CHECK_FALSE(outcome);
    errc expected = errc::none;
    SUBCASE("the peer reads on") {
        reads = true;
        world.loop(server).post([this] { read(); });
    }
    SUBCASE("it takes no more in time") { expected = errc::timed_out; }
    SUBCASE("it goes") {
        expected = errc::network_exception;
        world.loop(server).post([this] { accepted.reset(); });
    }
    REQUIRE(world.run_until([&] { return outcome.has_value(); }, 60s));
    CHECK(outcome->code() == expected);
    CHECK(link->closed() == (expected != errc::none));
    if (expected == errc::none) return;
    outcome.reset();
    world.loop(desk).post([&] { spawn(run_tell(link, much, outcome)); });
    REQUIRE(world.run_until([&] { return outcome.has_value(); }, 60s));
    CHECK(outcome->code() == errc::network_exception);
}

TEST_CASE_FIXTURE(peer_fixture, "a process that is killed takes along who waits for an answer or for room, and the connection with them") {
    answer = [](std::size_t count, bytes_view) { return count == 0 ? versions(0, 4, errc::none, {{18, 0, 4}, {3, 5, 9}}) : bytes{}; };
    open();
    REQUIRE(link);
    bool done = false;
    std::optional<result<void>> outcome;
    SUBCASE("an answer") {
        world.loop(desk).post([&] { spawn(wait_for_answer(link, done)); });
        world.run_for(1s);
    }
    SUBCASE("room") { tell_much(outcome); }
    const std::weak_ptr<connection> watched = link;
    link.reset();
    CHECK_FALSE(watched.expired());
    world.kill(desk);
    CHECK(watched.expired());
    CHECK_FALSE(done);
    CHECK_FALSE(outcome);
}

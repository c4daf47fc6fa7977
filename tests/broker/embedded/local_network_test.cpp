// Connections without sockets behave like streams of bytes.
#include "local_network.hpp"

#include <weir/base/sim/manual_loop.hpp>

#include <doctest/doctest.h>

#include <optional>

using namespace weir;
using namespace std::chrono_literals;
using broker::local_network;

namespace {

struct pair_fixture {
    sim::manual_loop near_loop, far_loop;
    local_network net;
    std::unique_ptr<listener> door;
    std::unique_ptr<stream> near, far;

    pair_fixture() {
        auto opened = net.listen(far_loop, {"inside", 1}, {}, [this]() -> event_loop& { return far_loop; },
                                 [this](std::unique_ptr<stream> peer) { far = std::move(peer); });
        REQUIRE(opened);
        door = *std::move(opened);
        net.connect(near_loop, {"inside", 1}, {}, 1s, [this](result<std::unique_ptr<stream>> made) { near = *std::move(made); });
        run();
        REQUIRE(near);
        REQUIRE(far);
    }
    void run() {
        while (near_loop.run_ready() + far_loop.run_ready() > 0) {
        }
    }
    static std::vector<write_piece> text(const std::string& content) {
        auto owner = std::make_shared<const std::string>(content);
        write_piece piece;
        piece.memory = as_bytes(*owner);
        piece.owner = owner;
        return {piece};
    }
    std::optional<result<std::size_t>> read(stream& from, std::size_t most = 64) {
        inbox.assign(most, std::byte{0});
        std::optional<result<std::size_t>> got;
        from.read_some(inbox, [&](result<std::size_t> count) { got = std::move(count); });
        CHECK_FALSE(got);  // never inside the call
        run();
        return got;
    }
    std::optional<result<void>> write(stream& to, const std::string& content) {
        auto done = std::make_shared<std::optional<result<void>>>();
        to.write(text(content), [done](result<void> outcome) { *done = std::move(outcome); });
        run();
        return *done;
    }
    bytes inbox;
};

}  // namespace

TEST_CASE_FIXTURE(pair_fixture, "bytes arrive in order, in the pieces the reader asks for") {
    CHECK(*write(*near, "hello"));
    CHECK(*write(*near, " world"));
    auto got = read(*far, 7);
    REQUIRE(got);
    CHECK(**got == 7);
    CHECK(as_text(inbox) == "hello w");
    got = read(*far);
    CHECK(**got == 4);
}

TEST_CASE_FIXTURE(pair_fixture, "a reader waits for bytes") {
    std::optional<result<std::size_t>> got;
    inbox.resize(8);
    far->read_some(inbox, [&](result<std::size_t> count) { got = std::move(count); });
    run();
    CHECK_FALSE(got);
    (void)write(*near, "x");
    REQUIRE(got);
    CHECK(**got == 1);
}

TEST_CASE_FIXTURE(pair_fixture, "a writer waits for room") {
    std::optional<result<void>> done;
    near->write(text(std::string(3 << 20, 'x')), [&](result<void> outcome) { done = std::move(outcome); });
    run();
    CHECK_FALSE(done);
    for (int i = 0; i < 2; ++i) (void)read(*far, 1 << 20);
    REQUIRE(done);
    CHECK(*done);
}

TEST_CASE_FIXTURE(pair_fixture, "what was written before an end is read, then the end") {
    (void)write(*near, "bye");
    near.reset();
    auto got = read(*far);
    CHECK(**got == 3);
    got = read(*far);
    CHECK(**got == 0);
    CHECK(write(*far, "late")->code() == errc::network_exception);
}

TEST_CASE_FIXTURE(pair_fixture, "closing completes what is pending") {
    std::optional<result<std::size_t>> got;
    inbox.resize(8);
    near->read_some(inbox, [&](result<std::size_t> count) { got = std::move(count); });
    near->close();
    CHECK_FALSE(got);
    run();
    REQUIRE(got);
    CHECK(got->code() == errc::closed);
}

TEST_CASE_FIXTURE(pair_fixture, "a loop that is forgotten gets nothing, and its peers hear of it") {
    net.forget(far_loop);
    auto got = read(*near);
    REQUIRE(got);
    CHECK(**got == 0);
    CHECK(write(*near, "x")->code() == errc::network_exception);
    std::optional<errc> refused;
    net.connect(near_loop, {"inside", 1}, {}, 1s, [&](const result<std::unique_ptr<stream>>& made) { refused = made.code(); });
    run();
    CHECK(refused == errc::refused);
}

TEST_CASE_FIXTURE(pair_fixture, "an address has one listener, and is free when that is gone") {
    const auto pick = [this]() -> event_loop& { return far_loop; };
    CHECK(net.listen(far_loop, {"inside", 1}, {}, pick, [](std::unique_ptr<stream>) {}).code() == errc::in_use);
    door.reset();
    CHECK(net.listen(far_loop, {"inside", 1}, {}, pick, [](std::unique_ptr<stream>) {}));
}

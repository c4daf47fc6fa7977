#include <weir/base/sim/world.hpp>
#include <weir/base/task.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

using namespace weir;
using namespace std::chrono_literals;

namespace {

const socket_options defaults;

write_piece piece_of(std::string text) {
    auto owner = std::make_shared<std::string>(std::move(text));
    write_piece piece;
    piece.memory = as_bytes(*owner);
    piece.owner = std::move(owner);
    return piece;
}

/// One side of a conversation: collects what comes, says what it is told.
struct talker {
    void adopt(std::unique_ptr<stream> made) {
        stream_ = std::move(made);
        listen_on();
    }
    void say(const std::string& text) {
        std::vector<write_piece> pieces;
        pieces.push_back(piece_of(text));
        stream_->write(std::move(pieces), [this](result<void> outcome) { written.push_back(outcome.code()); });
    }
    void listen_on() {
        stream_->read_some(buffer, [this](result<std::size_t> got) {
            if (!got || *got == 0) {
                ended = got.code();
                return;
            }
            heard.append(as_text(bytes_view{buffer}.first(*got)));
            listen_on();
        });
    }
    std::unique_ptr<stream> stream_;
    bytes buffer = bytes(1000);
    std::string heard;
    std::vector<errc> written;
    std::optional<errc> ended;
};

/// Two machines with one connection from a to b.
struct two_nodes {
    explicit two_nodes(std::uint64_t seed = 1, const sim::link_config& links = {}) : world(seed) {
        world.set_links(links);
        listening = *world.net(b).listen(
            world.loop(b), {"", 9092}, defaults, [this]() -> event_loop& { return world.loop(b); },
            [this](std::unique_ptr<stream> made) { at_b.adopt(std::move(made)); });
        connect();
    }
    void connect() {
        world.net(a).connect(world.loop(a), {"b", 9092}, defaults, 100s, [this](result<std::unique_ptr<stream>> made) {
            if (made) at_a.adopt(std::move(*made));
        });
        REQUIRE(world.run_until([this] { return at_a.stream_ && at_b.stream_; }, 200s));
    }
    sim::world world;
    sim::node_id a = world.add_node("a"), b = world.add_node("b");
    talker at_a, at_b;
    std::unique_ptr<listener> listening;
};

errc try_connect(sim::world& world, sim::node_id from, const endpoint& to, nanoseconds timeout) {
    std::optional<errc> outcome;
    world.net(from).connect(world.loop(from), to, defaults, timeout,
                            [&](result<std::unique_ptr<stream>> made) { outcome = made.code(); });
    world.run_until([&] { return outcome.has_value(); }, timeout * 2);
    return outcome.value_or(errc::unknown_server_error);
}

}  // namespace

TEST_CASE("bytes cross the network, and virtual hours take no time") {
    two_nodes pair;
    const auto start = pair.world.now();
    pair.at_a.say("hello");
    CHECK(pair.world.run_until([&] { return pair.at_b.heard == "hello"; }, 1s));
    CHECK(pair.world.now() > start);
    CHECK(pair.at_a.written == std::vector{errc::none});
    pair.world.loop(pair.a).call_after(5h, [&] { pair.at_a.stream_->close(); });
    CHECK(pair.world.run_until([&] { return pair.at_b.ended == errc::none; }, 6h));
    CHECK(pair.at_a.ended == errc::closed);
}

TEST_CASE("more than the window goes through completely and in order, over a network that loses") {
    sim::link_config bad;
    bad.loss = 0.1;
    bad.break_after_loss = 0;
    bad.window = 20'000;
    bad.give_up_after = 1h;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        two_nodes pair{seed, bad};
        std::string text;
        for (int i = 0; text.size() < 300'000; ++i) text += std::to_string(i) + " ";
        pair.at_a.say(text);
        CHECK(pair.world.run_until([&] { return pair.at_b.heard.size() == text.size(); }, 10h));
        CHECK(pair.at_b.heard == text);
    }
}

TEST_CASE("a reader that does not read holds the writer back") {
    sim::world world{1};
    const auto a = world.add_node("a"), b = world.add_node("b");
    std::unique_ptr<stream> server;
    const auto listening = world.net(b).listen(
        world.loop(b), {"b", 1}, defaults, [&]() -> event_loop& { return world.loop(b); },
        [&](std::unique_ptr<stream> made) { server = std::move(made); });
    talker client;
    world.net(a).connect(world.loop(a), {"b", 1}, defaults, 1s,
                         [&](result<std::unique_ptr<stream>> made) { client.adopt(std::move(*made)); });
    world.run_for(1s);
    client.say(std::string(1 << 20, 'x'));
    world.run_for(10s);
    CHECK(client.written.empty());
    bytes buffer(1 << 20);
    std::size_t got = 0;
    function<void()> read = [&] {
        server->read_some(buffer, [&](result<std::size_t> count) {
            got += *count;
            if (got < buffer.size()) read();
        });
    };
    read();
    world.run_for(10s);
    CHECK(got == buffer.size());
    CHECK(client.written == std::vector{errc::none});
}

TEST_CASE("the same seed gives the same run, another one another") {
    const auto trace = [](std::uint64_t seed) {
        sim::link_config links;
        links.loss = 0.05;
        two_nodes pair{seed, links};
        std::vector<std::int64_t> times;
        pair.world.after_each_event([&] { times.push_back(pair.world.now().time_since_epoch().count()); });
        for (int i = 0; i < 20; ++i) {
            if (!pair.at_a.ended) pair.at_a.say("message " + std::to_string(i));
            pair.world.run_for(10ms);
        }
        return times;
    };
    const auto first = trace(7);
    CHECK(first.size() > 50);
    CHECK(first == trace(7));
    CHECK(first != trace(8));
}

TEST_CASE("what happens at one instant happens in either order, over seeds") {
    std::set<std::string> seen;
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        sim::world world{seed};
        const auto a = world.add_node("a"), b = world.add_node("b");
        std::string order;
        world.loop(a).post([&] { order += 'a'; });
        world.loop(b).post([&] { order += 'b'; });
        world.run_for(1ms);
        seen.insert(order);
    }
    CHECK(seen == std::set<std::string>{"ab", "ba"});
}

TEST_CASE("connections overtake each other, bytes of one do not") {
    int overtaken = 0;
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        two_nodes pair{seed};
        talker second;
        talker* const first_at_b = &pair.at_b;
        auto other = pair.world.net(pair.b).listen(
            pair.world.loop(pair.b), {"b", 2}, defaults, [&]() -> event_loop& { return pair.world.loop(pair.b); },
            [&](std::unique_ptr<stream> made) { second.adopt(std::move(made)); });
        talker client;
        pair.world.net(pair.a).connect(pair.world.loop(pair.a), {"b", 2}, defaults, 1s,
                                       [&](result<std::unique_ptr<stream>> made) { client.adopt(std::move(*made)); });
        pair.world.run_for(1s);
        pair.world.after_each_event([&] {
            if (!second.heard.empty() && first_at_b->heard.empty()) ++overtaken;
        });
        pair.at_a.say("sent first");
        client.say("sent second");
        pair.world.run_until([&] { return !second.heard.empty() && !first_at_b->heard.empty(); }, 1s);
        pair.world.after_each_event(nullptr);
    }
    CHECK(overtaken > 0);
}

TEST_CASE("a one-way cut stalls one direction only, and healing lets it through") {
    two_nodes pair;
    pair.world.cut(pair.a, pair.b);
    pair.at_a.say("from a");
    pair.at_b.say("from b");
    pair.world.run_for(5s);
    CHECK(pair.at_a.heard == "from b");
    CHECK(pair.at_b.heard.empty());
    pair.world.heal(pair.a, pair.b);
    pair.world.run_for(10s);
    CHECK(pair.at_b.heard == "from a");
    CHECK_FALSE(pair.at_a.ended);
}

TEST_CASE("a cut that lasts breaks the sender's connection; the other side hears nothing until it speaks") {
    two_nodes pair;
    pair.world.isolate(pair.b);
    pair.at_a.say("lost");
    pair.world.run_for(1min);
    CHECK(pair.at_a.ended == errc::network_exception);
    CHECK_FALSE(pair.at_b.ended);
    CHECK(try_connect(pair.world, pair.a, {"b", 9092}, 3s) == errc::timed_out);
    pair.world.heal_all();
    CHECK(try_connect(pair.world, pair.a, {"b", 9092}, 3s) == errc::none);
}

TEST_CASE("connecting: refused without a listener, silence from a machine that is off, no such name") {
    sim::world world{1};
    const auto a = world.add_node("a"), b = world.add_node("b");
    CHECK(try_connect(world, a, {"b", 1}, 1s) == errc::refused);
    CHECK(try_connect(world, a, {"c", 1}, 1s) == errc::not_found);
    world.kill(b);
    CHECK(try_connect(world, a, {"b", 1}, 1s) == errc::refused);
    world.restart(b);
    world.crash(b);
    CHECK(try_connect(world, a, {"b", 1}, 1s) == errc::timed_out);
    const auto here = [&]() -> event_loop& { return world.loop(a); };
    const auto one = world.net(a).listen(world.loop(a), {"a", 5}, defaults, here, [](std::unique_ptr<stream>) {});
    CHECK(world.net(a).listen(world.loop(a), {"", 5}, defaults, here, [](std::unique_ptr<stream>) {}).code() == errc::in_use);
    CHECK(try_connect(world, a, {"localhost", 5}, 1s) == errc::none);
}

TEST_CASE("a killed process resets its connections, takes no more steps, and keeps what it wrote") {
    two_nodes pair;
    auto& old_loop = pair.world.loop(pair.b);
    bool ran = false;
    old_loop.call_after(1s, [&] { ran = true; });
    auto file = *pair.world.disk(pair.b).open("/f", open_mode::create);
    *file->write_at(0, as_bytes("unsynced"));
    pair.world.kill(pair.b);
    old_loop.post([&] { ran = true; });
    pair.world.run_for(10s);
    CHECK_FALSE(ran);
    CHECK(pair.at_a.ended == errc::network_exception);
    CHECK_FALSE(pair.at_b.ended);
    pair.world.restart(pair.b);
    CHECK(&pair.world.loop(pair.b) != &old_loop);
    CHECK(as_text(*read_file(pair.world.disk(pair.b), "/f")) == "unsynced");
    CHECK(file->size().code() == errc::closed);
    pair.world.loop(pair.b).post([&] { ran = true; });
    pair.world.run_for(1s);
    CHECK(ran);
}

TEST_CASE("a power cut loses what was not synced, and over seeds peers learn of it by reset or only by silence") {
    int reset = 0, silent = 0;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        two_nodes pair{seed};
        *(*pair.world.disk(pair.b).open("/f", open_mode::create))->write_at(0, as_bytes("x"));
        pair.world.crash(pair.b, sim::unsynced::lost);
        pair.world.run_for(1min);
        pair.at_a.ended ? ++reset : ++silent;
        CHECK_FALSE(pair.world.disk(pair.b).exists("/f"));
        if (pair.at_a.ended) continue;
        pair.world.restart(pair.b);
        pair.at_a.say("are you there?");
        pair.world.run_for(1min);
        CHECK(pair.at_a.ended == errc::network_exception);
    }
    CHECK(reset > 0);
    CHECK(silent > 0);
}

TEST_CASE("writing to a peer that closed ends in a reset") {
    two_nodes pair;
    pair.at_b.stream_.reset();
    pair.world.run_for(1s);
    CHECK(pair.at_a.ended == errc::none);
    pair.at_a.say("anybody?");
    pair.world.run_for(1s);
    pair.at_a.say("anybody?");
    pair.world.run_for(1s);
    CHECK(pair.at_a.written.back() == errc::network_exception);
}

TEST_CASE("streams close as real ones do: pending callbacks at once when dropped, later when closed") {
    two_nodes pair;
    bool inside = true;
    errc code = errc::none;
    pair.at_a.stream_->close();
    CHECK_FALSE(pair.at_a.ended);
    pair.world.run_for(1s);
    CHECK(pair.at_a.ended == errc::closed);
    pair.at_b.stream_->close();
    pair.world.run_for(1s);
    pair.at_b.stream_->read_some(pair.at_b.buffer, [&](result<std::size_t> got) {
        CHECK(inside);
        code = got.code();
    });
    pair.at_b.stream_.reset();
    inside = false;
    CHECK(code == errc::closed);
}

TEST_CASE("a paused machine stands still while time passes elsewhere") {
    sim::world world{1};
    const auto a = world.add_node("a"), b = world.add_node("b");
    std::vector<std::string> seen;
    world.pause(a, 10s);
    world.loop(a).call_after(1s, [&] { seen.push_back("a"); });
    world.loop(b).call_after(5s, [&] { seen.push_back("b"); });
    world.run_for(6s);
    CHECK(seen == std::vector<std::string>{"b"});
    world.run_for(5s);
    CHECK(seen == std::vector<std::string>{"b", "a"});
}

TEST_CASE("loops of one machine are dealt connections, and steps know where they run") {
    sim::world world{1};
    const auto a = world.add_node("a"), b = world.add_node("b", 2);
    int turn = 0;
    std::vector<std::unique_ptr<stream>> kept;
    std::vector<int> loops;
    const auto listening = world.net(b).listen(
        world.loop(b, 0), {"b", 1}, defaults, [&]() -> event_loop& { return world.loop(b, turn++ % 2); },
        [&](std::unique_ptr<stream> made) {
            kept.push_back(std::move(made));
            loops.push_back(world.loop(b, 1).running_here() ? 1 : 0);
            CHECK(world.loop(b, 0).running_here() != world.loop(b, 1).running_here());
        });
    for (int i = 0; i < 4; ++i) {
        world.net(a).connect(world.loop(a), {"b", 1}, defaults, 1s,
                             [&](result<std::unique_ptr<stream>> made) { kept.push_back(std::move(*made)); });
    }
    world.run_for(1s);
    CHECK(std::ranges::count(loops, 0) == 2);
    CHECK(std::ranges::count(loops, 1) == 2);
}

TEST_CASE("scripted misfortune happens at its time, and wall clocks can differ") {
    sim::world world{1};
    const auto a = world.add_node("a"), b = world.add_node("b");
    world.at(world.now() + 3s, [&] { world.crash(a); });
    world.run_for(2s);
    CHECK(world.is_up(a));
    world.run_for(2s);
    CHECK_FALSE(world.is_up(a));
    CHECK(world.is_up(b));
    const auto before = world.loop(b).wall_now();
    world.jump_wall(b, -5s);
    CHECK(world.loop(b).wall_now() == before - 5000);
    CHECK(world.events() >= 1);
}

TEST_CASE("a world where steps feed each other without time passing is stopped, not endless") {
    sim::world world{5};
    const auto a = world.add_node("a");
    struct endless {
        event_loop& loop;
        void again() { loop.post([this] { again(); }); }
    } endless{world.loop(a)};
    endless.again();
    CHECK_THROWS_WITH(world.run_for(1s), doctest::Contains("seed 5"));
}

namespace {

struct witness {
    explicit witness(int& gone) : gone(&gone) {}
    witness(const witness&) = delete;
    ~witness() { ++*gone; }
    int* gone;
};

task<void> read_for_ever(std::unique_ptr<stream> from, int& gone) {
    witness here{gone};
    bytes buffer(10);
    for (;;) {
        const auto got = co_await completion<result<std::size_t>>(
            [&](function<void(result<std::size_t>)> done) { from->read_some(buffer, std::move(done)); });
        if (!got || *got == 0) co_return;
    }
}

task<void> tick_for_ever(event_loop& loop, int& gone) {
    witness here{gone};
    for (;;) co_await pause_for(loop, 1s);
}

}  // namespace

TEST_CASE("a crash takes the coroutines of the machine along, whatever they wait for") {
    sim::world world{3};
    const auto a = world.add_node("a"), b = world.add_node("b");
    int gone_reading = 0, gone_ticking = 0;
    const auto listening = world.net(b).listen(
        world.loop(b), {"b", 1}, defaults, [&]() -> event_loop& { return world.loop(b); },
        [&](std::unique_ptr<stream> made) { spawn(read_for_ever(std::move(made), gone_reading)); });
    talker client;
    world.net(a).connect(world.loop(a), {"b", 1}, defaults, 1s,
                         [&](result<std::unique_ptr<stream>> made) { client.adopt(std::move(*made)); });
    spawn(tick_for_ever(world.loop(b), gone_ticking));
    world.run_for(10s);
    CHECK(gone_reading + gone_ticking == 0);
    world.crash(b);
    CHECK(gone_reading == 1);
    CHECK(gone_ticking == 1);
    world.run_for(10s);
}

namespace {

/// As connections do: what waits for the stream owns it.
struct self_owned {
    std::unique_ptr<stream> of;
    bytes buffer = bytes(10);
    static void adopt(std::unique_ptr<stream> made, int& gone) {
        const auto self = std::make_shared<self_owned>();
        const auto here = std::make_shared<witness>(gone);
        self->of = std::move(made);
        self->of->read_some(self->buffer, [self, here](result<std::size_t>) {});
        std::vector<write_piece> pieces;
        pieces.push_back(piece_of(std::string(10 << 20, 'x')));  // more than fits
        self->of->write(std::move(pieces), [self, here](result<void>) {});
    }
};

}  // namespace

TEST_CASE("the end of a world takes everything along that waits in it") {
    int gone = 0;
    {
        sim::world world{3};
        const auto a = world.add_node("a"), b = world.add_node("b");
        const auto listening = world.net(b).listen(
            world.loop(b), {"b", 1}, defaults, [&]() -> event_loop& { return world.loop(b); }, [&](std::unique_ptr<stream> made) { self_owned::adopt(std::move(made), gone); });
        world.net(a).connect(world.loop(a), {"b", 1}, defaults, 1s, [&](result<std::unique_ptr<stream>> made) { self_owned::adopt(*std::move(made), gone); });
        spawn(tick_for_ever(world.loop(b), gone));
        world.run_for(10s);
        CHECK(gone == 0);
    }
    CHECK(gone == 3);
}

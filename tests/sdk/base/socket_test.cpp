#include <weir/base/asio_runtime.hpp>
#include <weir/base/posix_files.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <optional>
#include <string>
#include <vector>

#include <netinet/in.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace weir;
using namespace std::chrono_literals;

namespace {

const socket_options defaults;

/// Two loops, a listener on the first that deals connections to the second, and a client stream on the first.
struct connected_pair {
    explicit connected_pair(const socket_options& options = {}) {
        rt.start();
        run_on(0, [&] {
            auto listening = rt.net().listen(
                rt.loop(0), {"127.0.0.1", 0}, options, [this]() -> event_loop& { return rt.loop(1); },
                [this](std::unique_ptr<stream> accepted) {
                    server = std::move(accepted);
                    arrived.set_value();
                });
            listener_ = std::move(*listening);
            rt.net().connect(rt.loop(0), listener_->local(), options, 5s, [this](result<std::unique_ptr<stream>> made) {
                client = std::move(*made);
                connected.set_value();
            });
        });
        arrived.get_future().wait();
        connected.get_future().wait();
    }
    ~connected_pair() {
        run_on(1, [&] { server.reset(); });
        run_on(0, [&] {
            client.reset();
            listener_.reset();
        });
        rt.stop();
        rt.join();
    }
    /// Runs `step` on a loop and waits for it.
    void run_on(int loop, function<void()> step) {
        std::promise<void> ran;
        rt.loop(loop).post([&] {
            step();
            ran.set_value();
        });
        ran.get_future().wait();
    }

    runtime rt{2};
    std::promise<void> arrived, connected;
    std::unique_ptr<listener> listener_;
    std::unique_ptr<stream> client, server;
};

write_piece piece_of(std::string text) {
    auto owner = std::make_shared<std::string>(std::move(text));
    write_piece piece;
    piece.memory = as_bytes(*owner);
    piece.owner = std::move(owner);
    return piece;
}

std::vector<write_piece> pieces_of(std::string text) {
    std::vector<write_piece> pieces;
    pieces.push_back(piece_of(std::move(text)));
    return pieces;
}

/// Reads until the peer has finished or something fails.
struct collector {
    explicit collector(stream& from) : from(from) {}
    void go_on() {
        from.read_some(buffer, [this](result<std::size_t> got) {
            if (!got || *got == 0) {
                ended = got.code();
                all.set_value();
                return;
            }
            text.append(as_text(bytes_view{buffer}.first(*got)));
            go_on();
        });
    }
    stream& from;
    bytes buffer = bytes(16 << 10);
    std::string text;
    errc ended = errc::none;
    std::promise<void> all;
};

}  // namespace

TEST_CASE("bytes go both ways between loops, and the end of one side is seen by the other") {
    connected_pair pair;
    CHECK(pair.client->remote() == pair.server->local());
    CHECK(pair.client->local() == pair.server->remote());
    collector to_server{*pair.server};
    pair.run_on(1, [&] { to_server.go_on(); });
    std::promise<errc> written;
    pair.run_on(0, [&] {
        std::vector<write_piece> pieces;
        for (int i = 0; i < 200; ++i) pieces.push_back(piece_of(std::to_string(i) + ","));
        pieces.push_back(piece_of(""));
        pair.client->write(std::move(pieces), [&](result<void> outcome) { written.set_value(outcome.code()); });
    });
    CHECK(written.get_future().get() == errc::none);
    pair.run_on(0, [&] { pair.client->close(); });
    to_server.all.get_future().wait();
    CHECK(to_server.ended == errc::none);
    CHECK(to_server.text.starts_with("0,1,2,"));
    CHECK(to_server.text.ends_with("198,199,"));
}

TEST_CASE("more than the socket takes at once is written completely, memory and files mixed") {
    char name[] = "/tmp/weir-test-XXXXXX";
    ::close(::mkstemp(name));
    const auto files = make_posix_files();
    const auto file = *files->open(name, open_mode::write);
    std::string content;
    for (int i = 0; content.size() < 3'000'000; ++i) content += std::to_string(i) + ";";
    *file->write_at(0, as_bytes(content));

    /// The same bytes, without a descriptor to send from.
    struct hidden final : weir::file {
        explicit hidden(file_ptr inner) : inner(std::move(inner)) {}
        result<std::size_t> read_at(std::uint64_t offset, mutable_bytes into) const override {
            return inner->read_at(offset, into);
        }
        result<void> write_at(std::uint64_t, std::span<const bytes_view>) override { return errc::io_error; }
        result<void> truncate(std::uint64_t) override { return errc::io_error; }
        result<std::uint64_t> size() const override { return inner->size(); }
        result<void> sync() override { return {}; }
        const std::string& path() const noexcept override { return inner->path(); }
        file_ptr inner;
    };

    socket_options small;
    small.send_buffer_bytes = 8 << 10;
    small.receive_buffer_bytes = 8 << 10;
    connected_pair pair{small};
    collector to_client{*pair.client};
    pair.run_on(0, [&] { to_client.go_on(); });
    std::promise<errc> written;
    pair.run_on(1, [&] {
        std::vector<write_piece> pieces;
        pieces.push_back(piece_of("begin" + std::string(2'000'000, 'm')));
        write_piece from_file;
        from_file.source = file;
        from_file.source_offset = 7;
        from_file.source_bytes = content.size() - 7;
        pieces.push_back(std::move(from_file));
        pieces.push_back(piece_of("middle"));
        write_piece copied;
        copied.source = std::make_shared<hidden>(file);
        copied.source_offset = 3;
        copied.source_bytes = 500'000;
        pieces.push_back(std::move(copied));
        pieces.push_back(piece_of("end"));
        pair.server->write(std::move(pieces), [&](result<void> outcome) { written.set_value(outcome.code()); });
    });
    CHECK(written.get_future().get() == errc::none);
    pair.run_on(1, [&] { pair.server->close(); });
    to_client.all.get_future().wait();
    const auto expected =
        "begin" + std::string(2'000'000, 'm') + content.substr(7) + "middle" + content.substr(3, 500'000) + "end";
    CHECK(to_client.text.size() == expected.size());
    CHECK(to_client.text == expected);
    ::unlink(name);
}

TEST_CASE("a file shorter than promised fails the write with its name") {
    char name[] = "/tmp/weir-test-XXXXXX";
    ::close(::mkstemp(name));
    const auto files = make_posix_files();
    connected_pair pair;
    std::promise<error> written;
    pair.run_on(1, [&] {
        std::vector<write_piece> pieces(1);
        pieces[0].source = *files->open(name, open_mode::read);
        pieces[0].source_bytes = 100;
        pair.server->write(std::move(pieces), [&](result<void> outcome) { written.set_value(outcome.error()); });
    });
    const auto why = written.get_future().get();
    CHECK(why.code() == errc::io_error);
    CHECK(why.what().find(name) != std::string_view::npos);
    ::unlink(name);
}

TEST_CASE("closing completes what is pending with errc::closed, later and not inside close()") {
    connected_pair pair;
    bytes buffer(10);
    std::promise<errc> read;
    bool inside = true;
    pair.run_on(0, [&] {
        pair.client->read_some(buffer, [&](result<std::size_t> got) { read.set_value(inside ? errc::none : got.code()); });
        pair.client->close();
        inside = false;
        pair.client->close();
    });
    CHECK(read.get_future().get() == errc::closed);
    std::promise<errc> after;
    pair.run_on(0, [&] {
        pair.client->write(pieces_of("x"), [&](result<void> outcome) { after.set_value(outcome.code()); });
    });
    CHECK(after.get_future().get() == errc::closed);
}

TEST_CASE("dropping a stream runs its pending callbacks before it is gone") {
    connected_pair pair;
    bytes buffer(10);
    errc read = errc::none, written = errc::none;
    pair.run_on(0, [&] {
        pair.client->read_some(buffer, [&](result<std::size_t> got) { read = got.code(); });
        // More than any socket buffers takes: the write stays pending.
        pair.client->write(pieces_of(std::string(64 << 20, 'x')), [&](result<void> outcome) { written = outcome.code(); });
        pair.client.reset();
        CHECK(read == errc::closed);
        CHECK(written == errc::closed);
    });
}

TEST_CASE("a stream may be dropped inside its own callbacks") {
    connected_pair pair;
    bytes buffer(10);
    std::promise<void> dropped_in_read, dropped_in_write;
    pair.run_on(0, [&] {
        pair.client->read_some(buffer, [&](result<std::size_t>) {
            pair.client.reset();
            dropped_in_read.set_value();
        });
    });
    pair.run_on(1, [&] {
        pair.server->write(pieces_of("hi"), [&](result<void>) {
            pair.server.reset();
            dropped_in_write.set_value();
        });
    });
    dropped_in_read.get_future().wait();
    dropped_in_write.get_future().wait();
}

TEST_CASE("a peer that resets is told apart from one that has finished") {
    connected_pair pair;
    bytes buffer(10);
    // Data that was never read makes the close a reset.
    std::promise<void> written;
    pair.run_on(0, [&] {
        pair.client->write(pieces_of("unread"), [&](result<void>) { written.set_value(); });
    });
    written.get_future().wait();
    pair.run_on(1, [&] {
        pair.rt.loop(1).call_after(20ms, [&] { pair.server.reset(); });
    });
    std::promise<error> failed;
    pair.run_on(0, [&] {
        pair.client->read_some(buffer, [&](result<std::size_t> got) { failed.set_value(got.error()); });
    });
    const auto why = failed.get_future().get();
    CHECK(why.code() == errc::network_exception);
    CHECK(why.what().find("127.0.0.1:") != std::string_view::npos);
}

TEST_CASE("connecting to nobody is refused, to silence times out, to no name fails; all name the endpoint") {
    runtime rt{1};
    rt.start();
    const auto attempt = [&](const endpoint& to, nanoseconds timeout) {
        std::promise<error> outcome;
        rt.loop(0).post([&] {
            rt.net().connect(rt.loop(0), to, defaults, timeout, [&](result<std::unique_ptr<stream>> made) {
                outcome.set_value(made ? error{} : made.error());
            });
        });
        return outcome.get_future().get();
    };
    const auto refused = attempt({"127.0.0.1", 1}, 5s);
    CHECK(refused.code() == errc::refused);
    CHECK(refused.what().find("127.0.0.1:1") != std::string_view::npos);
    CHECK(attempt({"localhost", 1}, 5s).code() == errc::refused);
    const auto nameless = attempt({"no-such-host.invalid", 9092}, 30s);
    CHECK((nameless.code() == errc::not_found || nameless.code() == errc::io_error));  // there is no such name, or nobody who knows
    CHECK(nameless.what().find("no-such-host.invalid") != std::string_view::npos);
    // A queue of callers that is full: the kernel ignores the next one, who hears nothing.
    const int silent = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof where;
    REQUIRE(::bind(silent, reinterpret_cast<const sockaddr*>(&where), size) == 0);
    REQUIRE(::listen(silent, 0) == 0);
    ::getsockname(silent, reinterpret_cast<sockaddr*>(&where), &size);
    error unheard{errc::none};
    for (int i = 0; i < 5 && unheard.code() == errc::none; ++i) unheard = attempt({"127.0.0.1", ntohs(where.sin_port)}, 100ms);
    CHECK(unheard.code() == errc::timed_out);
    CHECK(unheard.what().find(std::to_string(ntohs(where.sin_port))) != std::string_view::npos);
    ::close(silent);
}

TEST_CASE("a port in use is refused with its name, and every-address listeners take IPv4") {
    runtime rt{1};
    rt.start();
    std::promise<std::string> outcome;
    rt.loop(0).post([&] {
        const auto here = [&]() -> event_loop& { return rt.loop(0); };
        auto first = rt.net().listen(rt.loop(0), {"", 0}, defaults, here, [](std::unique_ptr<stream>) {});
        REQUIRE(first);
        const auto port = (*first)->local().port;
        const auto second = rt.net().listen(rt.loop(0), {"127.0.0.1", port}, defaults, here, [](std::unique_ptr<stream>) {});
        REQUIRE_FALSE(second);
        CHECK(second.code() == errc::in_use);
        CHECK(second.error().what().find("127.0.0.1:" + std::to_string(port)) != std::string_view::npos);
        rt.net().connect(rt.loop(0), {"127.0.0.1", port}, defaults, 5s,
                         [&, keep = std::move(*first)](result<std::unique_ptr<stream>> made) {
                             outcome.set_value(made ? "connected" : made.error().message());
                         });
    });
    CHECK(outcome.get_future().get() == "connected");
}

TEST_CASE("without a descriptor left, accepting pauses without spinning and then goes on") {
    connected_pair pair;
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    const int next = ::dup(0);
    ::close(next);
    const rlimit tight{static_cast<rlim_t>(next + 1), limit.rlim_max};
    std::promise<void> second;
    pair.arrived = std::promise<void>{};
    ::setrlimit(RLIMIT_NOFILE, &tight);
    std::unique_ptr<stream> other;
    pair.run_on(0, [&] {
        pair.rt.net().connect(pair.rt.loop(0), pair.listener_->local(), defaults, 5s,
                              [&](result<std::unique_ptr<stream>> made) {
                                  if (made) other = std::move(*made);
                                  second.set_value();
                              });
    });
    second.get_future().wait();  // the kernel completes it, although nobody can accept
    rusage before{}, after{};
    std::promise<void> waited;
    pair.run_on(0, [&] {
        ::getrusage(RUSAGE_SELF, &before);
        pair.rt.loop(0).call_after(250ms, [&] {
            ::getrusage(RUSAGE_SELF, &after);
            waited.set_value();
        });
    });
    waited.get_future().wait();
    CHECK(after.ru_nvcsw - before.ru_nvcsw < 50);
    pair.run_on(1, [&] { pair.server.reset(); });
    ::setrlimit(RLIMIT_NOFILE, &limit);
    CHECK(pair.arrived.get_future().wait_for(5s) == std::future_status::ready);
    pair.run_on(0, [&] { other.reset(); });
}

TEST_CASE("many connections at once are dealt to the loops asked for") {
    runtime rt{3};
    rt.start();
    constexpr int many = 60;
    std::atomic<int> on_right_loop = 0, accepted = 0;
    std::promise<void> all;
    std::vector<std::unique_ptr<stream>> served[3], clients;
    std::unique_ptr<listener> listening;
    int turn = 0;
    rt.loop(0).post([&] {
        listening = *rt.net().listen(
            rt.loop(0), {"localhost", 0}, defaults, [&]() -> event_loop& { return rt.loop(turn++ % 3); },
            [&](std::unique_ptr<stream> made) {
                for (int i = 0; i < 3; ++i) {
                    if (!rt.loop(i).running_here()) continue;
                    ++on_right_loop;
                    served[i].push_back(std::move(made));
                }
                if (++accepted == many) all.set_value();
            });
        for (int i = 0; i < many; ++i) {
            rt.net().connect(rt.loop(0), {"localhost", listening->local().port}, defaults, 5s,
                             [&](result<std::unique_ptr<stream>> made) { clients.push_back(std::move(*made)); });
        }
    });
    all.get_future().wait();
    CHECK(on_right_loop == many);
    rt.stop();
    rt.join();
    for (const auto& each : served) CHECK(each.size() == many / 3);
}

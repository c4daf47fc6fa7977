#include "http_listener.hpp"

#include <weir/base/task.hpp>

#include <boost/beast/core/flat_static_buffer.hpp>
#include <boost/beast/http.hpp>

#include <sstream>

namespace weir::broker {
namespace {

namespace http = boost::beast::http;
using namespace std::chrono_literals;

constexpr std::size_t request_limit = 8 * 1024;
constexpr auto idle_limit = 30s;

using parser = http::request_parser<http::empty_body>;

std::string print(http::response<http::string_body>& answer) {
    answer.prepare_payload();
    std::ostringstream text;
    text << answer;
    return text.str();
}

}  // namespace

struct http_listener::state {
    event_loop& loop;
    network& net;
    const metrics::registry& registry;
    function<std::vector<std::string>()> troubles;
    function<task<void>()> refresh;
    std::unique_ptr<listener> listening;

    http::response<http::string_body> answer(const parser::value_type& request) {
        http::response<http::string_body> made{http::status::ok, request.version()};
        made.keep_alive(request.keep_alive());
        made.set(http::field::content_type, "text/plain; charset=utf-8");
        const std::string target{request.target()};
        if (request.method() != http::verb::get && request.method() != http::verb::head) {
            made.result(http::status::method_not_allowed);
            made.set(http::field::allow, "GET, HEAD");
        } else if (target == "/metrics") {
            made.set(http::field::content_type, "text/plain; version=0.0.4; charset=utf-8");
            made.body() = registry.text();
        } else if (target == "/health") {
            const auto told = troubles();
            made.result(told.empty() ? http::status::ok : http::status::service_unavailable);
            if (told.empty()) made.body() = "ok\n";
            for (const auto& each : told) made.body() += each + "\n";
        } else {
            made.result(http::status::not_found);
            made.body() = "there are /metrics and /health\n";
        }
        return made;
    }

    static task<void> serve(std::shared_ptr<state> self, std::shared_ptr<stream> peer);
    static task<bool> read_request(state& self, stream& peer, boost::beast::flat_static_buffer<request_limit>& inbox, parser& into);
};

task<bool> http_listener::state::read_request(state& self, stream& peer, boost::beast::flat_static_buffer<request_limit>& inbox, parser& into) {
    const auto deadline = self.loop.call_after(idle_limit, [&peer] { peer.close(); });
    bool fine = true;
    while (fine && !into.is_done()) {
        boost::system::error_code problem;
        if (inbox.size() > 0) inbox.consume(into.put(inbox.data(), problem));
        if (problem && problem != http::error::need_more) fine = false;
        if (!fine || into.is_done()) break;
        if (inbox.size() == inbox.max_size()) { fine = false; break; }
        const auto room = inbox.prepare(inbox.max_size() - inbox.size());
        auto reading = completion<result<std::size_t>>([&](function<void(result<std::size_t>)> done) {
            peer.read_some({static_cast<std::byte*>(room.data()), room.size()}, std::move(done));
        });
        const auto got = co_await reading;
        fine = got && *got > 0;
        if (fine) inbox.commit(*got);
    }
    self.loop.cancel(deadline);
    co_return fine;
}

task<void> http_listener::state::serve(std::shared_ptr<state> self, std::shared_ptr<stream> peer) {
    boost::beast::flat_static_buffer<request_limit> inbox;
    for (bool more = true; more;) {
        parser request;
        request.eager(true);
        request.header_limit(request_limit);
        auto reading = read_request(*self, *peer, inbox, request);
        if (!co_await reading) break;
        if (request.get().target() == "/metrics") {
            auto refreshing = self->refresh();
            co_await refreshing;
        }
        auto made = self->answer(request.get());
        more = request.get().keep_alive();
        const bool head = request.get().method() == http::verb::head;
        auto text = std::make_shared<std::string>(print(made));
        if (head) text->resize(text->find("\r\n\r\n") + 4);
        std::vector<write_piece> pieces;
        pieces.push_back({text, as_bytes(*text), nullptr, 0, 0});
        auto writing = completion<result<void>>([&](function<void(result<void>)> done) { peer->write(std::move(pieces), std::move(done)); });
        const auto written = co_await writing;
        if (!written) break;
    }
    peer->close();
}

http_listener::http_listener(event_loop& loop, network& net, const metrics::registry& registry, function<std::vector<std::string>()> troubles, function<task<void>()> refresh)
    : state_(new state{loop, net, registry, std::move(troubles), std::move(refresh), nullptr}) {}

http_listener::~http_listener() { close(); }

result<void> http_listener::open(const endpoint& on) {
    socket_options options;
    auto opened = state_->net.listen(state_->loop, on, options, [this]() -> event_loop& { return state_->loop; },
                                     [self = state_](std::unique_ptr<stream> peer) { spawn(state::serve(self, std::move(peer))); });
    if (!opened) return error{opened.code(), "http.listener on " + to_string(on), opened.error()};
    state_->listening = *std::move(opened);
    return {};
}

const endpoint& http_listener::local() const noexcept { return state_->listening->local(); }

void http_listener::close() noexcept {
    if (!state_->listening) return;
    state_->listening->close();
    state_->listening.reset();  // its callback holds the state
}

}  // namespace weir::broker

#include "http.hpp"

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <fmt/format.h>

#include <charconv>

namespace weir::net {
namespace {

constexpr std::size_t most_body_bytes = 1 << 20;

namespace http = boost::beast::http;
using parser = http::response_parser<http::string_body>;

/// Feeds what came to the parser; what it leaves waits for more. False when the answer is whole.
result<bool> wants_more(parser& into, bytes& unread) {
    while (!into.is_done()) {
        boost::beast::error_code problem;
        const auto taken = into.put(boost::asio::const_buffer{unread.data(), unread.size()}, problem);
        unread.erase(unread.begin(), unread.begin() + static_cast<std::ptrdiff_t>(taken));
        if (problem == http::error::need_more) return true;
        if (problem) return error{errc::malformed, "not an HTTP answer: " + problem.message()};
        if (unread.empty()) return !into.is_done();
    }
    return false;
}

}  // namespace

result<url> parse_url(std::string_view text) {
    url found;
    auto rest = text;
    if (rest.starts_with("https://")) {
        rest.remove_prefix(8);
    } else if (rest.starts_with("http://")) {
        rest.remove_prefix(7);
        found.secure = false;
    } else {
        return error{errc::malformed, "expected is https://host:port/path"};
    }
    const auto end = std::min(rest.find_first_of("/?"), rest.size());
    auto authority = rest.substr(0, end);
    found.target = rest.substr(end);
    if (!found.target.starts_with('/')) found.target.insert(0, "/");
    for (const char c : text) {
        if (c <= ' ' || c == 0x7f || c == '#' || c == '@') return error{errc::malformed, "blanks, users and fragments have no place in it"};
    }
    found.where.port = found.secure ? 443 : 80;
    const auto bracket = authority.rfind(']');
    const auto colon = authority.rfind(':');
    if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
        const auto port = authority.substr(colon + 1);
        const auto [stop, problem] = std::from_chars(port.data(), port.data() + port.size(), found.where.port);
        if (problem != std::errc{} || stop != port.data() + port.size() || found.where.port == 0) return error{errc::malformed, "its port is not between 1 and 65535"};
        authority = authority.substr(0, colon);
    }
    if (authority.starts_with('[') && authority.ends_with(']')) authority = authority.substr(1, authority.size() - 2);
    if (authority.empty()) return error{errc::malformed, "it names no host"};
    found.where.host = authority;
    return found;
}

task<result<http_answer>> http_exchange(event_loop& loop, std::unique_ptr<stream> peer, std::string request, milliseconds timeout) {
    const std::shared_ptr<stream> kept = std::move(peer);
    const auto late = std::make_shared<bool>(false);
    const auto deadline = loop.call_after(timeout, [kept, late] {
        *late = true;
        kept->close();
    });
    const auto failed = [&](const error& why) {
        loop.cancel(deadline);
        return *late ? error{errc::timed_out, fmt::format("no answer within {} ms (sasl.login.read.timeout.ms)", timeout.count())} : why;
    };
    std::vector<write_piece> pieces(1);
    const auto text = std::make_shared<std::string>(std::move(request));
    pieces[0].memory = as_bytes(*text);
    pieces[0].owner = text;
    auto writing = completion<result<void>>([&](function<void(result<void>)> done) { kept->write(std::move(pieces), std::move(done)); });
    if (auto written = co_await writing; !written) co_return failed(written.error());
    parser answer;
    answer.body_limit(most_body_bytes);
    bytes unread, room(8192);
    for (;;) {
        auto reading = completion<result<std::size_t>>([&](function<void(result<std::size_t>)> done) { kept->read_some(room, std::move(done)); });
        auto got = co_await reading;
        if (!got) co_return failed(got.error());
        if (*got == 0) {
            boost::beast::error_code problem;
            answer.put_eof(problem);
            if (problem || !answer.is_done()) co_return failed(error{errc::network_exception, "the connection was closed before the answer was whole"});
            break;
        }
        unread.insert(unread.end(), room.begin(), room.begin() + static_cast<std::ptrdiff_t>(*got));
        auto more = wants_more(answer, unread);
        if (!more) co_return failed(more.error());
        if (!*more) break;
    }
    loop.cancel(deadline);
    http_answer whole{static_cast<int>(answer.get().result_int()), std::move(answer.get().body())};
    co_return whole;
}

std::string form_encoded(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '*';
        if (plain) out.push_back(c);
        else if (c == ' ') out.push_back('+');
        else out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

}  // namespace weir::net

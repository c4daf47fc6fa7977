// What a broker says while a client logs in: way byte (SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER, a token's own words),
// then messages with 0xff between.
#include "fuzz.hpp"

#include "oauth/token_source.hpp"
#include "sasl/mechanism.hpp"

#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

using namespace weir;
using namespace weir::net;
using fuzz::require;

namespace {

constexpr std::string_view password = "pencil-and-paper";

/// Thousands of iterations are allowed, and time each.
bool asks_for_much(std::string_view said) {
    std::size_t digits = 0;
    for (const char c : said) {
        digits = std::isdigit(static_cast<unsigned char>(c)) ? digits + 1 : 0;
        if (digits > 4) return true;
    }
    return false;
}

/// Whether the client says the password by itself. What the broker said may come back, each value as it was and once:
/// SCRAM returns the broker's nonce, and errors quote the broker.
bool tells_password(std::string text, std::string_view heard) {
    std::vector<std::string_view> values;
    while (!heard.empty()) {
        const auto end = std::min(heard.find(','), heard.size());
        values.push_back(heard.substr(0, end).substr(std::min<std::size_t>(2, end)));  // after a letter and '='
        heard.remove_prefix(std::min(end + 1, heard.size()));
    }
    // Long ones first: a short one may be a part of them.
    std::sort(values.begin(), values.end(), [](auto a, auto b) { return a.size() > b.size(); });
    for (const auto value : values) {
        if (value.find(password) == value.npos) continue;
        if (const auto back = text.find(value); back != text.npos) text.replace(back, value.size(), 1, '\0');
    }
    return text.find(password) != text.npos;
}

/// SCRAM proves that each side knows the password. A token has travelled with the first message; nothing is secret after it.
void log_in(sasl::mechanism& exchange, std::string_view script, bool proves) {
    auto said = exchange.step({});
    require(said && *said && !(*said)->empty(), "the client speaks first");
    for (bool more = true; more;) {
        const auto end = std::min(script.find('\xff'), script.size());
        more = end < script.size();
        const auto message = script.substr(0, end);
        script.remove_prefix(std::min(end + 1, script.size()));
        said = exchange.step(as_bytes(message));
        if (!said) {
            require(said.error().code() == errc::sasl_authentication_failed, "a failed login is one");
            require(!proves || !tells_password(said.error().message(), message), "no error has the password in it");
            return;
        }
        if (!*said) {
            require(!proves, "nobody proves a password they do not know");
            return;
        }
        require(!proves || !tells_password(std::string{as_text(**said)}, message), "the password does not travel");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto script = as_text(fuzz::input(data + 1, size - 1));
    switch (data[0] % 4) {
        case 0:
        case 1: {
            if (asks_for_much(script)) return 0;
            const auto hash = data[0] % 4 == 0 ? sasl::scram_hash::sha_256 : sasl::scram_hash::sha_512;
            sasl::scram_identity who{"us,er=", std::string{password}, false};
            log_in(*sasl::scram(hash, std::move(who), "nonce"), script, true);
            break;
        }
        case 2: log_in(*sasl::oauth_bearer("token", {{"name", "value"}}), script, false); break;
        default: {
            fuzz::allocation_budget::start();
            const auto expires = expiry_of(script);
            fuzz::allocation_budget::require_at_most(16 * 1024 + size * 256);
            require(expires == no_timestamp || expires >= 0, "a token ends after 1970 or says nothing");
        }
    }
    return 0;
}

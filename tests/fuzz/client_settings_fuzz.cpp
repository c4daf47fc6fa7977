// Settings of a client by Kafka's names, and the logins in them: way byte (a properties file, or sasl.jaas.config alone).
#include "fuzz.hpp"

#include "config/client_setup.hpp"
#include "config/jaas.hpp"

#include <weir/base/properties.hpp>

#include <algorithm>

using namespace weir;
using namespace weir::detail;
using fuzz::require;

namespace {

void read_login(std::string_view text) {
    fuzz::allocation_budget::start();
    const auto login = parse_jaas(text);
    fuzz::allocation_budget::require_at_most(16 * 1024 + text.size() * 512);
    if (!login) {
        require(login.error().code() == errc::malformed, "what cannot be read is malformed");
        return;
    }
    std::string written = login->module + " required";
    for (const auto& [name, value] : login->options) {
        written += " " + name + "=\"";
        for (const char c : value) {
            if (c == '"' || c == '\\') written += '\\';
            written += c;
        }
        written += '"';
    }
    const auto again = parse_jaas(written + ";");
    require(again && again->module == login->module && again->options == login->options, "a login survives");
}

void resolve(std::string_view text) {
    const auto entries = parse_properties(text);
    if (!entries) return;
    client_setup setup;
    constexpr std::size_t most = 16;
    for (std::size_t i = 0; i < std::min(entries->size(), most); ++i) {
        const auto& each = (*entries)[i];
        if (!each.name.ends_with(".location")) setup.config.extra.set(each.name, each.value, "fuzzed:" + std::to_string(each.line));  // no files here
    }
    const auto made = resolve_client(setup);
    if (!made) {
        require(made.error().code() == errc::invalid_setting && !made.error().what().empty(), "a mistake is a setting's, and is told");
        return;
    }
    if (setup.bootstrap.empty()) return;
    if (const auto brokers = parse_bootstrap(setup.bootstrap)) {
        for (const auto& each : *brokers) require(!each.host.empty() && each.port > 0, "an address is one");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto text = as_text(fuzz::input(data + 1, size - 1));
    if (data[0] % 2 == 0) resolve(text);
    else read_login(text);
    return 0;
}

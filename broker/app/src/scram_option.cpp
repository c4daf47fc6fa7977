#include "scram_option.hpp"

#include <weir/base/base64.hpp>
#include <weir/net/scram.hpp>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <string>

namespace weir::broker {

namespace {

struct mechanism {
    std::string_view name, constant;
    std::int8_t number;
    net::scram_hash hash;
};
constexpr mechanism mechanisms[] = {{"SCRAM-SHA-256", "SCRAM_SHA_256", 1, net::scram_hash::sha_256}, {"SCRAM-SHA-512", "SCRAM_SHA_512", 2, net::scram_hash::sha_512}};
constexpr std::int32_t least_iterations = 4'096, most_iterations = 16'384;
constexpr std::size_t salt_bytes = 24;

error wrong(std::string why) { return error{errc::invalid_setting, std::move(why)}; }

std::string_view unquoted(std::string_view text) {
    if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
    return text;
}

/// The name=value pairs between the brackets; a comma inside quotes is none.
result<std::map<std::string, std::string, std::less<>>> parts_of(std::string_view text) {
    if (!text.starts_with('[')) return wrong("Expected configuration string to start with [");
    if (!text.ends_with(']')) return wrong("Expected configuration string to end with ]");
    text = text.substr(1, text.size() - 2);
    std::map<std::string, std::string, std::less<>> parts;
    while (!text.empty()) {
        bool quoted = false;
        std::size_t end = 0;
        for (; end < text.size() && (quoted || text[end] != ','); ++end) quoted ^= text[end] == '"';
        const auto part = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const auto equals = part.find('=');
        if (equals == part.npos) return wrong("--add-scram: between the brackets are name=value pairs with commas between");
        parts.emplace(part.substr(0, equals), unquoted(part.substr(equals + 1)));
    }
    return parts;
}

}  // namespace

result<protocol::user_scram_credential_record> parse_scram_option(std::string_view text, random_source& random) {
    const auto equals = text.find('=');
    if (equals == text.npos) return wrong("Failed to find equals sign in SCRAM argument '" + std::string{text} + "'");
    const mechanism* how = nullptr;
    for (const auto& each : mechanisms)
        if (each.name == text.substr(0, equals)) how = &each;
    if (!how) return wrong("The add-scram mechanism " + std::string{text.substr(0, equals)} + " is not supported.");
    auto parts = parts_of(text.substr(equals + 1));
    if (!parts) return parts.error();
    const auto take = [&](std::string_view name) -> std::optional<std::string> {
        const auto found = parts->find(name);
        if (found == parts->end()) return std::nullopt;
        auto value = std::move(found->second);
        parts->erase(found);
        return value;
    };
    const auto name = take("name"), password = take("password"), salt = take("salt"), hash = take("saltedpassword"), count = take("iterations");
    if (!parts->empty()) return wrong("Unknown SCRAM configurations: " + parts->begin()->first);
    if (!name || name->empty()) return wrong("You must supply 'name' to add-scram");
    if (!password && !hash) return wrong("You must supply one of 'password' or 'saltedpassword' to add-scram");

    protocol::user_scram_credential_record made;
    made.name = *name;
    made.mechanism = how->number;
    made.iterations = least_iterations;
    if (count) {
        const auto [end, failed] = std::from_chars(count->data(), count->data() + count->size(), made.iterations);
        if (failed != std::errc{} || end != count->data() + count->size()) return wrong("The 'iterations' value " + *count + " of add-scram is no number");
    }
    if (made.iterations < least_iterations)
        return wrong("The 'iterations' value must be >= " + std::to_string(least_iterations) + " for add-scram using " + std::string{how->constant});
    if (made.iterations > most_iterations)
        return wrong("The 'iterations' value must be <= " + std::to_string(most_iterations) + " for add-scram using " + std::string{how->constant});
    const auto given_salt = salt ? from_base64(*salt) : std::optional{bytes(salt_bytes)};
    const auto given_hash = hash ? from_base64(*hash) : std::optional{bytes{}};
    if (!given_salt || !given_hash) return wrong("'salt' and 'saltedpassword' of add-scram are in base64");
    made.salt = *given_salt;
    if (!salt)
        for (auto& each : made.salt) each = static_cast<std::byte>(random());
    const auto secret = hash ? *given_hash : net::scram_salted(how->hash, *password, made.salt, made.iterations);
    made.stored_key = net::scram_hashed(how->hash, net::scram_keyed(how->hash, secret, "Client Key"));
    made.server_key = net::scram_keyed(how->hash, secret, "Server Key");
    return made;
}

}  // namespace weir::broker

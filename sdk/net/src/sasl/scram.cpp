#include "mechanism.hpp"

#include <weir/base/base64.hpp>

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <array>
#include <charconv>

namespace weir::net::sasl {
namespace {

constexpr int least_iterations = 4096;  // RFC 7677, and what Kafka's clients insist on
constexpr int most_iterations = 1'000'000;  // a broker that asks for more wants our time

error refuse(std::string what) { return error{errc::sasl_authentication_failed, std::move(what)}; }

/// "r=...,s=...,i=4096": the value of a one-letter attribute.
std::optional<std::string_view> attribute(std::string_view message, char name) {
    for (std::size_t at = 0; at < message.size();) {
        const auto end = std::min(message.find(',', at), message.size());
        const auto part = message.substr(at, end - at);
        if (part.size() >= 2 && part[0] == name && part[1] == '=') return part.substr(2);
        at = end + 1;
    }
    return std::nullopt;
}

std::string escaped(std::string_view user) {
    std::string text;
    for (const char c : user) {
        if (c == ',') text += "=2C";
        else if (c == '=') text += "=3D";
        else text.push_back(c);
    }
    return text;
}

class scram_exchange final : public mechanism {
public:
    scram_exchange(scram_hash hash, scram_identity who, std::string nonce)
        : hash_(hash), who_(std::move(who)), nonce_(std::move(nonce)),
          first_bare_(fmt::format("n={},r={}{}", escaped(who_.user), nonce_, who_.delegation_token ? ",tokenauth=true" : "")) {}
    ~scram_exchange() override { forget(); }

    result<std::optional<bytes>> step(bytes_view said) override {
        switch (next_++) {
            case 0: return std::optional{to_bytes("n,," + first_bare_)};  // no channel binding, as Kafka has none
            case 1: return prove(as_text(said));
            case 2: return verify(as_text(said));
            default: return refuse("the broker says more than the exchange has");
        }
    }

private:
    result<std::optional<bytes>> prove(std::string_view server_first) {
        const auto nonce = attribute(server_first, 'r');
        const auto salt_text = attribute(server_first, 's');
        const auto count_text = attribute(server_first, 'i');
        const auto salt = salt_text ? from_base64(*salt_text) : std::nullopt;
        if (!nonce || !salt || salt->empty() || !count_text) return refuse("the broker's challenge lacks a nonce, a salt or a number of iterations");
        if (!nonce->starts_with(nonce_) || nonce->size() == nonce_.size()) return refuse("the broker's nonce does not begin with ours: the answer is to somebody else");
        int iterations = 0;
        const auto [stop, problem] = std::from_chars(count_text->data(), count_text->data() + count_text->size(), iterations);
        if (problem != std::errc{} || stop != count_text->data() + count_text->size() || iterations < least_iterations || iterations > most_iterations) {
            return refuse(fmt::format("the broker wants {} iterations, allowed are {} to {}", *count_text, least_iterations, most_iterations));
        }
        auto salted = scram_salted(hash_, who_.password, *salt, iterations);
        forget();
        const auto final_bare = fmt::format("c=biws,r={}", *nonce);
        const auto signed_text = fmt::format("{},{},{}", first_bare_, server_first, final_bare);
        auto proof = scram_keyed(hash_, salted, "Client Key");
        const auto signature = scram_keyed(hash_, scram_hashed(hash_, proof), signed_text);
        for (std::size_t i = 0; i < proof.size(); ++i) proof[i] ^= signature[i];
        expected_ = scram_keyed(hash_, scram_keyed(hash_, salted, "Server Key"), signed_text);
        OPENSSL_cleanse(salted.data(), salted.size());
        return std::optional{to_bytes(fmt::format("{},p={}", final_bare, to_base64(proof)))};
    }

    result<std::optional<bytes>> verify(std::string_view server_final) const {
        if (const auto problem = attribute(server_final, 'e')) return refuse(std::string{*problem});
        const auto text = attribute(server_final, 'v');
        const auto signature = text ? from_base64(*text) : std::nullopt;
        if (!signature || signature->size() != expected_.size() || CRYPTO_memcmp(signature->data(), expected_.data(), expected_.size()) != 0) {
            return refuse("the broker could not prove that it knows the user's credentials; it may be somebody else");
        }
        return std::optional<bytes>{};
    }

    void forget() noexcept {
        OPENSSL_cleanse(who_.password.data(), who_.password.size());
        who_.password.clear();
    }

    const scram_hash hash_;
    scram_identity who_;
    const std::string nonce_;
    const std::string first_bare_;
    bytes expected_;
    int next_ = 0;
};

}  // namespace

std::unique_ptr<mechanism> scram(scram_hash hash, scram_identity who, std::string nonce) {
    return std::make_unique<scram_exchange>(hash, std::move(who), std::move(nonce));
}

std::string fresh_nonce() {
    std::array<std::byte, 24> random{};
    if (RAND_bytes(reinterpret_cast<unsigned char*>(random.data()), static_cast<int>(random.size())) != 1) detail::raise(error{errc::sasl_authentication_failed, "the system gives no random bytes"});
    return to_base64(random);
}

}  // namespace weir::net::sasl

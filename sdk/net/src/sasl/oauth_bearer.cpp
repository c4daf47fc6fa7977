#include "mechanism.hpp"

#include <boost/json/parse.hpp>
#include <fmt/format.h>

namespace weir::net::sasl {
namespace {

class bearer_exchange final : public mechanism {
public:
    bearer_exchange(const std::string& token, const std::vector<std::pair<std::string, std::string>>& extensions) : message_(fmt::format("n,,\1auth=Bearer {}\1", token)) {
        for (const auto& [name, value] : extensions) message_ += fmt::format("{}={}\1", name, value);
        message_ += '\1';
    }

    // A broker that refuses says why in JSON, is told that this was understood, and then fails the exchange.
    result<std::optional<bytes>> step(bytes_view said) override {
        if (!message_.empty()) return std::optional{to_bytes(std::exchange(message_, {}))};
        if (said.empty() && !refused_) return std::optional<bytes>{};
        if (refused_) return error{errc::sasl_authentication_failed, why_};
        refused_ = true;
        why_ = "the broker refuses the token";
        boost::json::error_code problem;
        const auto parsed = boost::json::parse({reinterpret_cast<const char*>(said.data()), said.size()}, problem);
        if (!problem && parsed.is_object()) {
            for (const auto* field : {"status", "scope"}) {
                const auto* value = parsed.as_object().if_contains(field);
                if (value && value->is_string()) why_ += fmt::format(", {}: {}", field, std::string_view{value->as_string()});
            }
        }
        return std::optional{bytes{std::byte{1}}};
    }

private:
    std::string message_;
    std::string why_;
    bool refused_ = false;
};

}  // namespace

std::unique_ptr<mechanism> oauth_bearer(const std::string& token, const std::vector<std::pair<std::string, std::string>>& extensions) {
    return std::make_unique<bearer_exchange>(token, extensions);
}

}  // namespace weir::net::sasl

#include "mechanism.hpp"

namespace weir::net::sasl {
namespace {

class plain_exchange final : public mechanism {
public:
    plain_exchange(const std::string& user, const std::string& password) {
        message_.push_back(std::byte{0});  // no authorization id: we act as ourselves
        append(user);
        message_.push_back(std::byte{0});
        append(password);
    }
    result<std::optional<bytes>> step(bytes_view) override {
        if (message_.empty()) return std::optional<bytes>{};
        return std::optional{std::exchange(message_, {})};
    }

private:
    void append(std::string_view text) {
        const auto added = as_bytes(text);
        message_.insert(message_.end(), added.begin(), added.end());
    }
    bytes message_;
};

}  // namespace

std::unique_ptr<mechanism> plain(const std::string& user, const std::string& password) { return std::make_unique<plain_exchange>(user, password); }

}  // namespace weir::net::sasl

#include "jaas.hpp"

#include <fmt/format.h>

#include <optional>

namespace weir::detail {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/// Words, quoted texts, '=' and ';', as Java's tokenizer takes them apart.
class tokens {
public:
    explicit tokens(std::string_view text) : rest_(text) {}

    void skip_space() {
        while (!rest_.empty() && is_space(rest_.front())) rest_.remove_prefix(1);
    }
    bool take(char wanted) {
        skip_space();
        if (rest_.empty() || rest_.front() != wanted) return false;
        rest_.remove_prefix(1);
        return true;
    }
    bool at_end() {
        skip_space();
        return rest_.empty();
    }
    std::string word() {
        skip_space();
        std::size_t length = 0;
        while (length < rest_.size() && !is_space(rest_[length]) && std::string_view{"=;\"'"}.find(rest_[length]) == std::string_view::npos) ++length;
        std::string taken{rest_.substr(0, length)};
        rest_.remove_prefix(length);
        return taken;
    }
    /// A value: in quotes, with backslashes before quotes and backslashes, or a word. nullopt when a quote stays open.
    std::optional<std::string> value() {
        skip_space();
        if (rest_.empty() || (rest_.front() != '"' && rest_.front() != '\'')) return word();
        const char quote = rest_.front();
        std::string taken;
        for (std::size_t i = 1; i < rest_.size(); ++i) {
            if (rest_[i] == quote) {
                rest_.remove_prefix(i + 1);
                return taken;
            }
            if (rest_[i] == '\\' && i + 1 < rest_.size()) ++i;
            taken += rest_[i];
        }
        return std::nullopt;
    }

private:
    std::string_view rest_;
};

error malformed(std::string_view why) {
    return error{errc::malformed, fmt::format("{}; expected is: Class required name=\"value\" ...;", why)};
}

}  // namespace

std::string_view jaas_login::name() const noexcept {
    const auto dot = module.rfind('.');
    return dot == std::string::npos ? std::string_view{module} : std::string_view{module}.substr(dot + 1);
}

result<jaas_login> parse_jaas(std::string_view text) {
    tokens in{text};
    jaas_login login{in.word(), {}};
    if (login.module.empty()) return malformed("there is no class of a login module");
    const auto flag = in.word();
    if (flag != "required" && flag != "requisite" && flag != "sufficient" && flag != "optional") return malformed("there is no 'required' behind the class");
    while (!in.take(';')) {
        auto name = in.word();
        if (name.empty()) return malformed(in.at_end() ? "there is no semicolon at its end" : "an option has no name");
        // Not named: it may be the second word of a password that needs quotes.
        if (!in.take('=')) return malformed(fmt::format("option {} has no value; a value with blanks in it belongs in quotes", login.options.size() + 1));
        auto value = in.value();
        if (!value) return malformed(fmt::format("the value of {} has no closing quote", name));
        login.options.emplace_back(std::move(name), std::move(*value));
    }
    if (!in.at_end()) return malformed("there is more than one login");
    return login;
}

}  // namespace weir::detail

// sasl.jaas.config, as Java's clients write their logins:
//
//     org.apache.kafka.common.security.plain.PlainLoginModule required username="alice" password="secret";
#pragma once
#include <weir/base/error.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::detail {

struct jaas_login {
    std::string module;  ///< the class, packages included
    std::vector<std::pair<std::string, std::string>> options;

    /// The class without its packages: "PlainLoginModule".
    std::string_view name() const noexcept;
};

/// One entry: a class, its flag, options with values in quotes or bare, a semicolon. errc::malformed says what is missing
/// and never what the values are.
result<jaas_login> parse_jaas(std::string_view text);

}  // namespace weir::detail

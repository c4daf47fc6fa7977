// security.protocol, ssl.* and sasl.*: what Kafka's names say together, as fields of tls_config and sasl_config.
#pragma once
#include <weir/security.hpp>

#include <optional>
#include <string>
#include <vector>

namespace weir {
struct setting;
}

namespace weir::detail {

struct client_setup;

enum class security_protocol : std::uint8_t { plaintext, ssl, sasl_plaintext, sasl_ssl };
enum class store_type : std::uint8_t { pem, pkcs12, jks };

/// What has no field of its own, because it only means something beside others.
struct security_names {
    std::optional<security_protocol> protocol{};
    std::optional<sasl_mechanism> mechanism{};
    std::string login_module{};  ///< of sasl.jaas.config
    std::optional<store_type> truststore{}, keystore{};
    std::string truststore_password{}, keystore_password{};
};

void add_security_rows(std::vector<setting>& rows);

/// Brings the names into `tls` and `sasl` of the client's config. errc::invalid_setting for what does not go together: a
/// login without a mechanism, a mechanism that security.protocol does not use, a key store that cannot be read.
error apply_security(client_setup& setup);

}  // namespace weir::detail

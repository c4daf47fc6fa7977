// Java's key stores: told apart, and PKCS12 turned into the PEM that TLS here takes.
#pragma once
#include <weir/base/bytes.hpp>
#include <weir/base/error.hpp>

#include <string>

namespace weir::detail {

enum class store_format : std::uint8_t { pem, pkcs12, jks };

/// By its first bytes; what is neither of the others is taken for PEM.
store_format format_of(bytes_view content) noexcept;

struct store_content {
    std::string key;           ///< PEM, not encrypted; empty when the store has none
    std::string certificates;  ///< PEM: the key's own first, then all others
};
/// errc::invalid_setting: a wrong password, or damage.
result<store_content> read_pkcs12(bytes_view content, const std::string& password);

}  // namespace weir::detail

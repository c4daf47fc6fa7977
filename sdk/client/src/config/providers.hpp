// ${provider:path:key} in properties files: values that stand elsewhere (KIP-297, KIP-421).
#pragma once
#include <weir/base/function.hpp>
#include <weir/properties.hpp>

#include <optional>

namespace weir::detail {

/// ${provider:key} has no path.
struct reference {
    std::string_view provider, path, key;
};
using find_value = function<result<std::optional<std::string>>(const reference&)>;

/// `text` with values in place of its references. Those that `find` has none for stay as they are written, and values are not
/// looked through again.
result<std::string> fill_references(std::string_view text, find_value& find);

using environment_variables = function<std::optional<std::string>(const std::string&)>;

/// Fills the references of all values by the providers that config.providers names, and takes the providers' own entries out.
/// Without config.providers everything stays as it is. Kafka's own providers are known: FileConfigProvider,
/// DirectoryConfigProvider and EnvVarConfigProvider, with allowed.paths and allowlist.pattern. errc::invalid_setting says
/// which entry asks for what is not there, or may not be read.
result<properties> fill_from_providers(const properties& given, file_system& files, environment_variables& environment);

}  // namespace weir::detail

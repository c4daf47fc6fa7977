// The reference of the client's settings, printed from their declarations.
#pragma once
#include <string>

namespace weir::detail {

/// docs/reference/client_settings.md
std::string settings_page();

}  // namespace weir::detail

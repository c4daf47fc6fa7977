// The reference page of settings, printed from their declarations.
#pragma once
#include <string>

namespace weir::broker {

/// Markdown: every setting with type, default, what is allowed and what it does.
std::string settings_page();

}  // namespace weir::broker

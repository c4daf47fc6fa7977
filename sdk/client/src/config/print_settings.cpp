// Prints docs/reference/client_settings.md.
#include "settings_page.hpp"

#include <cstdio>

int main() {
    const auto page = weir::detail::settings_page();
    return std::fwrite(page.data(), 1, page.size(), stdout) == page.size() ? 0 : 1;
}

#include "../config/rows.hpp"

#include <weir/admin.hpp>

namespace weir {

std::span<const setting> admin_config::settings() {
    static const setting all[] = {
        detail::row<&admin_config::timeout>("default.api.timeout.ms", at_least(1), "How long one operation may take, its retries included."),
    };
    return all;
}

}  // namespace weir

#include "../config/rows.hpp"

#include <weir/admin.hpp>

namespace weir {

std::span<const setting> admin_config::settings() {
    static const setting all[] = {
        detail::row<&admin_config::retries>("retries", at_least(0), "How often the requests of one operation are tried again; default.api.timeout.ms ends that otherwise."),
        detail::row<&admin_config::timeout>("default.api.timeout.ms", at_least(1), "How long one operation may take, its retries included."),
    };
    return all;
}

}  // namespace weir

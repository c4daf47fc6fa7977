// What the settings of a consumer mean together.
#pragma once
#include "../config/client_setup.hpp"

#include <weir/consumer_config.hpp>

namespace weir::detail {

/// With what its client was given, and what the settings imply for each other. Throws weir::exception (errc::invalid_setting)
/// for what cannot be.
consumer_config settled(consumer_config config, const client_settings& of_client);

}  // namespace weir::detail

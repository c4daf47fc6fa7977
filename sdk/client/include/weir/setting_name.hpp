// Whether a setting is one, before it is given to a client.
#pragma once
#include <weir/base/error.hpp>

#include <string_view>

namespace weir {

/// errc::invalid_setting for a name that means nothing to any part of the client, with the nearest that does. A client would
/// refuse it; who reads files that serve other programs as well may leave it out. No error for names that it knows and has to
/// refuse.
error check_setting_name(std::string_view name);

}  // namespace weir

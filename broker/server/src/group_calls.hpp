// How handlers reach the group coordinator.
#pragma once
#include "handlers.hpp"

#include <weir/coordinator/group_coordinator.hpp>

namespace weir::server {

coordinator::call_context group_call(const request_context& context);

}  // namespace weir::server

// What a failed append means to those who wait for it, in the words clients of a coordinator understand.
#pragma once
#include <weir/base/errc.hpp>

namespace weir::coordinator {

/// Kafka's mapping: trouble with replicas or time is COORDINATOR_NOT_AVAILABLE (ask again), lost leadership or a broken
/// disk NOT_COORDINATOR (look the coordinator up again), what can never be stored UNKNOWN_SERVER_ERROR.
errc coordinator_error(errc append_error) noexcept;
/// The same for OffsetFetch, whose older clients do not retry COORDINATOR_NOT_AVAILABLE.
errc offset_fetch_error(errc append_error) noexcept;

}  // namespace weir::coordinator

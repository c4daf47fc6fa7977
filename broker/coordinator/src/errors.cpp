#include <weir/coordinator/errors.hpp>

namespace weir::coordinator {

errc coordinator_error(errc append_error) noexcept {
    switch (append_error) {
        case errc::unknown_topic_or_partition:
        case errc::not_enough_replicas:
        case errc::not_enough_replicas_after_append:
        case errc::request_timed_out:
        case errc::timed_out: return errc::coordinator_not_available;
        case errc::not_leader_or_follower:
        case errc::fenced_leader_epoch:
        case errc::kafka_storage_error:
        case errc::io_error:
        case errc::no_space:
        case errc::closed:
        case errc::cancelled: return errc::not_coordinator;
        case errc::message_too_large:
        case errc::record_list_too_large:
        case errc::invalid_fetch_size: return errc::unknown_server_error;
        // Verifying a transaction may end so; clients retry this one without a new lookup.
        case errc::network_exception: return errc::coordinator_load_in_progress;
        default: return append_error;
    }
}

errc offset_fetch_error(errc append_error) noexcept {
    const auto mapped = coordinator_error(append_error);
    return mapped == errc::coordinator_not_available ? errc::not_coordinator : mapped;
}

}  // namespace weir::coordinator

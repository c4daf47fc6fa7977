#include <weir/base/errc.hpp>

#include <algorithm>
#include <array>

namespace weir {
namespace {

// Ascending by code: describe() searches it.
constexpr std::array table{
    errc_info{errc::wrong_thread, "WRONG_THREAD", false, false, "an object of one thread was used by two at once"},
    errc_info{errc::stalled, "STALLED", true, false, "there are records to read, and nobody fetches them"},
    errc_info{errc::transaction_aborted, "TRANSACTION_ABORTED", true, false, "the transaction was aborted; run it again"},
    errc_info{errc::log_truncated, "LOG_TRUNCATED", false, false, "records that were read have been cut off the log"},
    errc_info{errc::no_offset, "NO_OFFSET", false, false, "nothing committed, and auto.offset.reset=none"},
    errc_info{errc::tls_failed, "TLS_FAILED", false, false, "no trusted encrypted connection could be made", true},
    errc_info{errc::in_use, "IN_USE", false, false, "another process holds the lock"},
    errc_info{errc::refused, "REFUSED", false, false, "a peer refused the connection"},
    errc_info{errc::buffer_full, "BUFFER_FULL", false, false, "no room within the byte budget"},
    errc_info{errc::would_deadlock, "WOULD_DEADLOCK", false, false, "blocking here would never return"},
    errc_info{errc::incomplete, "INCOMPLETE", false, false, "input ends in the middle of an item"},
    errc_info{errc::already_exists, "ALREADY_EXISTS", false, false, "a file or item is there already"},
    errc_info{errc::not_found, "NOT_FOUND", false, false, "a file or item is not there"},
    errc_info{errc::no_space, "NO_SPACE", false, false, "the disk is full"},
    errc_info{errc::io_error, "IO_ERROR", false, false, "a file or device failed"},
    errc_info{errc::malformed, "MALFORMED", false, false, "bytes that do not decode"},
    errc_info{errc::invalid_setting, "INVALID_SETTING", false, false, "a setting has a value that is not allowed", true},
    errc_info{errc::timed_out, "TIMED_OUT", false, false, "the deadline passed"},
    errc_info{errc::cancelled, "CANCELLED", false, false, "the operation was cancelled"},
    errc_info{errc::closed, "CLOSED", false, false, "the connection or object was closed"},
    errc_info{errc::unknown_server_error, "UNKNOWN_SERVER_ERROR", false, false, "server hit a condition nobody mapped to a code"},
    errc_info{errc::none, "NONE", false, false, "success"},
    errc_info{errc::offset_out_of_range, "OFFSET_OUT_OF_RANGE", false, false, "fetch or delete offset below log start or above log end"},
    errc_info{errc::corrupt_message, "CORRUPT_MESSAGE", true, false, "batch failed crc, size or structure checks, or a compacted topic got a null key"},
    errc_info{errc::unknown_topic_or_partition, "UNKNOWN_TOPIC_OR_PARTITION", true, true, "topic or partition not known here, perhaps not yet"},
    errc_info{errc::invalid_fetch_size, "INVALID_FETCH_SIZE", false, false, "fetch size not acceptable"},
    errc_info{errc::leader_not_available, "LEADER_NOT_AVAILABLE", true, true, "partition has no leader right now"},
    errc_info{errc::not_leader_or_follower, "NOT_LEADER_OR_FOLLOWER", true, true, "this broker is not the leader (or, for any-replica requests, not a replica)"},
    errc_info{errc::request_timed_out, "REQUEST_TIMED_OUT", true, false, "server gave up waiting, e.g. for acks or metadata"},
    errc_info{errc::broker_not_available, "BROKER_NOT_AVAILABLE", false, false, "broker not reachable or not alive"},
    errc_info{errc::replica_not_available, "REPLICA_NOT_AVAILABLE", true, true, "replica exists in metadata but cannot serve"},
    errc_info{errc::message_too_large, "MESSAGE_TOO_LARGE", false, false, "batch larger than max.message.bytes"},
    errc_info{errc::stale_controller_epoch, "STALE_CONTROLLER_EPOCH", false, false, "controller epoch older than the known one"},
    errc_info{errc::offset_metadata_too_large, "OFFSET_METADATA_TOO_LARGE", false, false, "commit metadata string longer than offset.metadata.max.bytes"},
    errc_info{errc::network_exception, "NETWORK_EXCEPTION", true, true, "client side: connection lost before the answer"},
    errc_info{errc::coordinator_load_in_progress, "COORDINATOR_LOAD_IN_PROGRESS", true, false, "coordinator still replaying its partition"},
    errc_info{errc::coordinator_not_available, "COORDINATOR_NOT_AVAILABLE", true, true, "coordinator not yet elected or its topic not yet created"},
    errc_info{errc::not_coordinator, "NOT_COORDINATOR", true, true, "request reached a broker that does not own this group or transaction"},
    errc_info{errc::invalid_topic, "INVALID_TOPIC_EXCEPTION", false, false, "topic name illegal, or operation on an internal topic"},
    errc_info{errc::record_list_too_large, "RECORD_LIST_TOO_LARGE", false, false, "whole batch exceeds the segment size"},
    errc_info{errc::not_enough_replicas, "NOT_ENOUGH_REPLICAS", true, false, "in-sync replicas fewer than min.insync.replicas before append"},
    errc_info{errc::not_enough_replicas_after_append, "NOT_ENOUGH_REPLICAS_AFTER_APPEND", true, false, "in-sync replicas dropped below the minimum after append"},
    errc_info{errc::invalid_required_acks, "INVALID_REQUIRED_ACKS", false, false, "acks not one of -1, 0, 1"},
    errc_info{errc::illegal_generation, "ILLEGAL_GENERATION", false, false, "member speaks for another generation of the group"},
    errc_info{errc::inconsistent_group_protocol, "INCONSISTENT_GROUP_PROTOCOL", false, false, "protocol type or assignor set shares nothing with the group, or list empty"},
    errc_info{errc::invalid_group_id, "INVALID_GROUP_ID", false, false, "group id empty or not allowed for this api"},
    errc_info{errc::unknown_member_id, "UNKNOWN_MEMBER_ID", false, false, "member id unknown to the group, join again"},
    errc_info{errc::invalid_session_timeout, "INVALID_SESSION_TIMEOUT", false, false, "session timeout outside broker limits"},
    errc_info{errc::rebalance_in_progress, "REBALANCE_IN_PROGRESS", false, false, "group is rebalancing, rejoin"},
    errc_info{errc::invalid_commit_offset_size, "INVALID_COMMIT_OFFSET_SIZE", false, false, "commit record too large to store"},
    errc_info{errc::topic_authorization_failed, "TOPIC_AUTHORIZATION_FAILED", false, false, "no permission on topic"},
    errc_info{errc::group_authorization_failed, "GROUP_AUTHORIZATION_FAILED", false, false, "no permission on group"},
    errc_info{errc::cluster_authorization_failed, "CLUSTER_AUTHORIZATION_FAILED", false, false, "no permission on cluster", true},
    errc_info{errc::invalid_timestamp, "INVALID_TIMESTAMP", false, false, "record timestamp too far from broker time"},
    errc_info{errc::unsupported_sasl_mechanism, "UNSUPPORTED_SASL_MECHANISM", false, false, "mechanism not enabled on this listener", true},
    errc_info{errc::illegal_sasl_state, "ILLEGAL_SASL_STATE", false, false, "request out of place during authentication"},
    errc_info{errc::unsupported_version, "UNSUPPORTED_VERSION", false, false, "version not supported by the server", true},
    errc_info{errc::topic_already_exists, "TOPIC_ALREADY_EXISTS", false, false, "create of an existing topic"},
    errc_info{errc::invalid_partitions, "INVALID_PARTITIONS", false, false, "partition count invalid"},
    errc_info{errc::invalid_replication_factor, "INVALID_REPLICATION_FACTOR", false, false, "replication factor below 1 or above broker count"},
    errc_info{errc::invalid_replica_assignment, "INVALID_REPLICA_ASSIGNMENT", false, false, "explicit assignment inconsistent"},
    errc_info{errc::invalid_config, "INVALID_CONFIG", false, false, "config name or value not valid"},
    errc_info{errc::not_controller, "NOT_CONTROLLER", true, false, "active controller is elsewhere"},
    errc_info{errc::invalid_request, "INVALID_REQUEST", false, false, "request decodable but contradictory, or forbidden combination"},
    errc_info{errc::unsupported_for_message_format, "UNSUPPORTED_FOR_MESSAGE_FORMAT", false, false, "feature needs a newer message format"},
    errc_info{errc::policy_violation, "POLICY_VIOLATION", false, false, "a create-topic or alter-config policy objected"},
    errc_info{errc::out_of_order_sequence_number, "OUT_OF_ORDER_SEQUENCE_NUMBER", false, false, "idempotent sequence has a gap"},
    errc_info{errc::duplicate_sequence_number, "DUPLICATE_SEQUENCE_NUMBER", false, false, "idempotent sequence already stored"},
    errc_info{errc::invalid_producer_epoch, "INVALID_PRODUCER_EPOCH", false, false, "producer epoch older than the current one"},
    errc_info{errc::invalid_txn_state, "INVALID_TXN_STATE", false, false, "call not valid in the current transaction state", true, true},
    errc_info{errc::invalid_producer_id_mapping, "INVALID_PRODUCER_ID_MAPPING", false, false, "producer id does not belong to the transactional id", true, true},
    errc_info{errc::invalid_transaction_timeout, "INVALID_TRANSACTION_TIMEOUT", false, false, "requested transaction timeout above broker maximum"},
    errc_info{errc::concurrent_transactions, "CONCURRENT_TRANSACTIONS", true, false, "another step of the same transaction is still running"},
    errc_info{errc::transaction_coordinator_fenced, "TRANSACTION_COORDINATOR_FENCED", false, false, "marker sent by an outdated transaction coordinator"},
    errc_info{errc::transactional_id_authorization_failed, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED", false, false, "no permission on transactional id", true, true},
    errc_info{errc::security_disabled, "SECURITY_DISABLED", false, false, "no authorizer configured"},
    errc_info{errc::operation_not_attempted, "OPERATION_NOT_ATTEMPTED", false, false, "skipped because an earlier item of the same batch failed"},
    errc_info{errc::kafka_storage_error, "KAFKA_STORAGE_ERROR", true, true, "disk failure in the log directory"},
    errc_info{errc::log_dir_not_found, "LOG_DIR_NOT_FOUND", false, false, "log directory unknown on this broker"},
    errc_info{errc::sasl_authentication_failed, "SASL_AUTHENTICATION_FAILED", false, false, "credentials refused", true},
    errc_info{errc::unknown_producer_id, "UNKNOWN_PRODUCER_ID", false, false, "producer id expired from broker state"},
    errc_info{errc::reassignment_in_progress, "REASSIGNMENT_IN_PROGRESS", false, false, "partition is already being moved"},
    errc_info{errc::delegation_token_auth_disabled, "DELEGATION_TOKEN_AUTH_DISABLED", false, false, "tokens not enabled on the cluster"},
    errc_info{errc::delegation_token_not_found, "DELEGATION_TOKEN_NOT_FOUND", false, false, "token unknown"},
    errc_info{errc::delegation_token_owner_mismatch, "DELEGATION_TOKEN_OWNER_MISMATCH", false, false, "caller is neither owner nor renewer"},
    errc_info{errc::delegation_token_request_not_allowed, "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED", false, false, "token request over a channel that forbids it"},
    errc_info{errc::delegation_token_authorization_failed, "DELEGATION_TOKEN_AUTHORIZATION_FAILED", false, false, "no permission for the token"},
    errc_info{errc::delegation_token_expired, "DELEGATION_TOKEN_EXPIRED", false, false, "token past its lifetime"},
    errc_info{errc::invalid_principal_type, "INVALID_PRINCIPAL_TYPE", false, false, "principal type not supported"},
    errc_info{errc::non_empty_group, "NON_EMPTY_GROUP", false, false, "delete of a group that has members"},
    errc_info{errc::group_id_not_found, "GROUP_ID_NOT_FOUND", false, false, "group does not exist"},
    errc_info{errc::fetch_session_id_not_found, "FETCH_SESSION_ID_NOT_FOUND", true, false, "fetch session evicted or never existed, start a full one"},
    errc_info{errc::invalid_fetch_session_epoch, "INVALID_FETCH_SESSION_EPOCH", true, false, "fetch session epoch not the expected next one"},
    errc_info{errc::listener_not_found, "LISTENER_NOT_FOUND", true, true, "leader has no endpoint on the listener used"},
    errc_info{errc::topic_deletion_disabled, "TOPIC_DELETION_DISABLED", false, false, "topic deletion switched off"},
    errc_info{errc::fenced_leader_epoch, "FENCED_LEADER_EPOCH", true, true, "caller's leader epoch is behind"},
    errc_info{errc::unknown_leader_epoch, "UNKNOWN_LEADER_EPOCH", true, false, "caller's leader epoch is ahead, broker not caught up"},
    errc_info{errc::unsupported_compression_type, "UNSUPPORTED_COMPRESSION_TYPE", false, false, "codec not known to this request version"},
    errc_info{errc::stale_broker_epoch, "STALE_BROKER_EPOCH", false, false, "broker incarnation replaced by a newer one"},
    errc_info{errc::offset_not_available, "OFFSET_NOT_AVAILABLE", true, false, "high watermark not yet re-established after election"},
    errc_info{errc::member_id_required, "MEMBER_ID_REQUIRED", false, false, "first join: repeat with the member id just handed out"},
    errc_info{errc::preferred_leader_not_available, "PREFERRED_LEADER_NOT_AVAILABLE", true, true, "preferred replica not usable as leader"},
    errc_info{errc::group_max_size_reached, "GROUP_MAX_SIZE_REACHED", false, false, "group full"},
    errc_info{errc::fenced_instance_id, "FENCED_INSTANCE_ID", false, false, "static member replaced by another with the same instance id", true, true},
    errc_info{errc::eligible_leaders_not_available, "ELIGIBLE_LEADERS_NOT_AVAILABLE", true, true, "no eligible leader to elect"},
    errc_info{errc::election_not_needed, "ELECTION_NOT_NEEDED", true, true, "requested leader already leads"},
    errc_info{errc::no_reassignment_in_progress, "NO_REASSIGNMENT_IN_PROGRESS", false, false, "nothing to cancel"},
    errc_info{errc::group_subscribed_to_topic, "GROUP_SUBSCRIBED_TO_TOPIC", false, false, "delete offsets of a topic the group still reads"},
    errc_info{errc::invalid_record, "INVALID_RECORD", false, false, "record violates broker validation"},
    errc_info{errc::unstable_offset_commit, "UNSTABLE_OFFSET_COMMIT", true, false, "pending transactional offsets exist, wait"},
    errc_info{errc::throttling_quota_exceeded, "THROTTLING_QUOTA_EXCEEDED", true, false, "operation quota used up, wait throttle time"},
    errc_info{errc::producer_fenced, "PRODUCER_FENCED", false, false, "newer producer with same transactional id took over", true, true},
    errc_info{errc::resource_not_found, "RESOURCE_NOT_FOUND", false, false, "named resource absent"},
    errc_info{errc::duplicate_resource, "DUPLICATE_RESOURCE", false, false, "same resource named twice in one request"},
    errc_info{errc::unacceptable_credential, "UNACCEPTABLE_CREDENTIAL", false, false, "credential too weak or malformed"},
    errc_info{errc::inconsistent_voter_set, "INCONSISTENT_VOTER_SET", false, false, "voter sets disagree, or sender is not a voter"},
    errc_info{errc::invalid_update_version, "INVALID_UPDATE_VERSION", false, false, "version level not valid to set"},
    errc_info{errc::feature_update_failed, "FEATURE_UPDATE_FAILED", false, false, "controller could not write the feature change"},
    errc_info{errc::principal_deserialization_failure, "PRINCIPAL_DESERIALIZATION_FAILURE", false, false, "forwarded principal could not be decoded"},
    errc_info{errc::snapshot_not_found, "SNAPSHOT_NOT_FOUND", false, false, "snapshot id unknown"},
    errc_info{errc::position_out_of_range, "POSITION_OUT_OF_RANGE", false, false, "snapshot position outside file"},
    errc_info{errc::unknown_topic_id, "UNKNOWN_TOPIC_ID", true, true, "topic id not known here, perhaps not yet"},
    errc_info{errc::duplicate_broker_registration, "DUPLICATE_BROKER_REGISTRATION", false, false, "broker id in use by another live incarnation"},
    errc_info{errc::broker_id_not_registered, "BROKER_ID_NOT_REGISTERED", false, false, "broker never registered"},
    errc_info{errc::inconsistent_topic_id, "INCONSISTENT_TOPIC_ID", true, true, "topic id and log disagree"},
    errc_info{errc::inconsistent_cluster_id, "INCONSISTENT_CLUSTER_ID", false, false, "cluster id mismatch"},
    errc_info{errc::transactional_id_not_found, "TRANSACTIONAL_ID_NOT_FOUND", false, false, "no such transactional id"},
    errc_info{errc::fetch_session_topic_id_error, "FETCH_SESSION_TOPIC_ID_ERROR", true, false, "session mixes topic ids and names"},
    errc_info{errc::ineligible_replica, "INELIGIBLE_REPLICA", false, false, "ISR change includes a fenced or stale replica"},
    errc_info{errc::new_leader_elected, "NEW_LEADER_ELECTED", false, false, "ISR change raced with a new leader"},
    errc_info{errc::offset_moved_to_tiered_storage, "OFFSET_MOVED_TO_TIERED_STORAGE", false, false, "wanted offset lives only in remote storage"},
    errc_info{errc::fenced_member_epoch, "FENCED_MEMBER_EPOCH", false, false, "member epoch too old, drop partitions and rejoin"},
    errc_info{errc::unreleased_instance_id, "UNRELEASED_INSTANCE_ID", false, false, "static id not yet released by its previous holder"},
    errc_info{errc::unsupported_assignor, "UNSUPPORTED_ASSIGNOR", false, false, "server-side assignor unknown"},
    errc_info{errc::stale_member_epoch, "STALE_MEMBER_EPOCH", false, false, "member epoch behind, heartbeat again then retry"},
    errc_info{errc::mismatched_endpoint_type, "MISMATCHED_ENDPOINT_TYPE", false, false, "controller asked as broker or the reverse"},
    errc_info{errc::unsupported_endpoint_type, "UNSUPPORTED_ENDPOINT_TYPE", false, false, "endpoint type not implemented"},
    errc_info{errc::unknown_controller_id, "UNKNOWN_CONTROLLER_ID", false, false, "controller id unknown"},
    errc_info{errc::unknown_subscription_id, "UNKNOWN_SUBSCRIPTION_ID", false, false, "telemetry subscription outdated, fetch it again"},
    errc_info{errc::telemetry_too_large, "TELEMETRY_TOO_LARGE", false, false, "telemetry payload above limit"},
    errc_info{errc::invalid_registration, "INVALID_REGISTRATION", false, false, "controller refused the registration"},
    errc_info{errc::transaction_abortable, "TRANSACTION_ABORTABLE", false, false, "transaction must be aborted, producer may continue"},
    errc_info{errc::invalid_record_state, "INVALID_RECORD_STATE", false, false, "record not in the state the acknowledgement needs"},
    errc_info{errc::share_session_not_found, "SHARE_SESSION_NOT_FOUND", true, false, "share session absent"},
    errc_info{errc::invalid_share_session_epoch, "INVALID_SHARE_SESSION_EPOCH", true, false, "share session epoch not the expected one"},
    errc_info{errc::fenced_state_epoch, "FENCED_STATE_EPOCH", false, false, "share state epoch changed"},
    errc_info{errc::invalid_voter_key, "INVALID_VOTER_KEY", false, false, "voter directory id does not match"},
    errc_info{errc::duplicate_voter, "DUPLICATE_VOTER", false, false, "voter already in the set"},
    errc_info{errc::voter_not_found, "VOTER_NOT_FOUND", false, false, "voter not in the set"},
    errc_info{errc::invalid_regular_expression, "INVALID_REGULAR_EXPRESSION", false, false, "pattern not valid"},
    errc_info{errc::rebootstrap_required, "REBOOTSTRAP_REQUIRED", false, false, "client metadata unusable, restart from bootstrap servers"},
    errc_info{errc::streams_invalid_topology, "STREAMS_INVALID_TOPOLOGY", false, false, "streams topology description refused"},
    errc_info{errc::streams_invalid_topology_epoch, "STREAMS_INVALID_TOPOLOGY_EPOCH", false, false, "streams topology epoch not acceptable"},
    errc_info{errc::streams_topology_fenced, "STREAMS_TOPOLOGY_FENCED", false, false, "streams topology epoch outdated"},
    errc_info{errc::share_session_limit_reached, "SHARE_SESSION_LIMIT_REACHED", true, false, "no room for another share session"},
};

const errc_info* find(errc code) noexcept {
    const auto* row = std::lower_bound(table.begin(), table.end(), code,
                                       [](const errc_info& info, errc wanted) { return info.code < wanted; });
    return row != table.end() && row->code == code ? row : nullptr;
}

}  // namespace

const errc_info& describe(errc code) noexcept {
    if (const auto* row = find(code)) return *row;
    return *find(errc::unknown_server_error);
}

errc errc_from_wire(std::int16_t number) noexcept {
    const auto code = static_cast<errc>(number);
    return number >= -1 && find(code) ? code : errc::unknown_server_error;
}

std::int16_t wire_code(errc code) noexcept {
    switch (code) {
        case errc::io_error:
        case errc::no_space: return static_cast<std::int16_t>(errc::kafka_storage_error);
        case errc::malformed: return static_cast<std::int16_t>(errc::corrupt_message);
        case errc::timed_out: return static_cast<std::int16_t>(errc::request_timed_out);
        case errc::closed: return static_cast<std::int16_t>(errc::network_exception);
        case errc::invalid_setting: return static_cast<std::int16_t>(errc::invalid_config);
        default: break;
    }
    return static_cast<std::int16_t>(code) < -1 ? static_cast<std::int16_t>(errc::unknown_server_error)
                                                : static_cast<std::int16_t>(code);
}

}  // namespace weir

// Nodes: who is part of the cluster, who is alive, who may go.
#include "cluster_view.hpp"

#include <weir/metadata/metadata_frames.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace weir::metadata {

namespace {

using namespace protocol;

/// Ids below 100 have a meaning of their own (KIP-858).
bool reserved(const uuid& directory) { return directory.high == 0 && directory.low < 100; }

result<void> check_directories(const image& cluster, const broker_registration_request& request) {
    const auto refuse = [&](std::string why) {
        return error{errc::invalid_registration, fmt::format("broker {}: {}", request.broker_id, why)};
    };
    if (request.log_dirs.empty()) return refuse("the registration names no log directory");
    auto sorted = request.log_dirs;
    std::sort(sorted.begin(), sorted.end());
    if (reserved(sorted.front()))
        return refuse(fmt::format("the directory id {} is reserved", to_string(sorted.front())));
    if (const auto twice = std::adjacent_find(sorted.begin(), sorted.end()); twice != sorted.end())
        return refuse(fmt::format("the directory id {} is given twice", to_string(*twice)));
    for (const auto& [id, other] : cluster.brokers()) {
        if (id == request.broker_id) continue;
        for (const auto& directory : other.log_dirs)
            if (std::binary_search(sorted.begin(), sorted.end(), directory))
                return refuse(fmt::format("the directory {} belongs to broker {}: was a data directory copied?",
                                          to_string(directory), id));
    }
    return {};
}

/// Every finalized level must be one the broker can live with.
result<void> check_features(const image& cluster, const broker_registration_request& request) {
    const auto check = [&](const std::string& name, std::int16_t finalized) -> result<void> {
        feature_range range;
        for (const auto& each : request.features)
            if (each.name == name) range = {each.min_supported_version, each.max_supported_version};
        if (finalized >= range.min && finalized <= range.max) return {};
        return error{errc::unsupported_version,
                     fmt::format("broker {} supports {} {} to {}, the cluster has finalized {}: update the broker",
                                 request.broker_id, name, range.min, range.max, finalized)};
    };
    if (auto valid = check("metadata.version", cluster.metadata_version()); !valid) return valid;
    for (const auto& [name, level] : cluster.features())
        if (auto valid = check(name, level); !valid) return valid;
    return {};
}

metadata_record fencing(const broker& of, bool fenced) {
    broker_registration_change_record record;
    record.broker_id = of.id;
    record.broker_epoch = of.epoch;
    record.fenced = fenced ? 1 : -1;
    return record;
}

/// A broker's life as the controller sees it; a heartbeat moves it at most one step.
enum class life { fenced, unfenced, controlled_shutdown, shutdown_now };

life present(const broker& of) {
    if (of.fenced) return life::fenced;
    return of.in_controlled_shutdown ? life::controlled_shutdown : life::unfenced;
}

life next(const decision_context& context, const broker_sessions& sessions, const broker& of,
          const broker_heartbeat_request& request) {
    switch (present(of)) {
        case life::fenced:
            if (request.want_shut_down) return life::shutdown_now;
            // It must have seen its own registration, or it would serve an image from before.
            return !request.want_fence && request.current_metadata_offset >= of.epoch ? life::unfenced : life::fenced;
        case life::unfenced:
            if (request.want_fence) return request.want_shut_down ? life::shutdown_now : life::fenced;
            if (!request.want_shut_down) return life::unfenced;
            return leads_anything(context.cluster, of.id) ? life::controlled_shutdown : life::shutdown_now;
        case life::controlled_shutdown: {
            if (leads_anything(context.cluster, of.id)) return life::controlled_shutdown;
            const auto since = sessions.shutdown_offset(of.id).value_or(of.epoch);
            return since <= sessions.lowest_active_offset() ? life::shutdown_now : life::controlled_shutdown;
        }
        case life::shutdown_now: break;
    }
    return life::shutdown_now;
}

void fence(const cluster_view& view, const broker& of, std::vector<metadata_record>& records) {
    leader_move leaving;
    leaving.leaving = of.id;
    move_leaders(view, leaving, records);
    if (!of.fenced) records.push_back(fencing(of, true));
}

/// Directories that failed since the last heartbeat, and directories (un)cordoned. True when there are records to write
/// first.
bool note_directories(const cluster_view& view, const broker& of, const broker_heartbeat_request& request,
                      std::vector<metadata_record>& records) {
    if (view.cluster.metadata_version() < 17) return false;
    broker_registration_change_record record;
    record.broker_id = of.id;
    record.broker_epoch = of.epoch;
    leader_move leaving;
    for (const auto& directory : of.log_dirs) {
        const bool failed = std::find(request.offline_log_dirs.begin(), request.offline_log_dirs.end(), directory) !=
                            request.offline_log_dirs.end();
        (failed ? leaving.directories : record.log_dirs).push_back(directory);
    }
    // The record cannot say "none is left"; a broker without a directory stops, and its session runs out.
    const bool failed = !leaving.directories.empty() && !record.log_dirs.empty();
    if (!failed) record.log_dirs.clear();
    if (failed) {
        leaving.leaving = of.id;
        move_leaders(view, leaving, records);
    }
    bool cordoned = false;
    if (request.cordoned_log_dirs && view.cluster.metadata_version() >= 30) {
        auto wanted = *request.cordoned_log_dirs;
        std::sort(wanted.begin(), wanted.end());
        cordoned = wanted != of.cordoned_log_dirs.value_or(std::vector<uuid>{});
        if (cordoned) record.cordoned_log_dirs = std::move(wanted);
    }
    if (failed || cordoned) records.push_back(std::move(record));
    return failed || cordoned;
}

template <class Record, class Request>
void copy_listeners_and_features(Record& record, const Request& request) {
    for (const auto& each : request.listeners) {
        auto& made = record.end_points.emplace_back();
        made.name = each.name;
        made.host = each.host;
        made.port = each.port;
        made.security_protocol = each.security_protocol;
    }
    for (const auto& each : request.features) {
        auto& made = record.features.emplace_back();
        made.name = each.name;
        made.min_supported_version = each.min_supported_version;
        made.max_supported_version = each.max_supported_version;
    }
}

}  // namespace

decision<broker_registration_response> controller::register_broker(const decision_context& context,
                                                                   const broker_registration_request& request) {
    const cluster_view view{context.cluster, config_, schema_};
    decision<broker_registration_response> decided;
    decided.response.broker_epoch = -1;
    const auto refuse = [&](errc code) {
        decided.response.error_code = wire_code(code);
        return decided;
    };
    if (request.cluster_id != config_.cluster_id) return refuse(errc::inconsistent_cluster_id);
    const auto* known = context.cluster.find_broker(request.broker_id);
    const bool same_run = known && known->incarnation == request.incarnation_id;
    // Of this node's own id there can be one process only, and it is the one that decides here: no need to sit out the
    // session of the run before.
    const bool other_may_live = request.broker_id != config_.node_id && sessions_.alive(request.broker_id, context.now);
    if (known && !same_run && other_may_live) return refuse(errc::duplicate_broker_registration);
    if (request.is_migrating_zk_broker) return refuse(errc::invalid_registration);
    const bool directories = context.cluster.metadata_version() >= first_version_with_directories;
    if (directories) {
        if (auto valid = check_directories(context.cluster, request); !valid) return refuse(valid.code());
    }
    if (auto valid = check_features(context.cluster, request); !valid) return refuse(valid.code());

    if (!same_run && known) {
        // The run before is over: its replicas are no longer in sync. Without an orderly end they may lack what the
        // others rely on, and are not eligible either.
        const bool orderly = request.previous_broker_epoch == known->epoch;
        leader_move leaving;
        (orderly || !view.elr_enabled() ? leaving.leaving : leaving.unclean_shutdown) = request.broker_id;
        move_leaders(view, leaving, decided.records);
    }
    register_broker_record record;
    record.broker_id = request.broker_id;
    record.incarnation_id = request.incarnation_id;
    record.rack = request.rack;
    copy_listeners_and_features(record, request);
    if (directories) record.log_dirs = request.log_dirs;
    if (same_run) {
        record.broker_epoch = known->epoch;
        record.fenced = known->fenced;
        record.in_controlled_shutdown = known->in_controlled_shutdown;
        record.cordoned_log_dirs = known->cordoned_log_dirs;
    } else {
        record.broker_epoch = context.next_offset + static_cast<std::int64_t>(decided.records.size());
        record.fenced = true;
        sessions_.forget(request.broker_id);
    }
    decided.response.broker_epoch = record.broker_epoch;
    sessions_.touch(request.broker_id, record.fenced, -1, context.now);
    decided.records.push_back(std::move(record));
    return decided;
}

decision<broker_heartbeat_response> controller::broker_heartbeat(const decision_context& context,
                                                                 const broker_heartbeat_request& request) {
    const cluster_view view{context.cluster, config_, schema_};
    decision<broker_heartbeat_response> decided;
    if (auto valid = view.check_epoch(request.broker_id, request.broker_epoch); !valid) {
        decided.response.error_code = wire_code(valid.code());
        return decided;
    }
    const auto& known = *context.cluster.find_broker(request.broker_id);
    auto becomes = present(known);
    // One thing at a time: both touch the same partitions. The next heartbeat is two seconds away.
    if (!note_directories(view, known, request, decided.records)) {
        becomes = next(context, sessions_, known, request);
        if (becomes != present(known)) {
            switch (becomes) {
                case life::fenced:
                case life::shutdown_now: fence(view, known, decided.records); break;
                case life::unfenced: {
                    decided.records.push_back(fencing(known, false));
                    leader_move arriving;
                    arriving.arriving = known.id;
                    move_leaders(view, arriving, decided.records);
                    break;
                }
                case life::controlled_shutdown: {
                    broker_registration_change_record record;
                    record.broker_id = known.id;
                    record.broker_epoch = known.epoch;
                    record.in_controlled_shutdown = 1;
                    decided.records.push_back(std::move(record));
                    leader_move leaving;
                    leaving.leaving = known.id;
                    move_leaders(view, leaving, decided.records);
                    break;
                }
            }
        }
    }
    const bool fenced = becomes == life::fenced || becomes == life::shutdown_now;
    sessions_.touch(known.id, fenced, request.current_metadata_offset, context.now);
    if (becomes == life::controlled_shutdown)
        sessions_.begin_shutdown(known.id, context.next_offset + static_cast<std::int64_t>(decided.records.size()) - 1);
    decided.response.is_caught_up = request.current_metadata_offset >= known.epoch;
    decided.response.is_fenced = fenced;
    decided.response.should_shut_down = becomes == life::shutdown_now;
    return decided;
}

decision<unregister_broker_response> controller::unregister_broker(const decision_context& context,
                                                                   const unregister_broker_request& request) {
    const cluster_view view{context.cluster, config_, schema_};
    decision<unregister_broker_response> decided;
    decided.response.error_message = std::nullopt;
    const auto* known = context.cluster.find_broker(request.broker_id);
    if (!known) {
        fail(decided.response, error{errc::broker_id_not_registered,
                                     fmt::format("Broker ID {} is not currently registered", request.broker_id)});
        return decided;
    }
    // It will not come back with its data: out of every ISR, and nothing it had is eligible.
    leader_move leaving;
    leaving.unclean_shutdown = request.broker_id;
    move_leaders(view, leaving, decided.records);
    unregister_broker_record record;
    record.broker_id = request.broker_id;
    record.broker_epoch = known->epoch;
    decided.records.push_back(record);
    sessions_.forget(request.broker_id);
    return decided;
}

decision<controller_registration_response> controller::register_controller(
    const decision_context& context, const controller_registration_request& request) {
    decision<controller_registration_response> decided;
    decided.response.error_message = std::nullopt;
    register_controller_record record;
    record.controller_id = request.controller_id;
    record.incarnation_id = request.incarnation_id;
    copy_listeners_and_features(record, request);
    if (!record_supported(record, context.cluster.metadata_version())) {
        fail(decided.response,
             error{errc::unsupported_version, fmt::format("controllers register from metadata.version 15 (3.7-IV0) "
                                                          "on; it is {}",
                                                          context.cluster.metadata_version())});
        return decided;
    }
    decided.records.push_back(std::move(record));
    return decided;
}

decision<allocate_producer_ids_response> controller::allocate_producer_ids(
    const decision_context& context, const allocate_producer_ids_request& request) {
    constexpr std::int32_t block = 1000;
    const cluster_view view{context.cluster, config_, schema_};
    decision<allocate_producer_ids_response> decided;
    if (auto valid = view.check_epoch(request.broker_id, request.broker_epoch); !valid) {
        decided.response.error_code = wire_code(valid.code());
        return decided;
    }
    const auto first = context.cluster.next_producer_id();
    if (first > std::numeric_limits<std::int64_t>::max() - block) {
        decided.response.error_code = wire_code(errc::unknown_server_error);  // all 2^63 are taken
        return decided;
    }
    producer_ids_record record;
    record.broker_id = request.broker_id;
    record.broker_epoch = request.broker_epoch;
    record.next_producer_id = first + block;
    decided.records.push_back(record);
    decided.response.producer_id_start = first;
    decided.response.producer_id_len = block;
    return decided;
}

decision<broker_id> controller::fence_expired(const decision_context& context) {
    const cluster_view view{context.cluster, config_, schema_};
    decision<broker_id> decided;
    decided.response = sessions_.expired(context.now);
    if (decided.response == no_broker) return decided;
    if (const auto* known = context.cluster.find_broker(decided.response); known && !known->fenced)
        fence(view, *known, decided.records);
    sessions_.forget(decided.response);
    return decided;
}

}  // namespace weir::metadata

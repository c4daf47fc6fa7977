// The built-in tools. A new one: its file, a line in each of the lists here, its file's name in CMakeLists.txt.
#include "tool.hpp"

namespace weir::tools {

extern const tool
    acls,
    broker_api_versions,
    client_metrics,
    cluster,
    configs,
    console_consumer,
    console_producer,
    console_share_consumer,
    consumer_groups,
    consumer_perf_test,
    delegation_tokens,
    delete_records,
    dump_log,
    e2e_latency,
    features,
    get_offsets,
    groups,
    leader_election,
    log_dirs,
    metadata_quorum,
    producer_perf_test,
    reassign_partitions,
    replica_verification,
    share_consumer_perf_test,
    share_groups,
    streams_groups,
    topics,
    transactions,
    verifiable_consumer,
    verifiable_producer,
    verifiable_share_consumer;

std::span<const tool* const> all_tools() noexcept {
    static constexpr const tool* all[] = {
        &acls,
        &broker_api_versions,
        &client_metrics,
        &cluster,
        &configs,
        &console_consumer,
        &console_producer,
        &console_share_consumer,
        &consumer_groups,
        &consumer_perf_test,
        &delegation_tokens,
        &delete_records,
        &dump_log,
        &e2e_latency,
        &features,
        &get_offsets,
        &groups,
        &leader_election,
        &log_dirs,
        &metadata_quorum,
        &producer_perf_test,
        &reassign_partitions,
        &replica_verification,
        &share_consumer_perf_test,
        &share_groups,
        &streams_groups,
        &topics,
        &transactions,
        &verifiable_consumer,
        &verifiable_producer,
        &verifiable_share_consumer,
    };
    return all;
}

const tool* find_tool(std::string_view name) noexcept {
    for (const auto* each : all_tools())
        if (each->name == name) return each;
    return nullptr;
}

}  // namespace weir::tools

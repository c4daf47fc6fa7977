// The built-in tools. A new one: its file, a line in each of the lists here, its file's name in CMakeLists.txt.
#include "tool.hpp"

namespace weir::tools {

extern const tool cluster, console_producer, dump_log, features, get_offsets, log_dirs, metadata_quorum, producer_perf_test, topics, verifiable_producer;

std::span<const tool* const> all_tools() noexcept {
    static constexpr const tool* all[] = {
        &cluster,
        &console_producer,
        &dump_log,
        &features,
        &get_offsets,
        &log_dirs,
        &metadata_quorum,
        &producer_perf_test,
        &topics,
        &verifiable_producer,
    };
    return all;
}

const tool* find_tool(std::string_view name) noexcept {
    for (const auto* each : all_tools())
        if (each->name == name) return each;
    return nullptr;
}

}  // namespace weir::tools

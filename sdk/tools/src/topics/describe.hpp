// topics --describe: partitions, replicas and settings.
#pragma once
#include "../arguments.hpp"

#include <weir/admin.hpp>

namespace weir::tools {

/// With one of these, --describe shows only partitions in that state.
inline constexpr std::string_view report_options[] = {"under-replicated-partitions", "unavailable-partitions", "under-min-isr-partitions", "at-min-isr-partitions"};

int describe_topics(const admin& at, const invocation& call);

/// Those there are and --topic means, sorted.
std::vector<std::string> chosen_topics(const admin& at, const arguments& args);
/// The same; throws when there are none and --if-exists was not given.
std::vector<std::string> existing_topics(const admin& at, const arguments& args);

}  // namespace weir::tools

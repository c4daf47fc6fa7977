// Topics as the cluster has them at this moment, asked for by whoever decides about partitions: the client's own view of
// the cluster knows only what this client works with.
#pragma once
#include "../cluster.hpp"
#include "assignor.hpp"

namespace weir::detail {

/// Those of the named topics that exist, with the racks of their replicas.
task<result<topic_map>> look_up_topics(std::shared_ptr<cluster> view, std::vector<std::string> names, bool may_be_made);
/// All topics that this principal may see.
task<result<std::vector<std::string>>> list_topics(std::shared_ptr<cluster> view, bool but_internal);
/// Names of topic ids (KIP-848 speaks of ids); those that are not known (yet, or any more) are left out.
task<result<std::map<uuid, std::string>>> look_up_names(std::shared_ptr<cluster> view, std::vector<uuid> ids);

}  // namespace weir::detail

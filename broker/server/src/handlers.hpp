// What several handlers share: from the names in a request to partitions and error codes.
#pragma once
#include "api.hpp"

#include <weir/metadata/image.hpp>
#include <weir/replica/replicas.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace weir::server {

struct topic_lookup {
    metadata::topic_ref topic;  ///< null when unknown
    errc missing = errc::none;  ///< what to answer then: unknown_topic_or_partition, or unknown_topic_id
};
/// By id or by name, as the version of the request has it.
topic_lookup find_topic(const metadata::image& image, bool by_id, const std::string& name, const uuid& id);

/// The partition on this broker, or why it cannot be served: unknown_topic_or_partition, unknown_topic_id,
/// not_leader_or_follower, kafka_storage_error when its log could not be opened.
errc locate(request_context& context, const topic_lookup& topic, std::int32_t index,
            std::shared_ptr<replica::partition>& found);

/// Waits until what is written by now is visible. What was acknowledged with acks=1 becomes so with the next flush, and its
/// writer counts on it when it asks for an offset or names one. A disk that hangs holds nobody beyond `deadline`.
task<void> until_visible(event_loop& here, std::shared_ptr<replica::partition> where, time_point deadline);
constexpr auto visibility_patience = std::chrono::seconds{5};

/// What `ask` answers, a result<T>, called with the partition on the loop that owns it. A partition that resigned on the
/// way has no log any more: it is not asked, and the answer is not_leader_or_follower. Goes on at `here`.
template <class Ask>
task<std::invoke_result_t<Ask&, replica::partition&>> at_home(event_loop& here,
                                                              std::shared_ptr<replica::partition> where, Ask ask) {
    co_await switch_to{where->home()};
    std::invoke_result_t<Ask&, replica::partition&> answer = errc::not_leader_or_follower;
    if (where->leads()) answer = ask(*where);
    co_await switch_to{here};
    co_return answer;
}

/// Sets leader id and epoch after not_leader_or_follower and fenced_leader_epoch, and names the leader's address (KIP-951).
template <class Leader, class Endpoints>
void hint_leader(const metadata::image& image, const topic_lookup& topic, std::int32_t index, errc code, Leader& leader,
                 Endpoints& endpoints, const listener_info& listener) {
    if ((code != errc::not_leader_or_follower && code != errc::fenced_leader_epoch) || !topic.topic) return;
    const auto* partition = topic.topic->partitions.find(index);
    if (!partition || !partition->has_leader()) return;
    leader.leader_id = partition->leader;
    leader.leader_epoch = partition->leader_epoch;
    const auto* broker = image.find_broker(partition->leader);
    const auto* address = broker ? broker->find_endpoint(listener.name) : nullptr;
    if (!address) return;
    for (const auto& known : endpoints)
        if (known.node_id == broker->id) return;
    auto& node = endpoints.emplace_back();
    node.node_id = broker->id;
    node.host = address->host;
    node.port = address->port;
    node.rack = broker->rack;
}

/// ApiVersions in a version nobody knows.
reply answer_unknown_api_versions(request_context& context);

/// The bit field of authorized operations where everything is allowed: there is no authorizer.
inline constexpr std::int32_t all_group_operations =
    0b1101'0100'1000;  // read, delete, describe, describe and alter configs
inline constexpr std::int32_t all_topic_operations = 0b1101'1111'1000;  // read .. describe, describe and alter configs
inline constexpr std::int32_t all_cluster_operations =
    0b1'1111'1010'0000;  // create, alter, describe .. idempotent write

}  // namespace weir::server

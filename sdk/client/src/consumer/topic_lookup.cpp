#include "topic_lookup.hpp"

#include <weir/protocol/messages/metadata.hpp>

#include <algorithm>

namespace weir::detail {
namespace {

// By value: a coroutine outlives its caller's temporaries.
task<result<protocol::metadata_response>> ask(std::shared_ptr<cluster> view, protocol::metadata_request request) {
    auto finding = cluster::any(view);
    auto link = co_await finding;
    if (!link) co_return link.error();
    auto asking = (*link)->call(request);
    auto got = co_await asking;
    if (!got) co_return got.error();
    if (got->message.error_code != 0) co_return error{errc_from_wire(got->message.error_code), "metadata"};
    co_return std::move(got->message);
}

}  // namespace

task<result<topic_map>> look_up_topics(std::shared_ptr<cluster> view, std::vector<std::string> names, bool may_be_made) {
    protocol::metadata_request request;
    request.allow_auto_topic_creation = may_be_made;
    for (auto& name : names) request.topics->emplace_back().name = std::move(name);
    auto asking = ask(std::move(view), std::move(request));
    auto answer = co_await asking;
    if (!answer) co_return answer.error();
    std::map<std::int32_t, std::string> rack_of;
    for (const auto& each : answer->brokers) {
        if (each.rack) rack_of[each.node_id] = *each.rack;
    }
    topic_map topics;
    for (const auto& each : answer->topics) {
        if (!each.name || each.error_code != 0 || each.partitions.empty()) continue;
        auto& racks = topics[*each.name];
        racks.resize(each.partitions.size());
        for (const auto& part : each.partitions) {
            if (part.partition_index < 0 || static_cast<std::size_t>(part.partition_index) >= racks.size()) continue;
            auto& list = racks[static_cast<std::size_t>(part.partition_index)];
            for (const auto broker : part.replica_nodes) {
                if (const auto rack = rack_of.find(broker); rack != rack_of.end()) list.push_back(rack->second);
            }
            std::sort(list.begin(), list.end());
            list.erase(std::unique(list.begin(), list.end()), list.end());
        }
    }
    co_return topics;
}

task<result<std::vector<std::string>>> list_topics(std::shared_ptr<cluster> view, bool but_internal) {
    protocol::metadata_request request;
    request.topics.reset();
    request.allow_auto_topic_creation = false;
    auto asking = ask(std::move(view), std::move(request));
    auto answer = co_await asking;
    if (!answer) co_return answer.error();
    std::vector<std::string> names;
    for (const auto& each : answer->topics) {
        if (each.name && each.error_code == 0 && !(but_internal && each.is_internal)) names.push_back(*each.name);
    }
    co_return names;
}

task<result<std::map<uuid, std::string>>> look_up_names(std::shared_ptr<cluster> view, std::vector<uuid> ids) {
    protocol::metadata_request request;
    request.allow_auto_topic_creation = false;
    for (const auto& id : ids) request.topics->emplace_back().topic_id = id;
    auto asking = ask(std::move(view), std::move(request));
    auto answer = co_await asking;
    if (!answer) co_return answer.error();
    std::map<uuid, std::string> names;
    for (const auto& each : answer->topics) {
        if (each.name && each.error_code == 0) names[each.topic_id] = *each.name;
    }
    co_return names;
}

}  // namespace weir::detail

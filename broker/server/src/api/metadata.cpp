// Metadata (key 3), v0-v13. v0: an empty list means all topics; from v1 null does. v4: auto-creation. v9: flexible.
// v10: topic ids in answers. v12: lookup by id. v13: error of the whole answer.
#include "../handlers.hpp"
#include "../named_twice.hpp"
#include "../refusals.hpp"
#include "../topic_creation.hpp"

#include <weir/protocol/internal_topics.hpp>
#include <weir/protocol/messages/metadata.hpp>

#include <algorithm>

namespace weir::server {
namespace {

using protocol::metadata_request;
using protocol::metadata_response;

metadata_response::metadata_response_topic describe_topic(const request_context& context, const metadata::image& image, const metadata::topic& topic) {
    metadata_response::metadata_response_topic row;
    row.name = topic.name;
    row.topic_id = topic.id;
    row.is_internal = protocol::is_internal_topic(topic.name);
    row.partitions.reserve(topic.partitions.size());
    for (const auto& [index, partition] : topic.partitions) {
        auto& part = row.partitions.emplace_back();
        part.partition_index = index;
        part.leader_id = partition.leader;
        part.leader_epoch = partition.leader_epoch;
        part.replica_nodes = partition.replicas;
        part.isr_nodes = partition.isr;
        for (const auto id : partition.replicas)
            if (image.offline(partition, id)) part.offline_replicas.push_back(id);
        const auto* leader = partition.has_leader() ? image.find_broker(partition.leader) : nullptr;
        if (!leader) part.error_code = wire_code(errc::leader_not_available);
        else if (!leader->find_endpoint(context.connection.listener->name)) part.error_code = wire_code(errc::listener_not_found);
    }
    return row;
}

metadata_response::metadata_response_topic refuse_topic(const std::optional<std::string>& name, const uuid& id, errc code) {
    metadata_response::metadata_response_topic row;
    row.name = name;
    row.topic_id = id;
    row.error_code = wire_code(code);
    if (name) row.is_internal = protocol::is_internal_topic(*name);
    return row;
}

using asked_topic = metadata_request::metadata_request_topic;

// As Kafka reads it: a set of ids, or where nobody gave one, of names. A name beside ids is passed over.
void read_as_set(std::vector<asked_topic>& topics) {
    const auto names_one = [](const asked_topic& topic) { return topic.topic_id.is_zero(); };
    const auto ignore = [](asked_topic&, asked_topic&) {};
    if (std::all_of(topics.begin(), topics.end(), names_one)) return unite(topics, &asked_topic::name, ignore);
    std::erase_if(topics, names_one);
    unite(topics, &asked_topic::topic_id, ignore);
}

// Versions 10 and 11 can say both, and may not.
bool before_its_time(const metadata_request& request, std::int16_t version) {
    return version < 12 && request.topics && std::any_of(request.topics->begin(), request.topics->end(), [](const asked_topic& topic) {
               return !topic.name || !topic.topic_id.is_zero();
           });
}

}  // namespace

task<metadata_response> handle_metadata(request_context& context, metadata_request request) {
    if (before_its_time(request, context.version())) {
        for (auto& topic : *request.topics) topic.name = std::move(topic.name).value_or("");  // answers of these versions have no null
        co_return refusal(request, wire_code(errc::invalid_request));
    }
    metadata_response response;
    auto image = context.image();
    const bool all_topics = !request.topics || (context.version() == 0 && request.topics->empty());
    if (!all_topics) read_as_set(*request.topics);
    if (!all_topics && request.allow_auto_topic_creation && context.broker.config.auto_create_topics_enable) {
        std::vector<std::string> missing;
        for (const auto& topic : *request.topics)
            if (topic.name && !topic.name->empty() && !image->find_topic(*topic.name)) missing.push_back(*topic.name);
        if (!missing.empty()) {
            auto creating = create_missing_topics(context, std::move(missing));
            auto refused = co_await creating;
            image = context.image();
            for (auto& [name, code] : refused)
                if (!image->find_topic(name)) response.topics.push_back(refuse_topic(name, {}, code));
        }
    }
    for (const auto& [id, broker] : image->brokers()) {
        const auto* address = broker.find_endpoint(context.connection.listener->name);
        if (broker.fenced || !address) continue;
        auto& row = response.brokers.emplace_back();
        row.node_id = id;
        row.host = address->host;
        row.port = address->port;
        row.rack = broker.rack;
    }
    response.cluster_id = context.broker.identity.cluster_id;
    // Clients send controller requests to any broker, which passes them on; the one they asked is as good as any.
    response.controller_id = context.broker.identity.node_id;
    if (all_topics) {
        for (const auto& [name, topic] : image->topics()) response.topics.push_back(describe_topic(context, *image, *topic));
    } else {
        for (const auto& wanted : *request.topics) {
            const bool by_id = !wanted.topic_id.is_zero();
            if (!by_id && !wanted.name) {
                response.topics.push_back(refuse_topic(std::nullopt, wanted.topic_id, errc::unknown_topic_id));
                continue;
            }
            const auto* topic = by_id ? image->find_topic(wanted.topic_id) : image->find_topic(*wanted.name);
            if (topic) {
                response.topics.push_back(describe_topic(context, *image, *topic));
            } else if (by_id) {
                response.topics.push_back(refuse_topic(std::nullopt, wanted.topic_id, errc::unknown_topic_id));
            } else if (std::none_of(response.topics.begin(), response.topics.end(), [&](const auto& row) { return row.name == wanted.name; })) {
                response.topics.push_back(refuse_topic(wanted.name, {}, is_valid_topic_name(*wanted.name) ? errc::unknown_topic_or_partition : errc::invalid_topic));
            }
        }
    }
    if (request.include_cluster_authorized_operations) response.cluster_authorized_operations = all_cluster_operations;
    if (request.include_topic_authorized_operations)
        for (auto& row : response.topics)
            if (row.error_code == 0) row.topic_authorized_operations = all_topic_operations;
    co_return response;
}

}  // namespace weir::server

// FindCoordinator (key 10), v0-v6. v1: key types. v3: flexible. v4: several keys. v6: share groups.
#include "../group_calls.hpp"
#include "../topic_creation.hpp"

#include <weir/protocol/internal_topics.hpp>
#include <weir/protocol/messages/find_coordinator.hpp>

namespace weir::server {
namespace {

using protocol::find_coordinator_request;
using protocol::find_coordinator_response;
using coordinator_row = find_coordinator_response::coordinator;

constexpr std::int8_t group_key = 0;
constexpr std::int8_t transaction_key = 1;

coordinator_row refuse(std::string key, errc code, std::string why) {
    coordinator_row row;
    row.key = std::move(key);
    row.node_id = -1;
    row.port = -1;
    row.error_code = wire_code(code);
    row.error_message = std::move(why);
    return row;
}

coordinator_row find_group(const request_context& context, std::string key) {
    const auto image = context.image();
    const auto* topic = image->find_topic(protocol::group_offsets_topic);
    if (!topic) return refuse(std::move(key), errc::coordinator_not_available, "the offsets topic is being created");
    const auto* partition = topic->partitions.find(context.broker.groups.partition_of(key));
    const auto* broker = partition && partition->has_leader() ? image->find_broker(partition->leader) : nullptr;
    const auto* address = broker ? broker->find_endpoint(context.connection.listener->name) : nullptr;
    if (!address) return refuse(std::move(key), errc::coordinator_not_available, "the partition of this group has no leader now");
    coordinator_row row;
    row.key = std::move(key);
    row.node_id = broker->id;
    row.host = address->host;
    row.port = address->port;
    return row;
}

// There is no coordinator of transactions: clients are to fail at once and say why. librdkafka asks for ever unless the code
// is this one, and shows the message then; it speaks versions up to 2. Java's clients, from version 3 on, show the message
// with any code but this one.
errc no_transactions(std::int16_t version) { return version < 3 ? errc::transactional_id_authorization_failed : errc::unsupported_version; }

coordinator_row refuse_type(std::int8_t type, std::string key, std::int16_t version) {
    if (type == transaction_key) return refuse(std::move(key), no_transactions(version), "this broker does not serve transactions: it has no coordinator for a transactional.id");
    return refuse(std::move(key), errc::invalid_request, "this broker coordinates consumer groups only: key type " + std::to_string(type) + " is not served");
}

}  // namespace

task<find_coordinator_response> handle_find_coordinator(request_context& context, find_coordinator_request request) {
    find_coordinator_response response;
    auto keys = context.version() >= 4 ? std::move(request.coordinator_keys) : std::vector<std::string>{request.key};
    if (request.key_type == group_key && !context.image()->find_topic(protocol::group_offsets_topic)) {
        auto creating = create_offsets_topic(context);
        co_await creating;
    }
    for (auto& key : keys) {
        if (request.key_type == group_key) response.coordinators.push_back(find_group(context, std::move(key)));
        else response.coordinators.push_back(refuse_type(request.key_type, std::move(key), context.version()));
    }
    if (context.version() < 4) {
        const auto only = std::move(response.coordinators.front());
        response.coordinators.clear();
        response.error_code = only.error_code;
        response.error_message = only.error_message;
        response.node_id = only.node_id;
        response.host = only.host;
        response.port = only.port;
    }
    co_return response;
}

}  // namespace weir::server

// ElectLeaders (key 43), v0-v2. v1: unclean elections, and an error about the whole. v2: flexible.
// A partition whose replica is here has its leader. One without, in a data directory that comes from a larger cluster, has its
// replicas on brokers that are not there.
#include "../handlers.hpp"

#include <weir/protocol/messages/elect_leaders.hpp>

namespace weir::server {
namespace {

using protocol::elect_leaders_request;
using protocol::elect_leaders_response;

constexpr std::int8_t preferred = 0, unclean = 1;

error outcome(const std::string& topic, std::int32_t index, const metadata::partition* partition, std::int8_t type) {
    const auto name = topic + "-" + std::to_string(index);
    if (!partition) return error{errc::unknown_topic_or_partition, "there is no partition " + name};
    if (partition->has_leader()) return error{errc::election_not_needed, name + " has the leader it can have"};
    const auto why = type == unclean ? errc::eligible_leaders_not_available : errc::preferred_leader_not_available;
    return error{why, "no replica of " + name + " is there to lead it"};
}

void add(elect_leaders_response::replica_election_result& into, std::int32_t index, const error& why) {
    auto& row = into.partition_result.emplace_back();
    row.partition_id = index;
    row.error_code = wire_code(why.code());
    row.error_message = std::string{why.what()};
}

// Of all partitions only those that should have another leader are told.
void answer_all(const metadata::image& image, std::int8_t type, elect_leaders_response& response) {
    for (const auto& [name, topic] : image.topics()) {
        elect_leaders_response::replica_election_result row;
        row.topic = name;
        for (const auto& [index, partition] : topic->partitions)
            if (!partition.has_leader()) add(row, index, outcome(name, index, &partition, type));
        if (!row.partition_result.empty()) response.replica_election_results.push_back(std::move(row));
    }
}

}  // namespace

task<elect_leaders_response> handle_elect_leaders(request_context& context, elect_leaders_request request) {
    elect_leaders_response response;
    if (request.election_type != preferred && request.election_type != unclean) {
        response.error_code = wire_code(errc::invalid_request);
        co_return response;
    }
    const auto image = context.image();
    if (!request.topic_partitions) answer_all(*image, request.election_type, response);
    else for (const auto& asked : *request.topic_partitions) {
        auto& row = response.replica_election_results.emplace_back();
        row.topic = asked.topic;
        const auto topic = image->find_topic(asked.topic);
        for (const auto index : asked.partitions) {
            const auto* partition = topic ? topic->partitions.find(index) : nullptr;
            add(row, index, outcome(asked.topic, index, partition, request.election_type));
        }
    }
    co_return response;
}

}  // namespace weir::server

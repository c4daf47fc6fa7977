// Who leads and who holds: ElectLeaders 43, AlterPartitionReassignments 45, ListPartitionReassignments 46.
#include "by_topic.hpp"
#include "carry_out.hpp"
#include "operations.hpp"

#include <weir/protocol/messages/alter_partition_reassignments.hpp>
#include <weir/protocol/messages/elect_leaders.hpp>
#include <weir/protocol/messages/list_partition_reassignments.hpp>

namespace weir::detail {
namespace {

struct elect_plan : plan_of<protocol::elect_leaders_request, topic_partition, void> {
    election kind;
    std::vector<topic_partition> partitions;

    std::vector<topic_partition> keys() const { return partitions; }
    request ask(std::span<const std::size_t> which, const ask_context& context) const {
        request asked;
        asked.election_type = static_cast<std::int8_t>(kind);
        asked.timeout_ms = context.timeout_ms;
        for (const auto i : which) entry_of(*asked.topic_partitions, &request::topic_partitions_data::topic, partitions[i].topic).partitions.push_back(partitions[i].partition);
        return asked;
    }
    static error read(const response& answer, std::span<const std::size_t>, answers& into) {
        if (auto why = refusal(answer.error_code, {}, "elect_leaders")) return why;
        for (const auto& topic : answer.replica_election_results) {
            for (const auto& part : topic.partition_result) {
                const topic_partition where{topic.topic, part.partition_id};
                into.settle(where, refusal(part.error_code, part.error_message, where));
            }
        }
        return {};
    }
};

struct reassign_plan : plan_of<protocol::alter_partition_reassignments_request, topic_partition, void> {
    std::map<topic_partition, std::optional<broker_ids>> moves;
    std::vector<topic_partition> partitions;
    bool allow_replication_factor_change;

    std::vector<topic_partition> keys() const { return partitions; }
    request ask(std::span<const std::size_t> which, const ask_context& context) const {
        request asked;
        asked.timeout_ms = context.timeout_ms;
        asked.allow_replication_factor_change = allow_replication_factor_change;
        for (const auto i : which) {
            auto& each = entry_of(asked.topics, &request::reassignable_topic::name, partitions[i].topic).partitions.emplace_back();
            each.partition_index = partitions[i].partition;
            each.replicas = moves.find(partitions[i])->second;
        }
        return asked;
    }
    static error read(const response& answer, std::span<const std::size_t>, answers& into) {
        if (auto why = refusal(answer.error_code, answer.error_message, "alter_partition_reassignments")) return why;
        for (const auto& topic : answer.responses) {
            for (const auto& part : topic.partitions) {
                const topic_partition where{topic.name, part.partition_index};
                into.settle(where, refusal(part.error_code, part.error_message, where));
            }
        }
        return {};
    }
};

task_of_outcomes<void, topic_partition> elect_everywhere(call_ptr call, election kind) {
    protocol::elect_leaders_request request;
    request.election_type = static_cast<std::int8_t>(kind);
    request.topic_partitions.reset();
    request.timeout_ms = call->left_ms();
    auto asking = ask(std::move(call), any_broker(), std::move(request),
                      [](const protocol::elect_leaders_response& answer) { return refusal(answer.error_code, {}, "elect_leaders"); });
    auto got = co_await asking;
    if (!got) co_return got.error();
    std::vector<outcomes<void, topic_partition>::item> items;
    for (auto& topic : got->replica_election_results) {
        for (const auto& part : topic.partition_result) {
            topic_partition where{topic.topic, part.partition_id};
            auto why = refusal(part.error_code, part.error_message, where);
            if (why.code() == errc::election_not_needed) continue;
            items.push_back({std::move(where), std::move(why)});
        }
    }
    co_return outcomes<void, topic_partition>{std::move(items)};
}

}  // namespace

task_of_outcomes<void, topic_partition> elect_leaders(call_ptr call, election kind, std::optional<std::vector<topic_partition>> partitions) {
    if (!partitions) return elect_everywhere(std::move(call), kind);
    return carry_out(std::move(call), elect_plan{{}, kind, sorted(*std::move(partitions))});
}

task_of_outcomes<void, topic_partition> alter_partition_reassignments(call_ptr call, std::vector<new_reassignment> moves, bool allow_replication_factor_change) {
    reassign_plan plan{{}, {}, {}, allow_replication_factor_change};
    for (auto& each : moves) plan.moves[std::move(each.where)] = std::move(each.replicas);
    plan.partitions = partitions_of(plan.moves);
    return carry_out(std::move(call), std::move(plan));
}

task<result<std::map<topic_partition, reassignment>>> list_partition_reassignments(call_ptr call, std::optional<std::vector<topic_partition>> among) {
    using asked = protocol::list_partition_reassignments_request;
    asked request;
    request.timeout_ms = call->left_ms();
    if (among) {
        request.topics = std::vector<asked::list_partition_reassignments_topics>{};
        for (const auto& each : sorted(*std::move(among))) {
            entry_of(*request.topics, &asked::list_partition_reassignments_topics::name, each.topic).partition_indexes.push_back(each.partition);
        }
    }
    auto asking = ask(std::move(call), any_broker(), std::move(request), [](const protocol::list_partition_reassignments_response& answer) {
        return refusal(answer.error_code, answer.error_message, "list_partition_reassignments");
    });
    auto got = co_await asking;
    if (!got) co_return got.error();
    std::map<topic_partition, reassignment> all;
    for (auto& topic : got->topics) {
        for (auto& part : topic.partitions) {
            all.emplace(topic_partition{topic.name, part.partition_index},
                        reassignment{std::move(part.replicas), std::move(part.adding_replicas), std::move(part.removing_replicas)});
        }
    }
    co_return all;
}

}  // namespace weir::detail

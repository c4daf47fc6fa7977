// What partition leaders ask for (AlterPartition), where replicas lie (AssignReplicasToDirs), and what administrators ask
// for (ElectLeaders).
#include "cluster_view.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace weir::metadata {

namespace {

using namespace protocol;
using isr_request = alter_partition_request::partition_data;
using isr_answer = alter_partition_response::partition_data;

/// Version 3 sends the members with their epochs, so that a member that restarted meanwhile does not count.
std::vector<alter_partition_request::broker_state> members(const isr_request& wanted) {
    if (!wanted.new_isr_with_epochs.empty()) return wanted.new_isr_with_epochs;
    std::vector<alter_partition_request::broker_state> made;
    for (const auto id : wanted.new_isr) {
        auto& each = made.emplace_back();
        each.broker_id = id;
        each.broker_epoch = -1;
    }
    return made;
}

bool eligible(const image& cluster, const alter_partition_request::broker_state& member) {
    const auto* known = cluster.find_broker(member.broker_id);
    return known && known->active() && (member.broker_epoch == -1 || member.broker_epoch == known->epoch);
}

errc check(const image& cluster, broker_id sender, const partition& now, const isr_request& wanted) {
    // A leader that is ahead of us: then we are not the controller any more.
    if (wanted.leader_epoch > now.leader_epoch || wanted.partition_epoch > now.partition_epoch)
        return errc::not_controller;
    if (wanted.leader_epoch < now.leader_epoch) return errc::fenced_leader_epoch;
    if (sender != now.leader) return errc::invalid_request;
    if (wanted.partition_epoch < now.partition_epoch) return errc::invalid_update_version;
    std::vector<broker_id> isr;
    for (const auto& each : members(wanted)) isr.push_back(each.broker_id);
    std::sort(isr.begin(), isr.end());
    if (std::adjacent_find(isr.begin(), isr.end()) != isr.end()) return errc::invalid_request;
    for (const auto id : isr)
        if (std::find(now.replicas.begin(), now.replicas.end(), id) == now.replicas.end()) return errc::invalid_request;
    if (!std::binary_search(isr.begin(), isr.end(), now.leader)) return errc::invalid_request;
    if (wanted.leader_recovery_state != 0 && wanted.leader_recovery_state != 1) return errc::invalid_request;
    const auto recovery = leader_recovery{wanted.leader_recovery_state};
    if (recovery == leader_recovery::recovering && isr.size() > 1) return errc::invalid_request;
    if (recovery == leader_recovery::recovering && now.recovery == leader_recovery::recovered)
        return errc::invalid_request;
    for (const auto& each : members(wanted))
        if (!eligible(cluster, each)) return errc::ineligible_replica;
    return errc::none;
}

isr_answer alter_one(const cluster_view& view, broker_id sender, const topic& of, const isr_request& wanted,
                     std::vector<metadata_record>& records) {
    isr_answer answer;
    answer.partition_index = wanted.partition_index;
    const auto refuse = [&](errc code) {
        answer.error_code = wire_code(code);
        return answer;
    };
    const auto* now = of.partitions.find(wanted.partition_index);
    if (!now) return refuse(errc::unknown_topic_or_partition);
    if (const auto code = check(view.cluster, sender, *now, wanted); code != errc::none) return refuse(code);

    partition_change change{*now, view.rules_for(of)};
    if (view.unclean_election(of.name)) change.how = election::unclean;
    change.isr.clear();
    for (const auto& each : members(wanted)) change.isr.push_back(each.broker_id);
    change.recovery = leader_recovery{wanted.leader_recovery_state};
    auto record = change.build(
        of.id, wanted.partition_index, [&](broker_id id) { return view.may_lead(*now, id); },
        [&](broker_id id) { return view.default_directory(id); });
    const auto next = record ? after(*now, *record) : *now;
    if (record) records.push_back(std::move(*record));
    // A change that ends a reassignment can take leadership away from the sender: it is done, and the sender must know.
    if (next.leader != sender) return refuse(errc::new_leader_elected);
    answer.leader_id = next.leader;
    answer.leader_epoch = next.leader_epoch;
    answer.isr = next.isr;
    answer.leader_recovery_state = static_cast<std::int8_t>(next.recovery);
    answer.partition_epoch = next.partition_epoch;
    return answer;
}

/// A replica in a directory that is offline leaves the ISR; one in a directory that is online may lead what has no leader.
errc assign_one(const cluster_view& view, const broker& sender, const topic& of, std::int32_t index,
                const uuid& directory, std::vector<metadata_record>& records) {
    const auto* now = of.partitions.find(index);
    if (!now) return errc::unknown_topic_or_partition;
    const auto replica = std::find(now->replicas.begin(), now->replicas.end(), sender.id) - now->replicas.begin();
    if (static_cast<std::size_t>(replica) == now->replicas.size()) return errc::not_leader_or_follower;
    if (now->directory_of(sender.id) == directory) return errc::none;
    auto moved = *now;
    moved.directories.resize(moved.replicas.size(), directory_migrating);
    moved.directories[static_cast<std::size_t>(replica)] = directory;
    partition_change change{moved, view.rules_for(of)};
    if (view.unclean_election(of.name)) change.how = election::unclean;
    if (!sender.has_online(directory)) std::erase(change.isr, sender.id);
    auto record = change.build(
        of.id, index, [&](broker_id id) { return view.may_lead(moved, id); },
        [&](broker_id id) { return view.default_directory(id); });
    if (!record) {
        record.emplace();
        record->topic_id = of.id;
        record->partition_id = index;
    }
    record->directories = std::move(moved.directories);
    records.push_back(*std::move(record));
    return errc::none;
}

result<void> elect_one(const cluster_view& view, std::string_view name, std::int32_t index, bool preferred,
                       std::vector<metadata_record>& records) {
    const auto* of = view.cluster.find_topic(name);
    const auto* now = of ? of->partitions.find(index) : nullptr;
    if (!now)
        return error{errc::unknown_topic_or_partition, of ? fmt::format("partition {}-{} does not exist", name, index)
                                                          : fmt::format("topic {} does not exist", name)};
    const bool settled = preferred ? !now->replicas.empty() && now->leader == now->replicas.front() : now->has_leader();
    if (settled)
        return error{errc::election_not_needed,
                     fmt::format("{}-{} is led by broker {} already", name, index, now->leader)};
    partition_change change{*now, view.rules_for(*of)};
    change.how = preferred ? election::preferred : election::unclean;
    auto record = change.build(
        of->id, index, [&](broker_id id) { return view.may_lead(*now, id); },
        [&](broker_id id) { return view.default_directory(id); });
    if (!record || record->leader < 0) {
        if (preferred)
            return error{errc::preferred_leader_not_available,
                         fmt::format("{}-{}: the preferred leader is not alive and in sync", name, index)};
        return error{errc::eligible_leaders_not_available, fmt::format("{}-{}: no replica is alive", name, index)};
    }
    records.push_back(std::move(*record));
    return {};
}

}  // namespace

decision<alter_partition_response> controller::alter_partition(const decision_context& context,
                                                               const alter_partition_request& request) {
    const cluster_view view{context.cluster, config_, schema_};
    decision<alter_partition_response> decided;
    if (auto known = view.check_epoch(request.broker_id, request.broker_epoch); !known) {
        decided.response.error_code = wire_code(known.code());
        return decided;
    }
    for (const auto& asked : request.topics) {
        auto& answered = decided.response.topics.emplace_back();
        answered.topic_id = asked.topic_id;
        const auto* of = context.cluster.find_topic(asked.topic_id);
        for (const auto& wanted : asked.partitions) {
            if (of) {
                answered.partitions.push_back(alter_one(view, request.broker_id, *of, wanted, decided.records));
                continue;
            }
            auto& answer = answered.partitions.emplace_back();
            answer.partition_index = wanted.partition_index;
            answer.error_code = wire_code(errc::unknown_topic_id);
        }
    }
    return decided;
}

decision<assign_replicas_to_dirs_response> controller::assign_replicas_to_dirs(
    const decision_context& context, const assign_replicas_to_dirs_request& request) {
    const cluster_view view{context.cluster, config_, schema_};
    decision<assign_replicas_to_dirs_response> decided;
    auto valid = view.check_epoch(request.broker_id, request.broker_epoch);
    if (valid && context.cluster.metadata_version() < first_version_with_directories) valid = errc::unsupported_version;
    if (!valid) {
        decided.response.error_code = wire_code(valid.code());
        return decided;
    }
    const auto& sender = *context.cluster.find_broker(request.broker_id);
    for (const auto& directory : request.directories) {
        auto& in_directory = decided.response.directories.emplace_back();
        in_directory.id = directory.id;
        for (const auto& asked : directory.topics) {
            auto& answered = in_directory.topics.emplace_back();
            answered.topic_id = asked.topic_id;
            const auto* of = context.cluster.find_topic(asked.topic_id);
            for (const auto& each : asked.partitions) {
                auto& answer = answered.partitions.emplace_back();
                answer.partition_index = each.partition_index;
                const auto code =
                    of ? assign_one(view, sender, *of, each.partition_index, directory.id, decided.records)
                       : errc::unknown_topic_id;
                answer.error_code = wire_code(code);
            }
        }
    }
    return decided;
}

decision<elect_leaders_response> controller::elect_leaders(const decision_context& context,
                                                           const elect_leaders_request& request) {
    const cluster_view view{context.cluster, config_, schema_};
    decision<elect_leaders_response> decided;
    if (request.election_type != 0 && request.election_type != 1) {
        decided.response.error_code = wire_code(errc::invalid_request);
        return decided;
    }
    const bool preferred = request.election_type == 0;
    const bool every_partition = !request.topic_partitions;
    const auto elect = [&](auto& answers, const std::string& name, std::int32_t index) {
        auto done = elect_one(view, name, index, preferred, decided.records);
        if (every_partition && done.code() == errc::election_not_needed) return;  // nobody asked for this one
        auto& answer = answers.partition_result.emplace_back();
        answer.partition_id = index;
        answer.error_message = std::nullopt;
        if (!done) fail(answer, done.error());
    };
    if (every_partition) {
        for (const auto& [name, each] : context.cluster.topics()) {
            elect_leaders_response::replica_election_result answers;
            answers.topic = name;
            for (const auto& [index, part] : each->partitions) elect(answers, name, index);
            if (!answers.partition_result.empty())
                decided.response.replica_election_results.push_back(std::move(answers));
        }
    } else {
        for (const auto& asked : *request.topic_partitions) {
            auto& answers = decided.response.replica_election_results.emplace_back();
            answers.topic = asked.topic;
            auto indexes = asked.partitions;
            std::sort(indexes.begin(), indexes.end());
            indexes.erase(std::unique(indexes.begin(), indexes.end()), indexes.end());
            for (const auto index : indexes) elect(answers, asked.topic, index);
        }
    }
    return decided;
}

}  // namespace weir::metadata

// Balanced assignments that keep members what they have. The eager one carries it in its user data, for its members join
// empty-handed; the cooperative one reads it from the subscription (KIP-429, KIP-792).
#include "sticky.hpp"

#include <weir/protocol/reader.hpp>
#include <weir/protocol/writer.hpp>

#include <map>

namespace weir::detail {
namespace {

// --- user data: Kafka's older forms, without a version in front

std::optional<std::int32_t> read_generation(const std::optional<bytes>& data) {
    if (!data) return std::nullopt;
    if (data->size() < 4) return -1;
    return load_big_endian<std::int32_t>(data->data());
}

bytes write_generation(std::int32_t generation) {
    protocol::writer out;
    out.number(generation);
    return *out.take_bytes();
}

bytes write_previous(const std::vector<topic_partition>& partitions, std::int32_t generation) {
    std::map<std::string, std::vector<std::int32_t>> by_topic;
    for (const auto& each : partitions) by_topic[each.topic].push_back(each.partition);
    protocol::writer out;
    out.count(by_topic.size(), false, "previous_assignment");
    for (const auto& [topic, list] : by_topic) {
        out.string(topic, false, "topic");
        out.count(list.size(), false, "partitions");
        for (const auto each : list) out.number(each);
    }
    out.number(generation);
    return *out.take_bytes();
}

/// The oldest form ends before the generation; what cannot be read counts as nothing.
sticky_claim read_previous(const std::optional<bytes>& data) {
    sticky_claim claim;
    if (!data || data->empty()) return claim;
    protocol::reader in{*data};
    for (auto topics = in.count(false, false, 6, "previous_assignment"); topics > 0 && in.ok(); --topics) {
        std::string topic;
        in.string(topic, false, "topic");
        for (auto left = in.count(false, false, 4, "partitions"); left > 0 && in.ok(); --left) claim.partitions.push_back({topic, in.number<std::int32_t>("partition")});
    }
    if (!in.ok()) return {{}, -1};
    if (in.remaining() >= 4) claim.generation = in.number<std::int32_t>("generation");
    return claim;
}

// --- the two assignors

sticky_claim eager_claim(const joining_member& member) { return read_previous(member.user_data); }

sticky_claim cooperative_claim(const joining_member& member) {
    return {member.owned, member.generation ? member.generation : read_generation(member.user_data)};
}

assignment_map to_map(const sticky_problem& of, const std::vector<int>& owner) {
    assignment_map all;
    for (const auto* member : of.members) all[member->id];
    for (int partition = 0; partition < of.partitions(); ++partition) {
        const auto number = static_cast<std::size_t>(partition);
        if (owner[number] == sticky_problem::nobody) continue;
        all[of.members[static_cast<std::size_t>(owner[number])]->id].push_back({*of.topic_names[static_cast<std::size_t>(of.topic_of[number])], of.index_of(partition)});
    }
    return all;
}

assignment_map assign_eager(const topic_map& topics, std::span<const joining_member> members) {
    if (members.empty()) return {};
    const sticky_problem problem{topics, members, eager_claim};
    return to_map(problem, problem.all_alike ? uniform_sticky(problem).owner : general_sticky(problem));
}

/// What is given to one member while another still has it.
std::vector<bool> still_elsewhere(const sticky_problem& of, const std::vector<int>& owner) {
    std::vector<bool> has_it(owner.size()), elsewhere(owner.size());
    for (int member = 0; member < of.count(); ++member) {
        for (const auto& each : of.members[static_cast<std::size_t>(member)]->owned) {
            const auto partition = of.number_of(each);
            if (partition == sticky_problem::nobody) continue;
            const auto number = static_cast<std::size_t>(partition);
            if (owner[number] == member) has_it[number] = true;
            else elsewhere[number] = true;
        }
    }
    for (std::size_t i = 0; i < owner.size(); ++i) elsewhere[i] = elsewhere[i] && !has_it[i];
    return elsewhere;
}

/// A partition that moves is nobody's for one rebalance: its owner gives it up first.
assignment_map assign_cooperative(const topic_map& topics, std::span<const joining_member> members) {
    if (members.empty()) return {};
    const sticky_problem problem{topics, members, cooperative_claim};
    sticky_solution found;
    if (problem.all_alike) {
        found = uniform_sticky(problem);
    } else {
        found.owner = general_sticky(problem);
        found.moving = still_elsewhere(problem, found.owner);
    }
    for (std::size_t i = 0; i < found.owner.size(); ++i) {
        if (found.moving[i]) found.owner[i] = sticky_problem::nobody;
    }
    return to_map(problem, found.owner);
}

std::optional<bytes> eager_data(const std::vector<topic_partition>* last, std::int32_t generation) {
    if (!last) return std::nullopt;
    return write_previous(*last, generation);
}
std::optional<bytes> cooperative_data(const std::vector<topic_partition>*, std::int32_t generation) { return write_generation(generation); }

}  // namespace

const assignor sticky_assignor{"sticky", "org.apache.kafka.clients.consumer.StickyAssignor", false, assign_eager, eager_data};
const assignor cooperative_sticky_assignor{"cooperative-sticky", "org.apache.kafka.clients.consumer.CooperativeStickyAssignor", true, assign_cooperative,
                                           cooperative_data};

}  // namespace weir::detail

// Per topic, consecutive partitions for members in order: topics with as many partitions and the same members are
// aligned, which joins depend on. Partitions whose replicas are in a member's rack go first, as far as neither balance
// nor alignment suffers (KIP-881).
#include "assignor.hpp"

#include <algorithm>

namespace weir::detail {
namespace {

class range_topic {
public:
    range_topic(const std::string& name, const topic_racks& racks, std::vector<const joining_member*> members)
        : name_(name), racks_(racks), members_(std::move(members)), free_(racks.size(), true), taken_(members_.size()) {
        each_ = racks.size() / members_.size();
        extra_ = racks.size() % members_.size();
        std::vector<std::string> member_racks;
        for (const auto* member : members_) {
            if (!member->rack.empty()) member_racks.push_back(member->rack);
        }
        with_racks_ = !member_racks.empty();
        const topic_racks* own = &racks;
        racks_matter_ = racks_matter(member_racks, {&own, 1});
    }

    bool racks_matter_here() const noexcept { return racks_matter_; }
    std::size_t partitions() const noexcept { return racks_.size(); }
    std::size_t members() const noexcept { return members_.size(); }
    bool same_members(const range_topic& other) const noexcept { return members_ == other.members_; }
    bool with_racks() const noexcept { return with_racks_; }

    /// How many more that member may get.
    std::size_t room(std::size_t member) const noexcept {
        const auto most = each_ + (extra_ > 0 ? 1 : 0);
        return most > taken_[member] ? most - taken_[member] : 0;
    }
    bool near(std::size_t member, std::size_t partition) const {
        const auto& rack = members_[member]->rack;
        return rack.empty() || std::binary_search(racks_[partition].begin(), racks_[partition].end(), rack);
    }
    void give(std::size_t member, const std::vector<std::size_t>& partitions, assignment_map& all) {
        if (partitions.empty()) return;
        auto& into = all[members_[member]->id];
        for (const auto partition : partitions) {
            into.push_back({name_, static_cast<std::int32_t>(partition)});
            free_[partition] = false;
        }
        taken_[member] += partitions.size();
        if (taken_[member] > each_) --extra_;
    }
    void give_ranges(bool near_only, assignment_map& all) {
        for (std::size_t member = 0; member < members_.size(); ++member) {
            std::vector<std::size_t> next;
            const auto most = room(member);
            for (std::size_t i = 0; i < free_.size() && next.size() < most; ++i) {
                if (free_[i] && (!near_only || near(member, i))) next.push_back(i);
            }
            give(member, next, all);
        }
    }

private:
    const std::string& name_;
    const topic_racks& racks_;
    std::vector<const joining_member*> members_;
    std::vector<bool> free_;
    std::vector<std::size_t> taken_;
    std::size_t each_ = 0;
    std::size_t extra_ = 0;  ///< how many more members may get one above `each_`
    bool with_racks_ = false;
    bool racks_matter_ = false;
};

/// Partition i of all these topics to the same member, the first whose rack has all of them.
void align(const std::vector<range_topic*>& topics, assignment_map& all) {
    const auto& first = *topics.front();
    if (!first.with_racks()) return;
    for (std::size_t partition = 0; partition < first.partitions(); ++partition) {
        for (std::size_t member = 0; member < first.members(); ++member) {
            const auto fits = [&](const range_topic* topic) { return topic->near(member, partition) && topic->room(member) > 0; };
            if (!std::all_of(topics.begin(), topics.end(), fits)) continue;
            for (auto* topic : topics) topic->give(member, {partition}, all);
            break;
        }
    }
}

assignment_map assign(const topic_map& topics, std::span<const joining_member> members) {
    assignment_map all;
    for (const auto& member : members) all[member.id];
    const auto sorted = sorted_members(members);
    std::map<std::string_view, std::vector<const joining_member*>> subscribed;
    for (const auto* member : sorted) {
        for (const auto& name : member->topics) subscribed[name].push_back(member);
    }
    std::vector<range_topic> states;
    for (const auto& [name, racks] : topics) {
        if (const auto found = subscribed.find(name); found != subscribed.end() && !racks.empty()) states.emplace_back(name, racks, std::move(found->second));
    }
    if (std::any_of(states.begin(), states.end(), [](const auto& each) { return each.racks_matter_here(); })) {
        std::vector<bool> done(states.size());
        for (std::size_t i = 0; i < states.size(); ++i) {
            std::vector<range_topic*> alike;
            for (std::size_t j = i; j < states.size(); ++j) {
                if (done[j] || !states[j].same_members(states[i]) || states[j].partitions() != states[i].partitions()) continue;
                done[j] = true;
                alike.push_back(&states[j]);
            }
            if (alike.size() > 1) align(alike, all);
            else if (alike.size() == 1 && alike.front()->racks_matter_here()) alike.front()->give_ranges(true, all);
        }
    }
    for (auto& each : states) each.give_ranges(false, all);
    for (auto& [id, list] : all) std::sort(list.begin(), list.end());
    return all;
}

std::optional<bytes> user_data(const std::vector<topic_partition>*, std::int32_t) { return std::nullopt; }

}  // namespace

const assignor range_assignor{"range", "org.apache.kafka.clients.consumer.RangeAssignor", false, assign, user_data};

}  // namespace weir::detail

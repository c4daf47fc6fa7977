// Members want different topics: there are no quotas, so partitions move one by one while that improves the balance.
#include "java_order.hpp"
#include "sticky.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace weir::detail {
namespace {

constexpr int nobody = sticky_problem::nobody;
std::size_t index(int number) noexcept { return static_cast<std::size_t>(number); }

/// Which partitions of a topic went from one member to another in this round: one that would go back the same way is
/// replaced by one that came, so that nothing is swapped in circles.
class movements {
public:
    explicit movements(const sticky_problem& of) : problem_(of) {}

    void moved(int partition, int from, int to) {
        if (const auto known = last_.find(partition); known != last_.end()) {
            const auto origin = known->second.first;
            auto& list = ways_[key(partition, known->second)];
            std::erase(list.partitions, partition);
            if (list.partitions.empty()) ways_.erase(key(partition, known->second));
            last_.erase(known);
            if (origin == to) return;
            from = origin;
        }
        last_[partition] = {from, to};
        auto& list = ways_[key(partition, {from, to})];
        list.partitions.push_back(partition);
        list.capacity = java_capacity(list.partitions.size(), list.capacity);
    }
    /// The one to move instead of this one.
    int instead_of(int partition, int from, int to) const {
        if (const auto known = last_.find(partition); known != last_.end()) from = known->second.first;
        const auto back = ways_.find(key(partition, {to, from}));
        return back == ways_.end() ? partition : first_of(back->second);
    }

private:
    using way = std::pair<int, int>;
    using way_key = std::pair<int, way>;
    struct hash_set {
        std::vector<int> partitions;  ///< as they came
        std::size_t capacity = 16;
    };
    way_key key(int partition, way of) const { return {problem_.topic_of[index(partition)], of}; }
    int first_of(const hash_set& set) const {
        const auto bucket = [&](int partition) {
            return java_bucket(java_hash(*problem_.topic_names[index(problem_.topic_of[index(partition)])], problem_.index_of(partition)), set.capacity);
        };
        return *std::min_element(set.partitions.begin(), set.partitions.end(), [&](int a, int b) { return bucket(a) < bucket(b); });
    }
    const sticky_problem& problem_;
    std::map<int, way> last_;
    std::map<way_key, hash_set> ways_;
};

class general_builder {
public:
    explicit general_builder(const sticky_problem& of) : problem_(of), owner_(index(of.partitions()), nobody), count_(index(of.count())), in_play_(index(of.count()), true), moves_(of) {}

    std::vector<int> build() {
        read_previous();
        sort_partitions();
        keep_owned();
        std::vector<int> open;
        for (const auto partition : order_) {
            if (owner_[index(partition)] == nobody) open.push_back(partition);
        }
        for (int member = 0; member < problem_.count(); ++member) by_load_.insert(load(member));
        balance(std::move(open));
        return std::move(owner_);
    }

private:
    using loaded = std::pair<int, int>;  ///< how many partitions, and the member's rank
    loaded load(int member) const { return {count_[index(member)], problem_.rank[index(member)]}; }
    int topic_of(int partition) const { return problem_.topic_of[index(partition)]; }
    bool wants(int member, int partition) const { return problem_.subscribed[index(member)][index(topic_of(partition))]; }

    /// What members of older generations had: nobody else's by right, and better there than elsewhere.
    void read_previous() {
        previous_.assign(index(problem_.partitions()), {nobody, 0});
        for (int member = 0; member < problem_.count(); ++member) {
            const auto& claim = problem_.claims[index(member)];
            if (claim.generation ? *claim.generation >= problem_.newest_generation : problem_.newest_generation <= -1) continue;
            const auto generation = claim.generation.value_or(-1);
            for (const auto& each : claim.partitions) {
                const auto partition = problem_.number_of(each);
                if (partition == nobody) continue;
                auto& before = previous_[index(partition)];
                if (before.first == nobody || generation > before.second) before = {member, generation};
            }
        }
    }
    /// Those that few may have come first.
    void sort_partitions() {
        candidates_.assign(index(problem_.topics()), 0);
        member_at_rank_.resize(index(problem_.count()));
        for (int member = 0; member < problem_.count(); ++member) {
            member_at_rank_[index(problem_.rank[index(member)])] = member;
            for (int topic = 0; topic < problem_.topics(); ++topic) candidates_[index(topic)] += problem_.subscribed[index(member)][index(topic)];
        }
        for (int partition = 0; partition < problem_.partitions(); ++partition) order_.push_back(partition);
        std::stable_sort(order_.begin(), order_.end(), [&](int a, int b) { return candidates_[index(topic_of(a))] < candidates_[index(topic_of(b))]; });
    }
    void keep_owned() {
        for (int member = 0; member < problem_.count(); ++member) {
            for (const auto partition : problem_.owned[index(member)]) {
                if (!wants(member, partition) || problem_.far(member, partition)) {
                    must_revoke_ = true;
                    continue;
                }
                owner_[index(partition)] = member;
                ++count_[index(member)];
            }
        }
    }
    void change_load(int member, int by) {
        by_load_.erase(load(member));
        count_[index(member)] += by;
        by_load_.insert(load(member));
    }
    /// The member with the fewest partitions that wants this one.
    int least_loaded(int partition, bool not_far) const {
        for (const auto& [count, rank] : by_load_) {
            const auto member = member_at_rank_[index(rank)];
            if (wants(member, partition) && !(not_far && problem_.far(member, partition))) return member;
        }
        return nobody;
    }
    void give(int partition, bool not_far) {
        const auto member = least_loaded(partition, not_far);
        if (member == nobody) return;
        owner_[index(partition)] = member;
        change_load(member, 1);
    }
    bool may_move(int topic) const { return candidates_[index(topic)] >= 2; }

    void balance(std::vector<int> open) {
        const bool fresh = by_load_.rbegin()->first == 0;
        for (const bool not_far : {true, false}) {
            if (not_far && !problem_.racks()) continue;
            for (const auto partition : open) {
                if (owner_[index(partition)] == nobody) give(partition, not_far);
            }
        }
        const auto fixed = [&](int partition) { return !may_move(topic_of(partition)); };
        std::erase_if(order_, fixed);
        std::erase_if(open, fixed);
        leave_out_the_settled();
        const auto owner_before = owner_;
        const auto count_before = count_;
        if (!must_revoke_) improve(open);
        const bool moved = improve(order_);
        if (!fresh && moved && imbalance(count_) >= imbalance(count_before)) owner_ = owner_before;
    }
    /// Members that have all they want, where nobody else wants any of it.
    void leave_out_the_settled() {
        std::vector<bool> shares(index(problem_.count()));
        for (std::size_t partition = 0; partition < owner_.size(); ++partition) {
            if (owner_[partition] != nobody && may_move(problem_.topic_of[partition])) shares[index(owner_[partition])] = true;
        }
        for (int member = 0; member < problem_.count(); ++member) {
            int most = 0;
            for (int topic = 0; topic < problem_.topics(); ++topic) {
                if (problem_.subscribed[index(member)][index(topic)]) most += problem_.first_partition[index(topic) + 1] - problem_.first_partition[index(topic)];
            }
            if (count_[index(member)] < most || shares[index(member)]) continue;
            in_play_[index(member)] = false;
            by_load_.erase(load(member));
        }
    }
    bool balanced() const {
        if (by_load_.empty() || by_load_.begin()->first >= by_load_.rbegin()->first - 1) return true;
        std::vector<int> most(index(problem_.topics()));  // partitions of any owner, by topic
        for (std::size_t partition = 0; partition < owner_.size(); ++partition) {
            if (owner_[partition] == nobody || !in_play_[index(owner_[partition])]) continue;
            auto& known = most[index(problem_.topic_of[partition])];
            known = std::max(known, count_[index(owner_[partition])]);
        }
        for (int member = 0; member < problem_.count(); ++member) {
            if (!in_play_[index(member)]) continue;
            for (int topic = 0; topic < problem_.topics(); ++topic) {
                if (problem_.subscribed[index(member)][index(topic)] && count_[index(member)] + 1 < most[index(topic)]) return false;
            }
        }
        return true;
    }
    bool improve(const std::vector<int>& partitions) {
        bool any = false;
        for (bool again = true; again;) {
            again = false;
            for (const auto partition : partitions) {
                if (balanced()) break;
                const auto from = owner_[index(partition)];
                if (from == nobody) continue;
                auto to = previous_[index(partition)].first;
                if (to == nobody || !in_play_[index(to)] || !wants(to, partition) || !much_more(from, to)) to = least_loaded(partition, false);
                if (!much_more(from, to)) continue;
                move(moves_.instead_of(partition, from, to), to);
                again = any = true;
            }
        }
        return any;
    }
    bool much_more(int one, int other) const { return count_[index(one)] > count_[index(other)] + 1; }
    void move(int partition, int to) {
        const auto from = owner_[index(partition)];
        moves_.moved(partition, from, to);
        change_load(from, -1);
        change_load(to, 1);
        owner_[index(partition)] = to;
    }
    long imbalance(const std::vector<int>& counts) const {
        std::vector<int> sorted;
        for (std::size_t member = 0; member < counts.size(); ++member) {
            if (in_play_[member]) sorted.push_back(counts[member]);
        }
        std::sort(sorted.begin(), sorted.end());
        long sum = 0, before = 0;
        for (std::size_t i = 0; i < sorted.size(); ++i) {
            sum += static_cast<long>(i) * sorted[i] - before;
            before += sorted[i];
        }
        return sum;
    }

    const sticky_problem& problem_;
    std::vector<int> owner_;
    std::vector<int> count_;
    std::vector<bool> in_play_;  ///< by member
    std::vector<std::pair<int, std::int32_t>> previous_;
    std::vector<int> candidates_;  ///< by topic: how many want it
    std::vector<int> member_at_rank_;
    std::vector<int> order_;
    std::set<loaded> by_load_;  ///< members in play, those with the fewest first
    movements moves_;
    bool must_revoke_ = false;
};

}  // namespace

std::vector<int> general_sticky(const sticky_problem& of) { return general_builder{of}.build(); }

}  // namespace weir::detail

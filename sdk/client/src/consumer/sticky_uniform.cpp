// All members want the same topics: each gets as many partitions as the others, or one more.
#include "sticky.hpp"

#include <algorithm>
#include <deque>
#include <numeric>

namespace weir::detail {
namespace {

class uniform_builder {
public:
    explicit uniform_builder(const sticky_problem& of)
        : problem_(of), least_(of.partitions() / of.count()), most_(least_ + (of.partitions() % of.count() > 0 ? 1 : 0)),
          larger_expected_(of.partitions() % of.count()), held_(static_cast<std::size_t>(of.count())),
          released_by_(static_cast<std::size_t>(of.partitions()), sticky_problem::nobody) {
        solution_.owner.assign(static_cast<std::size_t>(of.partitions()), sticky_problem::nobody);
        solution_.moving.assign(static_cast<std::size_t>(of.partitions()), false);
    }

    sticky_solution build() {
        for (int member = 0; member < problem_.count(); ++member) keep_owned(member);
        std::vector<int> open;
        for (int partition = 0; partition < problem_.partitions(); ++partition) {
            if (solution_.owner[index(partition)] == sticky_problem::nobody) open.push_back(partition);
        }
        const auto by_id = [&](int a, int b) { return problem_.rank[index(a)] < problem_.rank[index(b)]; };
        std::sort(below_.begin(), below_.end(), by_id);
        std::sort(at_least_.begin(), at_least_.end(), by_id);
        if (problem_.racks()) fill_near(open);
        fill(open);
        return std::move(solution_);
    }

private:
    static std::size_t index(int number) noexcept { return static_cast<std::size_t>(number); }

    void keep(int member, int partition) {
        solution_.owner[index(partition)] = member;
        ++held_[index(member)];
    }
    void keep_owned(int member) {
        std::vector<int> undisputed;
        for (const auto partition : problem_.owned[index(member)]) {
            if (problem_.far(member, partition)) released_by_[index(partition)] = member;
            else if (!problem_.disputed[index(partition)]) undisputed.push_back(partition);
        }
        std::sort(undisputed.begin(), undisputed.end(), [&](int a, int b) { return std::pair{problem_.index_of(a), a} < std::pair{problem_.index_of(b), b}; });
        const auto have = static_cast<int>(undisputed.size());
        auto keeps = least_;
        if (have < least_) {
            keeps = have;
            below_.push_back(member);
        } else if (have >= most_ && larger_ < larger_expected_) {
            keeps = most_;
            one_larger();
        } else if (larger_ < larger_expected_) {
            at_least_.push_back(member);
        }
        for (int i = 0; i < have; ++i) {
            if (i < keeps) keep(member, undisputed[index(i)]);
            else released_by_[index(undisputed[index(i)])] = member;
        }
    }
    /// Once enough members have one more, the others are complete with the smaller number.
    void one_larger() {
        if (++larger_ == larger_expected_) at_least_.clear();
    }
    int give(int member, int partition) {
        keep(member, partition);
        const auto before = released_by_[index(partition)];
        solution_.moving[index(partition)] = (before != sticky_problem::nobody && before != member) || problem_.disputed[index(partition)];
        return held_[index(member)];
    }
    template <class List>
    std::ptrdiff_t next_near(const List& list, int partition, std::size_t from) const {
        for (std::size_t i = 0; i < list.size(); ++i) {
            const auto at = (from + i) % list.size();
            if (problem_.near(list[at], partition)) return static_cast<std::ptrdiff_t>(at);
        }
        return -1;
    }
    /// Those with the fewest members nearby choose first.
    void fill_near(std::vector<int>& open) {
        std::vector<int> nearby(index(problem_.partitions()));
        for (const auto partition : open) nearby[index(partition)] = problem_.near_members(partition);
        std::stable_sort(open.begin(), open.end(), [&](int a, int b) { return nearby[index(a)] < nearby[index(b)]; });
        std::size_t turn = 0;
        std::erase_if(open, [&](int partition) {
            auto member = sticky_problem::nobody;
            if (auto at = next_near(below_, partition, turn); at >= 0) {
                member = below_[static_cast<std::size_t>(at)];
                const auto count = held_[index(member)] + 1;
                if (count >= least_) {
                    below_.erase(below_.begin() + at);
                    if (count < most_ && larger_ < larger_expected_) at_least_.push_back(member);
                } else {
                    ++at;
                }
                turn = below_.empty() ? 0 : static_cast<std::size_t>(at) % below_.size();
            } else if (at = next_near(at_least_, partition, 0); at >= 0) {
                member = at_least_[static_cast<std::size_t>(at)];
                if (held_[index(member)] + 1 == most_) {
                    at_least_.erase(at_least_.begin() + at);
                    one_larger();
                }
            }
            if (member == sticky_problem::nobody) return false;
            give(member, partition);
            return true;
        });
    }
    void fill(const std::vector<int>& open) {
        std::size_t turn = 0;
        for (const auto partition : open) {
            int member = 0;
            if (turn >= below_.size()) turn = 0;
            if (!below_.empty()) {
                member = below_[turn++];
            } else if (!at_least_.empty()) {
                member = at_least_.front();
                at_least_.pop_front();
            } else {  // cannot be: the quotas add up
                member = static_cast<int>(std::min_element(held_.begin(), held_.end()) - held_.begin());
            }
            if (give(member, partition) != least_ || turn == 0) continue;
            below_.erase(below_.begin() + static_cast<std::ptrdiff_t>(--turn));
            at_least_.push_back(member);
        }
    }

    const sticky_problem& problem_;
    const int least_, most_;
    const int larger_expected_;  ///< members with most_, when that is more than least_
    int larger_ = 0;
    std::vector<int> held_;
    std::vector<int> released_by_;
    std::vector<int> below_;     ///< have fewer than least_
    std::deque<int> at_least_;   ///< have least_, and may get one more
    sticky_solution solution_;
};

}  // namespace

sticky_solution uniform_sticky(const sticky_problem& of) { return uniform_builder{of}.build(); }

}  // namespace weir::detail

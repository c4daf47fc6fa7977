// Offsets on their way to the coordinator of a consumer's group.
#pragma once
#include "../metrics/counters.hpp"
#include "inbox.hpp"
#include "membership.hpp"

#include <deque>
#include <map>
#include <optional>

namespace weir::detail {

struct commit_job {
    std::vector<partition_offset> offsets;
    std::vector<std::pair<feed_ptr, std::int64_t>> settles;  ///< of those that the application asked for
    std::shared_ptr<op_state<void>> done;                    ///< nullptr: nobody waits
    time_point until;
    int failures = 0;
};

/// One commit after the other: a later one must not be overtaken by an earlier one that is tried again. On the loop.
class commit_queue : public std::enable_shared_from_this<commit_queue> {
public:
    struct hooks {
        function<group_identity()> identity;                             ///< in whose name, asked before each attempt
        function<void(const group_identity&, errc)> rejected;            ///< the coordinator does not take it for a member's
        function<void(const std::vector<partition_offset>&)> committed;
        function<void(const error&)> failed;                             ///< what nobody waits for
    };
    /// `patience` is for errors to tell.
    commit_queue(std::shared_ptr<cluster> view, std::shared_ptr<consumer_counters> counters, milliseconds patience, hooks tell)
        : view_(std::move(view)), counters_(std::move(counters)), patience_(patience), tell_(std::move(tell)) {}

    void add(commit_job next);
    bool busy() const noexcept { return running_; }
    /// Until nothing is on its way, or the end.
    static task<void> settled(std::shared_ptr<commit_queue> self);
    /// Where this partition was committed last; nullopt: it was not, or that was forgotten.
    std::optional<std::int64_t> last(const topic_partition& where) const;
    void forget(const topic_partition& where) { last_.erase(where); }
    /// What has not begun fails with errc::closed; what is under way is not tried again.
    void end();

private:
    static task<void> run(std::shared_ptr<commit_queue> self);
    static task<result<void>> carry_out(std::shared_ptr<commit_queue> self, commit_job& job);
    bool may_retry(const group_identity& who, const error& why, int failures);
    void tell(const commit_job& job, const result<void>& outcome);

    std::shared_ptr<cluster> view_;
    std::shared_ptr<consumer_counters> counters_;
    const milliseconds patience_;
    hooks tell_;
    std::deque<commit_job> jobs_;
    bool running_ = false;
    bool ended_ = false;
    std::map<topic_partition, std::int64_t> last_;
    std::vector<function<void(bool)>> waiting_;
};

}  // namespace weir::detail

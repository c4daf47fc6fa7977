// What an application asks about partitions, assigned or not.
#pragma once
#include "fetcher.hpp"

namespace weir::detail {

/// Answered within default.api.timeout.ms, on the loop.
class partition_questions : public std::enable_shared_from_this<partition_questions> {
public:
    partition_questions(std::shared_ptr<cluster> view, std::shared_ptr<fetcher> from, const consumer_config& config)
        : view_(std::move(view)), fetcher_(std::move(from)), patience_(config.default_api_timeout), level_(config.isolation), may_make_topics_(config.allow_auto_create_topics) {}

    void position(const topic_partition& where, std::shared_ptr<op_state<std::int64_t>> done);
    /// Of one, or of all that are assigned when it is nullopt.
    void lag(std::optional<topic_partition> of, std::shared_ptr<op_state<std::int64_t>> done);
    void find_offsets(std::vector<std::pair<topic_partition, std::int64_t>> asked, std::shared_ptr<op_state<std::vector<offset_and_time>>> done);
    void partitions_for(std::string topic, std::shared_ptr<op_state<std::vector<partition_info>>> done);
    using topic_map = std::map<std::string, std::vector<partition_info>>;
    void list_topics(std::shared_ptr<op_state<topic_map>> done);
    /// No question is tried again.
    void end() { ended_ = true; }

private:
    using shared = std::shared_ptr<partition_questions>;
    /// Until the positions of these are known; false: not in time, or not assigned.
    static task<bool> wait_positions(shared self, std::vector<topic_partition> of);
    error no_position(const topic_partition& where) const;
    static task<void> run_position(shared self, topic_partition where, std::shared_ptr<op_state<std::int64_t>> done);
    static task<void> run_lag(shared self, std::vector<topic_partition> of, std::shared_ptr<op_state<std::int64_t>> done);
    static task<void> run_find(shared self, std::vector<std::pair<topic_partition, std::int64_t>> asked, std::shared_ptr<op_state<std::vector<offset_and_time>>> done);
    static task<void> run_partitions_for(shared self, std::string topic, std::shared_ptr<op_state<std::vector<partition_info>>> done);

    static task<void> run_list_topics(shared self, std::shared_ptr<op_state<topic_map>> done);
    static task<result<topic_map>> ask_for_topics(shared self);

    std::shared_ptr<cluster> view_;
    std::shared_ptr<fetcher> fetcher_;
    const milliseconds patience_;
    const isolation level_;
    const bool may_make_topics_;
    bool ended_ = false;
};

}  // namespace weir::detail

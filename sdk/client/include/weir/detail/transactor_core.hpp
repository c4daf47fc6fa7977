// The part of a transactor that does not depend on its types.
#pragma once
#include <weir/consumer.hpp>
#include <weir/producer.hpp>

namespace weir::detail {

/// What a batch has of one partition.
struct read_span {
    topic_partition where{};
    std::int64_t first = -1;
    std::int64_t end = -1;  ///< offset behind the last record
    std::int32_t leader_epoch = -1;
};

class transactor_core {
public:
    transactor_core(const client& on, const std::string& group_id, std::string transactional_id, duration transaction_timeout);
    static consumer_config reading(const std::string& group_id, at::position start, int max_poll_records);

    /// `poll` reads the next batch, `work` processes that one.
    result<> run(consumer_base& in, function<result<std::vector<read_span>>()> poll, function<void(transaction&)> work);

private:
    /// Back to before the batch.
    result<> rewind(consumer_base& in, const std::vector<read_span>& spans);
    /// Before the next attempt.
    result<> pause(int failures);

    client client_;
    producer out_;
};

}  // namespace weir::detail

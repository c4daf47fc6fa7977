// Brokers that keep one topic's log and check sequences as Kafka's do (KIP-98, KIP-360), and fail as they please.
#pragma once
#include "record_batches.hpp"
#include "scripted_brokers.hpp"

#include <weir/protocol/messages/init_producer_id.hpp>
#include <weir/protocol/messages/produce.hpp>

#include <algorithm>

namespace weir::test {

/// Topic "orders". Whoever leads a partition has all of it: its replicas are always in sync.
class scripted_log : public scripted_brokers {
public:
    scripted_log(int brokers, int partitions, std::uint64_t seed) : scripted_brokers(brokers, seed), logs_(static_cast<std::size_t>(partitions)) {
        for (int i = 0; i < partitions; ++i) leaders["orders"].push_back(1 + i % brokers);
        on<protocol::init_producer_id_request>([this](int, const protocol::init_producer_id_request&) {
            protocol::init_producer_id_response answer;
            answer.producer_id = next_producer_++;
            return answer;
        });
        on<protocol::produce_request>([this](int broker, const protocol::produce_request& asked) {
            protocol::produce_response answer;
            for (const auto& topic : asked.topic_data) {
                auto& to = answer.responses.emplace_back();
                to.name = topic.name;
                for (const auto& part : topic.partition_data) {
                    auto& each = to.partition_responses.emplace_back();
                    each.index = part.index;
                    each.error_code = static_cast<std::int16_t>(append(broker, part.index, part.records.memory(), each.base_offset));
                }
            }
            return answer;
        });
    }
    const std::vector<std::string>& values(std::int32_t partition) const { return logs_[static_cast<std::size_t>(partition)].values; }
    /// Nobody knows any more who wrote what.
    void forget_producers(std::int32_t partition) { logs_[static_cast<std::size_t>(partition)].producers.clear(); }

    /// What a batch is answered with; errc::none: what its sequence makes of it.
    std::function<errc(std::int32_t partition, const std::vector<std::string>& values)> whim;
    std::size_t largest_batch = 1 << 20;

private:
    struct written {
        std::int32_t first = 0, last = 0;
        std::int64_t offset = 0;
    };
    struct producer_state {
        std::int16_t epoch = -1;
        std::deque<written> batches{};  // the last five
    };
    struct log {
        std::vector<std::string> values{};
        std::map<std::int64_t, producer_state> producers{};
    };
    errc append(int broker, std::int32_t partition, bytes_view content, std::int64_t& base_offset) {
        const auto index = static_cast<std::size_t>(partition);
        if (leaders["orders"][index] != broker) return errc::not_leader_or_follower;
        if (content.size() > largest_batch) return errc::message_too_large;
        const auto batch = protocol::batch_view::open(content);
        REQUIRE(batch);
        std::vector<std::string> values;
        for (auto& [offset, value] : records_of(content)) values.push_back(std::move(value));
        const auto wish = whim ? whim(partition, values) : errc::none;
        if (wish != errc::none && wish != errc::not_enough_replicas_after_append) return wish;
        auto& to = logs_[index];
        if (const auto code = check(to, *batch, base_offset); code != errc::none) return code;
        if (base_offset < 0) {
            base_offset = static_cast<std::int64_t>(to.values.size());
            to.values.insert(to.values.end(), values.begin(), values.end());
            auto& mine = to.producers[batch->producer_id()];
            if (mine.epoch != batch->producer_epoch()) mine = {batch->producer_epoch(), {}};
            mine.batches.push_back({batch->base_sequence(), batch->last_sequence(), base_offset});
            if (mine.batches.size() > 5) mine.batches.pop_front();
        }
        return wish;
    }
    /// `base_offset` is that of a batch that is there already.
    static errc check(log& to, const protocol::batch_view& batch, std::int64_t& base_offset) {
        base_offset = -1;
        const auto known = to.producers.find(batch.producer_id());
        if (known == to.producers.end()) return errc::none;
        const auto& [epoch, batches] = known->second;
        if (batch.producer_epoch() < epoch) return errc::invalid_producer_epoch;
        if (batch.producer_epoch() > epoch) return batch.base_sequence() == 0 ? errc::none : errc::out_of_order_sequence_number;
        const auto same = std::find_if(batches.begin(), batches.end(), [&](const written& each) { return each.first == batch.base_sequence() && each.last == batch.last_sequence(); });
        if (same != batches.end()) base_offset = same->offset;
        return same != batches.end() || batch.base_sequence() == batches.back().last + 1 ? errc::none : errc::out_of_order_sequence_number;
    }

    std::vector<log> logs_;
    std::int64_t next_producer_ = 7;
};

}  // namespace weir::test

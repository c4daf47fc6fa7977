// Two brokers that lend the records of one topic to one share consumer, and note what it says about them.
#pragma once
#include "consumer/fetched_batches.hpp"
#include "scripted_brokers.hpp"

#include <weir/protocol/messages/share_acknowledge.hpp>
#include <weir/protocol/messages/share_fetch.hpp>
#include <weir/protocol/messages/share_group_heartbeat.hpp>

#include <set>

namespace weir::test {

/// Topic "jobs"; the leader of partition 0 is broker 1, of partition 1 broker 2. What is put into a partition is one batch.
class scripted_queue : public scripted_brokers {
public:
    static constexpr uuid jobs_id{1, 1};

    scripted_queue() : scripted_brokers(2) {
        leaders["jobs"] = {1, 2};
        on<protocol::metadata_request>([this](int, const protocol::metadata_request&) { return metadata(); });
        on<protocol::share_group_heartbeat_request>([this](int, const protocol::share_group_heartbeat_request& asked) { return heartbeat(asked); });
        on<protocol::share_fetch_request>([this](int broker, const protocol::share_fetch_request& asked) { return fetch(broker, asked); });
        on<protocol::share_acknowledge_request>([this](int broker, const protocol::share_acknowledge_request& asked) { return acknowledge(broker, asked); });
    }
    /// Values "v<offset>".
    void put(std::int32_t partition, int records) {
        std::vector<std::string> values;
        for (int i = 0; i < records; ++i) values.push_back("v" + std::to_string(i));
        put(partition, values);
    }
    void put(std::int32_t partition, const std::vector<std::string>& values) {
        auto& part = partitions_[partition];
        for (std::size_t i = 0; i < values.size(); ++i) part.free.insert(static_cast<std::int64_t>(i));
        part.content = make_batch(values, 0);
    }
    /// As the log cleaner leaves it: of ten offsets only the first have records, so many; those from `lent` on are lent.
    void put_compacted(std::int32_t partition, int records, int lent) {
        put(partition, records);
        auto& part = partitions_[partition];
        part.content = compacted(std::move(part.content), 9);
        part.free.clear();
        for (int i = lent; i < 10; ++i) part.free.insert(i);
    }
    /// The marker of a transaction, where a record might be.
    void put_marker(std::int32_t partition) {
        partitions_[partition].free.insert(0);
        partitions_[partition].content = marker(0, 7, true);
    }
    /// Offsets of partition 0 that were acknowledged so.
    std::set<std::int64_t> said(int type, std::int32_t partition = 0) { return partitions_[partition].said[static_cast<std::int8_t>(type)]; }

    std::vector<std::string> story;                ///< "join", "fetch 1 epoch 0", "tell 1", "renew 1", "end 1", "leave", as they came
    errc heartbeat_code = errc::none;
    std::map<int, errc> session_code{};            ///< of a broker's next answer
    std::map<std::int32_t, errc> verdict_code{};   ///< what becomes of verdicts about a partition
    int lock_ms = 30'000;
    std::function<void(protocol::share_fetch_response&)> distort;  ///< what a broker answers

private:
    struct partition {
        bytes content{};
        std::set<std::int64_t> free{}, lent{};
        std::map<std::int8_t, std::set<std::int64_t>> said{};
    };
    protocol::metadata_response metadata() {
        protocol::metadata_response answer;
        for (int id = 1; id <= 2; ++id) {
            auto& each = answer.brokers.emplace_back();
            each.node_id = id;
            each.host = "b" + std::to_string(id);
            each.port = 9092;
        }
        auto& topic = answer.topics.emplace_back();
        topic.name = "jobs";
        topic.topic_id = jobs_id;
        for (const auto leader : leaders["jobs"]) {
            auto& part = topic.partitions.emplace_back();
            part.partition_index = static_cast<std::int32_t>(topic.partitions.size() - 1);
            part.leader_id = leader;
        }
        return answer;
    }
    protocol::share_group_heartbeat_response heartbeat(const protocol::share_group_heartbeat_request& asked) {
        protocol::share_group_heartbeat_response answer;
        answer.error_code = static_cast<std::int16_t>(heartbeat_code);
        if (asked.member_epoch == 0) story.emplace_back("join");
        if (asked.member_epoch == -1) story.emplace_back("leave");
        answer.member_epoch = asked.member_epoch < 0 ? asked.member_epoch : 1;
        answer.heartbeat_interval_ms = 1000;
        auto& topic = answer.assignment.emplace().topic_partitions.emplace_back();
        topic.topic_id = jobs_id;
        topic.partitions = {0, 1};
        return answer;
    }
    errc session(int broker, std::int32_t epoch) {
        if (const auto planned = session_code.extract(broker)) {
            epochs_.erase(broker);
            return planned.mapped();
        }
        if (epoch > 0 && (!epochs_.contains(broker) || epochs_[broker] != epoch)) return errc::invalid_share_session_epoch;
        if (epoch < 0) epochs_.erase(broker);
        else epochs_[broker] = epoch + 1;
        return errc::none;
    }
    template <class Batches>
    void judge(std::int32_t index, const Batches& batches) {
        auto& part = partitions_[index];
        if (verdict_code.contains(index)) return;
        for (const auto& batch : batches) {
            for (auto offset = batch.first_offset; offset <= batch.last_offset; ++offset) {
                const auto at = batch.acknowledge_types.size() == 1 ? 0 : static_cast<std::size_t>(offset - batch.first_offset);
                const auto type = batch.acknowledge_types[at];
                part.said[type].insert(offset);
                if (type != 4) part.lent.erase(offset);
                if (type == 2) part.free.insert(offset);
            }
        }
    }
    std::int16_t verdict_of(std::int32_t index) const {
        const auto at = verdict_code.find(index);
        return at == verdict_code.end() ? std::int16_t{0} : static_cast<std::int16_t>(at->second);
    }
    protocol::share_fetch_response fetch(int broker, const protocol::share_fetch_request& asked) {
        story.push_back("fetch " + std::to_string(broker) + " epoch " + std::to_string(asked.share_session_epoch));
        protocol::share_fetch_response answer;
        answer.error_code = static_cast<std::int16_t>(session(broker, asked.share_session_epoch));
        answer.acquisition_lock_timeout_ms = lock_ms;
        if (answer.error_code != 0) return answer;
        auto& topic = answer.responses.emplace_back();
        topic.topic_id = jobs_id;
        std::set<std::int32_t> told;
        for (const auto& each : asked.topics) {
            for (const auto& part : each.partitions) {
                if (!part.acknowledgement_batches.empty()) told.insert(part.partition_index);
                judge(part.partition_index, part.acknowledgement_batches);
            }
        }
        for (auto& [index, part] : partitions_) {
            const bool leads = leaders["jobs"][static_cast<std::size_t>(index)] == broker;
            if (!told.contains(index) && (!leads || part.free.empty())) continue;
            auto& one = topic.partitions.emplace_back();
            one.partition_index = index;
            one.records = protocol::record_data{bytes{}};
            if (told.contains(index)) one.acknowledge_error_code = verdict_of(index);
            if (!leads || part.free.empty()) continue;
            one.records = protocol::record_data{bytes{part.content}};
            for (const auto offset : std::exchange(part.free, {})) {
                auto& range = one.acquired_records.emplace_back();
                range.first_offset = range.last_offset = offset;
                range.delivery_count = static_cast<std::int16_t>(part.said[2].contains(offset) ? 2 : 1);
                part.lent.insert(offset);
            }
        }
        if (distort) distort(answer);
        return answer;
    }
    protocol::share_acknowledge_response acknowledge(int broker, const protocol::share_acknowledge_request& asked) {
        story.push_back((asked.share_session_epoch < 0 ? "end " : asked.is_renew_ack ? "renew " : "tell ") + std::to_string(broker));
        protocol::share_acknowledge_response answer;
        answer.error_code = static_cast<std::int16_t>(session(broker, asked.share_session_epoch));
        answer.acquisition_lock_timeout_ms = lock_ms;
        if (answer.error_code != 0) return answer;
        auto& topic = answer.responses.emplace_back();
        topic.topic_id = jobs_id;
        for (const auto& each : asked.topics) {
            for (const auto& part : each.partitions) {
                judge(part.partition_index, part.acknowledgement_batches);
                auto& one = topic.partitions.emplace_back();
                one.partition_index = part.partition_index;
                one.error_code = verdict_of(part.partition_index);
            }
        }
        return answer;
    }

    std::map<std::int32_t, partition> partitions_;
    std::map<int, std::int32_t> epochs_;
};

}  // namespace weir::test

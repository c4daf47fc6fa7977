// A broker with a topic to read, a topic to write, a group and transactions, as far as a transactor asks for them; and machines
// whose waiting is what makes time pass.
#pragma once
#include "record_batches.hpp"
#include "scripted_brokers.hpp"

#include <weir/net/in_process.hpp>
#include <weir/protocol/messages/add_offsets_to_txn.hpp>
#include <weir/protocol/messages/add_partitions_to_txn.hpp>
#include <weir/protocol/messages/end_txn.hpp>
#include <weir/protocol/messages/fetch.hpp>
#include <weir/protocol/messages/heartbeat.hpp>
#include <weir/protocol/messages/init_producer_id.hpp>
#include <weir/protocol/messages/join_group.hpp>
#include <weir/protocol/messages/leave_group.hpp>
#include <weir/protocol/messages/list_offsets.hpp>
#include <weir/protocol/messages/offset_fetch.hpp>
#include <weir/protocol/messages/produce.hpp>
#include <weir/protocol/messages/sync_group.hpp>
#include <weir/protocol/messages/txn_offset_commit.hpp>

namespace weir::test {

/// Topics "in" and "out", a partition each. Whoever joined the group last is its only member, as if all others had been silent
/// for too long. One transactional id: its producers fence each other as KIP-98 says, with protocol V1, or V2 (KIP-890).
class scripted_pipeline : public scripted_brokers {
public:
    explicit scripted_pipeline(bool v2 = false) : scripted_brokers(1), v2_(v2) {
        leaders = {{"in", {1}}, {"out", {1}}};
        if (v2) finalized["transaction.version"] = 2;
        limit(protocol::api_key::fetch, 12);         // by name from here on
        limit(protocol::api_key::produce, 12);
        limit(protocol::api_key::offset_fetch, 9);
        fates = [](int, protocol::api_key key) { return fate{key == protocol::api_key::fetch ? milliseconds{20} : nanoseconds{0}}; };
        serve_group();
        serve_records();
        serve_transactions();
    }
    /// One batch.
    void put(const std::vector<std::string>& values) {
        protocol::batch_settings settings;
        settings.base_offset = input_end_;
        input_.push_back({input_end_, make_batch(values, 1000, settings)});
        input_end_ += static_cast<std::int64_t>(values.size());
    }
    /// What transactions that were committed wrote.
    const std::vector<std::string>& output() const noexcept { return output_; }
    std::int64_t committed() const noexcept { return committed_; }

    /// A machine with clients on it.
    class machine final : public net::in_process_cluster, net::virtual_time {
    public:
        machine(sim::world& in, const std::string& name) : world_(in), id_(in.add_node(name)) {}
        net::in_process_access access() const override {
            auto* self = const_cast<machine*>(this);
            return {"b1:9092", std::shared_ptr<network>{std::shared_ptr<void>{}, &world_.net(id_)}, &world_.loop(id_), self, world_.random()()};
        }
        sim::node_id id() const noexcept { return id_; }

    private:
        bool inside_step() const noexcept override { return world_.inside_step(); }
        bool run_until(function<bool()> reached, nanoseconds limit) override { return world_.run_until(std::move(reached), limit); }
        sim::world& world_;
        sim::node_id id_;
    };

private:
    struct transaction_under_way {
        std::vector<std::string> written{};
        std::optional<std::int64_t> position{};
    };

    void serve_group() {
        using namespace protocol;
        on<join_group_request>([this](int, const join_group_request& asked) {
            join_group_response answer;
            member_ = asked.member_id.empty() ? "m" + std::to_string(++members_) : asked.member_id;
            answer.generation_id = ++generation_;
            answer.protocol_type = asked.protocol_type;
            answer.protocol_name = asked.protocols.front().name;
            answer.leader = answer.member_id = member_;
            auto& each = answer.members.emplace_back();
            each.member_id = member_;
            each.metadata = asked.protocols.front().metadata;
            return answer;
        });
        on<sync_group_request>([this](int, const sync_group_request& asked) {
            sync_group_response answer;
            answer.error_code = of_member(asked.member_id);
            answer.protocol_type = asked.protocol_type;
            answer.protocol_name = asked.protocol_name;
            if (answer.error_code == 0 && !asked.assignments.empty()) answer.assignment = asked.assignments.front().assignment;
            return answer;
        });
        on<heartbeat_request>([this](int, const heartbeat_request& asked) {
            heartbeat_response answer;
            answer.error_code = of_member(asked.member_id);
            return answer;
        });
        on<leave_group_request>([](int, const leave_group_request&) { return leave_group_response{}; });
        on<offset_fetch_request>([this](int, const offset_fetch_request& asked) {
            offset_fetch_response answer;
            for (const auto& group : asked.groups) {
                auto& to = answer.groups.emplace_back();
                to.group_id = group.group_id;
                if (!group.topics) continue;
                for (const auto& topic : *group.topics) {
                    auto& into = to.topics.emplace_back();
                    into.name = topic.name;
                    for (const auto index : topic.partition_indexes) {
                        auto& part = into.partitions.emplace_back();
                        part.partition_index = index;
                        part.committed_offset = committed_;
                        part.metadata = "";
                    }
                }
            }
            return answer;
        });
    }
    void serve_records() {
        using namespace protocol;
        on<list_offsets_request>([this](int, const list_offsets_request& asked) {
            list_offsets_response answer;
            for (const auto& topic : asked.topics) {
                auto& to = answer.topics.emplace_back();
                to.name = topic.name;
                for (const auto& part : topic.partitions) {
                    auto& each = to.partitions.emplace_back();
                    each.partition_index = part.partition_index;
                    each.offset = part.timestamp == -1 ? input_end_ : 0;
                }
            }
            return answer;
        });
        on<fetch_request>([this](int, const fetch_request& asked) {
            fetch_response answer;
            for (const auto& topic : asked.topics) {
                auto& to = answer.responses.emplace_back();
                to.topic = topic.topic;
                for (const auto& part : topic.partitions) {
                    auto& each = to.partitions.emplace_back();
                    each.partition_index = part.partition;
                    each.high_watermark = each.last_stable_offset = input_end_;
                    each.log_start_offset = 0;
                    bytes content;
                    for (const auto& [base, batch] : input_) {
                        if (base >= part.fetch_offset) content.insert(content.end(), batch.begin(), batch.end());
                    }
                    each.records = record_data{std::move(content)};
                }
            }
            return answer;
        });
        on<produce_request>([this](int, const produce_request& asked) {
            produce_response answer;
            for (const auto& topic : asked.topic_data) {
                auto& to = answer.responses.emplace_back();
                to.name = topic.name;
                for (const auto& part : topic.partition_data) {
                    auto& each = to.partition_responses.emplace_back();
                    each.index = part.index;
                    const auto batch = batch_view::open(part.records.memory());
                    REQUIRE(batch);
                    if (batch->producer_epoch() != epoch_) {
                        each.error_code = static_cast<std::int16_t>(errc::invalid_producer_epoch);
                        continue;
                    }
                    each.base_offset = written_;
                    for (auto& [offset, value] : records_of(part.records.memory())) {
                        open_.written.push_back(std::move(value));
                        ++written_;
                    }
                }
            }
            return answer;
        });
    }
    void serve_transactions() {
        using namespace protocol;
        on<init_producer_id_request>([this](int, const init_producer_id_request& asked) {
            init_producer_id_response answer;
            if (asked.producer_id >= 0) answer.error_code = of_producer(asked.producer_epoch);
            if (answer.error_code != 0) return answer;
            open_ = {};  // what the one before left open is aborted
            answer.producer_id = producer_id;
            answer.producer_epoch = ++epoch_;
            return answer;
        });
        on<add_partitions_to_txn_request>([this](int, const add_partitions_to_txn_request& asked) {
            CHECK_FALSE(v2_);
            add_partitions_to_txn_response answer;
            for (const auto& topic : asked.v3_and_below_topics) {
                auto& to = answer.results_by_topic_v3_and_below.emplace_back();
                to.name = topic.name;
                for (const auto index : topic.partitions) {
                    auto& each = to.results_by_partition.emplace_back();
                    each.partition_index = index;
                    each.partition_error_code = of_producer(asked.v3_and_below_producer_epoch);
                }
            }
            return answer;
        });
        on<add_offsets_to_txn_request>([this](int, const add_offsets_to_txn_request& asked) {
            CHECK_FALSE(v2_);
            add_offsets_to_txn_response answer;
            answer.error_code = of_producer(asked.producer_epoch);
            return answer;
        });
        on<txn_offset_commit_request>([this](int, const txn_offset_commit_request& asked) {
            txn_offset_commit_response answer;
            for (const auto& topic : asked.topics) {
                auto& to = answer.topics.emplace_back();
                to.name = topic.name;
                for (const auto& part : topic.partitions) {
                    auto& each = to.partitions.emplace_back();
                    each.partition_index = part.partition_index;
                    each.error_code = of_producer(asked.producer_epoch);
                    if (each.error_code == 0) open_.position = part.committed_offset;
                }
            }
            return answer;
        });
        on<end_txn_request>([this](int, const end_txn_request& asked) {
            end_txn_response answer;
            answer.error_code = of_producer(asked.producer_epoch);
            if (answer.error_code != 0) return answer;
            if (asked.committed) {
                output_.insert(output_.end(), open_.written.begin(), open_.written.end());
                if (open_.position) committed_ = *open_.position;
            }
            open_ = {};
            if (v2_) {
                answer.producer_id = producer_id;
                answer.producer_epoch = ++epoch_;
            }
            return answer;
        });
    }
    std::int16_t of_member(const std::string& id) const { return static_cast<std::int16_t>(id == member_ ? errc::none : errc::unknown_member_id); }
    std::int16_t of_producer(std::int16_t epoch) const { return static_cast<std::int16_t>(epoch == epoch_ ? errc::none : errc::producer_fenced); }

    static constexpr std::int64_t producer_id = 7;
    const bool v2_;
    std::vector<std::pair<std::int64_t, bytes>> input_;
    std::int64_t input_end_ = 0;
    std::string member_;
    int members_ = 0;
    std::int32_t generation_ = 0;
    std::int16_t epoch_ = -1;
    transaction_under_way open_;
    std::int64_t committed_ = -1;
    std::int64_t written_ = 0;
    std::vector<std::string> output_;
};

}  // namespace weir::test

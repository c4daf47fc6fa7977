// Topics come, grow and go: CreateTopics 19, DeleteTopics 20, CreatePartitions 37.
#include "carry_out.hpp"
#include "operations.hpp"

#include <weir/protocol/messages/create_partitions.hpp>
#include <weir/protocol/messages/create_topics.hpp>
#include <weir/protocol/messages/delete_topics.hpp>

namespace weir::detail {
namespace {

struct create_topics_plan : plan_of<protocol::create_topics_request, std::string, created_topic> {
    std::vector<new_topic> topics;
    create_topics_options options;

    std::vector<std::string> keys() const {
        std::vector<std::string> names;
        for (const auto& each : topics) names.push_back(each.name);
        return names;
    }
    bool retries_quota() const { return options.retry_on_quota_violation; }
    request ask(std::span<const std::size_t> which, const ask_context& context) const {
        request asked;
        asked.timeout_ms = context.timeout_ms;
        asked.validate_only = options.validate_only;
        for (const auto i : which) {
            const auto& from = topics[i];
            auto& to = asked.topics.emplace_back();
            to.name = from.name;
            to.num_partitions = from.assignments.empty() ? from.partitions : -1;
            to.replication_factor = from.assignments.empty() ? from.replication : std::int16_t{-1};
            for (std::size_t partition = 0; partition < from.assignments.size(); ++partition) {
                auto& each = to.assignments.emplace_back();
                each.partition_index = static_cast<std::int32_t>(partition);
                each.broker_ids = from.assignments[partition];
            }
            const auto configs = from.config.by_name();
            for (const auto& config : configs) {
                auto& each = to.configs.emplace_back();
                each.name = config.name;
                each.value = config.value;
            }
        }
        return asked;
    }
    static error read(response& answer, std::span<const std::size_t>, answers& into) {
        for (auto& each : answer.topics) {
            if (auto why = refusal(each.error_code, each.error_message, each.name)) {
                into.settle(each.name, std::move(why));
                continue;
            }
            created_topic made{each.topic_id, each.num_partitions, each.replication_factor, {}, refusal(each.topic_config_error_code, {}, each.name)};
            if (each.configs) {
                for (auto& config : *each.configs) {
                    made.configs.push_back({std::move(config.name), std::move(config.value), static_cast<config_source>(config.config_source), config.is_sensitive, config.read_only});
                }
            }
            into.settle(each.name, std::move(made));
        }
        return {};
    }
};

struct delete_topics_plan : plan_of<protocol::delete_topics_request, std::string, void> {
    std::vector<std::string> names;
    delete_topics_options options;

    std::vector<std::string> keys() const { return names; }
    bool retries_quota() const { return options.retry_on_quota_violation; }
    request ask(std::span<const std::size_t> which, const ask_context& context) const {
        request asked;
        asked.timeout_ms = context.timeout_ms;
        for (const auto i : which) {
            if (context.version >= 6) asked.topics.emplace_back().name = names[i];
            else asked.topic_names.push_back(names[i]);
        }
        return asked;
    }
    static error read(const response& answer, std::span<const std::size_t>, answers& into) {
        for (const auto& each : answer.responses) into.settle(each.name.value_or(""), refusal(each.error_code, each.error_message, each.name.value_or("")));
        return {};
    }
};

struct delete_topics_by_id_plan : plan_of<protocol::delete_topics_request, uuid, void> {
    std::vector<uuid> ids;
    delete_topics_options options;

    std::vector<uuid> keys() const { return ids; }
    bool retries_quota() const { return options.retry_on_quota_violation; }
    request ask(std::span<const std::size_t> which, const ask_context& context) const {
        request asked;
        asked.timeout_ms = context.timeout_ms;
        for (const auto i : which) asked.topics.emplace_back().topic_id = ids[i];
        return asked;
    }
    static error read(const response& answer, std::span<const std::size_t>, answers& into) {
        for (const auto& each : answer.responses) into.settle(each.topic_id, refusal(each.error_code, each.error_message, to_string(each.topic_id)));
        return {};
    }
};

struct create_partitions_plan : plan_of<protocol::create_partitions_request, std::string, void> {
    std::vector<new_partitions> topics;
    create_partitions_options options;

    std::vector<std::string> keys() const {
        std::vector<std::string> names;
        for (const auto& each : topics) names.push_back(each.topic);
        return names;
    }
    bool retries_quota() const { return options.retry_on_quota_violation; }
    request ask(std::span<const std::size_t> which, const ask_context& context) const {
        request asked;
        asked.timeout_ms = context.timeout_ms;
        asked.validate_only = options.validate_only;
        for (const auto i : which) {
            auto& to = asked.topics.emplace_back();
            to.name = topics[i].topic;
            to.count = topics[i].total;
            if (topics[i].assignments.empty()) {
                to.assignments.reset();
                continue;
            }
            to.assignments = std::vector<request::create_partitions_assignment>{};
            for (const auto& replicas : topics[i].assignments) to.assignments->emplace_back().broker_ids = replicas;
        }
        return asked;
    }
    static error read(const response& answer, std::span<const std::size_t>, answers& into) {
        for (const auto& each : answer.results) into.settle(each.name, refusal(each.error_code, each.error_message, each.name));
        return {};
    }
};

}  // namespace

task_of_outcomes<created_topic> create_topics(call_ptr call, std::vector<new_topic> topics, create_topics_options options) {
    return carry_out(std::move(call), create_topics_plan{{}, std::move(topics), options});
}
task_of_outcomes<void> delete_topics(call_ptr call, std::vector<std::string> names, delete_topics_options options) {
    return carry_out(std::move(call), delete_topics_plan{{}, std::move(names), options});
}
task_of_outcomes<void, uuid> delete_topics_by_id(call_ptr call, std::vector<uuid> ids, delete_topics_options options) {
    return carry_out(std::move(call), delete_topics_by_id_plan{{}, std::move(ids), options});
}
task_of_outcomes<void> create_partitions(call_ptr call, std::vector<new_partitions> topics, create_partitions_options options) {
    return carry_out(std::move(call), create_partitions_plan{{}, std::move(topics), options});
}
task<result<void>> create_partitions_of(call_ptr call, new_partitions topic) {
    auto creating = create_partitions(std::move(call), {std::move(topic)}, {});
    auto made = co_await creating;
    co_return only(std::move(made));
}

}  // namespace weir::detail

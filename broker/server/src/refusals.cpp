#include "refusals.hpp"

namespace weir::server {
namespace {

// A topic is named, identified or both; answers say it the way the request did.
template <class From, class To>
void copy_topic(const From& from, To& to) {
    if constexpr (requires { to.name = from.name; }) to.name = from.name;
    if constexpr (requires { to.topic = from.topic; }) to.topic = from.topic;
    if constexpr (requires { to.topic_id = from.topic_id; }) to.topic_id = from.topic_id;
}

/// `Topics` of partitions by index, such as most answers about partitions are.
template <class From, class To>
void refuse_partitions(const From& asked, To& answered, std::int16_t code) {
    for (const auto& topic : asked) {
        auto& each = answered.emplace_back();
        copy_topic(topic, each);
        for (const auto& partition : topic.partitions) {
            auto& row = each.partitions.emplace_back();
            if constexpr (requires { partition.partition_index; }) row.partition_index = partition.partition_index;
            else if constexpr (requires { row.partition_index; }) row.partition_index = partition.partition;
            else row.partition = partition.partition;
            row.error_code = code;
        }
    }
}

template <class From, class To>
void refuse_resources(const From& asked, To& answered, std::int16_t code) {
    for (const auto& resource : asked) {
        auto& row = answered.emplace_back();
        row.error_code = code;
        row.error_message.reset();
        row.resource_type = resource.resource_type;
        row.resource_name = resource.resource_name;
    }
}

}  // namespace

protocol::produce_response refusal(const protocol::produce_request& asked, std::int16_t code) {
    protocol::produce_response answer;
    for (const auto& topic : asked.topic_data) {
        auto& each = answer.responses.emplace_back();
        copy_topic(topic, each);
        for (const auto& partition : topic.partition_data) {
            auto& row = each.partition_responses.emplace_back();
            row.index = partition.index;
            row.error_code = code;
            row.base_offset = -1;
        }
    }
    return answer;
}

protocol::fetch_response refusal(const protocol::fetch_request& asked, std::int16_t code) {
    protocol::fetch_response answer;
    answer.error_code = code;  // all there is when a session left the partitions unsaid
    refuse_partitions(asked.topics, answer.responses, code);
    for (auto& topic : answer.responses)
        for (auto& partition : topic.partitions) partition.high_watermark = -1;
    return answer;
}

protocol::list_offsets_response refusal(const protocol::list_offsets_request& asked, std::int16_t code) {
    protocol::list_offsets_response answer;
    refuse_partitions(asked.topics, answer.topics, code);
    return answer;
}

protocol::metadata_response refusal(const protocol::metadata_request& asked, std::int16_t code) {
    protocol::metadata_response answer;
    answer.error_code = code;
    if (!asked.topics) return answer;
    for (const auto& topic : *asked.topics) {
        auto& row = answer.topics.emplace_back();
        copy_topic(topic, row);
        row.error_code = code;
    }
    return answer;
}

protocol::offset_commit_response refusal(const protocol::offset_commit_request& asked, std::int16_t code) {
    protocol::offset_commit_response answer;
    refuse_partitions(asked.topics, answer.topics, code);
    return answer;
}

// Up to version 7 one group, whose error is the answer's; then groups with errors of their own.
protocol::offset_fetch_response refusal(const protocol::offset_fetch_request& asked, std::int16_t code) {
    protocol::offset_fetch_response answer;
    if (asked.groups.empty()) answer.error_code = code;
    for (const auto& group : asked.groups) {
        auto& row = answer.groups.emplace_back();
        row.group_id = group.group_id;
        row.error_code = code;
    }
    return answer;
}

protocol::find_coordinator_response refusal(const protocol::find_coordinator_request& asked, std::int16_t code) {
    protocol::find_coordinator_response answer;
    if (asked.coordinator_keys.empty()) {
        answer.error_code = code;
        answer.node_id = -1;
        answer.port = -1;
    }
    for (const auto& key : asked.coordinator_keys) {
        auto& row = answer.coordinators.emplace_back();
        row.key = key;
        row.error_code = code;
        row.node_id = -1;
        row.port = -1;
    }
    return answer;
}

protocol::describe_groups_response refusal(const protocol::describe_groups_request& asked, std::int16_t code) {
    protocol::describe_groups_response answer;
    for (const auto& group : asked.groups) {
        auto& row = answer.groups.emplace_back();
        row.group_id = group;
        row.error_code = code;
    }
    return answer;
}

protocol::create_topics_response refusal(const protocol::create_topics_request& asked, std::int16_t code) {
    protocol::create_topics_response answer;
    for (const auto& topic : asked.topics) {
        auto& row = answer.topics.emplace_back();
        row.name = topic.name;
        row.error_code = code;
        row.error_message.reset();
    }
    return answer;
}

protocol::delete_topics_response refusal(const protocol::delete_topics_request& asked, std::int16_t code) {
    protocol::delete_topics_response answer;
    for (const auto& topic : asked.topics) {
        auto& row = answer.responses.emplace_back();
        copy_topic(topic, row);
        row.error_code = code;
    }
    for (const auto& name : asked.topic_names) {
        auto& row = answer.responses.emplace_back();
        row.name = name;
        row.error_code = code;
    }
    return answer;
}

protocol::delete_records_response refusal(const protocol::delete_records_request& asked, std::int16_t code) {
    protocol::delete_records_response answer;
    refuse_partitions(asked.topics, answer.topics, code);
    for (auto& topic : answer.topics)
        for (auto& partition : topic.partitions) partition.low_watermark = -1;
    return answer;
}

protocol::offset_for_leader_epoch_response refusal(const protocol::offset_for_leader_epoch_request& asked, std::int16_t code) {
    protocol::offset_for_leader_epoch_response answer;
    refuse_partitions(asked.topics, answer.topics, code);
    return answer;
}

protocol::describe_configs_response refusal(const protocol::describe_configs_request& asked, std::int16_t code) {
    protocol::describe_configs_response answer;
    refuse_resources(asked.resources, answer.results, code);
    return answer;
}

protocol::alter_configs_response refusal(const protocol::alter_configs_request& asked, std::int16_t code) {
    protocol::alter_configs_response answer;
    refuse_resources(asked.resources, answer.responses, code);
    return answer;
}

protocol::incremental_alter_configs_response refusal(const protocol::incremental_alter_configs_request& asked, std::int16_t code) {
    protocol::incremental_alter_configs_response answer;
    refuse_resources(asked.resources, answer.responses, code);
    return answer;
}

protocol::alter_replica_log_dirs_response refusal(const protocol::alter_replica_log_dirs_request& asked, std::int16_t code) {
    protocol::alter_replica_log_dirs_response answer;
    for (const auto& directory : asked.dirs) {
        for (const auto& topic : directory.topics) {
            auto& each = answer.results.emplace_back();
            each.topic_name = topic.name;
            for (const auto partition : topic.partitions) {
                auto& row = each.partitions.emplace_back();
                row.partition_index = partition;
                row.error_code = code;
            }
        }
    }
    return answer;
}

protocol::create_partitions_response refusal(const protocol::create_partitions_request& asked, std::int16_t code) {
    protocol::create_partitions_response answer;
    for (const auto& topic : asked.topics) {
        auto& row = answer.results.emplace_back();
        row.name = topic.name;
        row.error_code = code;
    }
    return answer;
}

protocol::delete_groups_response refusal(const protocol::delete_groups_request& asked, std::int16_t code) {
    protocol::delete_groups_response answer;
    for (const auto& group : asked.groups_names) {
        auto& row = answer.results.emplace_back();
        row.group_id = group;
        row.error_code = code;
    }
    return answer;
}

protocol::describe_producers_response refusal(const protocol::describe_producers_request& asked, std::int16_t code) {
    protocol::describe_producers_response answer;
    for (const auto& topic : asked.topics) {
        auto& each = answer.topics.emplace_back();
        each.name = topic.name;
        for (const auto partition : topic.partition_indexes) {
            auto& row = each.partitions.emplace_back();
            row.partition_index = partition;
            row.error_code = code;
        }
    }
    return answer;
}

protocol::describe_topic_partitions_response refusal(const protocol::describe_topic_partitions_request& asked, std::int16_t code) {
    protocol::describe_topic_partitions_response answer;
    for (const auto& topic : asked.topics) {
        auto& row = answer.topics.emplace_back();
        row.name = topic.name;
        row.error_code = code;
    }
    return answer;
}

}  // namespace weir::server

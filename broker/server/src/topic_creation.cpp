#include "topic_creation.hpp"

#include <weir/group/group_config.hpp>
#include <weir/protocol/internal_topics.hpp>
#include <weir/protocol/messages/create_topics.hpp>
#include <weir/server/controller_gateway.hpp>

#include <algorithm>

namespace weir::server {
namespace {

task<std::vector<std::pair<std::string, errc>>> create(request_context& context, protocol::create_topics_request request) {
    std::vector<std::pair<std::string, errc>> refused;
    auto asking = context.broker.controller.call(context.core.index, context.core.loop, &metadata::controller_runtime::create_topics,
                                                 request, std::string{"User:ANONYMOUS"});
    const auto answer = co_await asking;
    if (!answer) {
        for (const auto& topic : request.topics) refused.emplace_back(topic.name, errc::leader_not_available);
        co_return refused;
    }
    for (const auto& topic : answer->topics) {
        const auto code = errc_from_wire(topic.error_code);
        // Somebody else may have been quicker: the topic is there, which is all that was wanted.
        if (code == errc::none || code == errc::topic_already_exists) continue;
        refused.emplace_back(topic.name, code == errc::invalid_topic ? errc::invalid_topic : errc::unknown_topic_or_partition);
    }
    co_return refused;
}

protocol::create_topics_request::creatable_topic with_defaults(std::string name) {
    protocol::create_topics_request::creatable_topic topic;
    topic.name = std::move(name);
    topic.num_partitions = -1;
    topic.replication_factor = -1;
    return topic;
}

}  // namespace

bool is_valid_topic_name(std::string_view name) noexcept {
    return !name.empty() && name.size() <= 249 && name != "." && name != ".." && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    });
}

task<std::vector<std::pair<std::string, errc>>> create_missing_topics(request_context& context, std::vector<std::string> names) {
    protocol::create_topics_request request;
    request.timeout_ms = static_cast<std::int32_t>(context.broker.config.request_timeout.count());
    std::vector<std::pair<std::string, errc>> invalid;
    bool offsets = false;
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    for (auto& name : names) {
        if (!is_valid_topic_name(name)) invalid.emplace_back(std::move(name), errc::invalid_topic);
        else if (name == protocol::group_offsets_topic) offsets = true;
        else if (protocol::is_internal_topic(name)) invalid.emplace_back(std::move(name), errc::unknown_topic_or_partition);
        else request.topics.push_back(with_defaults(std::move(name)));
    }
    if (offsets) {
        auto creating = create_offsets_topic(context);
        co_await creating;
    }
    std::vector<std::pair<std::string, errc>> refused;
    if (!request.topics.empty()) {
        auto creating = create(context, std::move(request));
        refused = co_await creating;
    }
    refused.insert(refused.end(), invalid.begin(), invalid.end());
    co_return refused;
}

task<void> create_offsets_topic(request_context& context) {
    const auto& config = context.broker.group_config;
    auto topic = with_defaults(std::string{protocol::group_offsets_topic});
    topic.num_partitions = config.offsets_topic_num_partitions;
    // As many replicas as asked for, or as there are brokers: a single broker serves groups without being told so.
    const auto image = context.image();
    std::int32_t active = 0;
    for (const auto& [id, broker] : image->brokers()) active += broker.active() ? 1 : 0;
    topic.replication_factor = static_cast<std::int16_t>(std::clamp(active, 1, static_cast<std::int32_t>(config.offsets_topic_replication_factor)));
    const auto set = [&](const char* name, std::string value) {
        auto& entry = topic.configs.emplace_back();
        entry.name = name;
        entry.value = std::move(value);
    };
    set("cleanup.policy", "compact");
    set("compression.type", "producer");
    set("segment.bytes", std::to_string(config.offsets_topic_segment_bytes));
    protocol::create_topics_request request;
    request.timeout_ms = static_cast<std::int32_t>(context.broker.config.request_timeout.count());
    request.topics.push_back(std::move(topic));
    auto creating = create(context, std::move(request));
    co_await creating;
}

}  // namespace weir::server

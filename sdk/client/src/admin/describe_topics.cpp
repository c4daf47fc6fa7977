// What topics there are: Metadata 3, DescribeTopicPartitions 75 page by page (KIP-966).
#include "carry_out.hpp"
#include "operations.hpp"

#include <weir/protocol/messages/describe_topic_partitions.hpp>
#include <weir/protocol/messages/metadata.hpp>

#include <fmt/format.h>

#include <tuple>

namespace weir::detail {
namespace {

template <class Topic>
topic_description describe(Topic& from) {
    topic_description to{from.name.value_or(""), from.topic_id, from.is_internal, {}, operations_of(from.topic_authorized_operations)};
    to.partitions.reserve(from.partitions.size());
    for (auto& part : from.partitions) {
        auto& each = to.partitions.emplace_back(partition_description{part.partition_index, part.leader_id, part.leader_epoch, std::move(part.replica_nodes),
                                                                      std::move(part.isr_nodes), std::move(part.offline_replicas)});
        if constexpr (requires { part.eligible_leader_replicas; }) {
            each.eligible_leaders = std::move(part.eligible_leader_replicas);
            each.last_known_eligible_leaders = std::move(part.last_known_elr);
        }
    }
    return to;
}

void sort_partitions(topic_description& topic) {
    std::sort(topic.partitions.begin(), topic.partitions.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
}

/// By Metadata: brokers before 3.8, and whoever asks by id.
template <class Key>
struct metadata_plan : plan_of<protocol::metadata_request, Key, topic_description> {
    using base = plan_of<protocol::metadata_request, Key, topic_description>;
    std::vector<Key> topics;
    bool operations = false;

    std::vector<Key> keys() const { return topics; }
    typename base::request ask(std::span<const std::size_t> which, const ask_context& context) const {
        typename base::request asked;
        asked.allow_auto_topic_creation = false;
        asked.include_topic_authorized_operations = operations && context.version >= 8;
        for (const auto i : which) {
            auto& each = asked.topics->emplace_back();
            if constexpr (std::same_as<Key, uuid>) each.topic_id = topics[i];
            else each.name = topics[i];
        }
        return asked;
    }
    static error read(typename base::response& answer, std::span<const std::size_t> which, typename base::answers& into) {
        if (auto why = refusal(answer.error_code, {}, "metadata")) return why;
        for (auto& each : answer.topics) {
            const auto name = each.name.value_or(to_string(each.topic_id));
            auto why = refusal(each.error_code, {}, name);
            Key key;
            if constexpr (std::same_as<Key, uuid>) key = each.topic_id;
            else key = name;
            if (why) {
                into.settle(key, std::move(why));
                continue;
            }
            auto described = describe(each);
            sort_partitions(described);
            into.settle(key, std::move(described));
        }
        if constexpr (std::same_as<Key, uuid>) {
            for (const auto i : which) {
                if (into.open(i)) into.close(i, error{errc::unknown_topic_id, fmt::format("{}: the cluster has no topic of that id", to_string(into.key(i)))});
            }
        }
        return {};
    }
};

using page_request = protocol::describe_topic_partitions_request;
using page_response = protocol::describe_topic_partitions_response;

}  // namespace

task<result<std::vector<topic_listing>>> list_topics(call_ptr call, bool internal) {
    protocol::metadata_request request;
    request.topics.reset();
    request.allow_auto_topic_creation = false;
    auto asking = ask(std::move(call), any_broker(), std::move(request), [](const protocol::metadata_response& answer) { return refusal(answer.error_code, {}, "metadata"); });
    auto told = co_await asking;
    if (!told) co_return told.error();
    std::vector<topic_listing> all;
    for (auto& each : told->topics) {
        if (!each.is_internal || internal) all.push_back({each.name.value_or(""), each.topic_id, each.is_internal});
    }
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    co_return all;
}

task_of_outcomes<topic_description> describe_topics(call_ptr call, std::vector<std::string> names, describe_topics_options options) {
    if (names.empty()) co_return outcomes<topic_description>{};
    // Answers come sorted by name, and a cursor tells where the next page begins.
    book<std::string, topic_description> all{names};
    std::map<std::string, topic_description> parts;
    page_request request;
    request.response_partition_limit = options.partitions_per_answer;
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    for (const auto& each : names) request.topics.emplace_back().name = each;
    for (;;) {
        auto asking = ask(call, any_broker(), request, [](const page_response&) { return error{}; });
        auto got = co_await asking;
        if (!got && got.code() == errc::unsupported_version) {
            std::vector<std::string> wanted;
            for (std::size_t i = 0; i < all.size(); ++i) wanted.push_back(all.key(i));
            auto asking_metadata = carry_out(call, metadata_plan<std::string>{{}, std::move(wanted), options.authorized_operations});
            co_return co_await asking_metadata;
        }
        if (!got) co_return got.error();
        for (auto& each : got->topics) {
            const auto name = each.name.value_or("");
            if (auto why = refusal(each.error_code, {}, name)) {
                all.settle(name, std::move(why));
                continue;
            }
            if (!options.authorized_operations) each.topic_authorized_operations = std::numeric_limits<std::int32_t>::min();
            auto page = describe(each);
            const auto [at, fresh] = parts.try_emplace(name, std::move(page));
            if (!fresh) std::move(page.partitions.begin(), page.partitions.end(), std::back_inserter(at->second.partitions));
        }
        if (!got->next_cursor) break;
        const auto& next = *got->next_cursor;
        if (request.cursor && std::tie(next.topic_name, next.partition_index) <=
                                  std::tie(request.cursor->topic_name, request.cursor->partition_index)) {
            co_return error{errc::malformed,
                            fmt::format("DescribeTopicPartitions: the broker's answer for topic {}, partition {} ends "
                                        "where it began or before, at topic {}, partition {}",
                                        request.cursor->topic_name, request.cursor->partition_index, next.topic_name,
                                        next.partition_index)};
        }
        request.cursor = page_request::cursor_data{};
        request.cursor->topic_name = next.topic_name;
        request.cursor->partition_index = next.partition_index;
        std::erase_if(request.topics, [&](const auto& each) { return each.name < request.cursor->topic_name; });
    }
    for (auto& [name, topic] : parts) {
        sort_partitions(topic);
        all.settle(name, std::move(topic));
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
        const auto why = all.obstacle(i) ? all.obstacle(i) : error{errc::unknown_topic_or_partition, fmt::format("{}: the answer says nothing about it", all.key(i))};
        all.close(i, why);
    }
    co_return all.take();
}

task_of_outcomes<topic_description, uuid> describe_topics_by_id(call_ptr call, std::vector<uuid> ids, describe_topics_options options) {
    return carry_out(std::move(call), metadata_plan<uuid>{{}, std::move(ids), options.authorized_operations});
}

}  // namespace weir::detail

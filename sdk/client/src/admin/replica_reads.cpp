// What replicas hold, on leaders and followers alike: Fetch 1, as nobody's consumer.
#include "carry_out.hpp"
#include "operations.hpp"

#include <weir/protocol/messages/fetch.hpp>
#include <weir/protocol/records/record_set.hpp>

#include <fmt/format.h>

namespace weir::detail {
namespace {

constexpr std::int32_t debugging_consumer = -2;  // followers answer it, too
constexpr std::int16_t newest_by_name = 12;
constexpr std::int16_t first_with_state = 15;

struct read_plan : plan_of<protocol::fetch_request, topic_partition, held_records> {
    std::int32_t broker;
    std::vector<replica_position> from;  // by partition
    read_replicas_options options;
    std::map<uuid, std::string> names;

    std::vector<topic_partition> keys() const {
        std::vector<topic_partition> all;
        for (const auto& each : from) all.push_back(each.where);
        return all;
    }
    place where(std::size_t) const { return on_broker(broker); }
    request ask(std::span<const std::size_t> which, const ask_context& context) const {
        request asked;
        (context.version < first_with_state ? asked.replica_id : asked.replica_state.replica_id) = debugging_consumer;
        asked.max_wait_ms = static_cast<std::int32_t>(std::chrono::duration_cast<milliseconds>(options.max_wait).count());
        asked.min_bytes = 1;
        for (const auto i : which) {
            const auto& each = from[i];
            const bool same = !asked.topics.empty() && from[i - 1].where.topic == each.where.topic;
            auto& topic = same ? asked.topics.back() : asked.topics.emplace_back();
            if (context.version > newest_by_name) topic.topic_id = each.topic_id;
            else topic.topic = each.where.topic;
            auto& part = topic.partitions.emplace_back();
            part.partition = each.where.partition;
            part.fetch_offset = each.offset;
            part.partition_max_bytes = options.max_bytes;
        }
        return asked;
    }
    error read(response& answer, std::span<const std::size_t>, answers& into) const {
        if (auto why = refusal(answer.error_code, {}, fmt::format("what broker {} holds", broker))) return why;
        for (const auto& topic : answer.responses) {
            const auto named = names.find(topic.topic_id);
            const auto& name = named == names.end() ? topic.topic : named->second;
            for (const auto& part : topic.partitions) {
                const topic_partition where{name, part.partition_index};
                if (auto why = refusal(part.error_code, where)) {
                    into.settle(where, why);
                    continue;
                }
                held_records held{part.high_watermark, {}};
                protocol::record_set set{part.records.memory(), protocol::crc_check::skip};
                while (const auto each = set.next())
                    if (const auto* batch = each->batch()) held.batches.push_back({batch->base_offset(), batch->last_offset(), batch->crc()});
                into.settle(where, std::move(held));
            }
        }
        return {};
    }
};

}  // namespace

task_of_outcomes<held_records, topic_partition> read_replicas(call_ptr call, std::int32_t broker, std::vector<replica_position> from, read_replicas_options options) {
    std::sort(from.begin(), from.end(), [](const auto& a, const auto& b) { return a.where < b.where; });
    read_plan plan{{}, broker, std::move(from), options, {}};
    for (const auto& each : plan.from) plan.names[each.topic_id] = each.where.topic;
    return carry_out(std::move(call), std::move(plan));
}

}  // namespace weir::detail

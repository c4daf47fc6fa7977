// DescribeLogDirs (key 35), v1-v5. v2: flexible. v3: error of the whole answer. v4: sizes of the volumes. v5: cordoned.
#include "../handlers.hpp"

#include <weir/protocol/messages/describe_log_dirs.hpp>
#include <weir/server/storage_view.hpp>

#include <algorithm>
#include <map>

namespace weir::server {
namespace {

using protocol::describe_log_dirs_request;
using protocol::describe_log_dirs_response;

struct sized {
    std::string directory;  // of the partition
    std::string topic;
    std::int32_t index;
    std::int64_t bytes;
    std::int64_t lag = 0;
    bool future = false;
};

bool wanted(const describe_log_dirs_request& request, const replica::partition& partition) {
    if (!request.topics) return true;
    return std::any_of(request.topics->begin(), request.topics->end(), [&](const auto& topic) {
        return topic.topic == partition.topic() && std::find(topic.partitions.begin(), topic.partitions.end(), partition.id().index) != topic.partitions.end();
    });
}

// One visit to each core measures all its partitions.
task<void> measure_on(event_loop& here, event_loop& core, std::vector<std::shared_ptr<replica::partition>> partitions, std::vector<sized>& found) {
    co_await switch_to{core};
    std::vector<sized> mine;
    for (const auto& each : partitions)
        if (&each->home() == &core && each->leads()) {
            const auto& log = each->log();
            mine.push_back({log.directory(), each->topic(), each->id().index, static_cast<std::int64_t>(log.size_bytes())});
            if (const auto* copy = each->future_log())
                mine.push_back({copy->directory(), each->topic(), each->id().index, static_cast<std::int64_t>(copy->size_bytes()),
                                std::max<std::int64_t>(log.log_end_offset() - copy->log_end_offset(), 0), true});
        }
    co_await switch_to{here};
    found.insert(found.end(), mine.begin(), mine.end());
}

}  // namespace

task<describe_log_dirs_response> handle_describe_log_dirs(request_context& context, describe_log_dirs_request request) {
    describe_log_dirs_response response;
    auto partitions = context.broker.replicas.all(context.core.index);
    std::erase_if(partitions, [&](const auto& each) { return !wanted(request, *each); });
    std::vector<sized> found;
    std::vector<task<void>> parts;
    for (std::size_t i = 0; i < context.broker.replicas.core_count(); ++i)
        parts.push_back(measure_on(context.core.loop, context.broker.replicas.core(i), partitions, found));
    co_await when_all(std::move(parts));

    for (const auto& directory : context.broker.directories.directories()) {
        auto& row = response.results.emplace_back();
        row.log_dir = directory.path;
        row.error_code = wire_code(directory.code);
        if (directory.code != errc::none) continue;  // of what lies there nothing is said, as in Kafka
        row.total_bytes = directory.total_bytes;
        row.usable_bytes = directory.usable_bytes;
        row.is_cordoned = directory.cordoned;
        std::map<std::string, std::vector<const sized*>> by_topic;
        for (const auto& each : found)
            if (each.directory.starts_with(directory.path + "/")) by_topic[each.topic].push_back(&each);
        for (const auto& [name, list] : by_topic) {
            auto& topic = row.topics.emplace_back();
            topic.name = name;
            for (const auto* each : list) {
                auto& part = topic.partitions.emplace_back();
                part.partition_index = each->index;
                part.partition_size = each->bytes;
                part.offset_lag = each->lag;
                part.is_future_key = each->future;
            }
        }
    }
    co_return response;
}

}  // namespace weir::server

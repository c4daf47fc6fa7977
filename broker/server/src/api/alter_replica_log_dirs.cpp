// AlterReplicaLogDirs (key 34), v1-v2. v2: flexible. The answer says that the move began; DescribeLogDirs shows how far it is.
#include "../handlers.hpp"

#include <weir/protocol/messages/alter_replica_log_dirs.hpp>
#include <weir/server/storage_view.hpp>

#include <algorithm>
#include <map>

namespace weir::server {

task<protocol::alter_replica_log_dirs_response> handle_alter_replica_log_dirs(
    request_context& context, protocol::alter_replica_log_dirs_request request) {
    protocol::alter_replica_log_dirs_response response;
    const auto image = context.image();
    const auto directories = context.broker.directories.directories();
    std::map<std::string, std::map<std::int32_t, errc>> outcome;
    for (const auto& dir : request.dirs) {
        auto path = dir.path;
        while (path.size() > 1 && path.ends_with('/')) path.pop_back();
        const auto known =
            std::find_if(directories.begin(), directories.end(), [&](const auto& each) { return each.path == path; });
        auto usable = known == directories.end() ? errc::log_dir_not_found : known->code;
        if (usable == errc::none && known->cordoned) usable = errc::invalid_replica_assignment;
        for (const auto& topic : dir.topics) {
            const auto found = find_topic(*image, false, topic.name, {});
            for (const auto index : topic.partitions) {
                auto code = usable;
                std::shared_ptr<replica::partition> where;
                if (code == errc::none) {
                    code = locate(context, found, index, where);
                    if (code != errc::none && code != errc::unknown_topic_or_partition)
                        code = errc::replica_not_available;
                }
                if (code == errc::none) {
                    auto moving = at_home(context.core.loop, std::move(where),
                                          [&all = context.broker.replicas, path](auto& partition) {
                                              return all.move_to(partition, path);
                                          });
                    const auto moved = co_await moving;
                    code = moved.code() == errc::not_leader_or_follower ? errc::replica_not_available : moved.code();
                }
                outcome[topic.name][index] = code;
            }
        }
    }
    for (const auto& [name, partitions] : outcome) {
        auto& topic = response.results.emplace_back();
        topic.topic_name = name;
        for (const auto& [index, code] : partitions) {
            auto& row = topic.partitions.emplace_back();
            row.partition_index = index;
            row.error_code = wire_code(code);
        }
    }
    co_return response;
}

}  // namespace weir::server

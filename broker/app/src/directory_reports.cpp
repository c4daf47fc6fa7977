#include "directory_reports.hpp"

#include <weir/base/log.hpp>

#include <algorithm>
#include <map>

namespace weir::broker {
namespace {

log::logger directory_reports_logs{"weir.broker.storage"};

template <class Response>
void note(const result<Response>& heard, const char* what) {
    const auto code = heard ? errc_from_wire(heard->error_code) : heard.code();
    // One that leads no longer is asked nothing more: the next one has this broker register again.
    if (code != errc::none && code != errc::not_controller)
        directory_reports_logs.warn(std::string{"the controller was not told "} + what + ": " +
                                    std::string{describe(code).name});
}

}  // namespace

task<void> directory_reports::tell() {
    if (broker_epoch_ < 0) co_return;
    protocol::broker_heartbeat_request news;
    news.broker_id = node_;
    news.broker_epoch = broker_epoch_;
    news.current_metadata_offset = INT64_MAX;
    news.offline_log_dirs = directories_.failed_ids();
    news.cordoned_log_dirs = directories_.cordoned_ids();
    auto asking = controller_.broker_heartbeat(std::move(news));
    const auto heard = co_await asking;
    note(heard, "which log directories have failed or are cordoned");
}

uuid directory_reports::found_in(const metadata::topic& topic, std::int32_t index, const uuid& known) const {
    if (const auto here = directories_.directory_of(topic.name, index); !here.is_zero()) return here;
    const bool anywhere = known == metadata::directory_unassigned || known == metadata::directory_migrating;
    // Not to be led as long as it may lie in a directory that has failed: an empty log would take its place.
    if (!directories_.failures().empty()) return anywhere ? metadata::directory_lost : known;
    const auto online = directories_.directory_ids();
    if (anywhere || std::binary_search(online.begin(), online.end(), known)) return known;
    if (known == metadata::directory_lost)
        return metadata::directory_unassigned;  // it was cut short before it lay anywhere
    directory_reports_logs.warn(topic.name + "-" + std::to_string(index) +
                                " was in a log directory that is not there any more; it begins anew, without records");
    return metadata::directory_unassigned;
}

task<void> directory_reports::assign_found(metadata::image_ref image) {
    std::vector<place> places;
    if (image->metadata_version() >= metadata::first_version_with_directories)
        for (const auto& [name, topic] : image->topics())
            for (const auto& [index, partition] : topic->partitions) {
                if (std::find(partition.replicas.begin(), partition.replicas.end(), node_) == partition.replicas.end())
                    continue;
                const auto known = partition.directory_of(node_);
                if (const auto found = found_in(*topic, index, known); found != known)
                    places.push_back({{topic->id, index}, found});
            }
    auto sending = send(places);
    co_await sending;
}

task<void> directory_reports::assign(metadata::image_ref image, std::vector<replica::partition_id> which) {
    std::vector<place> places;
    if (image->metadata_version() >= metadata::first_version_with_directories)
        for (const auto& id : which) {
            const auto* topic = image->find_topic(id.topic_id);
            const auto* partition = topic ? topic->partitions.find(id.index) : nullptr;
            if (!partition) continue;
            const auto here = directories_.directory_of(topic->name, id.index);
            if (!here.is_zero() && here != partition->directory_of(node_)) places.push_back({id, here});
        }
    auto sending = send(places);
    co_await sending;
}

task<void> directory_reports::send(const std::vector<place>& places) {
    if (places.empty() || broker_epoch_ < 0) co_return;
    std::map<uuid, std::map<uuid, std::vector<std::int32_t>>> by_directory;
    for (const auto& each : places) by_directory[each.directory][each.replica.topic_id].push_back(each.replica.index);
    protocol::assign_replicas_to_dirs_request request;
    request.broker_id = node_;
    request.broker_epoch = broker_epoch_;
    for (const auto& [directory, topics] : by_directory) {
        auto& in_directory = request.directories.emplace_back();
        in_directory.id = directory;
        for (const auto& [topic, indexes] : topics) {
            auto& of_topic = in_directory.topics.emplace_back();
            of_topic.topic_id = topic;
            for (const auto index : indexes) of_topic.partitions.emplace_back().partition_index = index;
        }
    }
    auto asking = controller_.assign_replicas_to_dirs(std::move(request));
    const auto heard = co_await asking;
    note(heard, "in which log directories partitions lie");
}

}  // namespace weir::broker

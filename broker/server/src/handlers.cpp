#include "handlers.hpp"

namespace weir::server {

topic_lookup find_topic(const metadata::image& image, bool by_id, const std::string& name, const uuid& id) {
    topic_lookup found;
    found.topic = by_id ? image.share_topic(id) : image.share_topic(name);
    if (!found.topic) found.missing = by_id ? errc::unknown_topic_id : errc::unknown_topic_or_partition;
    return found;
}

errc locate(request_context& context, const topic_lookup& topic, std::int32_t index, std::shared_ptr<replica::partition>& found) {
    if (!topic.topic) return topic.missing;
    const auto* registered = topic.topic->partitions.find(index);
    if (!registered) return errc::unknown_topic_or_partition;
    const auto node = context.broker.identity.node_id;
    if (registered->leader != node) {
        const auto image = context.image();
        const auto* self = image->find_broker(node);
        return self && !self->has_online(registered->directory_of(node)) ? errc::kafka_storage_error
                                                                         : errc::not_leader_or_follower;
    }
    found = context.broker.replicas.find(context.core.index, {topic.topic->id, index});
    return found ? errc::none : errc::kafka_storage_error;
}

}  // namespace weir::server

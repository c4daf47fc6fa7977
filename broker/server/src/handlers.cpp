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

task<void> until_visible(event_loop& here, std::shared_ptr<replica::partition> where, time_point deadline) {
    co_await switch_to{where->home()};
    if (where->leads() && where->home().now() < deadline) {
        auto committing = completion<result<void>>([&](function<void(result<void>)> done) {
            where->when_committed(where->log().log_end_offset(), deadline, std::move(done));
        });
        static_cast<void>(co_await committing);  // who asks next hears why it failed
    }
    co_await switch_to{here};
}

}  // namespace weir::server

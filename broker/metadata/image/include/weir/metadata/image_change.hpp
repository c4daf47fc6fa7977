// What is different between two images, for those who act on it.
#pragma once
#include <weir/metadata/image.hpp>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace weir::metadata {

struct topic_change {
    topic_ref before;  ///< null: the topic is new
    topic_ref after;   ///< null: it was deleted
    /// Indexes whose content may differ, sorted; all of them for a new topic, none for a deleted one.
    std::vector<std::int32_t> partitions;
};

/// What was touched on the way from `before` to `after`. Something that changed and changed back may be listed.
struct image_change {
    image_ref before;
    image_ref after;
    /// By topic id: a topic that was deleted and made anew is in it twice.
    std::map<uuid, topic_change> topics;
    std::set<broker_id> brokers;  ///< registered, changed or gone
    std::set<std::int32_t> controllers;
    std::set<config_resource> configs;
    std::set<std::string, std::less<>> features;  ///< "metadata.version" too
    std::set<quota_entity> quotas;
    std::set<uuid> acls;
    std::set<scram_key> scram_credentials;
    std::set<std::string> delegation_tokens;
    bool producer_ids = false;

    /// Nothing but the position is different.
    bool empty() const noexcept;
};

/// Finds the differences by comparing; for images that do not descend from each other, as after loading a snapshot.
/// Topics that both share are not looked into.
image_change compare_images(image_ref before, image_ref after);

}  // namespace weir::metadata

#include <weir/metadata/image_change.hpp>

#include <algorithm>
#include <iterator>

namespace weir::metadata {

namespace {

/// Walks two sorted maps side by side and reports every key whose values are not equal.
template <class Map, class Same, class Report>
void differences(const Map& before, const Map& after, Same same, Report report) {
    auto a = before.begin();
    auto b = after.begin();
    while (a != before.end() || b != after.end()) {
        if (b == after.end() || (a != before.end() && a->first < b->first)) {
            report((a++)->first);
        } else if (a == before.end() || b->first < a->first) {
            report((b++)->first);
        } else {
            if (!same(a->second, b->second)) report(a->first);
            ++a;
            ++b;
        }
    }
}

constexpr auto equal_values = [](const auto& a, const auto& b) { return a == b; };
constexpr auto equal_targets = [](const auto& a, const auto& b) { return a == b || *a == *b; };

topic_change difference(topic_ref before, topic_ref after) {
    topic_change made{std::move(before), std::move(after), {}};
    if (!made.after) return made;
    static const shared_map<std::int32_t, partition> none;
    differences(made.before ? made.before->partitions : none, made.after->partitions, equal_values,
                [&](std::int32_t index) { made.partitions.push_back(index); });
    return made;
}

}  // namespace

bool image_change::empty() const noexcept {
    return topics.empty() && brokers.empty() && controllers.empty() && configs.empty() && features.empty() &&
           quotas.empty() && acls.empty() && scram_credentials.empty() && delegation_tokens.empty() && !producer_ids;
}

image_change compare_images(image_ref before, image_ref after) {
    static const image nothing;
    image_change made;
    const image& a = before ? *before : nothing;
    const image& b = after ? *after : nothing;
    const auto into = [](auto& set) { return [&set](const auto& key) { set.insert(key); }; };

    // By name, so that a topic that was deleted and made anew shows up under both ids.
    differences(a.topics(), b.topics(), equal_targets, [&](const std::string& name) {
        auto was = a.share_topic(name);
        auto is = b.share_topic(name);
        if (was && is && was->id != is->id) {
            made.topics[was->id] = difference(was, nullptr);
            was = nullptr;
        }
        const auto id = is ? is->id : was->id;
        made.topics[id] = difference(std::move(was), std::move(is));
    });
    differences(a.brokers(), b.brokers(), equal_values, into(made.brokers));
    differences(a.controllers(), b.controllers(), equal_values, into(made.controllers));
    differences(a.configs(), b.configs(), equal_targets, into(made.configs));
    differences(a.features(), b.features(), equal_values, into(made.features));
    if (a.metadata_version() != b.metadata_version()) made.features.insert("metadata.version");
    differences(a.quotas(), b.quotas(), equal_values, into(made.quotas));
    differences(a.acls(), b.acls(), equal_values, into(made.acls));
    differences(a.scram_credentials(), b.scram_credentials(), equal_values, into(made.scram_credentials));
    differences(a.delegation_tokens(), b.delegation_tokens(), equal_values, into(made.delegation_tokens));
    made.producer_ids = a.next_producer_id() != b.next_producer_id();
    made.before = std::move(before);
    made.after = std::move(after);
    return made;
}

}  // namespace weir::metadata

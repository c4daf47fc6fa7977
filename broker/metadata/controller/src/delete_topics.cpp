#include "cluster_view.hpp"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace weir::metadata {

namespace {

using namespace protocol;
using wanted_topic = delete_topics_request::delete_topic_state;

/// What names the topic in error texts.
std::string shown(const wanted_topic& wanted) { return wanted.name ? *wanted.name : to_string(wanted.topic_id); }

result<const topic*> find(const image& cluster, const wanted_topic& wanted) {
    if (wanted.name && !wanted.topic_id.is_zero())
        return error{errc::invalid_request, fmt::format("both the name {} and the id {} were given; give one",
                                                        *wanted.name, to_string(wanted.topic_id))};
    if (!wanted.name && wanted.topic_id.is_zero())
        return error{errc::invalid_request, "neither a topic name nor an id was given"};
    const auto* found = wanted.name ? cluster.find_topic(*wanted.name) : cluster.find_topic(wanted.topic_id);
    if (found) return found;
    const auto code = wanted.name ? errc::unknown_topic_or_partition : errc::unknown_topic_id;
    return error{code, fmt::format("topic {} does not exist", shown(wanted))};
}

}  // namespace

decision<delete_topics_response> controller::delete_topics(const decision_context& context,
                                                           const delete_topics_request& request) {
    decision<delete_topics_response> decided;
    std::vector<wanted_topic> wanted = request.topics;  // by name or id, since version 6
    for (const auto& name : request.topic_names) {
        auto& each = wanted.emplace_back();
        each.name = name;
    }
    std::map<std::pair<std::optional<std::string>, uuid>, int> given;
    for (const auto& each : wanted) ++given[{each.name, each.topic_id}];
    std::map<uuid, int> ways;  // in which a topic is named; a name that was given twice names nothing
    for (const auto& each : given) {
        const auto& [name, id] = each.first;
        const auto* found = name ? context.cluster.find_topic(*name) : context.cluster.find_topic(id);
        if (found && (each.second == 1 || !name)) ++ways[found->id];
    }
    std::set<uuid> answered;
    for (const auto& each : wanted) {
        const int times = std::exchange(given[{each.name, each.topic_id}], 0);
        if (times == 0) continue;  // answered
        auto found = find(context.cluster, each);
        if (found && times == 1 && !answered.insert((*found)->id).second) continue;
        auto& answer = decided.response.responses.emplace_back();
        answer.name = each.name;
        answer.topic_id = each.topic_id;
        if (!config_.delete_topics) {
            fail(answer, error{errc::topic_deletion_disabled, "topic deletion is disabled: delete.topic.enable=false"});
            continue;
        }
        if (times > 1) {
            fail(answer, error{errc::invalid_request, fmt::format("topic {} was given more than once", shown(each))});
            continue;
        }
        if (!found) {
            fail(answer, found.error());
            continue;
        }
        answer.name = (*found)->name;
        answer.topic_id = (*found)->id;
        if (ways[(*found)->id] > 1) {
            fail(answer, error{errc::invalid_request, fmt::format("topic {} was given by name and by id", *answer.name)});
            continue;
        }
        remove_topic_record record;
        record.topic_id = (*found)->id;
        decided.records.push_back(record);
    }
    return decided;
}

}  // namespace weir::metadata

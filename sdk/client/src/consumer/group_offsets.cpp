#include "group_offsets.hpp"

#include <weir/protocol/messages/offset_commit.hpp>
#include <weir/protocol/messages/offset_fetch.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace weir::detail {
namespace {

// From version 10 on both name topics by id.
constexpr std::int16_t newest_by_name = 9;

/// The topics and their ids, as they were when the question left: by the time of the answer the view may know others. An id is
/// zero where one of them is not known.
class asked_topics {
public:
    asked_topics(const cluster& view, const std::vector<topic_partition>& which) {
        for (const auto& each : which) {
            const auto [at, fresh] = ids_.try_emplace(each.topic);
            if (const auto* topic = fresh ? view.find(each.topic) : nullptr) at->second = topic->id;
        }
    }
    bool all_known() const {
        return std::ranges::none_of(ids_, [](const auto& each) { return each.second.is_zero(); });
    }
    const uuid& id_of(const std::string& name) const { return ids_.at(name); }
    /// nullptr: nobody asked for it.
    const std::string* name_of(const std::string& name, const uuid& id) const {
        const auto at = std::ranges::find_if(ids_, [&](const auto& each) { return id.is_zero() ? each.first == name : each.second == id; });
        return at == ids_.end() ? nullptr : &at->first;
    }

private:
    std::map<std::string, uuid> ids_;
};

error refused(cluster& view, const group_identity& who, errc code, const topic_partition* where = nullptr) {
    if (describe(code).refresh) view.forget_coordinator(coordinator_kind::group, who.group_id);
    const auto text = where ? fmt::format("group '{}', {}-{}: {}", who.group_id, where->topic, where->partition, describe(code).condition)
                            : fmt::format("group '{}': {}", who.group_id, describe(code).condition);
    auto why = error{code, text};
    return where ? why.located(where->topic, where->partition) : why;
}

template <class Topics>
auto& topic_in(Topics& topics, const asked_topics& asked, const std::string& name, bool by_id) {
    if (topics.empty() || (by_id ? topics.back().topic_id != asked.id_of(name) : topics.back().name != name)) {
        auto& made = topics.emplace_back();
        if (by_id) made.topic_id = asked.id_of(name);
        else made.name = name;
    }
    return topics.back();
}

}  // namespace

task<result<std::vector<partition_offset>>> fetch_committed(std::shared_ptr<cluster> view, group_identity who, std::vector<topic_partition> which, bool stable) {
    auto finding = cluster::coordinator(view, coordinator_kind::group, who.group_id);
    auto link = co_await finding;
    if (!link) co_return link.error();
    std::sort(which.begin(), which.end());
    const asked_topics asked{*view, which};
    const auto newest = asked.all_known() ? protocol::offset_fetch_request::max_version : newest_by_name;
    const auto version = (*link)->version_of(protocol::api_key::offset_fetch, protocol::offset_fetch_request::min_version, newest);
    protocol::offset_fetch_request request;
    request.require_stable = stable && version >= 7;
    if (version >= 8) {
        auto& group = request.groups.emplace_back();
        group.group_id = who.group_id;
        if (!who.member_id.empty()) group.member_id = who.member_id;
        group.member_epoch = who.generation;
        auto& topics = group.topics.emplace();
        for (const auto& each : which) topic_in(topics, asked, each.topic, version > newest_by_name).partition_indexes.push_back(each.partition);
    } else {
        request.group_id = who.group_id;
        auto& topics = request.topics.emplace();
        for (const auto& each : which) {
            if (topics.empty() || topics.back().name != each.topic) topics.emplace_back().name = each.topic;
            topics.back().partition_indexes.push_back(each.partition);
        }
    }
    auto asking = (*link)->call(request, newest);
    auto got = co_await asking;
    if (!got) {
        view->forget_coordinator(coordinator_kind::group, who.group_id);
        co_return got.error();
    }
    std::map<topic_partition, partition_offset> found;
    for (const auto& each : which) found[each].where = each;
    errc code = errc::none;
    topic_partition failed;
    const auto collect = [&](const std::string* topic, const auto& part) {
        if (!topic) return;
        const topic_partition where{*topic, part.partition_index};
        if (part.error_code != 0) {
            code = errc_from_wire(part.error_code);
            failed = where;
        }
        found[where] = {where, part.committed_offset, part.committed_leader_epoch, part.metadata.value_or("")};
    };
    auto whole = errc_from_wire(got->message.error_code);
    for (const auto& group : got->message.groups) {
        if (whole == errc::none) whole = errc_from_wire(group.error_code);
        for (const auto& topic : group.topics) for (const auto& part : topic.partitions) collect(asked.name_of(topic.name, topic.topic_id), part);
    }
    for (const auto& topic : got->message.topics) for (const auto& part : topic.partitions) collect(&topic.name, part);
    if (whole != errc::none) co_return refused(*view, who, whole);
    if (code != errc::none) co_return refused(*view, who, code, &failed);
    std::vector<partition_offset> all;
    for (auto& [where, each] : found) all.push_back(std::move(each));
    co_return all;
}

task<result<void>> commit_offsets(std::shared_ptr<cluster> view, group_identity who, std::vector<partition_offset> offsets) {
    auto finding = cluster::coordinator(view, coordinator_kind::group, who.group_id);
    auto link = co_await finding;
    if (!link) co_return link.error();
    std::sort(offsets.begin(), offsets.end(), [](const auto& a, const auto& b) { return a.where < b.where; });
    std::vector<topic_partition> which;
    for (const auto& each : offsets) which.push_back(each.where);
    const asked_topics asked{*view, which};
    const auto newest = asked.all_known() ? protocol::offset_commit_request::max_version : newest_by_name;
    const auto version = (*link)->version_of(protocol::api_key::offset_commit, protocol::offset_commit_request::min_version, newest);
    protocol::offset_commit_request request;
    request.group_id = who.group_id;
    request.member_id = who.member_id;
    request.generation_id_or_member_epoch = who.generation;
    if (!who.instance_id.empty() && version >= 7) request.group_instance_id = who.instance_id;
    for (const auto& each : offsets) {
        auto& part = topic_in(request.topics, asked, each.where.topic, version > newest_by_name).partitions.emplace_back();
        part.partition_index = each.where.partition;
        part.committed_offset = each.offset;
        part.committed_leader_epoch = each.leader_epoch;
        part.committed_metadata = each.metadata;
    }
    auto asking = (*link)->call(request, newest);
    auto got = co_await asking;
    if (!got) {
        view->forget_coordinator(coordinator_kind::group, who.group_id);
        co_return got.error();
    }
    for (const auto& topic : got->message.topics) {
        for (const auto& part : topic.partitions) {
            if (part.error_code == 0) continue;
            const auto* name = asked.name_of(topic.name, topic.topic_id);
            const topic_partition where{name ? *name : topic.name, part.partition_index};
            co_return refused(*view, who, errc_from_wire(part.error_code), &where);
        }
    }
    co_return result<void>{};
}

}  // namespace weir::detail

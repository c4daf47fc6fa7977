#include "offset_queries.hpp"

#include <weir/protocol/messages/list_offsets.hpp>
#include <weir/protocol/messages/offset_for_leader_epoch.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace weir::detail {
namespace {

error about(const topic_partition& where, errc code, std::string_view what) {
    return error{code, fmt::format("{}-{}: {}", where.topic, where.partition, what)}.located(where.topic, where.partition);
}

const cluster::partition* leader_of(const cluster& view, const topic_partition& where) {
    const auto* topic = view.find(where.topic);
    const auto index = static_cast<std::size_t>(where.partition);
    if (!topic || index >= topic->partitions.size() || topic->partitions[index].leader < 0) return nullptr;
    return &topic->partitions[index];
}

using places = std::vector<std::size_t>;  // in the questions

/// Questions by the broker that leads; those without one are answered at once.
template <class Query, class Answer>
std::map<std::int32_t, places> by_leader(cluster& view, const std::vector<Query>& asked, std::vector<result<Answer>>& answers) {
    std::map<std::int32_t, places> all;
    for (std::size_t i = 0; i < asked.size(); ++i) {
        if (const auto* leader = leader_of(view, asked[i].where)) {
            all[leader->leader].push_back(i);
            continue;
        }
        answers[i] = no_leader(view, asked[i].where);
        view.refresh();
    }
    for (auto& [broker, each] : all) std::stable_sort(each.begin(), each.end(), [&](auto a, auto b) { return asked[a].where < asked[b].where; });
    return all;
}

template <class Query>
std::size_t place_of(const std::vector<Query>& asked, const places& among, const std::string& topic, std::int32_t partition) {
    const auto at = std::lower_bound(among.begin(), among.end(), topic_partition{topic, partition}, [&](std::size_t i, const topic_partition& what) { return asked[i].where < what; });
    return at != among.end() && asked[*at].where == topic_partition{topic, partition} ? *at : asked.size();
}

template <class Answer, class Query>
void settle(cluster& view, const Query& asked, result<Answer>& into, std::int16_t code, Answer found) {
    const auto why = errc_from_wire(code);
    if (why == errc::none) {
        into = found;
        return;
    }
    if (describe(why).refresh) view.refresh();
    into = about(asked.where, why, describe(why).condition);
}

task<void> ask_offsets(std::shared_ptr<cluster> view, std::int32_t broker, const std::vector<offset_query>& asked, const places& indexes, isolation level,
                       std::vector<result<found_offset>>& answers) {
    protocol::list_offsets_request request;
    request.replica_id = -1;
    request.isolation_level = static_cast<std::int8_t>(level);
    request.timeout_ms = static_cast<std::int32_t>(view->request_timeout().count());
    for (const auto i : indexes) {
        const auto& where = asked[i].where;
        if (request.topics.empty() || request.topics.back().name != where.topic) request.topics.emplace_back().name = where.topic;
        auto& part = request.topics.back().partitions.emplace_back();
        part.partition_index = where.partition;
        part.timestamp = asked[i].timestamp;
        if (const auto* leader = leader_of(*view, where)) part.current_leader_epoch = leader->leader_epoch;
    }
    auto reaching = cluster::broker(view, broker);
    auto link = co_await reaching;
    error why = link.error();
    if (link) {
        auto asking = (*link)->call(request);
        auto got = co_await asking;
        why = got.error();
        if (got) {
            for (const auto& topic : got->message.topics) {
                for (const auto& part : topic.partitions) {
                    const auto at = place_of(asked, indexes, topic.name, part.partition_index);
                    if (at < asked.size()) settle(*view, asked[at], answers[at], part.error_code, found_offset{part.offset, part.timestamp, part.leader_epoch});
                }
            }
            co_return;
        }
    }
    view->refresh();
    for (const auto i : indexes) answers[i] = why.located(asked[i].where.topic, asked[i].where.partition);
}

task<void> ask_epochs(std::shared_ptr<cluster> view, std::int32_t broker, const std::vector<epoch_query>& asked, const places& indexes, std::vector<result<epoch_end>>& answers) {
    protocol::offset_for_leader_epoch_request request;
    request.replica_id = -1;
    for (const auto i : indexes) {
        const auto& where = asked[i].where;
        if (request.topics.empty() || request.topics.back().topic != where.topic) request.topics.emplace_back().topic = where.topic;
        auto& part = request.topics.back().partitions.emplace_back();
        part.partition = where.partition;
        part.leader_epoch = asked[i].epoch;
        if (const auto* leader = leader_of(*view, where)) part.current_leader_epoch = leader->leader_epoch;
    }
    auto reaching = cluster::broker(view, broker);
    auto link = co_await reaching;
    error why = link.error();
    if (link) {
        auto asking = (*link)->call(request);
        auto got = co_await asking;
        why = got.error();
        if (got) {
            for (const auto& topic : got->message.topics) {
                for (const auto& part : topic.partitions) {
                    const auto at = place_of(asked, indexes, topic.topic, part.partition);
                    if (at < asked.size()) settle(*view, asked[at], answers[at], part.error_code, epoch_end{part.leader_epoch, part.end_offset});
                }
            }
            co_return;
        }
    }
    if (why.code() != errc::unsupported_version) view->refresh();
    for (const auto i : indexes) answers[i] = why.located(asked[i].where.topic, asked[i].where.partition);
}

}  // namespace

error out_of_time(std::string_view what, milliseconds patience, std::string_view of, const error& last) {
    return error{errc::timed_out, fmt::format("{} within {} ms (default.api.timeout.ms){}", what, patience.count(), of), last};
}

std::string leader_named(const cluster& view, const topic_partition& where) {
    const auto* leader = leader_of(view, where);
    return leader ? fmt::format("; its leader is {}", view.name_of(leader->leader)) : "";
}

std::string coordinator_named(const cluster& view, const std::string& group) {
    const auto id = view.known_coordinator(coordinator_kind::group, group);
    return id < 0 ? "" : fmt::format("; its coordinator is {}", view.name_of(id));
}

error no_leader(const cluster& view, const topic_partition& where) {
    const auto* topic = view.find(where.topic);
    if (!topic) {
        const auto& why = view.last_failure();
        if (why.permanent()) return error{why}.located(where.topic, where.partition);
        return why ? error{errc::leader_not_available, fmt::format("{}-{}: the cluster cannot be asked", where.topic, where.partition), why}.located(where.topic, where.partition)
                   : about(where, errc::leader_not_available, "not known yet");
    }
    if (topic->code == errc::unknown_topic_or_partition) return about(where, topic->code, "the cluster has no such topic; create it, or correct the name");
    if (topic->code != errc::none) return about(where, topic->code, describe(topic->code).condition);
    if (static_cast<std::size_t>(where.partition) >= topic->partitions.size()) {
        return about(where, errc::unknown_topic_or_partition, fmt::format("the topic has {} partitions", topic->partitions.size()));
    }
    return about(where, errc::leader_not_available, "there is no leader at present");
}

task<std::vector<result<found_offset>>> list_offsets(std::shared_ptr<cluster> view, std::vector<offset_query> asked, isolation level) {
    std::vector<result<found_offset>> answers(asked.size(), result<found_offset>{errc::unknown_server_error});
    const auto leaders = by_leader(*view, asked, answers);
    std::vector<task<void>> parts;
    for (const auto& [broker, indexes] : leaders) parts.push_back(ask_offsets(view, broker, asked, indexes, level, answers));
    auto all = when_all(std::move(parts));
    co_await all;
    co_return answers;
}

task<std::vector<result<epoch_end>>> epoch_ends(std::shared_ptr<cluster> view, std::vector<epoch_query> asked) {
    std::vector<result<epoch_end>> answers(asked.size(), result<epoch_end>{errc::unknown_server_error});
    const auto leaders = by_leader(*view, asked, answers);
    std::vector<task<void>> parts;
    for (const auto& [broker, indexes] : leaders) parts.push_back(ask_epochs(view, broker, asked, indexes, answers));
    auto all = when_all(std::move(parts));
    co_await all;
    co_return answers;
}

task<result<std::vector<found_offset>>> find_offsets(std::shared_ptr<cluster> view, std::vector<offset_query> asked, isolation level, milliseconds patience) {
    const auto until = view->loop().now() + patience;
    wanted_topics wanted{view};
    for (const auto& each : asked) wanted.add(each.where.topic, false);
    std::vector<found_offset> found(asked.size());
    places open(asked.size());
    for (std::size_t i = 0; i < asked.size(); ++i) open[i] = i;
    for (int failures = 0; !open.empty();) {
        // A request names each partition once: a second question about it has to wait its turn.
        std::vector<offset_query> now;
        places sent, still;
        std::set<topic_partition> named;
        for (const auto i : open) {
            if (!named.insert(asked[i].where).second) {
                still.push_back(i);
                continue;
            }
            now.push_back(asked[i]);
            sent.push_back(i);
        }
        auto asking = list_offsets(view, std::move(now), level);
        auto answers = co_await asking;
        error last;
        topic_partition where;
        for (std::size_t k = 0; k < sent.size(); ++k) {
            if (answers[k]) {
                found[sent[k]] = *answers[k];
                continue;
            }
            last = answers[k].error();
            where = asked[sent[k]].where;
            if (!transient(last)) co_return last;
            still.push_back(sent[k]);
        }
        open = std::move(still);
        if (!last) continue;
        if (view->loop().now() >= until) co_return out_of_time(fmt::format("{}: no answer", to_string(where)), patience, leader_named(*view, where), last);
        pause_for pause{view->loop(), view->retry().after(++failures, view->random())};
        co_await pause;
    }
    co_return found;
}

}  // namespace weir::detail

#include "call.hpp"

#include <weir/protocol/messages/describe_cluster.hpp>
#include <weir/protocol/messages/metadata.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace weir::detail {
namespace {

/// The first of an outcome and the deadline.
struct race {
    function<void(result<connection_ptr>)> done;
    void end(result<connection_ptr> with) {
        if (auto first = std::exchange(done, {})) first(std::move(with));
    }
};
task<void> run(task<result<connection_ptr>> work, std::shared_ptr<race> into) {
    auto got = co_await work;
    into->end(std::move(got));
}
error not_reached(const cluster& view, std::string_view what) {
    const auto addresses = view.unreached();
    return error{errc::timed_out, fmt::format("{} could not be reached in time{}{}", what, addresses.empty() ? "" : "; no connection yet to ", fmt::join(addresses, ", "))};
}
/// Connecting has a time-out of its own, which may end after the call. `what` is looked for.
task<result<connection_ptr>> in_time(call_ptr call, std::string what, task<result<connection_ptr>> work) {
    auto& loop = call->view->loop();
    auto first = std::make_shared<race>();
    timer_id alarm = timer_id::none;
    auto waiting = completion<result<connection_ptr>>([&](function<void(result<connection_ptr>)> done) {
        first->done = std::move(done);
        alarm = loop.call_at(call->deadline, [first, call, what] { first->end(not_reached(*call->view, what)); });
        spawn(run(std::move(work), first));
    });
    auto got = co_await waiting;
    loop.cancel(alarm);
    co_return got;
}

/// Controllers know no Metadata; of themselves they tell this way (KIP-919).
task<result<protocol::metadata_response>> ask_controllers(call_ptr call, connection_ptr link) {
    protocol::describe_cluster_request request;
    request.endpoint_type = endpoint_type_controllers;
    auto asking = link->call(request, protocol::describe_cluster_request::max_version, call->patience());
    auto got = co_await asking;
    if (!got) co_return got.error();
    if (auto why = refusal(got->message.error_code, got->message.error_message, "controllers")) co_return why;
    protocol::metadata_response told;
    told.controller_id = got->message.controller_id;
    for (auto& each : got->message.brokers) {
        auto& node = told.brokers.emplace_back();
        node.node_id = each.broker_id;
        node.host = std::move(each.host);
        node.port = each.port;
    }
    co_return told;
}

task<result<protocol::metadata_response>> ask_brokers(call_ptr call, connection_ptr link, std::vector<std::string> topics) {
    protocol::metadata_request request;
    for (auto& name : topics) request.topics->emplace_back().name = std::move(name);
    request.allow_auto_topic_creation = false;
    auto asking = link->call(request, protocol::metadata_request::max_version, call->patience());
    auto got = co_await asking;
    if (!got) co_return got.error();
    if (auto why = refusal(got->message.error_code, {}, "metadata")) co_return why;
    co_return std::move(got->message);
}

task<result<protocol::metadata_response>> ask_metadata(call_ptr call, std::vector<std::string> topics) {
    auto finding = in_time(call, "a broker", cluster::any(call->view));
    auto link = co_await finding;
    if (!link) co_return link.error();
    auto asking = call->of_controllers ? ask_controllers(call, *link) : ask_brokers(call, *link, std::move(topics));
    auto told = co_await asking;
    if (told)
        for (const auto& each : told->brokers) call->view->learn_broker(each.node_id, {each.host, static_cast<std::uint16_t>(each.port)});
    else if (told.code() == errc::rebootstrap_required) call->view->begin_again(told.error());
    co_return told;
}

task<result<connection_ptr>> reach_broker(call_ptr call, std::int32_t id) {
    if (!call->view->brokers().contains(id)) {
        auto asking = ask_metadata(call, {});
        auto told = co_await asking;
        if (!told) co_return told.error();
    }
    auto reaching = in_time(call, call->view->name_of(id), cluster::broker(call->view, id));
    co_return co_await reaching;
}

task<result<connection_ptr>> reach_any(call_ptr call) {
    if (call->to_controller) {
        auto asking = ask_metadata(call, {});
        auto told = co_await asking;
        if (!told) co_return told.error();
        if (told->controller_id < 0) co_return error{errc::not_controller, "the cluster has no controller at the moment"};
        auto reaching = reach_broker(call, told->controller_id);
        co_return co_await reaching;
    }
    auto reaching = in_time(call, "a broker", cluster::any(call->view));
    co_return co_await reaching;
}

task<void> locate_one(call_ptr call, place to, result<connection_ptr>& into) {
    auto reaching = to.how == place::kind::broker        ? reach_broker(call, to.broker)
                    : to.how == place::kind::coordinator ? in_time(call, fmt::format("the coordinator of '{}'", to.key), cluster::coordinator(call->view, to.of, to.key))
                                                         : reach_any(call);
    into = co_await reaching;
}

/// Asks who leads the partitions, and leaves the places of those that are led by somebody as brokers.
task<void> find_leaders(call_ptr call, std::vector<place>& places, std::vector<result<connection_ptr>>& links) {
    std::map<std::string, std::vector<std::size_t>> by_topic;
    for (std::size_t i = 0; i < places.size(); ++i) {
        if (places[i].how == place::kind::leader) by_topic[places[i].where.topic].push_back(i);
    }
    if (by_topic.empty()) co_return;
    std::vector<std::string> names;
    for (const auto& [name, which] : by_topic) names.push_back(name);
    auto asking = ask_metadata(call, names);
    auto told = co_await asking;
    for (const auto& [name, which] : by_topic) {
        for (const auto i : which) links[i] = told ? error{errc::unknown_topic_or_partition, fmt::format("{}: the cluster has no such partition", to_string(places[i].where))}.located(name, places[i].where.partition) : told.error();
    }
    if (!told) co_return;
    for (const auto& topic : told->topics) {
        const auto asked = by_topic.find(topic.name.value_or(""));
        if (asked == by_topic.end()) continue;
        for (const auto i : asked->second) {
            const auto& where = places[i].where;
            if (auto why = refusal(topic.error_code, where)) {
                links[i] = why;
                continue;
            }
            for (const auto& part : topic.partitions) {
                if (part.partition_index != where.partition) continue;
                if (part.leader_id >= 0) places[i] = on_broker(part.leader_id);
                else links[i] = error{errc::leader_not_available, fmt::format("{} has no leader; bring one of its replicas back", to_string(where))}.located(where.topic, where.partition);
            }
        }
    }
}

}  // namespace

milliseconds admin_call::left() const {
    return std::max(milliseconds{1}, std::chrono::duration_cast<milliseconds>(deadline - view->loop().now()));
}

error admin_call::out_of_time(const error& obstacle) const {
    return error{errc::timed_out, fmt::format("{}: not done within {} ms (default.api.timeout.ms)", name, timeout.count()), obstacle};
}

task<std::vector<result<connection_ptr>>> locate(call_ptr call, std::vector<place> places) {
    std::vector<result<connection_ptr>> links(places.size(), error{errc::closed, "not looked for"});
    auto leading = find_leaders(call, places, links);
    co_await leading;
    // One look-up per distinct place; all of them at once.
    std::vector<std::size_t> same_as(places.size());
    std::map<std::tuple<place::kind, std::int32_t, coordinator_kind, std::string_view>, std::size_t> known;
    std::vector<task<void>> lookups;
    for (std::size_t i = 0; i < places.size(); ++i) {
        same_as[i] = i;
        const auto& each = places[i];
        if (each.how == place::kind::leader) continue;
        const auto [at, fresh] = known.try_emplace({each.how, each.broker, each.of, each.key}, i);
        same_as[i] = at->second;
        if (fresh) lookups.push_back(locate_one(call, each, links[i]));
    }
    auto looking = when_all(std::move(lookups));
    co_await looking;
    for (std::size_t i = 0; i < places.size(); ++i) links[i] = links[same_as[i]];
    co_return links;
}

task<result<connection_ptr>> locate(call_ptr call, place to) {
    auto looking = locate(std::move(call), std::vector<place>{std::move(to)});
    auto links = co_await looking;
    co_return std::move(links.front());
}

void forget(admin_call& call, const place& of, errc why) {
    if (of.how == place::kind::coordinator) call.view->forget_coordinator(of.of, of.key);
    if (of.how == place::kind::any && why == errc::not_controller) call.to_controller = true;
}

task<result<std::vector<std::int32_t>>> all_brokers(call_ptr call) {
    for (attempts tries{call};;) {
        auto asking = ask_metadata(call, {});
        auto told = co_await asking;
        if (told) {
            std::vector<std::int32_t> ids;
            for (const auto& each : told->brokers) ids.push_back(each.node_id);
            std::sort(ids.begin(), ids.end());
            co_return ids;
        }
        if (!passing(told.code())) co_return told.error();
        auto pausing = tries.again(told.error());
        if (auto more = co_await pausing; !more) co_return more.error();
    }
}

task<result<partition_counts>> count_partitions(call_ptr call, std::vector<std::string> topics) {
    for (attempts tries{call};;) {
        auto asking = ask_metadata(call, topics);
        auto told = co_await asking;
        error obstacle = told.error();
        if (told) {
            partition_counts counts;
            for (const auto& each : told->topics) {
                const auto name = each.name.value_or("");
                auto why = refusal(each.error_code, {}, name);
                const bool may_come = why && (passing(why.code()) || (why.code() == errc::unknown_topic_or_partition && tries.failed() + 1 < attempts_at_unknown_topics));
                if (may_come) obstacle = why;
                counts.emplace(name, why ? result<std::int32_t>{std::move(why)} : static_cast<std::int32_t>(each.partitions.size()));
            }
            if (!obstacle) co_return counts;
        } else if (!passing(obstacle.code())) {
            co_return obstacle;
        }
        auto pausing = tries.again(obstacle);
        if (auto more = co_await pausing; !more) co_return more.error();
    }
}

bool passing(errc code) noexcept {
    switch (code) {
        case errc::leader_not_available:
        case errc::not_leader_or_follower:
        case errc::replica_not_available:
        case errc::network_exception:
        case errc::coordinator_load_in_progress:
        case errc::coordinator_not_available:
        case errc::not_coordinator:
        case errc::not_controller:
        case errc::concurrent_transactions:
        case errc::kafka_storage_error:
        case errc::listener_not_found:
        case errc::fenced_leader_epoch:
        case errc::unknown_leader_epoch:
        case errc::offset_not_available:
        case errc::unstable_offset_commit:
        case errc::throttling_quota_exceeded:
        case errc::broker_not_available:
        case errc::rebootstrap_required:
        case errc::refused:
        case errc::timed_out:
        case errc::io_error: return true;
        default: return false;
    }
}

task<result<void>> attempts::again(error obstacle, milliseconds at_least) {
    if (++failed_ > call_->retries) co_return error{obstacle.code(), fmt::format("{}: given up after {} retries (retries)", call_->name, call_->retries), obstacle};
    auto& view = *call_->view;
    const auto pause = std::max<nanoseconds>(view.retry().after(failed_, view.random()), at_least);
    if (view.loop().now() + pause >= call_->deadline) co_return call_->out_of_time(obstacle);
    pause_for waiting{view.loop(), pause};
    co_await waiting;
    co_return result<void>{};
}

error refusal(std::int16_t code, const std::optional<std::string>& said, std::string_view about) {
    const auto known = errc_from_wire(code);
    if (known == errc::none) return {};
    return error{known, said && !said->empty() ? *said : fmt::format("{}: {}", about, describe(known).condition)};
}
error refusal(std::int16_t code, const topic_partition& about) { return refusal(code, {}, about); }
error refusal(std::int16_t code, const std::optional<std::string>& said, const topic_partition& about) {
    if (code == 0) return {};
    return refusal(code, said, to_string(about)).located(about.topic, about.partition);
}

}  // namespace weir::detail

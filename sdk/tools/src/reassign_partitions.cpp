// weir reassign-partitions: moves replicas between brokers and between their disks.
#include "common_options.hpp"
#include "connect.hpp"
#include "numbers.hpp"
#include "output.hpp"
#include "partition_file.hpp"
#include "perf/stopwatch.hpp"
#include "replica_placement.hpp"

#include <weir/admin.hpp>
#include <weir/base/split_list.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <set>

namespace weir::tools {
namespace reassign_partitions_tool {
namespace {

constexpr option options[] = {
    bootstrap_server,
    bootstrap_controller,
    command_config,
    flag("generate", "Propose where the replicas of topics could go; changes nothing."),
    flag("execute", "Move replicas as a file says."),
    flag("verify", "See whether the moves of a file are done, and take throttles away when they are."),
    flag("cancel", "Cancel the moves of a file that are going on."),
    flag("list", "List the moves that are going on."),
    value("reassignment-json-file", "file", "Which replicas go where: {\"version\":1,\"partitions\":[{\"topic\":\"t\",\"partition\":0,\"replicas\":[1,2],\"log_dirs\":[\"any\",\"any\"]}]}"),
    value("topics-to-move-json-file", "file", "With --generate: {\"version\":1,\"topics\":[{\"topic\":\"t\"}]}"),
    value("broker-list", "0,1,...", "With --generate: the brokers that are to have replicas."),
    flag("disable-rack-aware", "With --generate: do not spread replicas over racks."),
    value("throttle", "bytes/s", "With --execute: how much the moves between brokers may take of each broker's bandwidth."),
    value("replica-alter-log-dirs-throttle", "bytes/s", "With --execute: how fast replicas may go from one disk to another."),
    value("timeout", "ms", "With --execute and --cancel: how long to wait for replicas to exist before they go to a disk (10000)."),
    flag("additional", "With --execute: more moves, or another throttle, while others are going on."),
    flag("disallow-replication-factor-change", "With --execute: refuse what changes the number of replicas."),
    flag("preserve-throttles", "With --verify and --cancel: leave throttles as they are."),
    output_format,
};

constexpr const char* leader_throttle = "leader.replication.throttled.rate";
constexpr const char* follower_throttle = "follower.replication.throttled.rate";
constexpr const char* disk_throttle = "replica.alter.log.dirs.io.max.bytes.per.second";
constexpr const char* leader_replicas = "leader.replication.throttled.replicas";
constexpr const char* follower_replicas = "follower.replication.throttled.replicas";

using assignment = std::map<topic_partition, broker_ids>;
/// Where replicas are, as far as their brokers tell, or where they shall be.
using directories = std::map<topic_partition_replica, std::string>;

struct plan {
    assignment replicas;
    directories log_dirs;
};

/// What a file says that cannot be.
[[noreturn]] void wrong(std::string why) { throw exception{error{errc::invalid_request, std::move(why)}}; }

plan read_plan(const arguments& args) {
    plan read;
    for (const auto& each : read_partitions(std::string{args.text("reassignment-json-file")})) {
        if (!each.replicas || each.replicas->empty()) wrong("Partition replica list cannot be empty: " + to_string(each.where));
        for (const auto id : *each.replicas) {
            if (std::count(each.replicas->begin(), each.replicas->end(), id) > 1)
                wrong(fmt::format("Partition replica lists may not contain duplicate entries: {} contains multiple entries for {}", to_string(each.where), id));
        }
        if (!read.replicas.emplace(each.where, *each.replicas).second) wrong("Partition reassignment contains duplicate topic partitions: " + to_string(each.where));
        for (std::size_t i = 0; i < each.log_dirs.size(); ++i) {
            if (each.log_dirs[i] != "any") read.log_dirs[{each.where.topic, each.where.partition, (*each.replicas)[i]}] = each.log_dirs[i];
        }
    }
    if (read.replicas.empty()) wrong("Partition reassignment list cannot be empty");
    return read;
}

/// Kafka's JSON, in its order of fields, which the tool reads back.
std::string json_of(const assignment& all, const directories& dirs = {}) {
    json_writer document;
    document.begin_object();
    document.key("version");
    document.number(std::int64_t{1});
    document.key("partitions");
    document.begin_array();
    for (const auto& [where, replicas] : all) {
        document.begin_object();
        document.key("topic");
        document.string(where.topic);
        document.key("partition");
        document.number(std::int64_t{where.partition});
        document.key("replicas");
        document.begin_array();
        for (const auto id : replicas) document.number(std::int64_t{id});
        document.end_array();
        document.key("log_dirs");
        document.begin_array();
        for (const auto id : replicas) {
            const auto at = dirs.find({where.topic, where.partition, id});
            document.string(at == dirs.end() ? "any" : at->second);
        }
        document.end_array();
        document.end_object();
    }
    document.end_array();
    document.end_object();
    return document.take();
}

/// Topics that are not there are refused, unless they `may_be_gone`.
assignment current_of(const admin& at, const std::set<std::string>& topics, bool may_be_gone = false) {
    assignment now;
    for (const auto& [name, topic] : *at.describe_topics({topics.begin(), topics.end()}).get()) {
        if (topic.code() == errc::unknown_topic_or_partition && may_be_gone) continue;
        if (topic.code() == errc::unknown_topic_or_partition) wrong(fmt::format("Topic {} not found.", name));
        if (!topic) throw exception{topic.error()};
        for (const auto& each : topic->partitions) now.emplace(topic_partition{name, each.id}, each.replicas);
    }
    return now;
}

directories directories_of(const admin& at, const assignment& all) {
    std::vector<topic_partition_replica> replicas;
    for (const auto& [where, ids] : all) {
        for (const auto id : ids) replicas.push_back({where.topic, where.partition, id});
    }
    directories found;
    for (const auto& [replica, outcome] : *at.describe_replica_log_dirs(replicas).get()) {
        if (outcome && !outcome->current.empty()) found.emplace(replica, outcome->current);
    }
    return found;
}

template <class Map>
std::string names_of(const Map& all) {
    std::string text;
    for (const auto& each : all) text += (text.empty() ? "" : ",") + to_string(each.first);
    return text;
}

int generate(const admin& at, const invocation& call) {
    const auto& args = call.args;
    const auto topics = read_topics(std::string{args.text("topics-to-move-json-file")});
    const auto cluster = *at.describe_cluster().get();
    std::vector<placement_broker> brokers;
    for (const auto& each : split_list(args.text("broker-list"))) {
        const auto id = parse_id(each);
        const auto found = std::find_if(cluster.nodes.begin(), cluster.nodes.end(), [&](const node& one) { return id && one.id == *id; });
        if (!id || found == cluster.nodes.end()) wrong(fmt::format("there is no broker {} in the cluster", each));
        if (std::any_of(brokers.begin(), brokers.end(), [&](const auto& one) { return one.id == found->id; })) wrong(fmt::format("Broker list contains duplicate entries: [{}]", *id));
        brokers.push_back({found->id, args.has("disable-rack-aware") ? std::optional<std::string>{} : found->rack});
    }
    const auto current = current_of(at, {topics.begin(), topics.end()});
    assignment proposed;
    for (auto begin = current.begin(); begin != current.end();) {
        auto end = begin;
        std::size_t count = 0;
        for (; end != current.end() && end->first.topic == begin->first.topic; ++end) ++count;
        const auto factor = begin->second.size();
        if (factor > brokers.size()) wrong(fmt::format("Replication factor: {} larger than available brokers: {}", factor, brokers.size()));
        auto placed = place_replicas(brokers, count, factor);
        for (std::size_t i = 0; begin != end; ++begin, ++i) proposed.emplace(begin->first, std::move(placed[i]));
    }
    if (call.out.json()) {
        call.out.line(json_of(proposed));
        return 0;
    }
    call.out.line(fmt::format("Current partition replica assignment\n{}\n\nProposed partition reassignment configuration\n{}", json_of(current, directories_of(at, current)), json_of(proposed)));
    return 0;
}

void alter(const admin& at, std::vector<config_alteration> changes) {
    if (changes.empty()) return;
    const auto answers = *at.incremental_alter_configs(std::move(changes)).get();
    if (auto why = answers.first_error()) throw exception{why};
}

/// Replicas that send (those there are) and that receive (those to come), and the brokers they are on.
void throttle(const admin& at, const plan& wanted, const assignment& current, std::optional<std::int64_t> rate, std::optional<std::int64_t> disk_rate, output& out) {
    std::set<std::int32_t> brokers, disks;
    std::map<std::string, std::pair<std::string, std::string>> per_topic;
    for (const auto& [where, target] : wanted.replicas) {
        const auto& from = current.at(where);
        auto& [leaders, followers] = per_topic[where.topic];
        const auto add = [&](std::string& to, std::int32_t id) {
            to += fmt::format("{}{}:{}", to.empty() ? "" : ",", where.partition, id);
            brokers.insert(id);
        };
        const bool moves = std::any_of(target.begin(), target.end(), [&](auto id) { return std::find(from.begin(), from.end(), id) == from.end(); });
        if (!moves) continue;
        for (const auto id : from) add(leaders, id);
        for (const auto id : target) {
            if (std::find(from.begin(), from.end(), id) == from.end()) add(followers, id);
        }
    }
    for (const auto& [replica, dir] : wanted.log_dirs) disks.insert(replica.broker);
    std::vector<config_alteration> changes;
    if (rate) {
        for (const auto& [topic, lists] : per_topic) {
            if (lists.first.empty() && lists.second.empty()) continue;
            changes.push_back({{config_kind::topic, topic}, {{leader_replicas, lists.first}, {follower_replicas, lists.second}}});
        }
        for (const auto id : brokers) changes.push_back({{config_kind::broker, std::to_string(id)}, {{leader_throttle, std::to_string(*rate)}, {follower_throttle, std::to_string(*rate)}}});
    }
    if (disk_rate) {
        for (const auto id : disks) changes.push_back({{config_kind::broker, std::to_string(id)}, {{disk_throttle, std::to_string(*disk_rate)}}});
    }
    alter(at, std::move(changes));
    if (rate) out.line(fmt::format("The inter-broker throttle limit was set to {} B/s", *rate));
    if (disk_rate) out.line(fmt::format("The replica-alter-dir throttle limit was set to {} B/s", *disk_rate));
}

void clear_throttles(const admin& at, const std::set<std::string>& topics, output& out) {
    std::vector<std::string> ids;
    std::vector<config_alteration> changes;
    const auto gone = config_change::action::remove;
    for (const auto& each : (*at.describe_cluster().get()).nodes) {
        ids.push_back(std::to_string(each.id));
        changes.push_back({{config_kind::broker, ids.back()}, {{leader_throttle, "", gone}, {follower_throttle, "", gone}, {disk_throttle, "", gone}}});
    }
    out.line(fmt::format("Clearing broker-level throttles on broker{} {}", ids.size() == 1 ? "" : "s", fmt::join(ids, ",")));
    for (const auto& each : topics) changes.push_back({{config_kind::topic, each}, {{leader_replicas, "", gone}, {follower_replicas, "", gone}}});
    out.line(fmt::format("Clearing topic-level throttles on topic{} {}", topics.size() == 1 ? "" : "s", fmt::join(topics, ",")));
    alter(at, std::move(changes));
}

std::set<std::string> topics_of(const assignment& all) {
    std::set<std::string> names;
    for (const auto& each : all) names.insert(each.first.topic);
    return names;
}

std::string name_of(const topic_partition_replica& which) { return fmt::format("{}-{}-{}", which.topic, which.partition, which.broker); }

/// Asks until the brokers have taken all of it: a replica that only comes into being is given its directory once it is there.
int move_directories(const admin& at, const invocation& call, directories left) {
    constexpr milliseconds between_attempts{100};
    stopwatch time;
    const auto until = time.now() + milliseconds{call.args.number_or("timeout", 10'000, 0, std::numeric_limits<std::int32_t>::max())};
    while (!left.empty()) {
        directories waiting;
        for (const auto& [replica, outcome] : *at.alter_replica_log_dirs(left).get()) {
            if (outcome.code() == errc::replica_not_available) waiting.insert(*left.find(replica));
            else if (!outcome) throw exception{error{outcome.code(), fmt::format("Failed to alter dir for {}", name_of(replica)), outcome.error()}};
            else if (!call.out.json())
                call.out.line(fmt::format("Successfully started moving log directory to {} for replica {}-{} with broker {} ", left.at(replica), replica.topic, replica.partition, replica.broker));
        }
        if (!waiting.empty() && time.now() >= until) {
            std::vector<std::string> names;
            for (const auto& each : waiting) names.push_back(name_of(each.first));
            call.out.line(fmt::format("Timed out before log directory move{} could be started for: {}", names.size() == 1 ? "" : "s", fmt::join(names, ",")));
            return 1;
        }
        left = std::move(waiting);
        if (!left.empty()) time.wait_until(std::min(until, time.now() + between_attempts));
    }
    return 0;
}

/// What has become of the way of a replica to a directory.
enum class dir_move : std::uint8_t { completed, in_progress, elsewhere, not_active, not_found };
std::string_view to_string(dir_move which) {
    constexpr std::string_view words[] = {"completed", "in progress", "in progress to another directory", "not active", "not found"};
    return words[static_cast<std::size_t>(which)];
}
dir_move move_of(const replica_log_dir& is, const std::string& wanted) {
    if (is.current.empty()) return dir_move::not_found;
    if (is.future.empty()) return is.current == wanted ? dir_move::completed : dir_move::not_active;
    return is.future == wanted ? dir_move::in_progress : dir_move::elsewhere;
}
std::string words_of(const topic_partition_replica& which, const replica_log_dir& is, const std::string& wanted) {
    const auto partition = fmt::format("Partition {}-{}", which.topic, which.partition);
    switch (move_of(is, wanted)) {
        case dir_move::completed: return fmt::format("Reassignment of replica {} completed successfully.", name_of(which));
        case dir_move::in_progress: return fmt::format("Reassignment of replica {} is still in progress.", name_of(which));
        case dir_move::elsewhere: return fmt::format("{} on broker {} is being moved to log dir {} instead of {}.", partition, which.broker, is.future, wanted);
        case dir_move::not_active: return fmt::format("{} on broker {} is not being moved from log dir {} to {}.", partition, which.broker, is.current, wanted);
        case dir_move::not_found: break;
    }
    return fmt::format("{} is not found in any live log dir on broker {}. There is likely an offline log directory on the broker.", partition, which.broker);
}

std::map<topic_partition_replica, replica_log_dir> places_of(const admin& at, const directories& wanted) {
    std::vector<topic_partition_replica> replicas;
    for (const auto& each : wanted) replicas.push_back(each.first);
    std::map<topic_partition_replica, replica_log_dir> found;
    if (replicas.empty()) return found;
    for (const auto& [replica, outcome] : *at.describe_replica_log_dirs(replicas).get()) found.emplace(replica, *outcome);
    return found;
}

int execute(const admin& at, const invocation& call) {
    const auto& args = call.args;
    const auto rate = args.number("throttle", 0, std::numeric_limits<std::int64_t>::max());
    const auto disk_rate = args.number("replica-alter-log-dirs-throttle", 0, std::numeric_limits<std::int64_t>::max());
    const auto wanted = read_plan(args);
    if (!args.has("additional") && !(*at.list_partition_reassignments().get()).empty())
        throw exception{error{errc::reassignment_in_progress, "Cannot execute because there is an existing partition assignment.  Use --additional to override this and create a new partition assignment in "
                                                              "addition to the existing one. The --additional flag can also be used to change the throttle by resubmitting the current reassignment."}};
    const auto all = current_of(at, topics_of(wanted.replicas));
    assignment current;
    for (const auto& [where, target] : wanted.replicas) {
        const auto found = all.find(where);
        if (found == all.end()) wrong(fmt::format("Partition {} does not exist", to_string(where)));
        current.insert(*found);
    }
    std::set<std::int32_t> there;
    for (const auto& each : (*at.describe_cluster().get()).nodes) there.insert(each.id);
    for (const auto& [where, target] : wanted.replicas) {
        for (const auto id : target) {
            if (!there.contains(id)) throw exception{error{errc::broker_id_not_registered, fmt::format("Unknown broker id {}", id)}};
        }
    }
    if (!call.out.json()) call.out.line(fmt::format("Current partition replica assignment\n\n{}\n\nSave this to use as the --reassignment-json-file option during rollback", json_of(current, directories_of(at, current))));
    if (rate || disk_rate) {
        call.out.line("Warning: You must run --verify periodically, until the reassignment completes, to ensure the throttle is removed.");
        throttle(at, wanted, current, rate, disk_rate, call.out);
    }
    std::vector<new_reassignment> moves;
    for (const auto& [where, target] : wanted.replicas) moves.push_back({where, target});
    std::string failed;
    for (const auto& [where, outcome] : *at.alter_partition_reassignments(moves, {.allow_replication_factor_change = !args.has("disallow-replication-factor-change")}).get()) {
        if (!outcome) failed += fmt::format("\n{}: {}", to_string(where), sentence(outcome.error()));
    }
    if (!failed.empty()) throw exception{error{errc::invalid_request, "Error reassigning partition(s):" + failed}};
    if (call.out.json()) call.out.line(json_of(current));
    else call.out.line(fmt::format("Successfully started partition reassignment{} for {}", wanted.replicas.size() == 1 ? "" : "s", names_of(wanted.replicas)));
    return move_directories(at, call, wanted.log_dirs);
}

int verify(const admin& at, const invocation& call) {
    const auto wanted = read_plan(call.args);
    const auto moving = *at.list_partition_reassignments().get();
    const auto current = current_of(at, topics_of(wanted.replicas), true);
    table all{{{"TOPIC", "topic"}, {"PARTITION", "partition", true}, {"BROKER", "broker", true}, {"STATUS", "status"}}};
    bool busy = false;
    if (!call.out.json()) call.out.line("Status of partition reassignment:");
    const auto ids = [](const broker_ids& list) { return fmt::format("{}", fmt::join(list, ",")); };
    for (const auto& [where, target] : wanted.replicas) {
        const auto now = current.find(where);
        std::string status, sentence;
        if (moving.contains(where)) {
            busy = true;
            status = "in progress";
            sentence = fmt::format("Reassignment of partition {} is still in progress.", to_string(where));
        } else if (now != current.end() && now->second == target) {
            status = "completed";
            sentence = fmt::format("Reassignment of partition {} is completed.", to_string(where));
        } else {
            status = "not active";
            sentence = fmt::format("There is no active reassignment of partition {}, but replica set is {} rather than {}.", to_string(where), now == current.end() ? "" : ids(now->second), ids(target));
        }
        all.row({where.topic, std::to_string(where.partition), "-", status});
        if (!call.out.json()) call.out.line(sentence);
    }
    std::string moves;
    for (const auto& [replica, is] : places_of(at, wanted.log_dirs)) {
        const auto move = move_of(is, wanted.log_dirs.at(replica));
        busy |= move != dir_move::completed && move != dir_move::not_active;
        all.row({replica.topic, std::to_string(replica.partition), std::to_string(replica.broker), std::string{to_string(move)}});
        moves += (moves.empty() ? "" : "\n") + words_of(replica, is, wanted.log_dirs.at(replica));
    }
    if (!call.out.json()) call.out.line(moves);  // a blank line when there are none
    if (call.out.json()) all.print(call.out);
    // Throttles serve every move there is.
    if (busy || !moving.empty() || call.args.has("preserve-throttles")) return 0;
    output unseen{output::format::text};
    clear_throttles(at, topics_of(wanted.replicas), call.out.json() ? unseen : call.out);
    return 0;
}

int cancel(const admin& at, const invocation& call) {
    const auto wanted = read_plan(call.args);
    const auto moving = *at.list_partition_reassignments().get();
    std::vector<new_reassignment> moves;
    std::string names;
    for (const auto& [where, target] : wanted.replicas) {
        if (!moving.contains(where)) continue;
        moves.push_back({where, std::nullopt});
        names += (names.empty() ? "" : ",") + to_string(where);
    }
    if (moves.empty()) call.out.line("None of the specified partition reassignments are active.");
    else {
        const auto answers = *at.alter_partition_reassignments(moves).get();
        if (auto why = answers.first_error()) throw exception{why};
        call.out.line(fmt::format("Successfully cancelled partition reassignment{} for: {}", moves.size() == 1 ? "" : "s", names));
    }
    directories back;
    for (const auto& [replica, is] : places_of(at, wanted.log_dirs)) {
        if (!is.current.empty() && !is.future.empty()) back.emplace(replica, is.current);
    }
    if (back.empty()) call.out.print("None of the specified partition moves are active.");  // no end of line: as Kafka has it
    else if (const auto code = move_directories(at, call, back); code != 0) return code;
    if (!call.args.has("preserve-throttles")) clear_throttles(at, topics_of(wanted.replicas), call.out);
    return 0;
}

int list(const admin& at, const invocation& call) {
    const auto moving = *at.list_partition_reassignments().get();
    const auto ids = [](const broker_ids& all) { return fmt::format("{}", fmt::join(all, ",")); };
    if (call.out.json()) {
        table all{{{"", "topic"}, {"", "partition", true}, {"", "replicas"}, {"", "adding"}, {"", "removing"}}};
        for (const auto& [where, each] : moving) all.row({where.topic, std::to_string(where.partition), ids(each.replicas), ids(each.adding), ids(each.removing)});
        all.print(call.out);
        return 0;
    }
    if (moving.empty()) {
        call.out.line("No partition reassignments found.");
        return 0;
    }
    call.out.line("Current partition reassignments:");
    for (const auto& [where, each] : moving)
        call.out.line(fmt::format("{}: replicas: {}.{}{}", to_string(where), ids(each.replicas), each.adding.empty() ? "" : fmt::format(" adding: {}.", ids(each.adding)),
                                  each.removing.empty() ? "" : fmt::format(" removing: {}.", ids(each.removing))));
    return 0;
}

/// What each action needs, and what it takes besides.
void check(const arguments& args, std::string_view action) {
    struct use {
        std::string_view action;
        std::vector<std::string_view> needed, taken;
    };
    static const use uses[] = {
        {"verify", {"reassignment-json-file"}, {"preserve-throttles"}},
        {"generate", {"topics-to-move-json-file", "broker-list"}, {"disable-rack-aware"}},
        {"execute", {"reassignment-json-file"}, {"additional", "throttle", "replica-alter-log-dirs-throttle", "timeout", "disallow-replication-factor-change"}},
        {"cancel", {"reassignment-json-file"}, {"preserve-throttles", "timeout"}},
        {"list", {}, {}},
    };
    const auto& mine = *std::find_if(std::begin(uses), std::end(uses), [&](const use& each) { return each.action == action; });
    for (const auto each : mine.needed)
        if (!args.has(each)) throw usage_error{fmt::format("Missing required argument \"[{}]\"", each)};
    const auto is_in = [](std::string_view name, const std::vector<std::string_view>& names) { return std::find(names.begin(), names.end(), name) != names.end(); };
    for (const auto& other : uses) {
        for (const auto* list : {&other.needed, &other.taken})
            for (const auto each : *list)
                if (args.has(each) && !is_in(each, mine.needed) && !is_in(each, mine.taken)) throw usage_error{fmt::format("Option \"[{}]\" can't be used with action \"[{}]\"", each, action)};
    }
}

int run(const invocation& call) {
    const auto action = call.args.exactly_one({"generate", "execute", "verify", "cancel", "list"});
    check(call.args, action);
    const admin at{connect(call.args, "reassign-partitions-tool")};
    if (action == "generate") return generate(at, call);
    if (action == "execute") return execute(at, call);
    if (action == "verify") return verify(at, call);
    if (action == "cancel") return cancel(at, call);
    return list(at, call);
}

}  // namespace
}  // namespace reassign_partitions_tool

extern const tool reassign_partitions;
constinit const tool reassign_partitions{"reassign-partitions", "Move replicas between brokers and between their disks.", reassign_partitions_tool::options, {}, {}, {"Error: ", true}, reassign_partitions_tool::run};

}  // namespace weir::tools

// weir transactions: what transactions there are, and what to do about those that hang (KIP-664).
#include "common_options.hpp"
#include "connect.hpp"
#include "output.hpp"

#include <weir/admin.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <map>
#include <set>

namespace weir::tools {
namespace transactions_tool {
namespace {

constexpr auto any_int = std::numeric_limits<std::int32_t>::max();
constexpr auto any_long = std::numeric_limits<std::int64_t>::max();

constexpr option options[] = {bootstrap_server.required(), command_config, output_format};

constexpr option topic = value("topic", "name", "The topic.");
constexpr option partition = value("partition", "number", "The partition.");
constexpr option list_options[] = {
    value("duration-filter", "ms", "Only those that have been running for longer."),
    value("transactional-id-pattern", "regex", "Only those whose transactional id matches as a whole."),
};
constexpr option describe_options[] = {value("transactional-id", "id", "The transactional id.").required()};
constexpr option producers_options[] = {value("broker-id", "id", "As this replica sees them; as the leader does otherwise."), topic.required(), partition.required()};
constexpr option abort_options[] = {
    topic.required(),
    partition.required(),
    value("start-offset", "offset", "The first offset of the transaction; the rest is found out."),
    value("producer-id", "id", "For brokers before 3.0, with the two epochs."),
    value("producer-epoch", "epoch", "For brokers before 3.0."),
    value("coordinator-epoch", "epoch", "For brokers before 3.0."),
};
constexpr option hanging_options[] = {
    value("broker-id", "id", "Among the replicas of this broker."),
    value("max-transaction-timeout", "minutes", "How old a transaction must be to count (15)."),
    topic,
    partition,
};
constexpr option terminate_options[] = {value("transactionalId", "id", "The transactional id.").required()};
constexpr command commands[] = {
    {"list", "List the transactions.", list_options},
    {"describe", "Describe the transaction of a transactional id.", describe_options},
    {"describe-producers", "Describe the producers of a partition.", producers_options},
    {"abort", "Abort a transaction that hangs in a partition.", abort_options},
    {"find-hanging", "Find transactions that nobody will end.", hanging_options},
    {"forceTerminateTransaction", "End the transaction of a transactional id, whatever its producer does.", terminate_options},
};

[[noreturn]] void fail(const std::string& what, const error& why) { throw exception{error{why.code(), what + ": " + why.message()}}; }

std::int64_t now_ms() { return now().time_since_epoch().count(); }
std::string or_none(const std::optional<std::int64_t>& number) { return number ? std::to_string(*number) : "None"; }
std::int64_t ms_of(const std::optional<timestamp>& time) { return time ? time->time_since_epoch().count() : -1; }

void print(table& all, output& out) { all.print(out, "\t", table::last_column::padded_with_gap); }

int list(const admin& at, const invocation& call) {
    list_transactions_options wanted;
    if (const auto least = call.args.number("duration-filter", 0, any_long)) wanted.running_longer_than = duration{*least};
    if (call.args.has("transactional-id-pattern")) wanted.transactional_id_pattern = std::string{call.args.text("transactional-id-pattern")};
    auto found = *at.list_transactions(wanted).get();
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return std::tie(a.coordinator, a.transactional_id) < std::tie(b.coordinator, b.transactional_id); });
    table all{{{"TransactionalId", "transactionalId"}, {"Coordinator", "coordinator", true}, {"ProducerId", "producerId", true}, {"TransactionState", "transactionState"}}};
    for (const auto& each : found) all.row({each.transactional_id, std::to_string(each.coordinator), std::to_string(each.producer_id), std::string{to_string(each.state)}});
    print(all, call.out);
    return 0;
}

int describe(const admin& at, const invocation& call) {
    const std::string id{call.args.text("transactional-id")};
    const auto answers = *at.describe_transactions({id}).get();
    const auto& found = answers.front().outcome;
    if (!found) fail(fmt::format("Failed to describe transaction state of transactional-id `{}`", id), found.error());
    std::optional<std::int64_t> started, lasting;
    if (found->started) {
        started = ms_of(found->started);
        lasting = now_ms() - *started;
    }
    std::string partitions;
    for (const auto& each : found->partitions) partitions += (partitions.empty() ? "" : ",") + to_string(each);
    table all{{{"CoordinatorId", "coordinatorId", true}, {"TransactionalId", "transactionalId"}, {"ProducerId", "producerId", true}, {"ProducerEpoch", "producerEpoch", true},
               {"TransactionState", "transactionState"}, {"TransactionTimeoutMs", "transactionTimeoutMs", true}, {"CurrentTransactionStartTimeMs", "currentTransactionStartTimeMs", true},
               {"TransactionDurationMs", "transactionDurationMs", true}, {"TopicPartitions", "topicPartitions"}}};
    all.row({std::to_string(found->coordinator), id, std::to_string(found->producer_id), std::to_string(found->producer_epoch), std::string{to_string(found->state)},
             std::to_string(found->timeout.count()), or_none(started), or_none(lasting), partitions});
    print(all, call.out);
    return 0;
}

topic_partition where_of(const arguments& args) { return {std::string{args.text("topic")}, static_cast<std::int32_t>(args.number_or("partition", 0, 0, any_int))}; }

std::vector<producer_state> producers_of(const admin& at, const topic_partition& where, std::optional<std::int64_t> broker, const char* failure) {
    const auto answers = broker ? *at.describe_producers({where}, static_cast<std::int32_t>(*broker)).get() : *at.describe_producers({where}).get();
    const auto& found = answers.front().outcome;
    if (!found) fail(fmt::format("{} {} on {}", failure, to_string(where), broker ? fmt::format("broker {}", *broker) : "leader"), found.error());
    return *found;
}

int describe_producers(const admin& at, const invocation& call) {
    table all{{{"ProducerId", "producerId", true}, {"ProducerEpoch", "producerEpoch", true}, {"LatestCoordinatorEpoch", "latestCoordinatorEpoch", true}, {"LastSequence", "lastSequence", true},
               {"LastTimestamp", "lastTimestamp", true}, {"CurrentTransactionStartOffset", "currentTransactionStartOffset", true}}};
    for (const auto& each : producers_of(at, where_of(call.args), call.args.number("broker-id", 0, any_int), "Failed to describe producers for partition"))
        all.row({std::to_string(each.producer_id), std::to_string(each.epoch), std::to_string(each.coordinator_epoch), std::to_string(each.last_sequence), std::to_string(ms_of(each.last_time)),
                 or_none(each.transaction_start)});
    print(all, call.out);
    return 0;
}

int abort(const admin& at, const invocation& call) {
    const auto& args = call.args;
    abort_transaction_request which{where_of(args)};
    if (const auto start = args.number("start-offset", 0, any_long)) {
        const auto states = producers_of(at, which.where, std::nullopt, "Failed to validate producer state for partition");
        const auto open = std::find_if(states.begin(), states.end(), [&](const auto& each) { return each.transaction_start == *start; });
        if (open == states.end()) throw exception{error{errc::invalid_txn_state, fmt::format("Could not find any open transactions starting at offset {} on partition {}", *start, to_string(which.where))}};
        which.producer_id = open->producer_id;
        which.producer_epoch = static_cast<std::int16_t>(open->epoch);
        which.coordinator_epoch = std::max(0, open->coordinator_epoch);
    } else {
        if (!args.has("producer-id"))
            throw usage_error{"The transaction to abort must be identified either with --start-offset (for brokers on 3.0 or above) or with --producer-id, --producer-epoch, and "
                              "--coordinator-epoch (for older brokers)"};
        args.needs("producer-id", "producer-epoch");
        args.needs("producer-id", "coordinator-epoch");
        which.producer_id = args.number_or("producer-id", -1, 0, any_long);
        which.producer_epoch = static_cast<std::int16_t>(args.number_or("producer-epoch", -1, 0, 32'767));
        // A transaction that hung before the first marker shows -1; 0 is not above any epoch there can be.
        which.coordinator_epoch = static_cast<std::int32_t>(std::max<std::int64_t>(0, args.number_or("coordinator-epoch", 0, -1, any_int)));
    }
    if (const auto done = at.abort_transaction(which).get(); !done) fail(fmt::format("Failed to abort transaction in {}", to_string(which.where)), done.error());
    return 0;
}

std::vector<topic_partition> partitions_to_search(const admin& at, const arguments& args, std::optional<std::int64_t> broker) {
    if (args.has("partition")) return {where_of(args)};
    std::vector<std::string> topics;
    if (args.has("topic")) topics.emplace_back(args.text("topic"));
    else
        for (const auto& each : *at.list_topics({.internal = true}).get()) topics.push_back(each.name);  // offsets hang in __consumer_offsets
    std::vector<topic_partition> found;
    for (const auto& [name, outcome] : *at.describe_topics(topics).get()) {
        for (const auto& each : (*outcome).partitions) {
            if (!broker || std::find(each.replicas.begin(), each.replicas.end(), *broker) != each.replicas.end()) found.push_back({name, each.id});
        }
    }
    return found;
}

int find_hanging(const admin& at, const invocation& call) {
    const auto& args = call.args;
    const auto broker = args.number("broker-id", 0, any_int);
    if (!args.has("topic") && !broker) throw usage_error{"The `find-hanging` command requires either --topic or --broker-id to limit the scope of the search"};
    args.needs("partition", "topic");
    const auto oldest = now_ms() - args.number_or("max-transaction-timeout", 15, 0, any_int) * 60'000;
    const auto partitions = partitions_to_search(at, args, broker);
    const auto answers = broker ? *at.describe_producers(partitions, static_cast<std::int32_t>(*broker)).get() : *at.describe_producers(partitions).get();
    std::vector<std::pair<topic_partition, producer_state>> candidates;
    std::set<std::int64_t> producers;
    for (const auto& [where, states] : answers) {
        for (const auto& each : *states) {
            if (!each.transaction_start || ms_of(each.last_time) >= oldest) continue;
            candidates.emplace_back(where, each);
            producers.insert(each.producer_id);
        }
    }
    // One that its coordinator still means to end there does not hang.
    std::map<std::int64_t, std::set<topic_partition>> expected;
    if (!candidates.empty()) {
        list_transactions_options of_these;
        of_these.producer_ids = {producers.begin(), producers.end()};
        std::vector<std::string> ids;
        for (const auto& each : *at.list_transactions(of_these).get()) ids.push_back(each.transactional_id);
        for (const auto& [id, outcome] : *at.describe_transactions(ids).get()) {
            if (outcome) expected[outcome->producer_id] = outcome->partitions;
            else if (outcome.code() != errc::transactional_id_not_found) fail(fmt::format("Failed to describe {} transactions", ids.size()), outcome.error());
        }
    }
    table all{{{"Topic", "topic"}, {"Partition", "partition", true}, {"ProducerId", "producerId", true}, {"ProducerEpoch", "producerEpoch", true}, {"CoordinatorEpoch", "coordinatorEpoch", true},
               {"StartOffset", "startOffset", true}, {"LastTimestamp", "lastTimestamp", true}, {"Duration(min)", "durationMinutes", true}}};
    for (const auto& [where, each] : candidates) {
        if (expected[each.producer_id].contains(where)) continue;
        all.row({where.topic, std::to_string(where.partition), std::to_string(each.producer_id), std::to_string(each.epoch), std::to_string(each.coordinator_epoch),
                 std::to_string(*each.transaction_start), std::to_string(ms_of(each.last_time)), std::to_string((now_ms() - ms_of(each.last_time)) / 60'000)});
    }
    print(all, call.out);
    return 0;
}

int run(const invocation& call) {
    const auto what = call.args.command();
    if (what.empty()) throw usage_error{"a command is missing: list, describe, describe-producers, abort, find-hanging, forceTerminateTransaction"};
    const admin at{connect(call.args, "transactions")};
    if (what == "list") return list(at, call);
    if (what == "describe") return describe(at, call);
    if (what == "describe-producers") return describe_producers(at, call);
    if (what == "abort") return abort(at, call);
    if (what == "find-hanging") return find_hanging(at, call);
    if (const auto done = at.force_terminate_transaction(std::string{call.args.text("transactionalId")}).get(); !done) fail("Failed to force terminate transactionalId", done.error());
    return 0;
}

}  // namespace
}  // namespace transactions_tool

extern const tool transactions;
constinit const tool transactions{"transactions", "Show transactions, and end those that hang.", transactions_tool::options, transactions_tool::commands, {}, {"", false}, transactions_tool::run};

}  // namespace weir::tools

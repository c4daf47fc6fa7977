// Tools against a real broker in this process: what they print, and with which code they end.
#include <doctest/doctest.h>

#include <weir/admin.hpp>
#include <weir/broker/embedded.hpp>
#include <weir/producer.hpp>

#include "arguments.hpp"
#include "output.hpp"

#include <cstdio>
#include <regex>

#include <named_pipe.hpp>

#include <unistd.h>

using namespace weir;
using namespace weir::tools;

namespace {

struct shell {
    broker::embedded cluster{};
    std::string failure{};
    int ends_with = 0;

    /// What the tool prints; `failure` is what it fails with.
    std::string run(std::vector<std::string> words, output::format as = output::format::text) {
        words.insert(words.end(), {"--bootstrap-server", cluster.bootstrap()});
        std::vector<const char*> raw;
        for (const auto& each : words) raw.push_back(each.c_str());
        const auto* which = find_tool(words[0]);
        REQUIRE(which);
        const arguments args{*which, std::span{raw}.subspan(1)};
        args.check_required();
        output out{as};
        failure.clear();
        try {
            const int code = which->run({args, out});
            CHECK(code == ends_with);
        } catch (const exception& failed) {
            failure = failed.error().what();
        }
        return out.text();
    }
    void write(std::string_view topic, std::initializer_list<std::string_view> values) {
        producer out{client{cluster.bootstrap()}};
        for (const auto value : values) REQUIRE(out.send(topic, "key", value).get());
    }
};

/// Ids that were drawn become ID.
std::string without_ids(const std::string& text) { return std::regex_replace(text, std::regex{"\\b[A-Za-z0-9_-]{22}\\b"}, "ID"); }

}  // namespace

TEST_CASE("topics are created, described, widened and deleted") {
    shell at;
    CHECK(at.run({"topics", "--create", "--topic", "orders", "--partitions", "2", "--config", "retention.ms=60000"}) == "Created topic orders.\n");
    CHECK(at.run({"topics", "--create", "--topic", "my.topic"}).starts_with("WARNING: Due to limitations in metric names"));
    CHECK(at.run({"topics", "--list"}) == "my.topic\norders\n");
    CHECK(at.run({"topics", "--list", "--topic", "ord.*"}) == "orders\n");
    CHECK(at.run({"topics", "--list"}, output::format::json) == "[\"my.topic\",\"orders\"]\n");
    const auto described = without_ids(at.run({"topics", "--describe", "--topic", "orders"}));
    CHECK(described.starts_with("Topic: orders\tTopicId: ID\tPartitionCount: 2\tReplicationFactor: 1\tConfigs: "));
    CHECK(described.find("retention.ms=60000") != std::string::npos);
    CHECK(described.find("\n\tTopic: orders\tPartition: 1\tLeader: 0\tReplicas: 0\tIsr: 0\tElr: \tLastKnownElr: \n") != std::string::npos);
    CHECK(at.run({"topics", "--describe", "--under-replicated-partitions"}).empty());
    at.run({"topics", "--alter", "--topic", "orders", "--partitions", "3"});
    CHECK(at.run({"topics", "--describe", "--topic", "orders"}, output::format::json).find("\"partitionCount\":3") != std::string::npos);
    at.run({"topics", "--delete", "--topic", "my\\.topic,orders"});
    CHECK(at.failure.empty());
    CHECK(at.run({"topics", "--list"}) == "\n");
}

TEST_CASE("a mutation quota that is used up is told, and not waited for") {
    shell at;
    at.run({"topics", "--create", "--topic", "orders"});
    const auto refused = [&](std::string_view api, std::vector<std::string> words) {
        const auto before = at.cluster.requests(api);
        at.cluster.fail_next(api, errc::throttling_quota_exceeded);
        at.run(std::move(words));
        CHECK(at.cluster.requests(api) == before + 1);
        at.cluster.clear_faults();
        return !at.failure.empty();
    };
    CHECK(refused("CreateTopics", {"topics", "--create", "--topic", "lines"}));
    CHECK(refused("CreatePartitions", {"topics", "--alter", "--topic", "orders", "--partitions", "2"}));
    CHECK(refused("DeleteTopics", {"topics", "--delete", "--topic", "orders"}));
    CHECK(at.run({"topics", "--list"}) == "orders\n");
}

TEST_CASE("what cannot be done says why, in the broker's words") {
    shell at;
    at.run({"topics", "--create", "--topic", "orders"});
    at.run({"topics", "--create", "--topic", "orders"});
    CHECK(at.failure == "Topic 'orders' already exists.");
    at.run({"topics", "--create", "--topic", "orders", "--if-not-exists"});
    CHECK(at.failure.empty());
    at.run({"topics", "--describe", "--topic", "none"});
    CHECK(at.failure == "Topic 'none' does not exist as expected");
    at.run({"topics", "--delete", "--topic", "none", "--if-exists"});
    CHECK(at.failure.empty());
    at.run({"topics", "--create", "--topic", "x", "--partitions", "0"});
    CHECK(at.failure == "The partitions must be greater than 0");
}

TEST_CASE("offsets are those of partitions, by every specification") {
    shell at;
    at.run({"topics", "--create", "--topic", "orders"});
    at.write("orders", {"a", "b", "c"});
    CHECK(at.run({"get-offsets", "--topic", "orders"}) == "orders:0:3\n");
    CHECK(at.run({"get-offsets", "--topic-partitions", "ord.*:0", "--time", "earliest"}) == "orders:0:0\n");
    CHECK(at.run({"get-offsets", "--topic", "orders", "--time", "0"}) == "orders:0:0\n");
    CHECK(at.run({"get-offsets", "--topic", "orders"}, output::format::json) == "[{\"topic\":\"orders\",\"partition\":0,\"offset\":3}]\n");
    at.run({"get-offsets", "--topic", "none"});
    CHECK(at.failure == "Could not match any topic-partitions with the specified filters");
}

TEST_CASE("a consumer without a group reads every partition from where it is told") {
    shell at;
    at.run({"topics", "--create", "--topic", "orders"});
    at.write("orders", {"a", "b", "c"});
    CHECK(at.run({"console-consumer", "--topic", "orders", "--from-beginning", "--max-messages", "3"}) == "a\nb\nc\n");
    CHECK(at.run({"console-consumer", "--topic", "orders", "--partition", "0", "--offset", "1", "--max-messages", "1", "--formatter-property", "print.key=true", "--formatter-property",
                  "print.offset=true"}) == "Offset:1\tkey\tb\n");
    CHECK(at.run({"console-consumer", "--include", "or.*", "--from-beginning", "--max-messages", "1"}, output::format::json).starts_with("{\"topic\":\"orders\",\"partition\":0,\"offset\":0,"));
}

TEST_CASE("a group goes on behind what was printed, not behind what nobody could read") {
    shell at;
    at.run({"topics", "--create", "--topic", "orders"});
    at.write("orders", {"a", "b", "c"});
    const admin asked{client{at.cluster.bootstrap()}};
    const auto committed = [&](const std::string& group) {
        const auto offsets = *asked.list_consumer_group_offsets(group).get();
        const auto* found = offsets.find({"orders", 0});
        return found && *found ? (*found)->offset : -1;
    };
    CHECK(at.run({"console-consumer", "--topic", "orders", "--group", "read", "--from-beginning", "--max-messages", "2"}) == "a\nb\n");
    CHECK(committed("read") == 2);

    const std::string server = at.cluster.bootstrap();
    const char* const words[] = {"--topic", "orders", "--group", "unread", "--from-beginning", "--bootstrap-server", server.c_str()};
    const auto& tool = *find_tool("console-consumer");
    const arguments args{tool, words};
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    ::close(ends[0]);
    std::FILE* unread = ::fdopen(ends[1], "w");
    {
        output out{unread, output::format::text};
        tool.run({args, out});
        CHECK(out.failed());
    }
    std::fclose(unread);
    CHECK(committed("unread") <= 0);  // that of the beginning, as nothing was read
}

TEST_CASE("the cluster tells its id, brokers, quorum, features and directories") {
    shell at;
    CHECK(at.run({"cluster", "cluster-id"}) == "Cluster ID: " + at.cluster.cluster_id() + "\n");
    CHECK(at.run({"cluster", "list-endpoints"}).find("127.0.0.1") != std::string::npos);
    CHECK(at.run({"metadata-quorum", "describe", "--status"}).starts_with("ClusterId:              " + at.cluster.cluster_id() + "\nLeaderId:               0\n"));
    CHECK(at.run({"metadata-quorum", "describe", "--replication"}).starts_with("NodeId\tDirectoryId"));
    CHECK(at.run({"features", "describe"}).find("FinalizedVersionLevel: 4.3-IV0") != std::string::npos);
    CHECK(at.run({"log-dirs", "--describe"}, output::format::json).starts_with("{\"brokers\":[{\"broker\":0,\"logDirs\":["));
    at.run({"log-dirs", "--describe", "--broker-list", "0,9"});
    CHECK(at.failure == "ERROR: The given brokers do not exist from --broker-list: 9. Current existent brokers: 0");
}

TEST_CASE("a replica that is not there yet is given its directory within --timeout, or not at all") {
    shell at{.cluster = broker::embedded{{.topics = {{.name = "orders"}}}}};
    const admin asked{client{at.cluster.bootstrap()}};
    const auto found = *asked.describe_replica_log_dirs({{"orders", 0, 0}}).get();
    const auto here = (*found.front().outcome).current;
    const auto run = [&](const std::string& dir, std::vector<std::string> words) {
        const test::named_pipe plan{"{\"version\":1,\"partitions\":[{\"topic\":\"orders\",\"partition\":0,\"replicas\":[0],\"log_dirs\":[\"" + dir + "\"]}]}"};
        words.insert(words.begin(), "reassign-partitions");
        words.insert(words.end(), {"--reassignment-json-file", plan.path()});
        return at.run(std::move(words));
    };
    const std::string_view api = "AlterReplicaLogDirs";

    at.cluster.fail_next(api, errc::replica_not_available, 100);
    at.ends_with = 1;
    CHECK(run(here, {"--execute", "--timeout", "0"}).ends_with("\nTimed out before log directory move could be started for: orders-0-0\n"));
    CHECK(at.cluster.requests(api) == 1);
    at.cluster.clear_faults();

    at.cluster.fail_next(api, errc::replica_not_available, 2);
    at.ends_with = 0;
    CHECK(run(here, {"--execute"}).ends_with("\nSuccessfully started moving log directory to " + here + " for replica orders-0 with broker 0 \n"));
    CHECK(at.cluster.requests(api) == 4);

    run("/nowhere", {"--execute"});
    CHECK(at.failure.starts_with("Failed to alter dir for orders-0-0"));
    CHECK(run(here, {"--verify", "--preserve-throttles"}) == "Status of partition reassignment:\nReassignment of partition orders-0 is completed.\nReassignment of replica orders-0-0 completed successfully.\n");
    CHECK(run("/nowhere", {"--verify", "--preserve-throttles"}).ends_with("\nPartition orders-0 on broker 0 is not being moved from log dir " + here + " to /nowhere.\n"));
    CHECK(run("any", {"--verify", "--preserve-throttles"}).ends_with(" is completed.\n\n"));
    CHECK(run(here, {"--cancel", "--preserve-throttles"}).ends_with("None of the specified partition moves are active."));
}

TEST_CASE("groups are moved by a plan, and described in columns as wide as Kafka's") {
    shell at{.cluster = broker::embedded{{.topics = {{.name = "orders"}}}}};
    at.write("orders", {"a", "b", "c"});
    const auto groups = [&](std::vector<std::string> words, output::format as = output::format::text) {
        words.insert(words.begin(), "consumer-groups");
        return at.run(std::move(words), as);
    };
    const std::string titles = "\nGROUP           TOPIC           PARTITION  NEW-OFFSET\n";
    CHECK(groups({"--reset-offsets", "--group", "readers", "--topic", "orders", "--to-latest"}) == titles + "readers         orders          0          3\n");
    CHECK(groups({"--reset-offsets", "--group", "readers", "--all-topics", "--to-earliest", "--execute"}) == titles);
    CHECK(groups({"--reset-offsets", "--group", "readers", "--topic", "orders:0", "--to-offset", "1", "--execute"}) == titles + "readers         orders          0          1\n");
    CHECK(groups({"--reset-offsets", "--group", "readers", "--all-topics", "--shift-by", "1", "--export", "--dry-run"}) == "orders,0,2\n\n");
    CHECK(groups({"--list"}) == "readers\n");
    CHECK(groups({"--list", "--state"}) == "GROUP                     STATE               \nreaders                   Empty               \n");
    CHECK(groups({"--describe", "--group", "readers"}) ==
          "\nGROUP           TOPIC           PARTITION  CURRENT-OFFSET  LOG-END-OFFSET  LAG             CONSUMER-ID     HOST            CLIENT-ID\n"
          "readers         orders          0          1               3               2               -               -               -\n");
    const auto where = at.cluster.bootstrap() + "  (0)";
    const auto coordinator = where + std::string(where.size() < 25 ? 25 - where.size() : 0, ' ');
    CHECK(groups({"--describe", "--group", "readers", "--state"}) ==
          "\nGROUP           COORDINATOR (ID)          ASSIGNMENT-STRATEGY  STATE                #MEMBERS\nreaders         " + coordinator + " -                    Empty                0\n");
    CHECK(groups({"--describe", "--group", "readers", "--members"}) == "\nGROUP           CONSUMER-ID     HOST            CLIENT-ID       #PARTITIONS     \n");
    CHECK(groups({"--describe", "--group", "readers", "--state"}, output::format::json).starts_with("[{\"group\":\"readers\",\"coordinator\":\"" + where + "\",\"assignmentStrategy\":\"-\",\"state\":\"Empty\","));
    CHECK(groups({"--delete-offsets", "--group", "readers", "--topic", "orders"}) ==
          "Request succeeded for deleting offsets from group readers.\n\nTOPIC           PARTITION  STATUS         \norders          0          Successful     \n");
}

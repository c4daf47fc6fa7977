// What /metrics and /health say of a broker at work.
#include "broker_fixture.hpp"
#include "kafka_metrics.hpp"

#include <weir/protocol/messages/delete_topics.hpp>
#include <weir/protocol/messages/find_coordinator.hpp>
#include <weir/protocol/messages/offset_commit.hpp>

#include <fstream>
#include <map>
#include <sstream>

using namespace weir;
using namespace weir::broker;
using namespace weir::broker::test;
using namespace weir::protocol;

namespace {

struct watched_broker : broker_fixture {
    watched_broker() { overrides = {"http.listener=broker:9404"}; }

    /// Status line and body of one GET.
    std::pair<std::string, std::string> get(const std::string& path) {
        struct exchange {
            std::unique_ptr<stream> peer;
            bytes chunk = bytes(1 << 20);
            std::string text;
            bool done = false;
        };
        auto ask = std::make_shared<exchange>();
        world.net(desk).connect(
            world.loop(desk), {"broker", 9404}, {}, 10s, [ask, path](result<std::unique_ptr<stream>> made) {
                REQUIRE(made);
                ask->peer = *std::move(made);
                auto request = std::make_shared<std::string>("GET " + path +
                                                             " HTTP/1.1\r\nHost: broker\r\nConnection: close\r\n\r\n");
                ask->peer->write({{request, as_bytes(*request), nullptr, 0, 0}}, [](result<void>) {});
                read(ask);
            });
        REQUIRE(world.run_until([&] { return ask->done; }, 60s));
        const auto head = ask->text.find("\r\n\r\n");
        REQUIRE(head != std::string::npos);
        return {ask->text.substr(0, ask->text.find("\r\n")), ask->text.substr(head + 4)};
    }
    template <class Exchange>
    static void read(const std::shared_ptr<Exchange>& ask) {
        ask->peer->read_some(ask->chunk, [ask](result<std::size_t> got) {
            if (!got || *got == 0) {
                ask->done = true;
                return;
            }
            ask->text += as_text(bytes_view{ask->chunk}.first(*got));
            read(ask);
        });
    }
    /// Name with labels -> value.
    std::map<std::string, double> metrics() {
        const auto [status, body] = get("/metrics");
        REQUIRE(status == "HTTP/1.1 200 OK");
        std::map<std::string, double> found;
        std::istringstream lines{body};
        for (std::string line; std::getline(lines, line);) {
            if (line.empty() || line[0] == '#') continue;
            const auto space = line.rfind(' ');
            const bool fresh = found.emplace(line.substr(0, space), std::stod(line.substr(space + 1))).second;
            CHECK_MESSAGE(fresh, line);  // a series is told once
        }
        return found;
    }
};

}  // namespace

TEST_CASE("metrics tell the traffic of all topics and of each, and what the logs hold") {
    watched_broker here;
    here.start();
    auto client = here.connect();
    REQUIRE(broker_fixture::create_topic(client, "orders", 2) == 0);
    REQUIRE(broker_fixture::create_topic(client, "clicks", 1) == 0);
    const auto size = static_cast<double>(here.batch({"a", "b", "c"}).size());
    REQUIRE(here.produce(client, "orders", 1, {"a", "b", "c"}).error_code == 0);
    REQUIRE(here.produce(client, "orders", 1, {"d", "e", "f"}).error_code == 0);
    REQUIRE(here.produce(client, "clicks", 0, {"x"}).error_code == 0);
    CHECK(here.produce(client, "missing", 0, {"x"}).error_code != 0);
    CHECK(broker_fixture::read_all(client, "orders", 1).size() == 6);

    auto told = here.metrics();
    CHECK(told["kafka_server_brokertopicmetrics_messagesin_total"] == 7);
    CHECK(told["kafka_server_brokertopicmetrics_messagesin_total{topic=\"orders\"}"] == 6);
    CHECK(told["kafka_server_brokertopicmetrics_messagesin_total{topic=\"clicks\"}"] == 1);
    CHECK(told["kafka_server_brokertopicmetrics_bytesin_total{topic=\"orders\"}"] == 2 * size);
    CHECK(told["kafka_server_brokertopicmetrics_bytesout_total{topic=\"orders\"}"] == 2 * size);
    CHECK(told["kafka_server_brokertopicmetrics_totalproducerequests_total"] == 4);
    CHECK(told["kafka_server_brokertopicmetrics_failedproducerequests_total"] == 1);
    CHECK(told["kafka_server_brokertopicmetrics_totalproducerequests_total{topic=\"orders\"}"] == 2);
    CHECK(told["kafka_server_brokertopicmetrics_totalfetchrequests_total"] == 2);
    CHECK(told.count("kafka_server_brokertopicmetrics_messagesin_total{topic=\"missing\"}") == 0);
    CHECK(told["kafka_log_log_logendoffset{topic=\"orders\",partition=\"1\"}"] == 6);
    CHECK(told["kafka_log_log_logendoffset{topic=\"orders\",partition=\"0\"}"] == 0);
    CHECK(told["kafka_log_log_size{topic=\"orders\",partition=\"1\"}"] == 2 * size);
    CHECK(told["kafka_log_log_numlogsegments{topic=\"clicks\",partition=\"0\"}"] == 1);
    CHECK(told["kafka_cluster_partition_insyncreplicascount{topic=\"clicks\",partition=\"0\"}"] == 1);
    CHECK(told["kafka_server_replicamanager_partitioncount"] == 3);
    CHECK(told["kafka_server_replicamanager_leadercount"] == 3);
    CHECK(told["kafka_server_replicamanager_underreplicatedpartitions"] == 0);
    CHECK(told["kafka_server_replicamanager_offlinereplicacount"] == 0);
    CHECK(told["kafka_controller_kafkacontroller_globaltopiccount"] == 2);
    CHECK(told["kafka_controller_kafkacontroller_globalpartitioncount"] == 3);
    CHECK(told["kafka_controller_kafkacontroller_activecontrollercount"] == 1);
    CHECK(told["kafka_controller_kafkacontroller_offlinepartitionscount"] == 0);
    CHECK(told["kafka_controller_kafkacontroller_fencedbrokercount"] == 0);
    CHECK(told["kafka_log_logmanager_offlinelogdirectorycount"] == 0);
    CHECK(told["kafka_server_kafkaserver_brokerstate"] == 3);
    CHECK(told["kafka_log_logflushstats_logflushrateandtimems_count"] >= 3);
    CHECK(told["kafka_server_socket_server_metrics_connections{clientSoftwareName=\"unknown\",clientSoftwareVersion=\"unknown\",listener=\"PLAINTEXT\"}"] == 1);
    CHECK(told["kafka_server_socket_server_metrics_connection_count{listener=\"PLAINTEXT\"}"] == 1);
    CHECK(told["kafka_server_socket_server_metrics_connection_creation_total{listener=\"PLAINTEXT\"}"] == 1);
    CHECK(told["kafka_server_socket_server_metrics_incoming_byte_total{listener=\"PLAINTEXT\"}"] > 2 * size);
    CHECK(told["kafka_server_socket_server_metrics_outgoing_byte_total{listener=\"PLAINTEXT\"}"] > 2 * size);
    CHECK(told["kafka_server_socket_server_metrics_request_total{listener=\"PLAINTEXT\"}"] == 8);
    CHECK(told["kafka_server_socket_server_metrics_response_total{listener=\"PLAINTEXT\"}"] == 8);
    CHECK(told["kafka_network_requestmetrics_requests_total{request=\"Produce\",version=\"9\"}"] == 4);
    CHECK(told["kafka_network_requestmetrics_requests_total{request=\"FetchConsumer\",version=\"11\"}"] == 2);
    CHECK(told["kafka_network_requestmetrics_totaltimems_count{request=\"Produce\"}"] == 4);
    CHECK(told["kafka_network_requestmetrics_remotetimems_count{request=\"Produce\"}"] == 4);
    CHECK(told["kafka_network_requestmetrics_requestbytes_sum{request=\"Produce\"}"] > 2 * size);
    CHECK(told["kafka_network_requestmetrics_errors_total{error=\"NONE\",request=\"Produce\"}"] == 3);
    CHECK(told["kafka_network_requestmetrics_errors_total{error=\"UNKNOWN_TOPIC_OR_PARTITION\",request=\"Produce\"}"] == 1);
    CHECK(told["kafka_network_requestmetrics_errors_total{error=\"NONE\",request=\"FetchConsumer\"}"] == 4);  // of the answers and of their partitions
    CHECK(told["kafka_network_requestchannel_requestqueuesize"] == 0);
    CHECK(told["kafka_network_requestchannel_responsequeuesize"] == 0);
    CHECK(told["kafka_controller_kafkacontroller_newactivecontrollerscount"] == 1);
    CHECK(told["kafka_server_broker_metadata_metrics_last_applied_record_offset"] == told["kafka_controller_kafkacontroller_lastappliedrecordoffset"]);
    CHECK(told["kafka_server_snapshotemitter_latestsnapshotgeneratedbytes"] == 0);
    CHECK(told["kafka_server_replicamanager_underminisrpartitioncount"] == 0);
    CHECK(told["kafka_server_replicamanager_atminisrpartitioncount"] == 3);
    CHECK(told["kafka_server_raft_metrics_current_leader"] == 1);
    CHECK(told["kafka_server_raft_metrics_number_of_voters"] == 1);
    CHECK(told["kafka_server_raft_metrics_current_state{state=\"leader\"}"] == 1);
    CHECK(told["kafka_server_raft_metrics_high_watermark"] == told["kafka_controller_kafkacontroller_lastcommittedrecordoffset"] + 1);
    CHECK(told["kafka_server_raft_metrics_current_vote"] == 1);
    CHECK(told["kafka_server_raft_metrics_current_epoch"] == 1);
    CHECK(told["kafka_server_raft_metrics_log_end_epoch"] == 1);
    CHECK(told["kafka_server_raft_metrics_commit_latency_avg"] <= told["kafka_server_raft_metrics_commit_latency_max"]);
    CHECK(told["kafka_server_raft_metrics_append_records_rate"] * 30 >= 5);  // two topics with three partitions
    CHECK(told["kafka_controller_controllereventmanager_eventqueuetimems_count"] == 2);  // two topics were created
    CHECK(told["kafka_controller_controllereventmanager_eventqueueprocessingtimems_count"] == 4);  // and this broker joined
    CHECK(told["kafka_log_logmanager_logdirectoryoffline{logDirectory=\"/data\"}"] == 0);
    CHECK(told["kafka_log_logcleanermanager_uncleanable_partitions_count{logDirectory=\"/data\"}"] == 0);
    CHECK(told["kafka_log_logcleanermanager_uncleanable_bytes{logDirectory=\"/data\"}"] == 0);
    CHECK(told["kafka_server_fetchsessioncache_incrementalfetchsessionevictions_total"] == 0);
    CHECK(told["process_cpu_seconds_total"] == 3);
    CHECK(told["process_open_fds"] == 12);
    here.world.run_for(1s);
    CHECK(here.metrics()["kafka_server_kafkarequesthandlerpool_requesthandleravgidlepercent"] == 1);  // a machine of the simulation only sleeps

    SUBCASE("a deleted topic leaves the page") {
        delete_topics_request request;
        request.topics.emplace_back().name = "orders";
        request.timeout_ms = 1000;
        REQUIRE(client.call(request, 6).responses.at(0).error_code == 0);
        here.world.run_for(1s);
        told = here.metrics();
        for (const auto& [name, value] : told) CHECK_MESSAGE(name.find("orders") == std::string::npos, name);
        CHECK(told["kafka_server_brokertopicmetrics_messagesin_total"] == 7);
        CHECK(told["kafka_server_replicamanager_partitioncount"] == 1);
    }
    SUBCASE("groups and their offsets are counted") {
        find_coordinator_request find;
        find.coordinator_keys = {"readers"};
        for (int i = 0; i < 50 && client.call(find, 4).coordinators.at(0).error_code != 0; ++i)
            here.world.run_for(100ms);
        offset_commit_request commit;
        commit.group_id = "readers";
        auto& topic = commit.topics.emplace_back();
        topic.name = "orders";
        auto& part = topic.partitions.emplace_back();
        part.partition_index = 1;
        part.committed_offset = 4;
        std::int16_t code = -1;
        for (int i = 0; i < 50 && code != 0; ++i) {
            code = client.call(commit, 9).topics.at(0).partitions.at(0).error_code;
            if (code != 0) here.world.run_for(100ms);
        }
        REQUIRE(code == 0);
        told = here.metrics();
        CHECK(told["kafka_coordinator_group_groupmetadatamanager_numoffsets"] == 1);
        CHECK(told["kafka_coordinator_group_groupmetadatamanager_numgroups"] == 1);
        CHECK(told["kafka_coordinator_group_groupmetadatamanager_numgroupsempty"] == 1);
        CHECK(told["kafka_server_group_coordinator_metrics_num_partitions{state=\"active\"}"] == 4);
        CHECK(told["kafka_server_group_coordinator_metrics_offset_commit_count"] == 1);
    }
    SUBCASE("compaction tells when it ran and what is left to do") {
        REQUIRE(broker_fixture::create_topic(client, "latest", 1, {{"cleanup.policy", "compact"}}) == 0);
        here.world.run_for(20s);  // log.cleaner.backoff.ms
        told = here.metrics();
        CHECK(told["kafka_log_logcleanermanager_time_since_last_run_ms"] <= 15'000);
        CHECK(told["kafka_log_logcleanermanager_max_dirty_percent"] == 0);
        CHECK(told["kafka_log_logcleaner_cleaner_recopy_percent"] == 0);
        CHECK(told["kafka_log_logcleaner_max_compaction_delay_secs"] == 0);
    }
    SUBCASE("a compacted log tells what was left of it, and how late that was") {
        REQUIRE(broker_fixture::create_topic(client, "latest", 1, {{"cleanup.policy", "compact"}, {"max.compaction.lag.ms", "60000"}, {"segment.ms", "60000"}}) == 0);
        for (const auto* value : {"old", "new"}) {
            const auto keyed = weir::test::make_keyed_batch({{"key", value}}, here.world.loop(here.desk).wall_now());
            REQUIRE(client.call(broker_fixture::produce_of("latest", 0, keyed), 9).responses.at(0).partition_responses.at(0).error_code == 0);
        }
        here.world.run_for(5min + 20s);  // log.retention.check.interval.ms closes the segment, and the next round does not wait for the minute of checkpoints
        told = here.metrics();
        CHECK(told["kafka_log_logcleaner_cleaner_recopy_percent"] == doctest::Approx(50));
        CHECK(told["kafka_log_logcleaner_max_compaction_delay_secs"] >= 230);
        CHECK(told["kafka_log_logcleaner_max_compaction_delay_secs"] <= 310);
        CHECK(told["kafka_log_log_logendoffset{topic=\"latest\",partition=\"0\"}"] == 2);
        CHECK(broker_fixture::read_all(client, "latest", 0) == std::vector<std::pair<std::int64_t, std::string>>{{1, "new"}});
    }
    SUBCASE("records without a key, where keys are needed, are counted") {
        REQUIRE(broker_fixture::create_topic(client, "latest", 1, {{"cleanup.policy", "compact"}}) == 0);
        CHECK(here.produce(client, "latest", 0, {"no key", "nor here"}).error_code == wire_code(errc::invalid_record));
        auto damaged = here.batch({"damaged"});
        damaged.back() ^= std::byte{1};
        CHECK(client.call(broker_fixture::produce_of("latest", 0, std::move(damaged)), 9).responses.at(0).partition_responses.at(0).error_code == wire_code(errc::corrupt_message));
        told = here.metrics();
        CHECK(told["kafka_server_brokertopicmetrics_nokeycompactedtopicrecords_total"] == 2);
        CHECK(told["kafka_server_brokertopicmetrics_nokeycompactedtopicrecords_total{topic=\"latest\"}"] == 2);
        CHECK(told["kafka_server_brokertopicmetrics_invalidmessagecrcrecords_total{topic=\"latest\"}"] == 1);
        CHECK(told["kafka_server_brokertopicmetrics_failedproducerequests_total{topic=\"latest\"}"] == 2);
    }
    SUBCASE("a fetch that waits is seen waiting") {
        auto waiting = broker_fixture::fetch_of("clicks", 0, 1);
        waiting.max_wait_ms = 30'000;
        auto second = here.connect();
        second.send(waiting, 11);
        here.world.run_for(100ms);
        told = here.metrics();
        CHECK(told["kafka_server_delayedoperationpurgatory_purgatorysize{delayedOperation=\"Fetch\"}"] == 1);
        CHECK(told["kafka_server_delayedoperationpurgatory_purgatorysize{delayedOperation=\"Produce\"}"] == 0);
        CHECK(told["kafka_server_delayedoperationpurgatory_numdelayedoperations{delayedOperation=\"Fetch\"}"] == 1);
        // The next request of that connection waits for the fetch; so does nobody else's.
        second.send(broker_fixture::fetch_of("clicks", 0, 1), 11);
        here.world.run_for(100ms);
        CHECK(here.metrics()["kafka_network_requestchannel_requestqueuesize"] == 1);
    }
}

TEST_CASE("the reference of metrics lists what is served") {
    watched_broker here;
    here.start();
    auto client = here.connect();
    REQUIRE(broker_fixture::create_topic(client, "orders", 1) == 0);
    std::string page =
        "# Metrics of the broker\n\n`GET /metrics` on `http.listener`, in Prometheus' text format. Names are those "
        "that Kafka's have in the usual exporter;\n"
        "`weir_` ones are our own. Numbers of topics carry a `topic` label, and stand without one for all topics.\n\n| "
        "name | type | meaning |\n|---|---|---|\n";
    std::istringstream lines{here.get("/metrics").second};
    std::string help;
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("# HELP ")) help = line.substr(line.find(' ', 7) + 1);
        if (!line.starts_with("# TYPE ")) continue;
        const auto space = line.find(' ', 7);
        page += "| `" + line.substr(7, space - 7) + "` | " + line.substr(space + 1) + " | " + help + " |\n";
    }
    std::ifstream file{WEIR_METRICS_PAGE};
    std::stringstream kept;
    kept << file.rdbuf();
    INFO("docs/reference/metrics.md is to begin with:\n" << page);
    REQUIRE(kept.str().starts_with(page));
    // What Kafka's brokers have and this one does not is listed behind it, with the reason.
    const auto left_out = kept.str().substr(page.size());
    for (const auto& name : all_kafka_metrics()) {
        const bool served = page.find("`" + name + "`") != std::string::npos;
        bool named = left_out.find("`" + name + "`") != std::string::npos;
        for (auto star = name.rfind('_'); !named && star != std::string::npos && star > 0; star = name.rfind('_', star - 1))
            named = left_out.find("`" + name.substr(0, star + 1) + "*`") != std::string::npos;
        CHECK_MESSAGE((served || named), name);
    }
}

TEST_CASE("a broker whose disk takes nothing is not healthy, and says which and why, until it does") {
    watched_broker here;
    here.overrides.insert(here.overrides.end(), {"log.dirs=/data,/other", "metadata.log.dir=/other"});
    here.start();
    auto client = here.connect();
    auto& disk = here.world.disk(here.machine);
    REQUIRE(broker_fixture::create_topic(client, "orders", 1) == 0);
    REQUIRE(here.produce(client, "orders", 0, {"before"}).error_code == 0);

    log_watch log;
    disk.set_capacity(1);
    for (int i = 0; i < 3; ++i) CHECK(here.produce(client, "orders", 0, {std::string(5000, 'x')}).error_code == wire_code(errc::kafka_storage_error));
    const auto [full, words] = here.get("/health");
    CHECK(full == "HTTP/1.1 503 Service Unavailable");
    CHECK(words.find("log directory /data: NO_SPACE: a batch of 1048588 bytes cannot be written, 0 bytes are left") == 0);
    CHECK(log.count("the disk is full") == 1);
    CHECK(here.metrics()["kafka_log_logmanager_offlinelogdirectorycount"] == 0);

    disk.set_capacity(sim::memory_files::no_limit);
    CHECK(here.get("/health").second == "ok\n");
    CHECK(log.count("there is room on the disk again") == 1);
    REQUIRE(here.produce(client, "orders", 0, {"after"}).error_code == 0);

    disk.fail_next_sync(errc::io_error, "/data/orders-0/");
    CHECK(here.produce(client, "orders", 0, {"lost"}).error_code == wire_code(errc::kafka_storage_error));
    for (int i = 0; i < 3; ++i) CHECK(here.produce(client, "orders", 0, {"refused"}).error_code == wire_code(errc::kafka_storage_error));
    const auto [failed, why] = here.get("/health");
    CHECK(failed == "HTTP/1.1 503 Service Unavailable");
    CHECK(why.find("log directory /data is offline: KAFKA_STORAGE_ERROR: orders-0 in /data is offline until the broker is restarted") == 0);
    CHECK(log.count("log directory /data has failed") == 1);
    CHECK(log.count("orders-0") == 2);  // full, and failed: nothing twice
    const auto told = here.metrics();
    CHECK(told.at("kafka_log_logmanager_offlinelogdirectorycount") == 1);
    CHECK(told.at("kafka_controller_kafkacontroller_offlinepartitionscount") == 1);
    CHECK(told.at("kafka_server_replicamanager_offlinereplicacount") == 1);
}

TEST_CASE("a partition whose log cannot be opened is told, and served once it can be") {
    watched_broker here;
    here.overrides.push_back("log.retention.check.interval.ms=5000");
    here.start();
    auto client = here.connect();
    auto& disk = here.world.disk(here.machine);
    disk.inject({sim::disk_operation::write, errc::no_space, "/data/orders-0/", 0, 1'000'000});
    REQUIRE(broker_fixture::create_topic(client, "orders", 1) == 0);
    const auto [status, words] = here.get("/health");
    CHECK(status == "HTTP/1.1 503 Service Unavailable");
    CHECK(words == "not served, as the log could not be opened: orders-0; tried again every log.retention.check.interval.ms\n");
    disk.clear_faults();
    here.world.run_for(6s);
    CHECK(here.get("/health").second == "ok\n");
    CHECK(here.produce(client, "orders", 0, {"served"}).error_code == 0);
}

TEST_CASE("health and what is not there") {
    watched_broker here;
    here.start();
    CHECK(here.get("/health") == std::pair<std::string, std::string>{"HTTP/1.1 200 OK", "ok\n"});
    CHECK(here.get("/nothing").first == "HTTP/1.1 404 Not Found");
    // A stop does not wait for those who watch.
    here.stop();
}

// Directories are formatted as Kafka's storage tool formats them, or left as they are.
#include <doctest/doctest.h>

#include <weir/base/base64.hpp>
#include <weir/base/sim/memory_files.hpp>
#include <weir/metadata/metadata_frames.hpp>
#include <weir/raft/format.hpp>
#include <weir/storage/meta_properties.hpp>

#include "scram_option.hpp"
#include "storage_tool.hpp"

using namespace weir;
using namespace weir::broker;

namespace {

constexpr std::string_view server_properties = "process.roles=broker,controller\nnode.id=3\nlog.dirs=/d1,/d2\nlisteners=PLAINTEXT://:9092,CONTROLLER://:9093\n"
                                    "controller.listener.names=CONTROLLER\n";

storage_settings settings(std::string_view text = server_properties) {
    auto read = read_storage_settings("server.properties", text);
    REQUIRE(read);
    return *read;
}

result<std::vector<std::string>> format(sim::memory_files& files, const format_request& request, std::string_view text = server_properties) {
    return format_storage(files, settings(text), request, random_source{7}, 1'000);
}

}  // namespace

TEST_CASE("a standalone node is formatted, metadata in its first directory") {
    sim::memory_files files;
    const auto lines = format(files, {.cluster_id = "c1", .standalone = true});
    REQUIRE(lines);
    CHECK(*lines == std::vector<std::string>{"Formatting dynamic metadata voter directory /d1 with metadata.version 4.3-IV0.", "Formatting data directory /d2 with metadata.version 4.3-IV0."});
    CHECK(files.exists("/d1/__cluster_metadata-0/00000000000000000000-0000000000.checkpoint"));
    CHECK(!files.exists("/d2/__cluster_metadata-0"));
    CHECK(files.exists("/d2/bootstrap.checkpoint"));
    const auto first = storage::read_meta_properties(files, "/d1"), second = storage::read_meta_properties(files, "/d2");
    REQUIRE((first && second));
    CHECK(first->cluster_id == "c1");
    CHECK(first->node_id == 3);
    CHECK(first->directory_id != second->directory_id);
    const auto records = raft::read_bootstrap(files, "/d1");
    REQUIRE(records);
    CHECK(records->size() == 6);  // metadata.version and five features

    const auto report = inspect_storage(files, settings());
    REQUIRE(report);
    CHECK(report->problems.empty());
    CHECK(report->metadata == "{cluster.id=c1, directory.id=" + to_string(first->directory_id) + ", node.id=3, version=1}");
}

TEST_CASE("what is formatted stays, unless the rest shall be formatted too") {
    sim::memory_files files;
    REQUIRE(format(files, {.cluster_id = "c1", .standalone = true}));
    CHECK(format(files, {.cluster_id = "c1", .standalone = true}).error().what() ==
          "Log directory /d1 is already formatted. Use --ignore-formatted to ignore this directory and format the others.");
    CHECK(format(files, {.cluster_id = "c2", .ignore_formatted = true, .standalone = true}).code() == errc::inconsistent_cluster_id);
    CHECK(*format(files, {.cluster_id = "c1", .ignore_formatted = true, .standalone = true}) == std::vector<std::string>{"All of the log directories are already formatted."});
}

TEST_CASE("a controller has to say who votes") {
    sim::memory_files files;
    CHECK(format(files, {.cluster_id = "c1"}).error().what().find("you must specify one of the following: --standalone") != std::string::npos);
    CHECK(format(files, {.cluster_id = "c1", .standalone = true, .no_initial_controllers = true}).code() == errc::invalid_setting);
    const auto with_voters = std::string{server_properties} + "controller.quorum.voters=3@localhost:9093\n";
    CHECK(format(files, {.cluster_id = "c1", .standalone = true}, with_voters).code() == errc::invalid_setting);
    const auto lines = format(files, {.cluster_id = "c1"}, with_voters);
    REQUIRE(lines);
    CHECK(lines->front() == "Formatting metadata directory /d1 with metadata.version 4.3-IV0.");
    CHECK(!files.exists("/d1/__cluster_metadata-0"));
}

TEST_CASE("initial controllers are the same on every node, this one's directory among them") {
    sim::memory_files files;
    const std::string directory = "JEXY6aqzQY-32P5TStzaFg";
    const auto lines = format(files, {.cluster_id = "c1", .initial_controllers = "3@localhost:9093:" + directory + ",4@other:9093:MvDxzVmcRsaTz33bUuRU6A"});
    REQUIRE(lines);
    CHECK(to_string((*storage::read_meta_properties(files, "/d1")).directory_id) == directory);
    sim::memory_files others;
    CHECK(format(others, {.cluster_id = "c1", .initial_controllers = "3@localhost"}).error().what().find("id@host:port:directory") != std::string::npos);
}

TEST_CASE("releases and features are those there are") {
    sim::memory_files files;
    CHECK(format(files, {.cluster_id = "c1", .release = "5.0", .standalone = true}).error().what().starts_with("Unknown metadata.version '5.0'. Supported metadata.version are: 3.3-IV3, "));
    CHECK(format(files, {.cluster_id = "c1", .features = {{"no.version", 1}}, .standalone = true}).error().what() ==
          "Unsupported feature: no.version. Supported features are: eligible.leader.replicas.version, group.version, kraft.version, share.version, streams.version, transaction.version");
    CHECK(format(files, {.cluster_id = "c1", .features = {{"share.version", 9}}, .standalone = true}).error().what() == "No feature:share.version with feature level 9");
    CHECK(format(files, {.cluster_id = "c1", .release = "3.9", .features = {{"eligible.leader.replicas.version", 1}}, .standalone = true}).error().what() ==
          "eligible.leader.replicas.version could not be set to 1 because it depends on metadata.version=23 (4.0-IV1)");
    CHECK(format(files, {.cluster_id = "c1", .features = {{"kraft.version", 0}}, .standalone = true}).error().what().starts_with("Cannot set kraft.version to 0 if "));
    CHECK(format(files, {.cluster_id = "c1", .release = "3.8", .standalone = true}).code() == errc::invalid_setting);  // too old for a dynamic quorum
    CHECK(!files.exists("/d1/meta.properties"));
    REQUIRE(format(files, {.cluster_id = "c1", .release = "4.0-IV0", .features = {{"group.version", 0}}, .standalone = true}));
    CHECK((*raft::read_bootstrap(files, "/d1")).size() == 1);
}

TEST_CASE("settings that are missing are named") {
    CHECK(read_storage_settings("s", "node.id=1").error().what().find("process.roles is not set") != std::string::npos);
    CHECK(read_storage_settings("s", "process.roles=broker\nnode.id=x").error().what().find("node.id=x is no node id") != std::string::npos);
    CHECK(read_storage_settings("s", "process.roles=controller\nnode.id=1\ncontroller.listener.names=C").error().what().find("listeners has no C://") != std::string::npos);
}

TEST_CASE("info tells what is wrong with directories") {
    sim::memory_files files;
    REQUIRE(files.create_directories("/d1"));
    const auto report = inspect_storage(files, settings());
    REQUIRE(report);
    CHECK(report->problems == std::vector<std::string>{"/d1 is not formatted.", "/d2 does not exist"});
    CHECK(!report->metadata);
}

TEST_CASE("first passwords are keys of RFC 5802, in the records that a node begins with") {
    random_source random{7};
    const std::string alice = "SCRAM-SHA-256=[name=alice,salt=\"W22ZaJ0SNY7soEsUEjb6gQ==\",password=pencil]";
    const auto made = parse_scram_option(alice, random);
    REQUIRE(made);
    CHECK(made->name == "alice");
    CHECK(made->iterations == 4'096);
    CHECK(to_base64(made->stored_key) == "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=");
    CHECK(to_base64(made->server_key) == "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=");
    const auto bob = parse_scram_option("SCRAM-SHA-512=[name=bob,iterations=8192,password=\"a,b\"]", random);
    REQUIRE(bob);
    CHECK(bob->salt.size() == 24);

    sim::memory_files files;
    REQUIRE(format(files, {.cluster_id = "c1", .standalone = true, .scram = {alice}}));
    const auto records = raft::read_bootstrap(files, "/d1");
    REQUIRE(records);
    REQUIRE(records->size() == 7);
    const auto last = metadata::decode_frame(records->back());
    REQUIRE(last);
    REQUIRE(std::holds_alternative<protocol::user_scram_credential_record>(*last));
    CHECK(std::get<protocol::user_scram_credential_record>(*last) == *made);
}

TEST_CASE("a first password that cannot be says why") {
    random_source random{7};
    const auto refused = [&](std::string_view text) { return std::string{parse_scram_option(text, random).error().what()}; };
    CHECK(refused("SCRAM-SHA-1=[name=a,password=b]") == "The add-scram mechanism SCRAM-SHA-1 is not supported.");
    CHECK(refused("SCRAM-SHA-256") == "Failed to find equals sign in SCRAM argument 'SCRAM-SHA-256'");
    CHECK(refused("SCRAM-SHA-256=alice") == "Expected configuration string to start with [");
    CHECK(refused("SCRAM-SHA-256=[password=b]") == "You must supply 'name' to add-scram");
    CHECK(refused("SCRAM-SHA-256=[name=a]") == "You must supply one of 'password' or 'saltedpassword' to add-scram");
    CHECK(refused("SCRAM-SHA-256=[name=a,password=b,foo=1]") == "Unknown SCRAM configurations: foo");
    CHECK(refused("SCRAM-SHA-256=[name=a,password=b,iterations=10]") == "The 'iterations' value must be >= 4096 for add-scram using SCRAM_SHA_256");
    CHECK(refused("SCRAM-SHA-512=[name=a,password=b,iterations=99999]") == "The 'iterations' value must be <= 16384 for add-scram using SCRAM_SHA_512");
}

#include <weir/broker/broker_config.hpp>

#include <doctest/doctest.h>

using namespace weir;
using namespace weir::broker;

namespace {

constexpr const char* settings_file = "server.properties";

/// Everything that is wrong with it, one mistake per line.
std::string problems(std::string_view text, const std::vector<std::string>& overrides = {}) {
    const auto parsed = parse_config(settings_file, text, overrides);
    if (parsed) return "";
    CHECK(parsed.code() == errc::invalid_setting);
    return std::string{parsed.error().what()};
}

broker_config config_of(std::string_view text, const std::vector<std::string>& overrides = {}) {
    auto parsed = parse_config(settings_file, text, overrides);
    REQUIRE_MESSAGE(parsed, parsed.error().message());
    return std::move(parsed->config);
}

}  // namespace

TEST_CASE("a setting nobody knows is refused at its line, with the name that was probably meant") {
    CHECK(problems("# a broker\n\nnum.partitons=3\n") == "server.properties:3: there is no setting num.partitons; did you mean num.partitions?");
    CHECK(problems("log.retention.hour=3") == "server.properties:1: there is no setting log.retention.hour; did you mean log.retention.hours?");
    CHECK(problems("completely.different.thing=3") == "server.properties:1: there is no setting completely.different.thing");
    CHECK(problems("", {"num.partitons=3"}) == "--override: there is no setting num.partitons; did you mean num.partitions?");
    // A topic's own name for a setting is not the broker's.
    CHECK(problems("segment.bytes=2000000") == "server.properties:1: there is no setting segment.bytes; did you mean log.segment.bytes?");
}

TEST_CASE("a value that cannot be is refused at its line, with what is allowed") {
    CHECK(problems("num.partitions=0") == "server.properties:1: num.partitions=0: allowed is a whole number from 1 to 2147483647");
    CHECK(problems("\nnum.partitions=many") == "server.properties:2: num.partitions=many: allowed is a whole number from 1 to 2147483647");
    CHECK(problems("delete.topic.enable=yes") == "server.properties:1: delete.topic.enable=yes: allowed is true or false");
    CHECK(problems("log.cleanup.policy=burn") == "server.properties:1: log.cleanup.policy=burn: allowed is a list of compact, delete");
    CHECK(problems("node.id=-1") == "server.properties:1: node.id=-1: allowed is a whole number from 0 to 2147483647");
    CHECK(problems("event.loops=1025") == "server.properties:1: event.loops=1025: allowed is a whole number from 0 to 1024");
}

TEST_CASE("log.retention.ms is never 0, and below it for ever") {
    for (const auto* name : {"log.retention.ms", "log.retention.minutes", "log.retention.hours"}) {
        CAPTURE(name);
        const std::string setting{name};
        CHECK(problems(setting + "=0") ==
              "server.properties:1: " + setting + "=0: allowed is a whole number of at least 1, or -1: never");
        for (const auto* forever : {"-1", "-2", "-1000"})
            CHECK(config_of(setting + "=" + forever).log_defaults.retention_ms == milliseconds{-1});
    }
    CHECK(config_of("log.retention.ms=-2\nlog.retention.hours=2").log_defaults.retention_ms == milliseconds{-1});
    CHECK(config_of("log.retention.ms=-2").given.at("log.retention.ms").value == "-2");
}

TEST_CASE("a list of words has no empty one, and each of them once") {
    for (const auto* bad : {"compact,", ",compact", "compact,,delete", "compact, "}) {
        CAPTURE(bad);
        CHECK(problems("log.cleanup.policy=" + std::string{bad}).find("allowed is a list of compact, delete") !=
              std::string::npos);
    }
    CHECK(config_of("log.cleanup.policy=compact , delete").log_defaults.cleanup_policy ==
          std::vector<std::string>{"compact", "delete"});
    CHECK(config_of("log.cleanup.policy=compact,compact").log_defaults.cleanup_policy == std::vector<std::string>{"compact"});
    CHECK(config_of("log.cleanup.policy=").log_defaults.cleanup_policy.empty());
}

TEST_CASE("no connections from an address are allowed only where some have limits of their own") {
    CHECK(problems("max.connections.per.ip=0") ==
          "server.properties:1: max.connections.per.ip=0: max.connections.per.ip can be 0 only beside "
          "max.connections.per.ip.overrides: nobody could connect");
    CHECK(config_of("max.connections.per.ip=0\nmax.connections.per.ip.overrides=127.0.0.1:5")
              .server.max_connections_per_ip == 0);
    CHECK(config_of("max.connection.creation.rate=0").server.max_connection_creation_rate == 0);
}

TEST_CASE("all mistakes of a file and of the command line are told at once") {
    const auto told = problems("num.partitions=0\nnode.id=x\nlisteners=PLAINTEXT://:9092\nlog.dir.s=/data\n", {"num.partitons=3"});
    CHECK(told.find("server.properties:1: num.partitions=0: ") != std::string::npos);
    CHECK(told.find("server.properties:2: node.id=x: ") != std::string::npos);
    CHECK(told.find("server.properties:4: there is no setting log.dir.s; did you mean log.dirs?") != std::string::npos);
    CHECK(told.find("--override: there is no setting num.partitons") != std::string::npos);
    CHECK(std::count(told.begin(), told.end(), '\n') == 3);
}

TEST_CASE("an override wins over the file, the last override over earlier ones, the last line over earlier ones") {
    CHECK(config_of("").server.num_partitions == 1);
    CHECK(config_of("num.partitions=3\nnum.partitions=4\n").server.num_partitions == 4);
    CHECK(config_of("num.partitions=3", {"num.partitions=5"}).server.num_partitions == 5);
    CHECK(config_of("num.partitions=3", {"num.partitions=5", "num.partitions=6"}).server.num_partitions == 6);
    const auto config = config_of("num.partitions=3\nnode.id=7\n", {"num.partitions=5"});
    CHECK(config.node.node_id == 7);  // what is not overridden stays
    CHECK(config.given.at("num.partitions").value == "5");
    CHECK(config.given.at("num.partitions").where == "--override");
    CHECK(config.given.at("node.id").where == "server.properties:2");
    // A mistake in the file that an override corrects is none.
    CHECK(config_of("num.partitions=0", {"num.partitions=5"}).server.num_partitions == 5);
}

TEST_CASE("an override keeps what follows its first equals sign, and must have one") {
    CHECK(config_of("", {"log.dirs=/a=b,/c"}).node.directories() == std::vector<std::string>{"/a=b", "/c"});
    CHECK(problems("", {"num.partitions"}) == "--override 'num.partitions' is not name=value");
    CHECK(problems("", {"=5"}) == "--override '=5' is not name=value");
}

TEST_CASE("a synonym stands for the setting, and the setting's own name wins over it") {
    CHECK(config_of("broker.id=4").node.node_id == 4);
    CHECK(config_of("node.id=5\nbroker.id=4").node.node_id == 5);
    CHECK(config_of("log.retention.hours=2").log_defaults.retention_ms == std::chrono::hours{2});
    CHECK(config_of("log.retention.ms=5\nlog.retention.hours=2").log_defaults.retention_ms == milliseconds{5});
    // Of the command line too: which of the names counts does not depend on where it stands.
    CHECK(config_of("log.retention.ms=5", {"log.retention.hours=2"}).log_defaults.retention_ms == milliseconds{5});
    CHECK(config_of("log.dir=/one").node.directories() == std::vector<std::string>{"/one"});
    CHECK(config_of("log.dir=/one\nlog.dirs=/two,/three").node.directories() == std::vector<std::string>{"/two", "/three"});
}

TEST_CASE("settings of Kafka that mean nothing here are taken, and named") {
    const auto parsed = parse_config(settings_file, "# threads\nnum.io.threads=8\nnum.partitions=2\n", {"num.network.threads=3"});
    REQUIRE(parsed);
    auto named = parsed->without_effect;
    std::sort(named.begin(), named.end());
    CHECK(named == std::vector<std::string>{"--override: num.network.threads", "server.properties:2: num.io.threads"});
}

TEST_CASE("settings that ask for what this broker does not do are refused, unless they are empty") {
    CHECK(problems("ssl.keystore.location=/keys").starts_with("server.properties:1: ssl.keystore.location=/keys: this broker does not have it"));
    CHECK(problems("\nauthorizer.class.name=Any").starts_with("server.properties:2: authorizer.class.name=Any: this broker does not have it"));
    CHECK(problems("authorizer.class.name=") == "");
    CHECK(problems("client.quota.callback.class=Any").find("this broker does not have it") != std::string::npos);
}

TEST_CASE("a refused setting is fine with the value that says what this broker does anyway") {
    CHECK(problems("security.inter.broker.protocol=PLAINTEXT\nallow.everyone.if.no.acl.found=true\nremote.log.storage.system.enable=false\n") == "");
    CHECK(problems("security.inter.broker.protocol=SSL").find("this broker does not have it") != std::string::npos);
    CHECK(problems("allow.everyone.if.no.acl.found=false").find("this broker does not have it") != std::string::npos);
}

TEST_CASE("http.listener is a host and a port") {
    CHECK(problems("http.listener=localhost") == "server.properties:1: http.listener=localhost: allowed is host:port");
    CHECK(problems("http.listener=localhost:99999") == "server.properties:1: http.listener=localhost:99999: allowed is host:port");
    CHECK(problems("http.listener=localhost:94x") == "server.properties:1: http.listener=localhost:94x: allowed is host:port");
    CHECK(parse_host_and_port("localhost:9404") == endpoint{"localhost", 9404});
    CHECK(parse_host_and_port("[::1]:9404") == endpoint{"::1", 9404});
    CHECK(parse_host_and_port(":9404") == endpoint{"", 9404});
}

TEST_CASE("settings that do not go together are refused, with both sides named") {
    CHECK(problems("process.roles=broker") == "server.properties:1: process.roles=broker: this broker is its own controller: both roles are needed, process.roles=broker,controller");
    CHECK(problems("controller.quorum.voters=2@h:9093").find("'2@h:9093' is not this node, whose node.id is 1") != std::string::npos);
    CHECK(problems("controller.quorum.voters=1@h:9093,2@h:9093").find("2 are named") != std::string::npos);
    CHECK(problems("log.dirs=/a,,/b").find("names no directory") != std::string::npos);
    CHECK(problems("listeners=SSL://:9093").find("serves PLAINTEXT listeners only") != std::string::npos);
    CHECK(problems("listeners=nonsense") == "server.properties:1: listeners=nonsense: 'nonsense' is not NAME://host:port");
    CHECK(problems("group.min.session.timeout.ms=7000\ngroup.max.session.timeout.ms=6000") == "server.properties:1: group.min.session.timeout.ms=7000: is above group.max.session.timeout.ms=6000");
    CHECK(problems("log.cleaner.min.compaction.lag.ms=2\nlog.cleaner.max.compaction.lag.ms=1") == "server.properties:1: log.cleaner.min.compaction.lag.ms=2: is above log.cleaner.max.compaction.lag.ms=1");
}

TEST_CASE("Kafka's own files for half a node are refused with one line") {
    const std::string map = "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL\n";
    const std::string broker_file = "process.roles=broker\nnode.id=2\ncontroller.quorum.bootstrap.servers=localhost:9093\nlisteners=PLAINTEXT://localhost:9092\n"
                                    "inter.broker.listener.name=PLAINTEXT\nadvertised.listeners=PLAINTEXT://localhost:9092\ncontroller.listener.names=CONTROLLER\n";
    CHECK(problems(broker_file + map) == "server.properties:1: process.roles=broker: this broker is its own controller: both roles are needed, process.roles=broker,controller");
    const std::string controller_file = "process.roles=controller\nnode.id=1\ncontroller.quorum.voters=3@other:9093,1@localhost:9093\nlisteners=CONTROLLER://:9093\n"
                                        "advertised.listeners=CONTROLLER://localhost:9093\ncontroller.listener.names=CONTROLLER\n";
    CHECK(problems(controller_file + map) == "server.properties:1: process.roles=controller: this broker is its own controller: both roles are needed, process.roles=broker,controller");
}

TEST_CASE("who names a listener names one of listeners") {
    const std::string two = "listeners=PLAINTEXT://:9092,SSL://:9093\nlistener.security.protocol.map=PLAINTEXT:PLAINTEXT,SSL:PLAINTEXT,OUT:PLAINTEXT\n";
    CHECK(problems(two + "controller.listener.names=SSL\ninter.broker.listener.name=PLAINTEXT\nadvertised.listeners=SSL://h:1\n") == "");
    CHECK(problems(two + "controller.listener.names=OUT") == "server.properties:3: controller.listener.names=OUT: listeners has no listener OUT");
    CHECK(problems(two + "inter.broker.listener.name=OUT") == "server.properties:3: inter.broker.listener.name=OUT: listeners has no listener OUT");
    CHECK(problems(two + "advertised.listeners=OUT://h:1") == "server.properties:3: advertised.listeners=OUT://h:1: listeners has no listener OUT");
}

TEST_CASE("listeners of controllers are PLAINTEXT when nothing says otherwise, as in Kafka") {
    const std::string controllers = "listeners=PLAINTEXT://:9092,CONTROLLER://:9093\ncontroller.listener.names=CONTROLLER\n";
    CHECK(problems(controllers) == "");
    CHECK(security_protocols(config_of(controllers)).back() == "CONTROLLER:PLAINTEXT");
    // A map that is given is the whole map.
    CHECK(problems(controllers + "listener.security.protocol.map=PLAINTEXT:PLAINTEXT").find("names a listener that listener.security.protocol.map does not have") != std::string::npos);
    // Where TLS is meant for one listener, none is open by default.
    CHECK(problems("listeners=SSL://:9092,CONTROLLER://:9093\ncontroller.listener.names=CONTROLLER\n").find("'CONTROLLER://:9093' names a listener that") != std::string::npos);
    // Other listeners have no default.
    CHECK(problems("listeners=PLAINTEXT://:9092,OUT://:9093\n").find("'OUT://:9093' names a listener that") != std::string::npos);
}

TEST_CASE("settings of a single listener: its limits are taken, what the broker does not have is refused by name and line") {
    const std::string two = "listeners=PLAINTEXT://:9092,OUT://:9093\nlistener.security.protocol.map=PLAINTEXT:PLAINTEXT,OUT:PLAINTEXT\n";
    const auto config = config_of(two + "listener.name.out.max.connections=3\nlistener.name.out.max.connection.creation.rate=7\n");
    CHECK(config.server.limits_of_listeners.at("OUT").max_connections == 3);
    CHECK(config.server.limits_of_listeners.at("OUT").max_connection_creation_rate == 7);
    CHECK(config.server.limits_of_listeners.at("PLAINTEXT").max_connections == INT32_MAX);
    CHECK(config.server.max_connections == INT32_MAX);
    CHECK(problems(two + "listener.name.out.max.connections=-1") == "server.properties:3: listener.name.out.max.connections=-1: allowed is a whole number from 0 to 2147483647");
    CHECK(problems(two + "listener.name.in.max.connections=1") == "server.properties:3: listener.name.in.max.connections=1: listeners has no listener that it could be of; it may begin with listener.name.out., listener.name.plaintext.");
    CHECK(problems(two + "listener.name.out.ssl.keystore.location=/keys").starts_with("server.properties:3: listener.name.out.ssl.keystore.location=/keys: this broker does not have it"));
    CHECK(problems(two + "listener.name.out.plain.sasl.jaas.config=x").find("this broker does not have it") != std::string::npos);
    CHECK(problems(two + "listener.name.out.ssl.client.auth=none") == "");
    CHECK(problems(two + "listener.name.out.num.partitions=3") == "server.properties:3: listener.name.out.num.partitions=3: num.partitions is no setting of a single listener; allowed are max.connections, max.connection.creation.rate");
    const auto parsed = parse_config(settings_file, two + "listener.name.out.num.network.threads=3", {});
    REQUIRE(parsed);
    CHECK(parsed->without_effect == std::vector<std::string>{"server.properties:3: listener.name.out.num.network.threads"});
}

TEST_CASE("cordoned.log.dirs names log directories, or all of them") {
    CHECK(problems("log.dirs=/a,/b\ncordoned.log.dirs=/b") == "");
    CHECK(problems("log.dirs=/a,/b\ncordoned.log.dirs=*") == "");
    CHECK(problems("log.dirs=/a,/b\ncordoned.log.dirs=/a,/c") == "server.properties:2: cordoned.log.dirs=/a,/c: '/c' is not in log.dirs; allowed are its directories, or * alone for all");
}

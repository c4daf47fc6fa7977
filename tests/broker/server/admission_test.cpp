// Limits on connections: in all, from one address, and for addresses with a limit of their own.
#include "admission.hpp"

#include <doctest/doctest.h>

using namespace weir;
using namespace weir::server;
using namespace std::chrono_literals;

namespace {

using entry = admission::entry;
using names = std::vector<std::string>;

names addresses(const std::vector<admission::entrant>& entrants) {
    names found;
    for (const auto& each : entrants) found.push_back(each.address + (each.refused.empty() ? "" : ": " + each.refused));
    return found;
}

}  // namespace

TEST_CASE("one too many from an address is refused, one too many in all waits, and both are told the setting") {
    server_config config;
    config.max_connections = 4;
    config.max_connections_per_ip = 2;
    config.max_connections_per_ip_overrides = {"10.0.0.9:3", "10.0.0.66:0"};
    admission gate{config};
    const auto admitted = [&](const std::string& address) { return gate.admit(address, "PLAINTEXT").what == entry::admitted; };
    CHECK(admitted("10.0.0.1"));
    CHECK(admitted("10.0.0.1"));
    CHECK(gate.admit("10.0.0.1", "PLAINTEXT").what == entry::refused);
    CHECK(gate.admit("10.0.0.1", "PLAINTEXT").why == "max.connections.per.ip=2 is reached for 10.0.0.1");
    CHECK(gate.admit("10.0.0.66", "PLAINTEXT").why == "max.connections.per.ip=0 is reached for 10.0.0.66");
    CHECK(gate.leave("10.0.0.1", "PLAINTEXT").empty());
    for (int i = 0; i < 3; ++i) CHECK(admitted("10.0.0.9"));
    const auto beyond = gate.admit("10.0.0.2", "PLAINTEXT");
    CHECK(beyond.what == entry::waits);
    CHECK(beyond.why == "max.connections=4 is reached");
    CHECK(addresses(gate.leave("10.0.0.9", "PLAINTEXT")) == names{"10.0.0.2"});
    CHECK(gate.admit("10.0.0.9", "PLAINTEXT").what == entry::waits);  // the place is taken
}

TEST_CASE("who waits comes in in the order of coming, unless its address has enough by then") {
    server_config config;
    config.max_connections = 2;
    config.max_connections_per_ip = 2;
    config.socket_listen_backlog_size = 3;
    admission gate{config};
    CHECK(gate.admit("10.0.0.1", "PLAINTEXT").what == entry::admitted);
    CHECK(gate.admit("10.0.0.2", "PLAINTEXT").what == entry::admitted);
    CHECK(gate.admit("10.0.0.1", "PLAINTEXT", 1).what == entry::waits);
    CHECK(gate.admit("10.0.0.1", "PLAINTEXT", 2).what == entry::waits);
    CHECK(gate.admit("10.0.0.3", "PLAINTEXT", 3).what == entry::waits);
    const auto beyond = gate.admit("10.0.0.4", "PLAINTEXT");
    CHECK(beyond.what == entry::refused);
    CHECK(beyond.why == "max.connections=2 is reached, and 3 connections wait already (socket.listen.backlog.size)");
    const auto first = gate.leave("10.0.0.2", "PLAINTEXT");
    REQUIRE(first.size() == 1);
    CHECK(first[0].core == 1);
    config.max_connections = 3;
    CHECK(addresses(gate.set_limits(config)) == names{"10.0.0.1: max.connections.per.ip=2 is reached for 10.0.0.1", "10.0.0.3"});
    CHECK(gate.leave("10.0.0.3", "PLAINTEXT").empty());
}

TEST_CASE("a limit that is lowered is over, until enough have left") {
    server_config config;
    admission gate{config};
    for (int i = 0; i < 3; ++i) CHECK(gate.admit("10.0.0.1", "PLAINTEXT").what == entry::admitted);
    CHECK_FALSE(gate.over_limit());
    config.max_connections = 2;
    CHECK(gate.set_limits(config).empty());
    CHECK(gate.over_limit());
    CHECK(gate.admit("10.0.0.2", "PLAINTEXT").what == entry::waits);
    CHECK(gate.leave("10.0.0.1", "PLAINTEXT").empty());
    CHECK_FALSE(gate.over_limit());
    CHECK(addresses(gate.leave("10.0.0.1", "PLAINTEXT")) == names{"10.0.0.2"});
}

TEST_CASE("a second's worth of connections may come at once, those beyond wait for their turn") {
    server_config config;
    config.max_connection_creation_rate = 4;
    admission gate{config};
    auto now = time_point{} + 1h;
    for (int i = 0; i < 4; ++i) CHECK(gate.turn_of_next(now, "PLAINTEXT") == 0ns);
    CHECK(gate.turn_of_next(now, "PLAINTEXT") == 250ms);
    CHECK(gate.turn_of_next(now, "PLAINTEXT") == 500ms);
    now += 500ms;
    CHECK(gate.turn_of_next(now, "PLAINTEXT") == 250ms);
    now += 10s;  // what was not used is not saved up
    for (int i = 0; i < 4; ++i) CHECK(gate.turn_of_next(now, "PLAINTEXT") == 0ns);
    CHECK(gate.turn_of_next(now, "PLAINTEXT") == 250ms);
    config.max_connection_creation_rate = INT32_MAX;
    gate.set_limits(config);
    CHECK(gate.turn_of_next(now, "PLAINTEXT") == 0ns);
}

TEST_CASE("with a rate of 0 connections come one after the other, each after a second") {
    server_config config;
    config.max_connection_creation_rate = 0;
    admission gate{config};
    auto now = time_point{} + 1h;
    CHECK(gate.turn_of_next(now, "PLAINTEXT") == 1s);
    CHECK(gate.turn_of_next(now, "PLAINTEXT") == 2s);
    now += 1h;
    CHECK(gate.turn_of_next(now, "PLAINTEXT") == 1s);
}

TEST_CASE("a listener has limits of its own beside those of all") {
    server_config config;
    config.max_connections = 3;
    config.limits_of_listeners["OUT"].max_connections = 1;
    config.limits_of_listeners["OUT"].max_connection_creation_rate = 2;
    admission gate{config};
    CHECK(gate.admit("10.0.0.1", "OUT").what == entry::admitted);
    const auto full = gate.admit("10.0.0.2", "OUT");
    CHECK(full.what == entry::waits);
    CHECK(full.why == "listener.name.out.max.connections=1 is reached");
    CHECK(gate.admit("10.0.0.2", "PLAINTEXT").what == entry::admitted);
    CHECK(gate.admit("10.0.0.2", "PLAINTEXT").what == entry::admitted);
    CHECK(gate.admit("10.0.0.3", "PLAINTEXT").what == entry::waits);
    // The place that is free is one of OUT's, where another came first.
    CHECK(addresses(gate.leave("10.0.0.1", "OUT")) == names{"10.0.0.2"});
    CHECK(addresses(gate.leave("10.0.0.2", "PLAINTEXT")) == names{"10.0.0.3"});
    const auto now = time_point{} + 1h;
    for (int i = 0; i < 2; ++i) CHECK(gate.turn_of_next(now, "OUT") == 0ns);
    CHECK(gate.turn_of_next(now, "OUT") == 500ms);
    CHECK(gate.turn_of_next(now, "PLAINTEXT") == 0ns);
}

TEST_CASE("a reserved listener has a place when there are as many as there may be, and its own limit") {
    server_config config;
    config.max_connections = 1;
    config.limits_of_listeners["INNER"].max_connections = 2;
    admission gate{config};
    gate.reserve("INNER");
    CHECK(gate.admit("10.0.0.1", "OUT").what == entry::admitted);
    CHECK(gate.admit("10.0.0.1", "INNER").what == entry::admitted);
    CHECK(gate.over_limit());
    CHECK(gate.admit("10.0.0.1", "INNER").what == entry::admitted);
    CHECK(gate.admit("10.0.0.1", "INNER").what == entry::waits);
    CHECK(gate.admit("10.0.0.2", "OUT").what == entry::waits);
    CHECK(gate.leave("10.0.0.1", "OUT").empty());
    CHECK(addresses(gate.leave("10.0.0.1", "INNER")) == names{"10.0.0.1"});
}

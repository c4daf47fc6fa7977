// Limits on connections: in all, from one address, and for addresses with a limit of their own.
#include "admission.hpp"

#include <doctest/doctest.h>

using namespace weir;
using namespace weir::server;
using namespace std::chrono_literals;

TEST_CASE("connections are counted in all and by address, and the refusal names the setting") {
    server_config config;
    config.max_connections = 4;
    config.max_connections_per_ip = 2;
    config.max_connections_per_ip_overrides = {"10.0.0.9:3", "10.0.0.66:0"};
    admission gate{config};
    CHECK(gate.admit("10.0.0.1", "PLAINTEXT").empty());
    CHECK(gate.admit("10.0.0.1", "PLAINTEXT").empty());
    CHECK(gate.admit("10.0.0.1", "PLAINTEXT") == "max.connections.per.ip=2 is reached for 10.0.0.1");
    CHECK(gate.admit("10.0.0.66", "PLAINTEXT") == "max.connections.per.ip=0 is reached for 10.0.0.66");
    gate.leave("10.0.0.1", "PLAINTEXT");
    CHECK(gate.admit("10.0.0.9", "PLAINTEXT").empty());
    CHECK(gate.admit("10.0.0.9", "PLAINTEXT").empty());
    CHECK(gate.admit("10.0.0.9", "PLAINTEXT").empty());
    CHECK(gate.admit("10.0.0.2", "PLAINTEXT") == "max.connections=4 is reached");
    gate.leave("10.0.0.9", "PLAINTEXT");
    CHECK(gate.admit("10.0.0.9", "PLAINTEXT").empty());
}

TEST_CASE("new limits hold for connections to come") {
    server_config config;
    admission gate{config};
    for (int i = 0; i < 3; ++i) CHECK(gate.admit("10.0.0.1", "PLAINTEXT").empty());
    config.max_connections = 2;
    gate.set_limits(config);
    CHECK(gate.admit("10.0.0.2", "PLAINTEXT") == "max.connections=2 is reached");
    gate.leave("10.0.0.1", "PLAINTEXT");
    CHECK_FALSE(gate.admit("10.0.0.2", "PLAINTEXT").empty());
    gate.leave("10.0.0.1", "PLAINTEXT");
    CHECK(gate.admit("10.0.0.2", "PLAINTEXT").empty());
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

TEST_CASE("a listener has limits of its own beside those of all") {
    server_config config;
    config.max_connections = 3;
    config.limits_of_listeners["OUT"].max_connections = 1;
    config.limits_of_listeners["OUT"].max_connection_creation_rate = 2;
    admission gate{config};
    CHECK(gate.admit("10.0.0.1", "OUT").empty());
    CHECK(gate.admit("10.0.0.2", "OUT") == "listener.name.out.max.connections=1 is reached");
    CHECK(gate.admit("10.0.0.2", "PLAINTEXT").empty());
    CHECK(gate.admit("10.0.0.2", "PLAINTEXT").empty());
    gate.leave("10.0.0.1", "OUT");
    CHECK(gate.admit("10.0.0.3", "OUT").empty());
    CHECK(gate.admit("10.0.0.3", "PLAINTEXT") == "max.connections=3 is reached");
    const auto now = time_point{} + 1h;
    for (int i = 0; i < 2; ++i) CHECK(gate.turn_of_next(now, "OUT") == 0ns);
    CHECK(gate.turn_of_next(now, "OUT") == 500ms);
    CHECK(gate.turn_of_next(now, "PLAINTEXT") == 0ns);
}

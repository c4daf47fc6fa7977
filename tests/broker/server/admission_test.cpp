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
    CHECK(gate.admit("10.0.0.1").empty());
    CHECK(gate.admit("10.0.0.1").empty());
    CHECK(gate.admit("10.0.0.1") == "max.connections.per.ip=2 is reached for 10.0.0.1");
    CHECK(gate.admit("10.0.0.66") == "max.connections.per.ip=0 is reached for 10.0.0.66");
    gate.leave("10.0.0.1");
    CHECK(gate.admit("10.0.0.9").empty());
    CHECK(gate.admit("10.0.0.9").empty());
    CHECK(gate.admit("10.0.0.9").empty());
    CHECK(gate.admit("10.0.0.2") == "max.connections=4 is reached");
    gate.leave("10.0.0.9");
    CHECK(gate.admit("10.0.0.9").empty());
}

TEST_CASE("new limits hold for connections to come") {
    server_config config;
    admission gate{config};
    for (int i = 0; i < 3; ++i) CHECK(gate.admit("10.0.0.1").empty());
    config.max_connections = 2;
    gate.set_limits(config);
    CHECK(gate.admit("10.0.0.2") == "max.connections=2 is reached");
    gate.leave("10.0.0.1");
    CHECK_FALSE(gate.admit("10.0.0.2").empty());
    gate.leave("10.0.0.1");
    CHECK(gate.admit("10.0.0.2").empty());
}

TEST_CASE("a second's worth of connections may come at once, those beyond wait for their turn") {
    server_config config;
    config.max_connection_creation_rate = 4;
    admission gate{config};
    auto now = time_point{} + 1h;
    for (int i = 0; i < 4; ++i) CHECK(gate.turn_of_next(now) == 0ns);
    CHECK(gate.turn_of_next(now) == 250ms);
    CHECK(gate.turn_of_next(now) == 500ms);
    now += 500ms;
    CHECK(gate.turn_of_next(now) == 250ms);
    now += 10s;  // what was not used is not saved up
    for (int i = 0; i < 4; ++i) CHECK(gate.turn_of_next(now) == 0ns);
    CHECK(gate.turn_of_next(now) == 250ms);
    config.max_connection_creation_rate = INT32_MAX;
    gate.set_limits(config);
    CHECK(gate.turn_of_next(now) == 0ns);
}

// Limits on connections: in all, from one address, and for addresses with a limit of their own.
#include "admission.hpp"

#include <doctest/doctest.h>

using namespace weir::server;

TEST_CASE("connections are counted in all and by address, and the refusal names the setting") {
    server_config config;
    config.max_connections = 4;
    config.max_connections_per_ip = 2;
    admission gate{config, {{"10.0.0.9", 3}, {"10.0.0.66", 0}}};
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

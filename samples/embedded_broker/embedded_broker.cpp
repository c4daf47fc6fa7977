// A cluster in a test: the real protocol on a port of its own, gone with the object, faults on demand; and the same without
// any socket, or in virtual time, where a crash is one call and two minutes are nothing.
#include "../model.hpp"

#include <weir/broker/embedded.hpp>
#include <weir/broker/simulated.hpp>
#include <weir/producer.hpp>

#include <doctest/doctest.h>

#include <chrono>

using namespace std::chrono_literals;

TEST_CASE("an order survives a leader that refuses, and a broker that starts again") {
    weir::broker::embedded cluster{{.topics = {{.name = "orders"}}}};
    weir::client kafka{cluster.bootstrap()};                  // real sockets; weir::client{cluster} needs none
    weir::producer out{kafka};
    CHECK(out.send(orders, "o-1", {.id = "o-1", .customer = "a", .product = "p", .amount = 5}).get());
    cluster.fail_next("Produce", weir::errc::not_leader_or_follower, 2);
    CHECK(out.send(orders, "o-2", {.id = "o-2", .customer = "b", .product = "p", .amount = 7}).get());
    cluster.stop();
    auto waiting = out.send(orders, "o-3", {.id = "o-3", .customer = "a", .product = "q", .amount = 2});
    cluster.start();
    CHECK((*waiting.get()).offset == 2);
}

TEST_CASE("no order is lost or doubled by a power cut, whatever the seed") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        weir::broker::simulated cluster{{.seed = seed, .topics = {{.name = "orders"}}}};
        weir::client kafka{cluster};
        weir::producer out{kafka};
        CHECK(out.send(orders, "o-1", {.id = "o-1"}).get());
        auto sent = out.send(orders, "o-2", {.id = "o-2"});
        cluster.advance(2ms);                                 // the order is on its way, on the disk, or acknowledged
        cluster.crash();
        cluster.advance(30s);
        cluster.start();
        CHECK((*sent.get()).offset == 1);
    }
}

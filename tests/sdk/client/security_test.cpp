// What a user of the producer hears when a login or TLS fails: at once, not after max.block.ms.
#include "broker_fixture.hpp"
#include "topics.hpp"

#include <weir/producer.hpp>

using namespace weir;
using namespace std::chrono_literals;

namespace {

using test::orders;

struct security_fixture : broker::test::broker_fixture {
    security_fixture() { start(); }
    ~security_fixture() {
        out.reset();
        kafka.reset();
        world.run_for(1s);
    }
    void open(client_config config) {
        kafka.emplace(world.loop(desk), world.net(desk), world.random()(), "broker:9092", std::move(config));
        out.emplace(*kafka);
    }
    error refused() {
        const auto began = world.now();
        auto handed = out->enqueue(orders, "k", "v");
        REQUIRE(world.run_until([&] { return handed.ready(); }, 300s));
        CHECK(world.now() - began < 5s);
        auto outcome = handed.get();
        REQUIRE_FALSE(outcome);
        CHECK(outcome.error().permanent());
        return outcome.error();
    }
    std::optional<client> kafka;
    std::optional<producer> out;
};

}  // namespace

TEST_CASE_FIXTURE(security_fixture, "a broker without SASL or without TLS, as the user hears of it") {
    client_config config;
    SUBCASE("a login that the broker does not offer") {
        config.sasl.mechanism = sasl_mechanism::plain;
        config.sasl.user = "alice";
        config.sasl.password = "s3cret";
        open(std::move(config));
        for (int i = 0; i < 3; ++i) {
            const auto why = refused();
            CHECK(why.code() == errc::unsupported_sasl_mechanism);
            CHECK(why.message().find("PLAIN: broker:9092 refuses user 'alice'") != std::string::npos);
        }
        return;
    }
    SUBCASE("TLS") {
        config.tls.enabled = true;
        open(std::move(config));
        const auto why = refused();
        CHECK(why.code() == errc::tls_failed);
        CHECK(why.message().find("without TLS") != std::string::npos);
        return;
    }
    SUBCASE("a certificate that is not there") {
        config.tls.enabled = true;
        config.tls.ca_file = "/nowhere/ca.pem";
        open(std::move(config));
        CHECK(refused().message().find("ssl.truststore.location=/nowhere/ca.pem") != std::string::npos);
    }
}

TEST_CASE_FIXTURE(security_fixture, "after a refusal nothing goes on by itself, and a client that is set right works") {
    client_config config;
    config.tls.enabled = true;
    open(std::move(config));
    refused();
    world.run_for(60s);
    const auto before = world.events();
    world.run_for(60s);
    CHECK(world.events() - before < 2000);  // the broker's own business
    config = {};
    open(std::move(config));
    broker::test::wire_client wire{world, desk, endpoint{"broker", 9092}};
    REQUIRE(create_topic(wire, "orders", 1) == 0);
    auto handed = out->enqueue(orders, "k", "v");
    REQUIRE(world.run_until([&] { return handed.ready(); }, 60s));
    CHECK(handed.get());
}

TEST_CASE("settings of TLS and SASL that cannot be are refused before anything is tried") {
    sim::world world{1};
    const auto desk = world.add_node("desk");
    client_config config;
    config.sasl.mechanism = sasl_mechanism::scram_sha_256;
    CHECK_THROWS_WITH(client(world.loop(desk), world.net(desk), 1, "broker:9092", std::move(config)), "INVALID_SETTING: sasl.jaas.config: the mechanism needs a username");
}

// A cluster that refuses the client (a login, TLS) ends what is under way at once: waiting would help nobody.
#include "scripted_brokers.hpp"

#include <weir/admin.hpp>
#include <weir/consumer.hpp>
#include <weir/protocol/messages/sasl_handshake.hpp>

using namespace weir;
using namespace weir::protocol;
using namespace std::chrono_literals;
using weir::test::scripted_brokers;

namespace {

struct refused_fixture : scripted_brokers {
    refused_fixture() : scripted_brokers(1) {
        on<sasl_handshake_request>([](int, const sasl_handshake_request&) {
            sasl_handshake_response answer;
            answer.error_code = static_cast<std::int16_t>(errc::unsupported_sasl_mechanism);
            answer.mechanisms = {"SCRAM-SHA-256"};
            return answer;
        });
        client_config config;
        config.sasl.mechanism = sasl_mechanism::plain;
        config.sasl.user = "shop";
        config.sasl.password = "secret";
        kafka.emplace(world.loop(desk), world.net(desk), 1, "b1:9092", std::move(config));
    }
    ~refused_fixture() {
        in.reset();
        kafka.reset();
        world.run_for(1s);
    }
    /// The error that this ends with, soon.
    template <class T>
    error ends(op<T> running) {
        REQUIRE(world.run_until([&] { return running.ready(); }, 3s));
        auto outcome = running.get();
        REQUIRE_FALSE(outcome);
        return outcome.error();
    }
    void open(consumer_config config = consumer_config{}) { in.emplace(*kafka, std::move(config)); }

    std::optional<client> kafka;
    std::optional<consumer<>> in;
    const topic_partition first{"orders", 0};
};

constexpr auto refused = errc::unsupported_sasl_mechanism;

}  // namespace

TEST_CASE_FIXTURE(refused_fixture, "an admin operation") {
    const admin operate{*kafka};
    CHECK(ends(operate.describe_cluster()).code() == refused);
    CHECK(ends(operate.list_groups()).code() == refused);
    CHECK(kafka->metrics().connections.authentication_failures >= 2);
    CHECK(kafka->metrics().connections.open == 0);
}

TEST_CASE_FIXTURE(refused_fixture, "a consumer with partitions of its own choice") {
    open();
    in->assign({first}, at::earliest);
    CHECK(ends(in->poll(60s)).code() == refused);
}

TEST_CASE_FIXTURE(refused_fixture, "a consumer in a group") {
    consumer_config config;
    config.group_id = "audit";
    open(std::move(config));
    in->subscribe({"orders"});
    CHECK(ends(in->poll(60s)).code() == refused);
}

TEST_CASE_FIXTURE(refused_fixture, "what a consumer is asked") {
    consumer_config config;
    config.group_id = "audit";
    open(std::move(config));
    CHECK(ends(in->partitions_for("orders")).code() == refused);
    CHECK(ends(in->beginning_offsets({first})).code() == refused);
    CHECK(ends(in->committed({first})).code() == refused);
    in->assign({first}, at::earliest);
    CHECK(ends(in->position(first)).code() == refused);
    CHECK(ends(in->lag(first)).code() == refused);
    CHECK(ends(in->commit({{first, 5}})).code() == refused);
}

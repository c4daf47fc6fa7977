// Misfortune on command, and what the producer makes of it.
#include "topics.hpp"

#include <weir/broker/embedded.hpp>
#include <weir/producer.hpp>

#include <doctest/doctest.h>

using namespace weir;
using namespace std::chrono_literals;

namespace {

using test::orders;

struct faults_fixture {
    broker::embedded cluster{make()};
    client kafka{cluster, quick()};
    producer out{kafka};

    static broker::embedded_config make() {
        broker::embedded_config config;
        config.sockets = false;
        config.topics.push_back({.name = "orders"});
        return config;
    }
    static client_config quick() {
        client_config config;
        config.retry_backoff = config.retry_backoff_max = 1ms;
        return config;
    }
    std::int64_t put(const std::string& value) {
        const auto sent = out.send(orders, "k", value).get();
        REQUIRE_MESSAGE(sent, sent.error().message());
        return sent->offset;
    }
};

}  // namespace

TEST_CASE_FIXTURE(faults_fixture, "a retriable refusal is tried again, and nothing is there twice") {
    CHECK(put("a") == 0);
    cluster.fail_next("Produce", errc::not_leader_or_follower, 2);
    const auto before = cluster.requests("Produce");
    CHECK(put("b") == 1);
    CHECK(cluster.requests("Produce") == before + 3);
}

TEST_CASE_FIXTURE(faults_fixture, "retries end what is refused again and again, and the next record goes on") {
    producer_config config;
    config.retries = 1;
    producer few{kafka, std::move(config)};
    REQUIRE(few.send(orders, "k", "a").get());
    cluster.fail_next("Produce", errc::not_leader_or_follower, 2);
    const auto lost = few.send(orders, "k", "b").get();
    CHECK(lost.code() == errc::not_leader_or_follower);
    CHECK(std::string{lost.error().what()}.find("sent 2 times and not delivered (retries=1)") != std::string::npos);
    CHECK(few.send(orders, "k", "c").get());
}

TEST_CASE_FIXTURE(faults_fixture, "a refusal for good is the delivery's error") {
    CHECK(put("a") == 0);
    cluster.fail_next("Produce", errc::topic_authorization_failed);
    CHECK(out.send(orders, "k", "b").get().code() == errc::topic_authorization_failed);
    CHECK(put("c") >= 1);
}

TEST_CASE_FIXTURE(faults_fixture, "a lost answer is asked for again, and the record is there once") {
    CHECK(put("a") == 0);
    cluster.lose_next_answer("Produce");
    (void)put("b");
    CHECK(put("c") == 2);
}

TEST_CASE_FIXTURE(faults_fixture, "a request whose connection ends is sent again") {
    CHECK(put("a") == 0);
    cluster.fail_next("Produce", errc::network_exception);
    CHECK(put("b") == 1);
}

TEST_CASE_FIXTURE(faults_fixture, "an answer can be late") {
    CHECK(put("a") == 0);
    cluster.delay_next("Produce", 50ms);
    auto late = out.send(orders, "k", "b");
    CHECK(late.get_for(1ms).code() == errc::timed_out);
    CHECK(late.get());
}

TEST_CASE_FIXTURE(faults_fixture, "a long delay does not keep the node from stopping") {
    CHECK(put("a") == 0);
    cluster.delay_next("Produce", 1h);
    auto late = out.send(orders, "k", "b");
    CHECK(late.get_for(1ms).code() == errc::timed_out);
    cluster.stop();
    cluster.start();
    CHECK(late.get());
}

TEST_CASE_FIXTURE(faults_fixture, "what was scripted can be taken back") {
    cluster.fail_next("Produce", errc::topic_authorization_failed, 1000);
    CHECK_FALSE(out.send(orders, "k", "a").get());
    cluster.clear_faults();
    (void)put("b");
}

TEST_CASE_FIXTURE(faults_fixture, "metadata and producer ids can fail too") {
    cluster.fail_next("Metadata", errc::leader_not_available, 2);
    cluster.fail_next("InitProducerId", errc::coordinator_load_in_progress, 2);
    CHECK(put("a") == 0);
    CHECK(cluster.requests("InitProducerId") == 3);
}

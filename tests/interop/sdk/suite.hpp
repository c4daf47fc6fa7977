// What the checks of this suite share: a cluster named by the environment, and topics of their own.
#pragma once
#include "../harness/eventually.hpp"

#include <weir/admin.hpp>
#include <weir/consumer.hpp>
#include <weir/producer.hpp>

#include <doctest/doctest.h>

#include <set>

namespace weir::suite {

using namespace std::chrono_literals;

inline const topic<std::string, std::string> any_text{""};

std::string bootstrap();
int nodes();                       ///< how many brokers the cluster has
bool offers(std::int16_t api_key); ///< whether the brokers advertise the API
/// Stops a broker with SIGKILL and starts it again; node 0 when there is one.
void kill_broker(int node);
void start_broker(int node);

std::string fresh_name(std::string_view what);
/// Made on the cluster, with as many replicas as it has brokers.
topic<std::string, std::string> make_topic(std::string_view what, int partitions, topic_config config = {});
/// `count` records "key-i" to "value-i", delivered.
void fill(const topic<std::string, std::string>& to, int count, producer_config config = producer_config{});

struct found {
    std::multiset<std::string> values;
    std::map<std::int32_t, std::vector<std::int64_t>> offsets;
};
/// Everything from the beginning, until nothing more comes.
found read_all(const topic<std::string, std::string>& from, consumer_config config = consumer_config{});

#define REQUIRE_GOOD(outcome) REQUIRE_MESSAGE(outcome, (outcome).error().message())

}  // namespace weir::suite

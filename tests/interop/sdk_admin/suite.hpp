// What the checks of this suite share: an admin of the cluster under test, and what that cluster is.
#pragma once
#include "../harness/eventually.hpp"

#include <weir/admin.hpp>
#include <weir/producer.hpp>

#include <doctest/doctest.h>

namespace weir::suite {

using namespace std::chrono_literals;

/// Of the cluster at $BOOTSTRAP; one for all checks.
client& kafka();
admin& ops();
/// Apache Kafka offers everything: there nothing may be left out.
bool on_apache();
/// Ids of the brokers.
const std::vector<std::int32_t>& brokers();
/// Tells that the check was left out because the broker lacks what `why` names; a failure on Apache Kafka.
void leave_out(const error& why);
/// "orders-17": nobody else's.
std::string fresh(std::string_view what);

inline const topic<std::string, std::string> any_topic{"any"};

std::string make_topic(std::string_view what, std::int32_t partitions, std::int16_t replication = 1);
/// `count` records into the partition, a second apart, from 1000 s on.
void fill(const std::string& topic, std::int32_t partition, int count);

/// The value, or the end of the check: with its error, or left out when the broker has no such API.
template <class T>
T get(op<T> running) {
    auto got = running.get();
    if (!got && got.code() == errc::unsupported_version) {
        leave_out(got.error());
        throw got.error();
    }
    REQUIRE_MESSAGE(got, got.error().message());
    if constexpr (!std::is_void_v<T>) return *std::move(got);
}
/// All outcomes good.
template <class T, class Key>
outcomes<T, Key> all_of(op<outcomes<T, Key>> running) {
    auto got = get(std::move(running));
    if (got.first_error().code() == errc::unsupported_version) {
        leave_out(got.first_error());
        throw got.first_error();
    }
    REQUIRE_MESSAGE(got, got.first_error().message());
    return got;
}
template <class T, class Key>
void succeed(op<outcomes<T, Key>> running) {
    (void)all_of(std::move(running));
}
template <class T, class Key>
T one(op<outcomes<T, Key>> running) {
    auto got = all_of(std::move(running));
    REQUIRE(got.size() == 1);
    return *std::move(got.items().front().outcome);
}
/// The only outcome's code.
template <class T, class Key>
errc code_of(op<outcomes<T, Key>> running) {
    const auto got = get(std::move(running));
    REQUIRE(got.size() == 1);
    INFO(got.front().outcome.error().message());
    return got.front().outcome.code();
}

}  // namespace weir::suite

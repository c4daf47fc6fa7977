// One admin operation under way: until when it may go on, where its requests go, and what happens between attempts.
#pragma once
#include "../client_core.hpp"

#include <weir/topic.hpp>

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::detail {

struct admin_call {
    std::shared_ptr<cluster> view;
    std::string_view name;       ///< as users wrote it: "create_topics"
    milliseconds timeout;
    time_point deadline;
    int retries;
    bool of_controllers = false;  ///< whom this client knows are controllers (KIP-919)
    bool to_controller = false;   ///< to the active one: a broker said that it is not it (before KRaft), or there are only controllers

    milliseconds left() const;
    /// timeout_ms of a request.
    std::int32_t left_ms() const { return static_cast<std::int32_t>(std::min(left(), milliseconds{std::numeric_limits<std::int32_t>::max()}).count()); }
    /// Makes request.timeout.ms of the connection end with the operation, or earlier.
    milliseconds patience() const { return std::min(milliseconds{0}, left() - view->request_timeout()); }
    error out_of_time(const error& obstacle) const;
};
using call_ptr = std::shared_ptr<admin_call>;

/// DescribeCluster of controllers tells of controllers only when asked for those (KIP-919).
inline constexpr std::int8_t endpoint_type_controllers = 2;

/// Where a request goes.
struct place {
    enum class kind : std::uint8_t { any, broker, coordinator, leader };
    kind how = kind::any;
    std::int32_t broker = -1;
    coordinator_kind of = coordinator_kind::group;
    std::string key{};           ///< what is coordinated
    topic_partition where{};     ///< whose leader
};
inline place any_broker() { return {}; }
inline place on_broker(std::int32_t id) { return {place::kind::broker, id}; }
inline place group_coordinator(std::string group) { return {place::kind::coordinator, -1, coordinator_kind::group, std::move(group)}; }
inline place transaction_coordinator(std::string id) { return {place::kind::coordinator, -1, coordinator_kind::transaction, std::move(id)}; }
inline place leader_of(topic_partition where) { return {place::kind::leader, -1, coordinator_kind::group, {}, std::move(where)}; }

/// Connections to each of the places, within the call's time.
task<std::vector<result<connection_ptr>>> locate(call_ptr call, std::vector<place> places);
task<result<connection_ptr>> locate(call_ptr call, place to);
/// What is remembered about the place was wrong.
void forget(admin_call& call, const place& of, errc why);

/// The ids of all brokers, asked for at the call.
task<result<std::vector<std::int32_t>>> all_brokers(call_ptr call);
/// The partitions of each topic, asked for at the call; the error of those that are not known.
using partition_counts = std::map<std::string, result<std::int32_t>>;
task<result<partition_counts>> count_partitions(call_ptr call, std::vector<std::string> topics);

/// Another attempt may succeed: the cluster is in motion, or nobody could be reached.
bool passing(errc code) noexcept;
/// unknown_topic_or_partition of what may only be new: worth a few attempts, not all of them.
inline constexpr int attempts_at_unknown_topics = 4;

/// Counts attempts and waits between them, longer each time.
class attempts {
public:
    explicit attempts(call_ptr call) : call_(std::move(call)) {}
    /// Waits; the error with which to end when there is no time or retry left.
    task<result<void>> again(error obstacle, milliseconds at_least = {});
    int failed() const noexcept { return failed_; }

private:
    call_ptr call_;
    int failed_ = 0;
};

/// No error for errc::none. The broker's own words where it has any; else `about` and what the code means.
error refusal(std::int16_t code, const std::optional<std::string>& said, std::string_view about);
error refusal(std::int16_t code, const topic_partition& about);
error refusal(std::int16_t code, const std::optional<std::string>& said, const topic_partition& about);

}  // namespace weir::detail

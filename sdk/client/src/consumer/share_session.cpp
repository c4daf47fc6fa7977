#include "share_session.hpp"

#include <algorithm>
#include <limits>

namespace weir::detail {
namespace {

constexpr std::int32_t new_epoch = 0;
constexpr std::int32_t final_epoch = -1;

/// The entry of a place in a list by topic and partition; places come in order.
template <class Topics>
auto& entry_of(Topics& topics, const place& where) {
    if (topics.empty() || topics.back().topic_id != where.first) topics.emplace_back().topic_id = where.first;
    auto& part = topics.back().partitions.emplace_back();
    part.partition_index = where.second;
    return part;
}

protocol::share_acknowledge_request acknowledge_request(const verdicts& decided, bool renewals) {
    protocol::share_acknowledge_request request;
    request.is_renew_ack = renewals;
    for (const auto& [where, by_offset] : decided) {
        entry_of(request.topics, where).acknowledgement_batches = acknowledgement_batches<protocol::share_acknowledge_request::acknowledgement_batch>(by_offset);
    }
    return request;
}

}  // namespace

protocol::share_fetch_request share_session::fetch(const std::set<place>& wanted, const verdicts& decided, const share_limits& limits) {
    protocol::share_fetch_request request;
    request.group_id = group_id_;
    request.member_id = member_id_;
    request.share_session_epoch = epoch_;
    request.max_wait_ms = limits.max_wait_ms;
    request.min_bytes = limits.min_bytes;
    request.max_bytes = limits.max_bytes;
    request.max_records = limits.max_records;
    request.batch_size = limits.max_records;
    request.share_acquire_mode = limits.strict ? 1 : 0;
    std::set<place> named;
    std::set_difference(wanted.begin(), wanted.end(), inside_.begin(), inside_.end(), std::inserter(named, named.end()));
    for (const auto& [where, by_offset] : decided) named.insert(where);
    for (const auto& where : named) {
        auto& part = entry_of(request.topics, where);
        if (const auto at = decided.find(where); at != decided.end()) {
            part.acknowledgement_batches = acknowledgement_batches<protocol::share_fetch_request::acknowledgement_batch>(at->second);
        }
    }
    // Naming a partition puts it into the session: those that are only acknowledged leave it in the same breath.
    std::set<place> leaving = inside_;
    leaving.insert(named.begin(), named.end());
    for (const auto& where : leaving) {
        if (wanted.contains(where)) continue;
        auto& list = request.forgotten_topics_data;
        if (list.empty() || list.back().topic_id != where.first) list.emplace_back().topic_id = where.first;
        list.back().partitions.push_back(where.second);
    }
    inside_ = wanted;
    return request;
}

protocol::share_acknowledge_request share_session::acknowledge(const verdicts& decided, bool renewals) const {
    auto request = acknowledge_request(decided, renewals);
    request.group_id = group_id_;
    request.member_id = member_id_;
    request.share_session_epoch = epoch_;
    return request;
}

protocol::share_acknowledge_request share_session::farewell(const verdicts& decided) {
    auto request = acknowledge(decided, false);
    request.share_session_epoch = final_epoch;
    forget();
    return request;
}

bool share_session::answered(errc code) {
    if (code == errc::none) {
        epoch_ = epoch_ == std::numeric_limits<std::int32_t>::max() ? 1 : epoch_ + 1;
        return true;
    }
    // Whatever else went wrong, the broker may or may not have counted this request: begin anew.
    forget();
    return false;
}

void share_session::failed() { forget(); }

void share_session::forget() {
    epoch_ = new_epoch;
    ++number_;
    inside_.clear();
}

}  // namespace weir::detail

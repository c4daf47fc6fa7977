// A share session with one broker: which partitions it knows of, which request of it is next, and what was decided about
// records that it handed out (KIP-932). Pure.
#pragma once
#include "share_member.hpp"

#include <weir/protocol/messages/share_acknowledge.hpp>
#include <weir/protocol/messages/share_fetch.hpp>

namespace weir::detail {

enum class verdict : std::int8_t { gap = 0, accept = 1, release = 2, reject = 3, renew = 4 };

/// Decisions about the records of one broker: by partition and offset; the last one about an offset counts.
using verdicts = std::map<place, std::map<std::int64_t, verdict>>;

struct share_limits {
    std::int32_t max_wait_ms = 500;
    std::int32_t min_bytes = 1;
    std::int32_t max_bytes = 50 << 20;
    std::int32_t max_records = 500;
    bool strict = false;  ///< at most max_records, be batches as they may (KIP-1206)
};

class share_session {
public:
    share_session(std::string group_id, std::string member_id) : group_id_(std::move(group_id)), member_id_(std::move(member_id)) {}

    bool open() const noexcept { return epoch_ > 0; }
    /// A new session each time: records of an older one are nobody's to decide about.
    std::uint32_t number() const noexcept { return number_; }
    const std::set<place>& inside() const noexcept { return inside_; }

    /// Fetches from `wanted`, leaves what else is in the session, and tells `decided`, which a new session cannot.
    protocol::share_fetch_request fetch(const std::set<place>& wanted, const verdicts& decided, const share_limits& limits);
    /// Only while open(). Renewals travel apart from the others.
    protocol::share_acknowledge_request acknowledge(const verdicts& decided, bool renewals) const;
    /// The last one: what was not decided about is given back.
    protocol::share_acknowledge_request farewell(const verdicts& decided);

    /// The request of this session that was last made is answered. False: the session is gone, the next one is new.
    bool answered(errc code);
    void failed();

private:
    void forget();
    std::string group_id_, member_id_;
    std::int32_t epoch_ = 0;
    std::uint32_t number_ = 1;
    std::set<place> inside_;
};

/// Ranges of offsets that follow each other, with one type for all or one for each.
template <class Batch>
std::vector<Batch> acknowledgement_batches(const std::map<std::int64_t, verdict>& decided) {
    std::vector<Batch> batches;
    for (const auto& [offset, what] : decided) {
        const auto type = static_cast<std::int8_t>(what);
        if (batches.empty() || batches.back().last_offset + 1 != offset) {
            auto& fresh = batches.emplace_back();
            fresh.first_offset = fresh.last_offset = offset;
            fresh.acknowledge_types = {type};
            continue;
        }
        auto& open = batches.back();
        const auto before = static_cast<std::size_t>(open.last_offset - open.first_offset + 1);
        open.last_offset = offset;
        if (open.acknowledge_types.size() == 1 && open.acknowledge_types.front() == type) continue;
        if (open.acknowledge_types.size() == 1) open.acknowledge_types.resize(before, open.acknowledge_types.front());
        open.acknowledge_types.push_back(type);
    }
    return batches;
}

}  // namespace weir::detail

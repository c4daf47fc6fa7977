#include "record_rules.hpp"

#include <weir/protocol/records/record_reader.hpp>

#include <limits>

namespace weir::storage {
namespace {

// A batch of a few kilobytes may decompress to millions of records, and the answer is to stay small.
constexpr std::size_t most_told = 10'000;

bool claims_append_time(const protocol::batch_view& batch) noexcept {
    return batch.time_type() == protocol::timestamp_type::log_append_time;
}

// As a client may send any two numbers.
timestamp_ms wrapping_add(timestamp_ms base, std::int64_t delta) noexcept {
    return static_cast<timestamp_ms>(static_cast<std::uint64_t>(base) + static_cast<std::uint64_t>(delta));
}

}  // namespace

record_rules::record_rules(const append_settings& settings, timestamp_ms now) noexcept
    : keys_(settings.compacts),
      stamped_here_(settings.stamps_append_time),
      earliest_(now - settings.before_max.count()) {
    const auto ahead = settings.after_max.count();
    constexpr auto never = std::numeric_limits<timestamp_ms>::max();
    latest_ = ahead > never - now ? never : now + ahead;
}

bool record_rules::surely_kept(const protocol::batch_view& batch,
                               const protocol::record_summary& records) const noexcept {
    if (keys_ && !records.every_key_present) return false;
    if (stamped_here_) return !claims_append_time(batch);
    if (records.max_timestamp > latest_) return false;
    if (records.min_timestamp != no_timestamp) return records.min_timestamp >= earliest_;
    // Some record has no timestamp, which is fine; it hides how old the others are.
    return records.max_timestamp == no_timestamp || earliest_ <= no_timestamp;
}

error record_rules::refuse(const std::string& log, const protocol::batch_view& batch,
                           std::vector<record_refusal>* told) const {
    protocol::record_reader reader;
    auto records = reader.records(batch);
    if (!records) return records.error();
    std::size_t refused = 0;
    auto code = errc::invalid_record;
    std::string first;
    std::int32_t index = -1;
    const auto note = [&](errc why, std::string what) {
        if (why == errc::invalid_timestamp) code = why;
        if (refused++ == 0) first = "record " + std::to_string(index) + ": " + what;
        if (told != nullptr && told->size() < most_told) told->push_back({index, why, std::move(what)});
    };
    for (const auto& record : *records) {
        ++index;
        if (keys_ && !record.key) {
            note(errc::invalid_record, log + " is compacted, and the record has no key");
        } else if (stamped_here_) {
            if (claims_append_time(batch))
                note(errc::invalid_timestamp, "a producer cannot say that its time is the one of the append");
        } else {
            // As written, whatever the batch says of the append.
            const auto timestamp = wrapping_add(batch.base_timestamp(), record.timestamp_delta);
            if (timestamp == no_timestamp || (timestamp >= earliest_ && timestamp <= latest_)) continue;
            note(errc::invalid_timestamp, "the timestamp " + std::to_string(timestamp) + " is not between " +
                                              std::to_string(earliest_) + " and " + std::to_string(latest_) +
                                              ", which message.timestamp.before.max.ms and .after.max.ms allow");
        }
    }
    if (refused == 0) return {};
    return error{code, log + ": " + std::to_string(refused) + " of " + std::to_string(batch.record_count()) +
                           " records cannot be taken, and so none is; " + first};
}

}  // namespace weir::storage

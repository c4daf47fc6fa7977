// What a topic asks of each record that a client sends: a key where it is compacted, a timestamp near the broker's.
#pragma once
#include "append_settings.hpp"

#include <weir/protocol/records/record.hpp>
#include <weir/storage/log.hpp>

#include <string>
#include <vector>

namespace weir::storage {

class record_rules {
public:
    record_rules(const append_settings& settings, timestamp_ms now) noexcept;

    /// What the summary of a batch says alone, nearly always enough: true when no record breaks a rule.
    bool surely_kept(const protocol::batch_view& batch, const protocol::record_summary& records) const noexcept;
    /// Looks at each record. No error when the topic takes them all; else errc::invalid_timestamp or invalid_record, and
    /// in `told`, unless it is null, the records that are refused, the first ten thousand of them. `log` names the partition.
    error refuse(const std::string& log, const protocol::batch_view& batch, std::vector<record_refusal>* told) const;

private:
    bool keys_;          // every record has one
    bool stamped_here_;  // with the time of the append
    timestamp_ms earliest_;
    timestamp_ms latest_;
};

}  // namespace weir::storage

// The records of __consumer_offsets this coordinator writes, and reading any of them.
#pragma once
#include "classic_group.hpp"

#include <weir/base/error.hpp>
#include <weir/protocol/messages/group_coordinator_records.hpp>

#include <map>
#include <variant>

namespace weir::group {

record offset_record(std::string_view group, std::string_view topic, std::int32_t partition,
                     const committed_offset& value);
record offset_tombstone(std::string_view group, std::string_view topic, std::int32_t partition);
/// The group as it is, but with these assignments (by member id; none: empty).
record group_record(const classic_group& group, const std::map<std::string, bytes, std::less<>>& assignments,
                    timestamp_ms now);
record group_tombstone(std::string_view group);

struct offset_entry {
    protocol::offset_commit_key key;
    std::optional<protocol::offset_commit_value> value;
};
struct group_entry {
    protocol::group_metadata_key key;
    std::optional<protocol::group_metadata_value> value;
};
/// Of another group protocol, or newer than this program.
struct foreign_entry {
    std::int16_t type = -1;
};
using log_entry = std::variant<offset_entry, group_entry, foreign_entry>;
/// errc::malformed says what does not read.
result<log_entry> read_record(bytes_view key, std::optional<bytes_view> value);

}  // namespace weir::group

// Records of the metadata log as bytes: which version of each record a metadata.version allows.
#pragma once
#include <weir/base/bytes.hpp>
#include <weir/base/error.hpp>
#include <weir/protocol/metadata_record_types.hpp>

#include <span>
#include <vector>

namespace weir::metadata {

/// True when going from `high` down to `low` may lose data: a level in between brought records or fields.
bool metadata_schema_changed(std::int16_t low, std::int16_t high) noexcept;

/// The version to write `record` in while metadata.version is `level`: nodes at that level must be able to read it.
std::int16_t record_version(const protocol::metadata_record& record, std::int16_t level) noexcept;
/// False when nodes at `level` do not know the record at all.
bool record_supported(const protocol::metadata_record& record, std::int16_t level) noexcept;
/// As a frame of the log. What belongs to a facility that the level lacks (directories, eligible leader replicas, log
/// directories) is left out; errc::unsupported_version when the level lacks the record itself.
result<bytes> encode_frame(const protocol::metadata_record& record, std::int16_t level);
result<std::vector<bytes>> encode_frames(std::span<const protocol::metadata_record> records, std::int16_t level);
/// errc::malformed, or errc::unsupported_version for a record type or version this build does not know: the log was
/// written by a newer release.
result<protocol::metadata_record> decode_frame(bytes_view frame);

}  // namespace weir::metadata

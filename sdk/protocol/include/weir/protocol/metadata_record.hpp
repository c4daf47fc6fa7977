// Records of __cluster_metadata: any of them as one value, in the frame that the log and the snapshots use.
#pragma once
#include <weir/base/error.hpp>
#include <weir/protocol/codec.hpp>
#include <weir/protocol/metadata_record_types.hpp>

#include <cstdint>

namespace weir::protocol {

/// A record with the version it was (or will be) written in.
struct versioned_metadata_record {
    metadata_record record;
    std::int16_t version = 0;
    bool operator==(const versioned_metadata_record&) const = default;
};

/// The frame of any metadata-style log: unsigned varints for frame version (1), record type and record version; then the
/// body.
struct record_frame {
    std::int32_t type = 0;
    std::int16_t version = 0;
};
/// Reads a frame's head and leaves `in` at the body. errc::unsupported_version for another frame version.
result<record_frame> read_record_frame(reader& in);
void write_record_frame(writer& out, record_frame head);

/// The value of a data record. Unknown types and versions are errc::unsupported_version, naming them: a node must not
/// go on over a record it does not understand.
result<versioned_metadata_record> decode_metadata_record(bytes_view value);

/// One record, framed, appended to `out`. The version depends on the cluster's metadata.version.
template <class R>
result<void> encode_metadata_record(const R& record, std::int16_t version, writer& out) {
    write_record_frame(out, {R::record_type, version});
    return encode(record, version, out);
}
result<void> encode_metadata_record(const metadata_record& record, std::int16_t version, writer& out);
/// The same to memory.
result<bytes> encode_metadata_record(const metadata_record& record, std::int16_t version);

/// "TopicRecord", for errors and logs.
std::string_view name_of(const metadata_record& record) noexcept;
/// The highest version this build can write of the record's type.
std::int16_t latest_version_of(const metadata_record& record) noexcept;

}  // namespace weir::protocol

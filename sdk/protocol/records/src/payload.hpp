// The records of a batch, decompressed when they have to be.
#pragma once
#include <weir/protocol/records/batch.hpp>

namespace weir::protocol::detail {

/// errc::invalid_record: no such codec, or data that does not decompress; errc::message_too_large above `limit`.
result<bytes_view> decompress_payload(const batch_view& batch, std::size_t limit, scratch_buffer& buffer);

}  // namespace weir::protocol::detail

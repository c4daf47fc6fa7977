// Batches as a broker hands them to a consumer, of leader epoch 3.
#pragma once
#include "record_batches.hpp"

#include <weir/base/crc32c.hpp>
#include <weir/protocol/records/control_records.hpp>

#include <string>
#include <vector>

namespace weir::test {

/// Of a transaction when there is a producer.
inline bytes batch(std::int64_t base, const std::vector<std::string>& values, std::int64_t producer = -1, protocol::codec codec = protocol::codec::none) {
    protocol::batch_settings settings;
    settings.base_offset = base;
    settings.leader_epoch = 3;
    settings.producer_id = producer;
    settings.producer_epoch = producer < 0 ? std::int16_t{-1} : std::int16_t{0};
    settings.base_sequence = producer < 0 ? -1 : 0;
    settings.transactional = producer >= 0;
    settings.compression = codec;
    return make_batch(values, 1000, settings);
}
/// As the log cleaner leaves it: its last records are gone, its last offset is not.
inline bytes compacted(bytes content, std::int32_t last_offset_delta) {
    constexpr std::size_t crc = 17, covered = 21, last_delta = 23;
    store_big_endian(content.data() + last_delta, last_offset_delta);
    store_big_endian(content.data() + crc, static_cast<std::int32_t>(crc32c(0, bytes_view{content}.subspan(covered))));
    return content;
}
inline bytes marker(std::int64_t offset, std::int64_t producer, bool commit) {
    protocol::end_txn_settings settings;
    settings.producer_id = producer;
    settings.producer_epoch = 0;
    settings.marker.commit = commit;
    settings.marker.coordinator_epoch = 1;
    settings.timestamp = 1000;
    settings.base_offset = offset;
    settings.leader_epoch = 3;
    return protocol::build_end_txn_batch(settings);
}

}  // namespace weir::test

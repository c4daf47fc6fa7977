#include "batch.hpp"

#include <algorithm>

namespace weir::detail {

std::uint32_t batch::append(timestamp_ms time, std::optional<bytes_view> key, std::optional<bytes_view> value, std::span<const protocol::header_view> headers,
                            std::size_t charge) {
    if (!builder.append(time, key, value, headers)) return std::numeric_limits<std::uint32_t>::max();
    if (times_.empty() || times_.back().second != time) times_.emplace_back(count, time);
    charged += charge;
    return static_cast<std::uint32_t>(count++);
}

result<void> batch::seal(std::int64_t id_of_producer, std::int16_t its_epoch, std::int32_t first_sequence) {
    producer_id = id_of_producer;
    epoch = its_epoch;
    sequence = first_sequence;
    if (!encoded) {
        builder.set_producer(producer_id, epoch, sequence);
        auto made = builder.finish();
        if (!made) return made.error();
        encoded = std::make_shared<bytes>(*std::move(made));
        return {};
    }
    if (encoded.use_count() > 1) encoded = std::make_shared<bytes>(*encoded);  // a write that was given up may still read it
    store_big_endian(encoded->data() + 43, producer_id);
    store_big_endian(encoded->data() + 51, epoch);
    store_big_endian(encoded->data() + 53, sequence);
    protocol::refresh_crc(*encoded);
    return {};
}

void batch::succeed(std::int64_t base_offset, timestamp_ms append_time) {
    base_offset_ = base_offset;
    append_time_ = append_time;
    encoded.reset();
    finish();
}

void batch::fail(error why) {
    why_ = std::move(why);
    encoded.reset();
    finish();
}

void batch::take(std::uint32_t index, void* into) {
    auto& out = *static_cast<result<record_metadata>*>(into);
    if (!ended()) {
        out = errc::cancelled;
        return;
    }
    if (why_) {
        out = why_;
        return;
    }
    record_metadata delivered{topic, partition};
    if (base_offset_ >= 0) delivered.offset = base_offset_ + index;
    const auto after = std::upper_bound(times_.begin(), times_.end(), static_cast<std::int32_t>(index), [](std::int32_t i, const auto& run) { return i < run.first; });
    delivered.time = timestamp{duration{append_time_ >= 0 ? append_time_ : std::prev(after)->second}};
    out = std::move(delivered);
}

}  // namespace weir::detail

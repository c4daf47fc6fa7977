#include "batch.hpp"

#include <weir/protocol/records/record_reader.hpp>

#include <algorithm>

namespace weir::detail {

result<void> batch::seal(std::int64_t id_of_producer, std::int16_t its_epoch, std::int32_t first_sequence) {
    producer_id = id_of_producer;
    epoch = its_epoch;
    sequence = first_sequence;
    if (!encoded) {
        uncompressed = builder.uncompressed_size();
        builder.set_producer(producer_id, epoch, sequence);
        auto made = builder.finish();
        if (!made) return made.error();
        builder.release();  // a compressed batch is all that is left of the records
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
    end();
}

void batch::fail(error why) {
    why_ = std::move(why);
    end();
}

bytes batch::surrender() {
    const auto last = std::exchange(encoded, nullptr);
    return last && last.use_count() == 1 ? std::move(*last) : bytes{};
}

void batch::end() {
    finish();
    if (whole_ && --whole_->parts_left_ == 0) whole_->end();
}

result<std::vector<batch_ptr>> batch::split(const batch_ptr& self, const protocol::batch_settings& settings) {
    const auto whole = protocol::batch_view::open(*encoded);
    if (!whole) return whole.error();
    protocol::record_reader reader;
    const auto records = reader.records(*whole);
    if (!records) return records.error();
    std::size_t total = 0, used = 0;
    for (const auto& each : *records) total += each.encoded.size();
    std::vector<batch_ptr> halves;
    std::int32_t index = 0;
    for (const auto& each : *records) {
        if (halves.empty() || (halves.size() == 1 && (used >= total / 2 || index + 1 == count))) {
            auto& half = halves.emplace_back(std::make_shared<batch>(strand_, topic, partition, settings, created, id));
            half->first_ = first_ + static_cast<std::uint32_t>(index);
            half->whole_ = self;
            half->attempts = attempts;
            half->sent = sent;
            half->doubtful = doubtful;
        }
        auto& half = *halves.back();
        auto moved = each;
        moved.offset = half.count;
        if (auto added = half.builder.append(moved); !added) return added.error();
        if (half.times_.empty() || half.times_.back().second != each.timestamp) half.times_.emplace_back(half.count, each.timestamp);
        ++half.count;
        used += each.encoded.size();
        ++index;
    }
    for (auto& half : halves) {
        const auto offset = static_cast<std::int32_t>(half->first_ - first_);
        if (auto sealed = half->seal(producer_id, epoch, sequence < 0 ? sequence : protocol::advance_sequence(sequence, offset)); !sealed) return sealed.error();
    }
    encoded.reset();
    parts_ = halves;
    parts_left_ = parts_.size();
    return halves;
}

void batch::take(std::uint32_t index, void* into) {
    auto& out = *static_cast<result<record_metadata>*>(into);
    if (!ended()) {
        out = errc::cancelled;
        return;
    }
    if (!parts_.empty()) {
        const auto after = std::find_if(parts_.begin() + 1, parts_.end(), [&](const batch_ptr& part) { return part->first_ - first_ > index; });
        auto& part = **std::prev(after);
        return part.take(index - (part.first_ - first_), into);
    }
    if (why_) {
        out = why_;
        return;
    }
    const auto after = std::upper_bound(times_.begin(), times_.end(), static_cast<std::int32_t>(index), [](std::int32_t i, const auto& run) { return i < run.first; });
    const timestamp time{duration{append_time_ >= 0 ? append_time_ : std::prev(after)->second}};
    out.emplace(topic, partition, base_offset_ >= 0 ? base_offset_ + index : -1, time);
}

}  // namespace weir::detail

#include "chunk.hpp"

#include <fmt/format.h>

namespace weir::detail {
namespace {

void put(raw_record& out, const protocol::record_view& in) {
    const auto field = [](const std::optional<bytes_view>& value, const std::byte*& at, std::int32_t& size) {
        at = value ? value->data() : nullptr;
        size = value ? static_cast<std::int32_t>(value->size()) : -1;
    };
    field(in.key, out.key, out.key_size);
    field(in.value, out.value, out.value_size);
    out.headers = in.headers.encoded().data();
    out.headers_size = static_cast<std::int32_t>(in.headers.encoded().size());
    out.header_count = static_cast<std::int32_t>(in.headers.size());
    out.offset = in.offset;
    out.time = in.timestamp;
}

}  // namespace

chunk::chunk(bytes_view content, std::shared_ptr<const void> owner, std::int64_t from, std::vector<aborted_transaction> aborted, chunk_settings how)
    : owner_(std::move(owner)), settings_(std::move(how)), aborted_(std::move(aborted)), next_offset_(from), end_offset_(from) {
    protocol::record_set all{content, protocol::crc_check::skip};
    while (const auto entry = all.next()) {
        end_offset_ = std::max(end_offset_, entry->last_offset() + 1);
        end_epoch_ = entry->batch() ? entry->batch()->leader_epoch() : -1;
        record_count_ += entry->batch() ? static_cast<std::size_t>(std::max(entry->batch()->record_count(), 0)) : 1;
    }
    // What is no batch stays at the end: the reader says so when it comes there.
    size_ = all.verdict() == protocol::set_verdict::bad_framing ? content.size() : all.position();
    rest_ = content.first(size_);
}

result<std::size_t> chunk::read(std::span<raw_record> into) {
    for (;;) {
        if (state_ == opened::nothing) {
            const auto next = more();
            if (!next) return next.error();
            if (!*next) return std::size_t{0};
        }
        const auto count = state_ == opened::batch ? read_batch(into) : read_legacy(into);
        if (count > 0) return count;
        if (state_ == opened::batch && cursor_.failed()) return cursor_.failure();
        leave_batch();
    }
}

void chunk::leave_batch() {
    next_offset_ = std::max(next_offset_, open_next_offset_);
    rest_ = rest_.subspan(open_bytes_);
    state_ = opened::nothing;
}

result<bool> chunk::more(look at) {
    for (;;) {
        if (state_ == opened::nothing) {
            const auto next = find_next();
            if (!next) return next.error();
            if (!*next) return false;
            const auto* batch = (*next)->batch();
            if (at == look::headers && batch && batch->base_offset() >= next_offset_) {
                if (auto why = no_room(*batch)) return why;
                return true;
            }
            if (auto why = open(**next)) return why;
        }
        if (has_rest()) return true;
        leave_batch();
    }
}

// A batch is opened whole, and begins where it always did: what is wanted of it may have been compacted away.
bool chunk::has_rest() {
    if (state_ == opened::legacy) {
        while (!legacy_records_.empty() && legacy_records_.front().offset < next_offset_) legacy_records_ = legacy_records_.subspan(1);
        return !legacy_records_.empty();
    }
    if (cursor_.delivered() > 0 || open_base_offset_ >= next_offset_) return cursor_.delivered() < open_count_;
    protocol::record_view record;
    auto ahead = cursor_;
    for (; ahead.next(record); cursor_ = ahead) {
        if (record.offset >= next_offset_) return true;
    }
    return ahead.failed();  // which read() tells
}

std::size_t chunk::read_batch(std::span<raw_record> into) {
    std::size_t count = 0;
    protocol::record_view record;
    while (count < into.size() && cursor_.next(record)) {
        if (record.offset < next_offset_) [[unlikely]] continue;
        put(into[count++], record);
    }
    if (count > 0) next_offset_ = into[count - 1].offset + 1;
    return count;
}

std::size_t chunk::read_legacy(std::span<raw_record> into) {
    std::size_t count = 0;
    for (; count < into.size() && !legacy_records_.empty(); legacy_records_ = legacy_records_.subspan(1)) {
        if (legacy_records_.front().offset < next_offset_) continue;
        put(into[count++], legacy_records_.front());
    }
    if (count > 0) next_offset_ = into[count - 1].offset + 1;
    return count;
}

void chunk::rewind(std::int64_t to) {
    next_offset_ = to;
    state_ = opened::nothing;
}

void chunk::pack() {
    if (!payload_ && !legacy_) return;
    state_ = opened::nothing;
    payload_.reset();
    legacy_.reset();
    payload_kept_ = false;
}

error chunk::damage(const protocol::set_entry& entry) const {
    if (!settings_.check_crcs || entry.crc_matches()) return {};
    return error{errc::corrupt_message, fmt::format("the checksum of the batch up to offset {} does not match", entry.last_offset())};
}

result<std::optional<protocol::set_entry>> chunk::find_next() {
    for (;;) {
        if (rest_.empty()) {
            next_offset_ = std::max(next_offset_, end_offset_);
            return std::optional<protocol::set_entry>{};
        }
        protocol::record_set set{rest_, protocol::crc_check::skip};
        auto entry = set.next();
        if (!entry) return error{errc::corrupt_message, "what follows is no record batch"};
        open_bytes_ = entry->size();
        open_next_offset_ = entry->last_offset() + 1;
        if (open_next_offset_ > next_offset_) {
            const auto* batch = entry->batch();
            const bool hidden = batch && ((settings_.read_committed && aborted_.hides(*batch)) || batch->control() || batch->record_count() == 0);
            if (!hidden) return entry;
            if (auto why = damage(*entry)) return why;  // a header that is wrong hides nothing
        }
        next_offset_ = std::max(next_offset_, open_next_offset_);
        rest_ = rest_.subspan(open_bytes_);
    }
}

error chunk::no_room(const protocol::batch_view& batch) const {
    if (!batch.compressed() || !settings_.opened || settings_.opened->admits(payload_ && !payload_kept_ ? payload_->share : 0)) return {};
    return error{errc::buffer_full, "decompressed batches that are in use leave no room for another"};
}

error chunk::open(const protocol::set_entry& entry) {
    if (auto why = damage(entry)) return why;
    return entry.batch() ? open(*entry.batch()) : open(*entry.legacy());
}

error chunk::open(const protocol::batch_view& batch) {
    auto payload = batch.payload();
    if (batch.compressed()) {
        const auto which = batch.compression();
        if (!which) return error{errc::invalid_record, fmt::format("the batch at offset {} names codec {}, which does not exist", batch.base_offset(), batch.codec_bits())};
        if (auto why = no_room(batch)) return why;
        auto& into = fresh_buffer();
        auto done = protocol::decompress(*which, payload, protocol::default_decompressed_limit, into.content);
        into.settle();
        if (!done) {
            return error{errc::invalid_record, fmt::format("the batch at offset {} does not decompress", batch.base_offset()), done.error()};
        }
        payload = into.content.view();
    } else {
        payload_.reset();
    }
    cursor_ = protocol::record_cursor{batch, payload};
    open_count_ = batch.record_count();
    open_base_offset_ = batch.base_offset();
    epoch_ = batch.leader_epoch();
    append_time_ = batch.time_type() == protocol::timestamp_type::log_append_time;
    legacy_.reset();
    state_ = opened::batch;
    return {};
}

error chunk::open(const protocol::legacy_entry& entry) {
    if (!legacy_ || std::exchange(payload_kept_, false)) legacy_ = std::make_shared<protocol::legacy_reader>();
    payload_.reset();
    auto found = legacy_->read(entry);
    if (!found) return found.error();
    legacy_records_ = *found;
    epoch_ = -1;
    append_time_ = entry.time_type() == protocol::timestamp_type::log_append_time;
    state_ = opened::legacy;
    return {};
}

// One buffer serves all batches, unless somebody holds what is in it.
unpacked_batch& chunk::fresh_buffer() {
    if (!payload_ || std::exchange(payload_kept_, false)) payload_ = std::make_shared<unpacked_batch>(settings_.opened);
    payload_->content.clear();
    return *payload_;
}

void chunk::keep(std::vector<std::shared_ptr<const void>>& in) {
    const auto add = [&](const std::shared_ptr<const void>& what) {
        if (in.empty() || in.back() != what) in.push_back(what);
    };
    if (!payload_) add(owner_);
    if (!payload_ && !legacy_) return;
    payload_kept_ = true;
    if (payload_) add(payload_);
    else add(legacy_);
}

}  // namespace weir::detail

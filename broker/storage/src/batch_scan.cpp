#include "batch_scan.hpp"

#include <weir/base/crc32c.hpp>
#include <weir/protocol/records/legacy.hpp>

#include <algorithm>
#include <limits>

namespace weir::storage {
namespace {

// Leaves room for the deltas, so that no sum of offsets overflows.
constexpr auto largest_base_offset = std::numeric_limits<std::int64_t>::max() - (std::int64_t{1} << 32);

}  // namespace

std::int32_t batch_header::last_sequence() const noexcept {
    if (base_sequence < 0) return -1;
    const auto sum = std::int64_t{base_sequence} + last_offset_delta;
    return static_cast<std::int32_t>(sum & 0x7fffffff);
}

batch_header header_of(const protocol::batch_view& batch, std::uint64_t position) noexcept {
    return {position,
            batch.size(),
            batch.base_offset(),
            batch.leader_epoch(),
            batch.attributes(),
            batch.last_offset_delta(),
            batch.max_timestamp(),
            batch.producer_id(),
            batch.producer_epoch(),
            batch.base_sequence(),
            batch.record_count()};
}

batch_scan::batch_scan(const file& source, std::uint64_t position, std::uint64_t end, std::size_t window)
    : source_(source),
      position_(position),
      end_(end),
      window_(std::max(window, protocol::batch_header_bytes)) {}

result<bytes_view> batch_scan::view(std::uint64_t at, std::size_t wanted) {
    wanted = static_cast<std::size_t>(std::min<std::uint64_t>(std::min(wanted, window_.size()), end_ - at));
    if (at < window_at_ || at + wanted > window_at_ + filled_) {
        const auto room = static_cast<std::size_t>(std::min<std::uint64_t>(window_.size(), end_ - at));
        const auto got = source_.read_at(at, mutable_bytes{window_}.first(room));
        if (!got) {
            filled_ = 0;
            return got.error();
        }
        window_at_ = at;
        filled_ = *got;
    }
    const auto skip = static_cast<std::size_t>(at - window_at_);
    return bytes_view{window_}
        .first(filled_)
        .subspan(std::min(skip, filled_))
        .first(std::min(wanted, filled_ - std::min(skip, filled_)));
}

scan_step batch_scan::next() {
    if (position_ >= end_) return scan_step::end;
    const auto read = view(position_, protocol::batch_header_bytes);
    if (!read) {
        failure_ = read.error();
        return scan_step::failed;
    }
    const auto head = *read;
    const auto stop = [this](scan_step how, const char* why) {
        what_ = why;
        return how;
    };
    if (head.size() < 17) return stop(scan_step::cut, "the file ends inside a batch header");
    const auto length = load_big_endian<std::int32_t>(head.data() + 8);
    const auto magic = static_cast<std::int8_t>(head[16]);
    if (magic == 0 || magic == 1) {
        // Lost blocks read as zeros, which look like format 0: only a right checksum makes an old message.
        const auto old = length >= 14 ? sound_legacy(static_cast<std::uint64_t>(length) + 12) : result<bool>{false};
        if (!old) {
            failure_ = old.error();
            return scan_step::failed;
        }
        if (*old) return stop(scan_step::legacy, "a message of format 0 or 1, which only brokers before 0.11 wrote");
        return stop(scan_step::damaged, "the format number is not 2");
    }
    if (magic != 2) return stop(scan_step::damaged, "the format number is not 2");
    if (length < 49) return stop(scan_step::damaged, "the length is impossible");
    if (head.size() < protocol::batch_header_bytes || static_cast<std::uint64_t>(length) + 12 > end_ - position_)
        return stop(scan_step::cut, "the file ends inside a batch");
    const auto* p = head.data();
    header_.position = position_;
    header_.size = static_cast<std::uint64_t>(length) + 12;
    header_.base_offset = load_big_endian<std::int64_t>(p);
    header_.leader_epoch = load_big_endian<std::int32_t>(p + 12);
    header_.attributes = load_big_endian<std::int16_t>(p + 21);
    header_.last_offset_delta = load_big_endian<std::int32_t>(p + 23);
    header_.max_timestamp = load_big_endian<std::int64_t>(p + 35);
    header_.producer_id = load_big_endian<std::int64_t>(p + 43);
    header_.producer_epoch = load_big_endian<std::int16_t>(p + 51);
    header_.base_sequence = load_big_endian<std::int32_t>(p + 53);
    header_.record_count = load_big_endian<std::int32_t>(p + 57);
    if (header_.base_offset < 0 || header_.last_offset_delta < 0 || header_.base_offset > largest_base_offset)
        return stop(scan_step::damaged, "an offset is out of range");
    position_ += header_.size;
    return scan_step::batch;
}

result<bool> batch_scan::sound_legacy(std::uint64_t size) {
    if (size > end_ - position_) return false;
    bytes content(static_cast<std::size_t>(size));
    const auto got = source_.read_at(position_, content);
    if (!got) return got.error();
    const auto entry = protocol::legacy_entry::open(bytes_view{content}.first(*got));
    return entry && entry->crc_matches();
}

result<void> batch_scan::check_crc() {
    const auto start = header_.position;
    auto head = view(start, protocol::batch_header_bytes);
    if (!head) return head.error();
    if (head->size() < protocol::batch_header_bytes)
        return error{errc::corrupt_message, source_.path() + " became shorter while it was read"};
    const auto wanted = load_big_endian<std::uint32_t>(head->data() + 17);
    std::uint32_t sum = 0;
    for (auto at = start + 21; at < start + header_.size;) {
        const auto left = start + header_.size - at;
        const auto part = view(at, static_cast<std::size_t>(std::min<std::uint64_t>(left, window_.size())));
        if (!part) return part.error();
        if (part->empty()) return error{errc::corrupt_message, source_.path() + " became shorter while it was read"};
        sum = crc32c(sum, *part);
        at += part->size();
    }
    if (sum == wanted) return {};
    return error{errc::corrupt_message, source_.path() + ": the checksum of the batch at position " +
                                            std::to_string(start) + " (offset " + std::to_string(header_.base_offset) +
                                            ") is wrong"};
}

result<protocol::batch_view> batch_scan::load() {
    if (header_.size > window_.size()) {
        window_.resize(static_cast<std::size_t>(header_.size));
        filled_ = 0;
    }
    const auto whole = view(header_.position, static_cast<std::size_t>(header_.size));
    if (!whole) return whole.error();
    return protocol::batch_view::open(*whole);
}

error batch_scan::fault() const {
    return error{errc::corrupt_message, source_.path() + ", position " + std::to_string(position_) + ": " + what_};
}

verified_range verify_batches(const file& source, std::uint64_t position, std::uint64_t end, std::uint64_t file_end,
                              offset_range within) {
    auto expected_offset = within.from;
    auto last_position = position;
    batch_scan scan{source, position, file_end, std::size_t{64} << 10};
    for (;;) {
        if (scan.position() >= end) return {scan.position(), {}};
        const auto step = scan.next();
        if (step == scan_step::end) return {scan.position(), {}};
        if (step == scan_step::failed) return {scan.position(), scan.failure()};
        if (step != scan_step::batch) return {scan.position(), scan.fault()};
        if (scan.header().end() > end) return {scan.header().position, {}};
        const auto& at = scan.header();
        // The offset is not part of the checksum: when two batches contradict each other, neither is believed.
        if (at.base_offset < expected_offset || at.next_offset() > within.to)
            return {at.base_offset < expected_offset ? last_position : at.position,
                    error{errc::corrupt_message, source.path() + ", position " + std::to_string(at.position) +
                                                     ": offset " + std::to_string(at.base_offset) + " where " +
                                                     std::to_string(expected_offset) + " to " +
                                                     std::to_string(within.to) + " are possible"}};
        if (auto sound = scan.check_crc(); !sound) return {at.position, sound.error()};
        expected_offset = at.next_offset();
        last_position = at.position;
    }
}

}  // namespace weir::storage

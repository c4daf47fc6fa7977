#include "producer_state.hpp"

#include <weir/base/crc32c.hpp>

#include <algorithm>

namespace weir::storage {
namespace {

constexpr std::int16_t snapshot_version = 1;
constexpr std::size_t snapshot_header = 2 + 4 + 4;
constexpr std::size_t snapshot_entry = 46;

bool follows(std::int32_t last, std::int32_t next) noexcept {
    return std::int64_t{next} == std::int64_t{last} + 1 ||
           (next == 0 && last == std::numeric_limits<std::int32_t>::max());
}

std::string name(std::int64_t producer_id) { return "producer " + std::to_string(producer_id); }

}  // namespace

std::int32_t producer_batch::first_sequence() const noexcept {
    // Sequences count modulo 2^31.
    return static_cast<std::int32_t>((std::int64_t{last_sequence} - offset_delta) & 0x7fffffff);
}

void producer_entry::add(const producer_batch& batch) noexcept {
    if (count_ == window) {
        first_ = static_cast<std::uint8_t>((first_ + 1) % window);
        --count_;
    }
    batches_[(first_ + count_) % window] = batch;
    ++count_;
}

result<std::optional<producer_batch>> producer_state::check(const batch_header& batch) const {
    const auto found = producers_.find(batch.producer_id);
    if (found == producers_.end()) return std::optional<producer_batch>{};
    const auto& known = found->second;
    if (batch.producer_epoch < known.epoch)
        return error{errc::invalid_producer_epoch, name(batch.producer_id) + " has epoch " +
                                                       std::to_string(known.epoch) + " here, the batch has " +
                                                       std::to_string(batch.producer_epoch)};
    const bool same_epoch = batch.producer_epoch == known.epoch;
    if (same_epoch && batch.base_sequence >= 0) {
        for (std::size_t at = 0; at < known.count(); ++at) {
            const auto& old = known.batch(at);
            if (old.first_sequence() == batch.base_sequence && old.last_sequence == batch.last_sequence())
                return std::optional<producer_batch>{old};
        }
    }
    if (batch.base_sequence >= 0) {
        const auto last = same_epoch && known.newest() != nullptr ? known.newest()->last_sequence : -1;
        if (known.epoch >= 0 && !follows(last, batch.base_sequence))
            return error{errc::out_of_order_sequence_number,
                         name(batch.producer_id) + ", epoch " + std::to_string(batch.producer_epoch) + ": sequence " +
                             std::to_string(batch.base_sequence) + " came, " +
                             (last == -1 ? std::string{"0 begins an epoch"} : std::to_string(last) + " was the last")};
    }
    if (known.txn_first_offset >= 0 && !batch.transactional())
        return error{errc::invalid_txn_state, name(batch.producer_id) + " sent a plain batch inside its transaction"};
    return std::optional<producer_batch>{};
}

result<void> producer_state::check_marker(std::int64_t producer_id, std::int16_t epoch,
                                          std::int32_t coordinator_epoch) const {
    const auto found = producers_.find(producer_id);
    if (found == producers_.end()) return {};
    const auto& known = found->second;
    if (epoch < known.epoch)
        return error{errc::invalid_producer_epoch, name(producer_id) + " has epoch " + std::to_string(known.epoch) +
                                                       " here, the marker has " + std::to_string(epoch)};
    if (coordinator_epoch < known.coordinator_epoch)
        return error{errc::transaction_coordinator_fenced,
                     name(producer_id) + ": coordinator epoch " + std::to_string(coordinator_epoch) + " came, " +
                         std::to_string(known.coordinator_epoch) + " was there before"};
    return {};
}

void producer_state::open_transaction(producer_entry& entry, std::int64_t producer_id, std::int64_t first_offset) {
    if (entry.txn_first_offset >= 0) return;
    entry.txn_first_offset = first_offset;
    open_.emplace(first_offset, producer_id);
}

void producer_state::apply(const batch_header& batch) {
    auto& entry = producers_[batch.producer_id];
    if (batch.producer_epoch != entry.epoch) {
        entry.epoch = batch.producer_epoch;
        entry.clear();
    }
    entry.last_timestamp = batch.max_timestamp;
    if (batch.base_sequence >= 0)
        entry.add({batch.last_sequence(), batch.last_offset_delta, batch.last_offset(), batch.max_timestamp});
    if (batch.transactional()) open_transaction(entry, batch.producer_id, batch.base_offset);
}

std::optional<ended_transaction> producer_state::apply_marker(const batch_header& batch, bool commit,
                                                              std::int32_t coordinator_epoch) {
    auto& entry = producers_[batch.producer_id];
    if (batch.producer_epoch != entry.epoch) {
        entry.epoch = batch.producer_epoch;
        entry.clear();
    }
    entry.last_timestamp = batch.max_timestamp;
    entry.coordinator_epoch = coordinator_epoch;
    if (entry.txn_first_offset < 0) return std::nullopt;
    const ended_transaction ended{batch.producer_id, entry.txn_first_offset, batch.last_offset(), !commit};
    open_.erase(entry.txn_first_offset);
    entry.txn_first_offset = -1;
    not_replicated_.push_back(ended);
    return ended;
}

std::optional<std::int64_t> producer_state::first_open() const noexcept {
    if (open_.empty()) return std::nullopt;
    return open_.begin()->first;
}

std::optional<std::int64_t> producer_state::first_unstable(std::int64_t high_watermark) const noexcept {
    auto first = first_open();
    for (const auto& ended : not_replicated_)
        if (ended.last_offset >= high_watermark && (!first || ended.first_offset < *first)) first = ended.first_offset;
    return first;
}

std::int64_t producer_state::stable_after(const ended_transaction& ended) const noexcept {
    return first_open().value_or(ended.last_offset + 1);
}

void producer_state::on_high_watermark(std::int64_t high_watermark) {
    std::erase_if(not_replicated_, [high_watermark](const auto& ended) { return ended.last_offset < high_watermark; });
}

void producer_state::expire(timestamp_ms now, milliseconds idle) {
    std::erase_if(producers_, [&](const auto& each) {
        return each.second.txn_first_offset < 0 && now - each.second.last_timestamp >= idle.count();
    });
}

void producer_state::clear() {
    producers_.clear();
    open_.clear();
    not_replicated_.clear();
}

std::vector<producer_status> producer_state::list() const {
    std::vector<producer_status> all;
    all.reserve(producers_.size());
    for (const auto& [id, entry] : producers_)
        all.push_back({id, entry.epoch, entry.newest() != nullptr ? entry.newest()->last_sequence : -1,
                       entry.last_timestamp, entry.coordinator_epoch, entry.txn_first_offset});
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.producer_id < b.producer_id; });
    return all;
}

const producer_entry* producer_state::find(std::int64_t producer_id) const noexcept {
    const auto found = producers_.find(producer_id);
    return found == producers_.end() ? nullptr : &found->second;
}

bytes producer_state::snapshot() const {
    std::vector<std::int64_t> ids;
    ids.reserve(producers_.size());
    for (const auto& each : producers_) ids.push_back(each.first);
    std::sort(ids.begin(), ids.end());
    bytes out(snapshot_header + ids.size() * snapshot_entry);
    store_big_endian(out.data(), snapshot_version);
    store_big_endian(out.data() + 6, static_cast<std::int32_t>(ids.size()));
    auto* at = out.data() + snapshot_header;
    for (const auto id : ids) {
        const auto& entry = producers_.at(id);
        const auto* last = entry.newest();
        store_big_endian(at, id);
        store_big_endian(at + 8, entry.epoch);
        store_big_endian(at + 10, last != nullptr ? last->last_sequence : std::int32_t{-1});
        store_big_endian(at + 14, last != nullptr ? last->last_offset : std::int64_t{-1});
        store_big_endian(at + 22, last != nullptr ? last->offset_delta : std::int32_t{0});
        store_big_endian(at + 26, entry.last_timestamp);
        store_big_endian(at + 34, entry.coordinator_epoch);
        store_big_endian(at + 38, entry.txn_first_offset);
        at += snapshot_entry;
    }
    store_big_endian(out.data() + 2, crc32c(0, bytes_view{out}.subspan(6)));
    return out;
}

result<void> producer_state::restore(bytes_view snapshot, timestamp_ms now, milliseconds idle) {
    clear();
    if (snapshot.size() < snapshot_header) return error{errc::malformed, "the snapshot is shorter than its header"};
    const auto version = load_big_endian<std::int16_t>(snapshot.data());
    if (version != snapshot_version)
        return error{errc::malformed, "snapshot version " + std::to_string(version) + " is not known, 1 is"};
    if (load_big_endian<std::uint32_t>(snapshot.data() + 2) != crc32c(0, snapshot.subspan(6)))
        return error{errc::malformed, "the checksum of the snapshot is wrong"};
    const auto count = load_big_endian<std::int32_t>(snapshot.data() + 6);
    if (count < 0 || static_cast<std::uint64_t>(count) * snapshot_entry != snapshot.size() - snapshot_header)
        return error{errc::malformed, "the snapshot's size does not fit its " + std::to_string(count) + " entries"};
    for (std::int32_t which = 0; which < count; ++which) {
        const auto* at = snapshot.data() + snapshot_header + static_cast<std::size_t>(which) * snapshot_entry;
        producer_entry entry;
        entry.epoch = load_big_endian<std::int16_t>(at + 8);
        entry.last_timestamp = load_big_endian<std::int64_t>(at + 26);
        entry.coordinator_epoch = load_big_endian<std::int32_t>(at + 34);
        const auto txn_first_offset = load_big_endian<std::int64_t>(at + 38);
        if (txn_first_offset < 0 && now - entry.last_timestamp >= idle.count()) continue;
        const auto id = load_big_endian<std::int64_t>(at);
        const auto last_offset = load_big_endian<std::int64_t>(at + 14);
        if (last_offset >= 0)
            entry.add({load_big_endian<std::int32_t>(at + 10), load_big_endian<std::int32_t>(at + 22), last_offset,
                       entry.last_timestamp});
        auto& kept = producers_[id] = entry;
        if (txn_first_offset >= 0) open_transaction(kept, id, txn_first_offset);
    }
    return {};
}

}  // namespace weir::storage

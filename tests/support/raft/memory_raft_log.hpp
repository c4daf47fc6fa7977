// A raft_log in memory that knows what a power cut would leave of it.
#pragma once
#include <weir/base/random.hpp>
#include <weir/protocol/records/batch.hpp>
#include <weir/protocol/records/batch_builder.hpp>
#include <weir/raft/log.hpp>

#include <algorithm>
#include <cstring>
#include <string_view>

namespace weir::testing {

/// One uncompressed batch of data records, as a controller proposes it.
inline bytes data_batch(std::span<const std::string> values) {
    protocol::batch_builder builder;
    for (const auto& value : values) *builder.append(0, std::nullopt, as_bytes(value));
    return *builder.finish();
}

class memory_raft_log : public raft::raft_log {
public:
    struct stored {
        raft::log_offset base = 0, next = 0;
        raft::quorum_epoch epoch = 0;
        std::uint32_t crc = 0;
        bytes raw;
    };

    raft::log_offset start_offset() const override { return start_.offset; }
    raft::log_offset end_offset() const override { return batches_.empty() ? start_.offset : batches_.back().next; }
    raft::log_offset flushed_offset() const override { return synced_; }
    raft::quorum_epoch last_epoch() const override { return batches_.empty() ? start_.epoch : batches_.back().epoch; }
    raft::log_position end_of_epoch(raft::quorum_epoch epoch) const override {
        for (auto it = batches_.rbegin(); it != batches_.rend(); ++it)
            if (it->epoch <= epoch) return {it->next, it->epoch};
        return start_;
    }
    result<void> append(bytes_view batch) override {
        if (fails) return error{errc::io_error, "memory log: told to fail"};
        const auto header = *protocol::batch_view::open(batch);
        batches_.push_back({header.base_offset(), header.next_offset(), header.leader_epoch(), header.crc(), to_bytes(batch)});
        return {};
    }
    result<void> truncate_to(raft::log_offset offset) override {
        while (!batches_.empty() && batches_.back().base >= offset) batches_.pop_back();
        synced_ = std::min(synced_, end_offset());
        ++generation_;
        return {};
    }
    result<bytes> read(raft::log_offset offset, std::size_t max_bytes) const override {
        bytes out;
        for (auto it = at(offset); it != batches_.end(); ++it) {
            if (!out.empty() && out.size() + it->raw.size() > max_bytes) break;
            out.insert(out.end(), it->raw.begin(), it->raw.end());
        }
        return out;
    }

    std::optional<raft::snapshot_info> latest_snapshot() const override { return newest_; }
    result<raft::snapshot_chunk> read_snapshot(const raft::snapshot_id& id, std::int64_t position,
                                               std::size_t max_bytes) const override {
        if (!newest_ || newest_->id != id) return error{errc::snapshot_not_found};
        if (position < 0 || static_cast<std::size_t>(position) >= content_.size()) return error{errc::position_out_of_range};
        const auto begin = content_.begin() + position;
        const auto count = std::min<std::size_t>(max_bytes, content_.size() - static_cast<std::size_t>(position));
        return raft::snapshot_chunk{static_cast<std::int64_t>(content_.size()),
                                    bytes(begin, begin + static_cast<std::ptrdiff_t>(count))};
    }
    result<void> receive_snapshot(const raft::snapshot_id&, std::int64_t position, bytes_view chunk) override {
        partial_.resize(static_cast<std::size_t>(position));
        partial_.insert(partial_.end(), chunk.begin(), chunk.end());
        return {};
    }
    result<raft::snapshot_info> install_snapshot(const raft::snapshot_id&) override {
        content_ = std::move(partial_);
        partial_.clear();
        newest_ = unpack(content_, state_at_start_);
        start_ = newest_->id;
        batches_.clear();
        synced_ = start_.offset;
        ++generation_;
        return *newest_;
    }

    /// A snapshot of this replica's own state; `drop_log` also forgets the log below it.
    void take_snapshot(const raft::snapshot_info& info, std::uint64_t state, bool drop_log) {
        newest_ = info;
        content_ = pack(info, state);
        if (!drop_log) return;
        std::erase_if(batches_, [&](const stored& one) { return one.next <= info.id.offset; });
        start_ = info.id;
        state_at_start_ = state;
    }
    /// As formatting leaves it: voters, no records.
    void format(const raft::voter_set& voters) { take_snapshot({{0, 0}, 1, voters}, 0, true); }

    std::uint64_t generation() const { return generation_; }
    void synced(raft::log_offset end, std::uint64_t generation) {
        if (generation == generation_) synced_ = std::max(synced_, std::min(end, end_offset()));
    }
    /// What was not flushed is gone, or some of it, oldest first, had reached the disk.
    void power_cut(random_source& random) {
        while (!batches_.empty() && batches_.back().next > synced_ && !random.chance(0.3)) batches_.pop_back();
        partial_.clear();
        synced_ = std::min(synced_, end_offset());
    }

    const std::vector<stored>& batches() const { return batches_; }
    raft::log_position start() const { return start_; }
    std::uint64_t state_at_start() const { return state_at_start_; }
    /// Hash of what lies at `offset`, 0 when it is not here.
    std::uint64_t fingerprint(raft::log_offset offset) const {
        const auto it = at(offset);
        if (it == batches_.end() || offset < start_.offset) return 0;
        return (std::uint64_t{it->crc} << 32 | static_cast<std::uint32_t>(it->epoch)) * 0x9e3779b97f4a7c15ull + it->crc +
               static_cast<std::uint64_t>(offset) + 1;
    }
    bool fails = false;

private:
    std::vector<stored>::const_iterator at(raft::log_offset offset) const {
        return std::lower_bound(batches_.begin(), batches_.end(), offset,
                                [](const stored& one, raft::log_offset wanted) { return one.next <= wanted; });
    }

    // The snapshot's bytes: fixed-size integers, enough to rebuild what a real one says.
    template <class Int>
    static void put(bytes& out, Int value) {
        const auto at = out.size();
        out.resize(at + sizeof value);
        std::memcpy(out.data() + at, &value, sizeof value);
    }
    template <class Int>
    static Int take(bytes_view& in) {
        Int value;
        std::memcpy(&value, in.data(), sizeof value);
        in = in.subspan(sizeof value);
        return value;
    }
    static bytes pack(const raft::snapshot_info& info, std::uint64_t state) {
        bytes out;
        put(out, info.id.offset);
        put(out, info.id.epoch);
        put(out, info.kraft_version);
        put(out, state);
        put(out, info.voters ? static_cast<std::int32_t>(info.voters->size()) : -1);
        if (info.voters)
            for (const auto& one : *info.voters) {
                put(out, one.key.id);
                put(out, one.key.directory.high);
                put(out, one.key.directory.low);
                put(out, one.endpoints.empty() ? std::uint16_t{0} : one.endpoints[0].port);
            }
        return out;
    }
    static raft::snapshot_info unpack(bytes_view in, std::uint64_t& state) {
        raft::snapshot_info info;
        info.id.offset = take<raft::log_offset>(in);
        info.id.epoch = take<raft::quorum_epoch>(in);
        info.kraft_version = take<std::int16_t>(in);
        state = take<std::uint64_t>(in);
        const auto count = take<std::int32_t>(in);
        if (count < 0) return info;
        std::vector<raft::voter> members;
        for (std::int32_t i = 0; i < count; ++i) {
            auto& one = members.emplace_back();
            one.key.id = take<raft::node_id>(in);
            one.key.directory.high = take<std::uint64_t>(in);
            one.key.directory.low = take<std::uint64_t>(in);
            const auto port = take<std::uint16_t>(in);
            if (port != 0) one.endpoints = {{"CONTROLLER", "localhost", port}};
        }
        info.voters = raft::voter_set{std::move(members)};
        return info;
    }

    std::vector<stored> batches_;
    raft::log_position start_;
    raft::log_offset synced_ = 0;
    std::uint64_t generation_ = 0;
    std::uint64_t state_at_start_ = 0;
    std::optional<raft::snapshot_info> newest_;
    bytes content_, partial_;
};

}  // namespace weir::testing

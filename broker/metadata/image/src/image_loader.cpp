#include <weir/metadata/image_loader.hpp>

#include <weir/metadata/image_builder.hpp>
#include <weir/metadata/metadata_frames.hpp>

#include <fmt/format.h>

namespace weir::metadata {

struct image_loader::held_back {
    std::vector<protocol::metadata_record> records;
};

struct image_loader::snapshot_in_progress {
    std::int64_t end_offset;
    provenance position;
    image_builder builder{nullptr};
};

image_loader::image_loader() : current_(std::make_shared<const image>()) {}
image_loader::~image_loader() = default;

namespace {

/// One call of apply(): works on copies, so that a bad record leaves nothing behind.
struct follower {
    image_builder builder;
    bool in_transaction;
    std::vector<protocol::metadata_record> held;
    provenance position;  // of what the builder holds
    bool advanced = false;

    result<void> take(const log_batch& batch) {
        std::int64_t offset = batch.base_offset;
        for (const auto& frame : batch.frames) {
            auto record = decode_frame(frame);
            if (!record) return at(offset, record.error());
            if (auto done = take(std::move(*record)); !done) return at(offset, done.error());
            if (!in_transaction) reached(offset, batch);
            ++offset;
        }
        if (!in_transaction) reached(batch.last_offset, batch);
        return {};
    }

private:
    result<void> take(protocol::metadata_record record) {
        if (std::holds_alternative<protocol::begin_transaction_record>(record)) {
            if (in_transaction) return error{errc::malformed, "a metadata transaction begins inside another"};
            in_transaction = true;
            return {};
        }
        const bool ends = std::holds_alternative<protocol::end_transaction_record>(record);
        if (ends || std::holds_alternative<protocol::abort_transaction_record>(record)) {
            if (!in_transaction) return error{errc::malformed, "a metadata transaction ends that never began"};
            const auto records = std::exchange(held, {});
            in_transaction = false;
            return ends ? builder.apply(records) : result<void>{};
        }
        if (in_transaction) {
            held.push_back(std::move(record));
            return {};
        }
        return builder.apply(record);
    }
    void reached(std::int64_t offset, const log_batch& batch) noexcept {
        position = {offset, batch.epoch, batch.timestamp};
        advanced = true;
    }
    static error at(std::int64_t offset, const error& why) {
        return error{why.code(), fmt::format("metadata log, offset {}: the record cannot be applied", offset), why};
    }
};

}  // namespace

result<std::optional<image_change>> image_loader::apply(std::span<const log_batch> batches) {
    follower work{image_builder{current_}, transaction_ != nullptr, {}, current_->position()};
    if (transaction_) work.held = transaction_->records;
    std::int64_t next = next_offset_;
    std::int64_t bytes = bytes_since_snapshot_;
    for (const auto& batch : batches) {
        if (batch.last_offset < next) continue;
        if (batch.base_offset > next)
            return error{errc::malformed,
                         fmt::format("metadata log: offset {} follows {}", batch.base_offset, next - 1)};
        if (auto done = work.take(batch); !done) return done.error();
        next = batch.last_offset + 1;
        for (const auto& frame : batch.frames) bytes += static_cast<std::int64_t>(frame.size());
    }
    if (work.in_transaction) {
        if (!transaction_) transaction_ = std::make_unique<held_back>();
        transaction_->records = std::move(work.held);
    } else {
        transaction_.reset();
    }
    next_offset_ = next;
    bytes_since_snapshot_ = bytes;
    if (!work.advanced) return std::optional<image_change>{};
    auto change = work.builder.build(work.position);
    current_ = change.after;
    return std::optional{std::move(change)};
}

void image_loader::begin_snapshot(std::int64_t end_offset, std::int32_t epoch, timestamp_ms timestamp) {
    snapshot_ = std::make_unique<snapshot_in_progress>();
    snapshot_->end_offset = end_offset;
    snapshot_->position = {end_offset - 1, epoch, timestamp};
}

result<void> image_loader::add_snapshot_frames(std::span<const bytes_view> frames) {
    if (!snapshot_) return error{errc::malformed, "metadata snapshot: frames without a beginning"};
    for (const auto& frame : frames) {
        auto record = decode_frame(frame);
        auto done = record ? snapshot_->builder.apply(*record) : result<void>{record.error()};
        if (!done)
            return error{
                done.code(),
                fmt::format("metadata snapshot of offset {}: a record cannot be applied", snapshot_->end_offset),
                done.error()};
    }
    return {};
}

image_change image_loader::finish_snapshot() {
    const auto loaded = std::exchange(snapshot_, nullptr);
    auto next = loaded->builder.build(loaded->position).after;
    auto change = compare_images(std::exchange(current_, next), next);
    transaction_.reset();
    next_offset_ = loaded->end_offset;
    bytes_since_snapshot_ = 0;
    return change;
}

}  // namespace weir::metadata

#include "batch_queue.hpp"

#include <weir/protocol/records/control_records.hpp>

namespace weir::coordinator {

namespace {

std::size_t size_bound(const record& r) {
    const auto value = r.value ? std::optional<bytes_view>{*r.value} : std::nullopt;
    return protocol::batch_builder::record_size_bound(bytes_view{r.key}, value, {});
}

}  // namespace

bool batch_queue::fits(const record& r) const { return protocol::batch_header_bytes + size_bound(r) <= max_bytes_; }

void batch_queue::add(const record& r, const std::optional<transaction_producer>& producer, timestamp_ms now) {
    if (open_count_ != 0 && (open_producer_ != producer || open_.uncompressed_size() + size_bound(r) > max_bytes_)) {
        seal();
    }
    if (open_count_ == 0) {
        protocol::batch_settings settings;
        settings.base_offset = next_offset_;
        if (producer) {
            settings.producer_id = producer->id;
            settings.producer_epoch = producer->epoch;
            settings.transactional = true;
        }
        open_ = protocol::batch_builder{settings};
        open_producer_ = producer;
        open_first_ = next_offset_;
    }
    const auto value = r.value ? std::optional<bytes_view>{*r.value} : std::nullopt;
    *open_.append(now, bytes_view{r.key}, value);
    ++open_count_;
    ++next_offset_;
}

void batch_queue::add_marker(const transaction_producer& producer, bool commit, std::int32_t coordinator_epoch,
                             timestamp_ms now) {
    seal();
    protocol::end_txn_settings settings;
    settings.producer_id = producer.id;
    settings.producer_epoch = producer.epoch;
    settings.marker.commit = commit;
    settings.marker.coordinator_epoch = coordinator_epoch;
    settings.timestamp = now;
    settings.base_offset = next_offset_;
    sealed_.push_back({protocol::build_end_txn_batch(settings), next_offset_, next_offset_ + 1});
    ++next_offset_;
}

sealed_batch batch_queue::take() {
    if (sealed_.empty()) seal();
    auto oldest = std::move(sealed_.front());
    sealed_.pop_front();
    return oldest;
}

void batch_queue::seal() {
    if (open_count_ == 0) return;
    auto content = open_.finish();
    sealed_.push_back({std::move(*content), open_first_, next_offset_});
    open_count_ = 0;
}

}  // namespace weir::coordinator

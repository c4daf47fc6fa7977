// Applies metadata records to an image: the only code that changes what the cluster looks like.
#pragma once
#include <weir/base/error.hpp>
#include <weir/metadata/image.hpp>
#include <weir/metadata/image_change.hpp>
#include <weir/protocol/metadata_record_types.hpp>

#include <memory>
#include <span>
#include <vector>

namespace weir::metadata {

/// One round of changes: made of an image, fed with records, ends in the next image. Costs what the records touch, plus
/// one pointer per 64 topics when topics change.
class image_builder {
public:
    /// `base` null: start from nothing.
    explicit image_builder(image_ref base);
    image_builder(image_builder&&) noexcept;
    image_builder& operator=(image_builder&&) noexcept;
    ~image_builder();

    /// errc::malformed names the record and what does not fit (a partition of an unknown topic, ...); then nothing of
    /// this record was applied. Transaction markers and no-ops change nothing here: image_loader understands them.
    result<void> apply(const protocol::metadata_record& record);
    result<void> apply(std::span<const protocol::metadata_record> records);

    /// The next image with `position`, and what was touched. The builder is empty afterwards.
    image_change build(const provenance& position);

private:
    struct state;
    std::unique_ptr<state> state_;
};

/// The common case: `records` on top of `base`, as the records before `position.offset` were.
result<image_ref> apply_records(image_ref base, std::span<const protocol::metadata_record> records,
                                const provenance& position);

/// What a PartitionChangeRecord does to its partition.
void apply_change(partition& into, const protocol::partition_change_record& change);
/// One partition as the record that makes it.
protocol::partition_record to_record(const uuid& topic, std::int32_t index, const partition& of);

/// The records that make `of` out of nothing, in Kafka's order: features first, then brokers, controllers, topics with
/// their partitions, configs, quotas, producer ids, ACLs, credentials, tokens. Applying them gives an equal image.
std::vector<protocol::metadata_record> write_snapshot(const image& of);

}  // namespace weir::metadata

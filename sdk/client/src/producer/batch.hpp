// The records on their way to one partition, and the op behind each of them.
#pragma once
#include "../op_state.hpp"

#include <weir/producer.hpp>
#include <weir/protocol/records/batch_builder.hpp>

namespace weir::detail {

/// Filled under the accumulator's lock, then the sender's alone, on its loop; ends once. An op's index is the record's.
/// One that a broker finds too large is split: its parts are sent in its place, and it ends with the last of them.
class batch final : public op_signal {
public:
    batch(std::shared_ptr<callbacks> strand, std::string topic, std::int32_t partition, const protocol::batch_settings& settings, time_point now, std::uint64_t id, bytes room = {})
        : op_signal(strand), topic(std::move(topic)), partition(partition), created(now), id(id), builder(settings, std::move(room)), strand_(std::move(strand)) {}

    std::uint32_t append(timestamp_ms time, const std::optional<bytes_view>& key, const std::optional<bytes_view>& value, std::span<const protocol::header_view> headers,
                         std::size_t charge) {
        if (!builder.append(time, key, value, headers)) [[unlikely]] return std::numeric_limits<std::uint32_t>::max();
        if (times_.empty() || times_.back().second != time) [[unlikely]] times_.emplace_back(count, time);
        charged += charge;
        return static_cast<std::uint32_t>(count++);
    }
    /// Compresses and frames it, once; again only replaces the producer's fields.
    result<void> seal(std::int64_t producer_id, std::int16_t epoch, std::int32_t sequence);
    void succeed(std::int64_t base_offset, timestamp_ms append_time);
    void fail(error why);
    void take(std::uint32_t index, void* into) override;
    /// Of one that has ended: the memory of its bytes, unless a write still reads them.
    bytes surrender();
    /// Some record's outcome interests nobody so far.
    bool unattended() const { return whole_ ? whole_->unattended() : awaited() < static_cast<std::size_t>(count); }
    /// A sealed batch of several records in two sealed halves. errc::invalid_record when it does not read back.
    result<std::vector<std::shared_ptr<batch>>> split(const std::shared_ptr<batch>& self, const protocol::batch_settings& settings);
    /// What this is a part of, or nullptr; asked once, when this has ended.
    std::shared_ptr<batch> leave_whole() noexcept { return std::exchange(whole_, nullptr); }
    std::string partition_name() const { return topic + '-' + std::to_string(partition); }
    /// Where it stands among the batches of its partition.
    auto place() const noexcept { return std::pair{id, first_}; }

    const std::string topic;
    const std::int32_t partition;
    const time_point created;
    const std::uint64_t id;  ///< counts up in the order of creation
    std::int32_t count = 0;
    std::size_t charged = 0;  ///< of the byte budget
    std::int32_t weight = 1;  ///< in batches of ordinary size
    protocol::batch_builder builder;
    // --- the sender's ---
    std::shared_ptr<bytes> encoded;  ///< shared with the writes under way
    std::size_t uncompressed = 0;    ///< bytes, once sealed
    std::int64_t producer_id = -1;
    std::int16_t epoch = -1;
    std::int32_t sequence = -1;
    int attempts = 0;
    int sent = 0;  ///< of these, how often it got as far as a connection
    bool doubtful = false;  ///< some attempt was never answered, and may still come to something
    error last_failure;

private:
    void end();

    std::shared_ptr<callbacks> strand_;
    std::shared_ptr<batch> whole_;
    std::vector<std::shared_ptr<batch>> parts_;
    std::size_t parts_left_ = 0;
    std::uint32_t first_ = 0;  // in the batch it once was a part of
    std::vector<std::pair<std::int32_t, timestamp_ms>> times_;  // of the records from that index on
    std::int64_t base_offset_ = -1;
    timestamp_ms append_time_ = no_timestamp;
    error why_;
};
using batch_ptr = std::shared_ptr<batch>;

}  // namespace weir::detail

#include "log_loader.hpp"

#include <weir/protocol/records/control_records.hpp>
#include <weir/protocol/records/record_reader.hpp>

#include <fmt/format.h>

namespace weir::coordinator {

namespace {

/// Bytes replayed in one turn of the loop: some milliseconds.
constexpr std::size_t bytes_per_turn = 256 * 1024;

/// Lets what is posted on the loop run first.
struct next_turn {
    event_loop& loop;
    explicit next_turn(event_loop& loop) noexcept : loop(loop) {}
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> waiter) const {
        loop.post(detail::resumption{waiter});
    }
    void await_resume() const noexcept {}
};

/// Replays batches of `chunk` from `offset` on until the turn's share is done; returns bytes consumed.
class chunk_replay {
public:
    chunk_replay(state_machine& machine, load_report& report) : machine_(machine), report_(report) {}

    result<std::size_t> some(bytes_view chunk) {
        std::size_t done = 0;
        while (done < chunk.size() && done < bytes_per_turn) {
            const auto batch = protocol::batch_view::open(chunk.subspan(done));
            // Reads hand out whole batches, but for a cut one at the end that the next read brings again.
            if (!batch && batch.code() == errc::incomplete && done != 0) return done;
            if (!batch) return batch.error();
            if (!batch->crc_matches()) return error{errc::corrupt_message, "the checksum of a batch does not match"};
            if (batch->next_offset() > report_.next_offset) {
                if (auto replayed = replay(*batch); !replayed) return replayed.error();
                report_.next_offset = batch->next_offset();
            }
            done += batch->size();
        }
        return done;
    }

private:
    result<void> replay(const protocol::batch_view& batch) {
        auto records = reader_.records(batch);
        if (!records) return records.error();
        const auto producer_id = batch.transactional() ? batch.producer_id() : std::int64_t{-1};
        for (const auto& r : *records) {
            if (r.offset < report_.next_offset) continue;
            ++report_.records;
            if (batch.control()) {
                const auto marker = protocol::read_end_txn_marker(r);
                if (marker) machine_.replay_marker(batch.producer_id(), marker->commit);
            } else if (r.key) {
                machine_.replay(r.offset, producer_id, *r.key, r.value);
            }
        }
        report_.bytes += batch.size();
        return {};
    }

    state_machine& machine_;
    load_report& report_;
    protocol::record_reader reader_;
};

}  // namespace

task<result<load_report>> load_log(event_loop& loop, std::shared_ptr<partition_store> store, state_machine& machine,
                                   std::string partition, std::int32_t read_bytes,
                                   std::shared_ptr<const bool> goes_on) {
    load_report report;
    report.next_offset = store->log_start_offset();
    chunk_replay replay{machine, report};
    while (*goes_on && report.next_offset < store->log_end_offset()) {
        const auto chunk = co_await store->read(report.next_offset, read_bytes);
        if (!chunk) {
            co_return error{chunk.code(), fmt::format("{}: cannot read at offset {}", partition, report.next_offset),
                            chunk.error()};
        }
        if (chunk->empty()) break;
        std::size_t at = 0;
        const auto before = report.next_offset;
        while (at < chunk->size() && *goes_on) {
            const auto consumed = replay.some(bytes_view{*chunk}.subspan(at));
            if (!consumed && consumed.code() == errc::incomplete && report.next_offset > before) break;
            if (!consumed) {
                co_return error{
                    errc::corrupt_message,
                    fmt::format("{}: the batch at or after offset {} does not read; restore the partition from a "
                                "replica",
                                partition, report.next_offset),
                    consumed.error()};
            }
            at += *consumed;
            co_await next_turn{loop};
        }
        if (report.next_offset == before && *goes_on) {
            co_return error{errc::corrupt_message,
                            fmt::format("{}: a read at offset {} brought nothing of it", partition, before)};
        }
    }
    if (!*goes_on) co_return error{errc::cancelled, partition};
    // A log may end in offsets without records, after compaction.
    report.next_offset = std::max(report.next_offset, store->log_end_offset());
    co_return report;
}

}  // namespace weir::coordinator

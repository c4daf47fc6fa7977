// Appending: what is checked (of single records: record_rules.hpp) and stamped, when a segment is full, and the one write.
#include "log_state.hpp"
#include "record_rules.hpp"

#include <weir/protocol/records/control_records.hpp>
#include <weir/protocol/records/produced.hpp>
#include <weir/protocol/records/recompress.hpp>
#include <weir/protocol/records/record_set.hpp>

#include <algorithm>
#include <limits>

namespace weir::storage {
namespace {

using protocol::batch_view;

constexpr std::int16_t log_append_time_bit = 0x8;

std::uint64_t mix(std::uint64_t value) noexcept {
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    return value ^ (value >> 31);
}

}  // namespace

void partition_log::state::stamp(mutable_bytes batch, const protocol::record_summary& records,
                                 timestamp_ms now) const {
    if (appending.stamps_append_time) return protocol::stamp_append_time(batch, now);
    const auto attributes = load_big_endian<std::int16_t>(batch.data() + 21);
    const auto stated = load_big_endian<std::int64_t>(batch.data() + 35);
    if (stated == records.max_timestamp && (attributes & log_append_time_bit) == 0) return;
    // Kafka does not believe these two fields either, it overwrites them.
    store_big_endian(batch.data() + 21, static_cast<std::int16_t>(attributes & ~log_append_time_bit));
    store_big_endian(batch.data() + 35, records.max_timestamp);
    protocol::refresh_crc(batch);
}

result<partition_log::state::marker> partition_log::state::read_marker(const batch_view& batch) {
    marker found;
    // KRaft control batches carry no producer; they end no transaction.
    if (!batch.control() || !batch.has_producer_id()) return found;
    protocol::record_cursor records{batch, batch.payload()};
    protocol::record_view record;
    if (!records.next(record)) {
        if (auto why = records.failure()) return why;
        return found;  // compaction leaves empty control batches
    }
    const auto type = protocol::read_control_type(record);
    if (!type) return type.error();
    if (*type != protocol::control_type::commit && *type != protocol::control_type::abort) return found;
    const auto end = protocol::read_end_txn_marker(record);
    if (!end) return end.error();
    return marker{true, end->commit, end->coordinator_epoch};
}

result<append_outcome> partition_log::state::append(mutable_bytes input, std::int32_t leader_epoch,
                                                    append_origin origin, std::vector<record_refusal>* refused) {
    if (auto ready = refuse_when_offline(); !ready) return ready.error();
    if (origin != append_origin::raft && input.size() >= protocol::batch_frame_bytes) {
        const auto length = std::int64_t{load_big_endian<std::int32_t>(input.data() + 8)} + 12;
        if (length > config.max_message_bytes && length <= static_cast<std::int64_t>(input.size()))
            return error{errc::message_too_large,
                         name() + ": a batch of " + std::to_string(length) +
                             " bytes is above max.message.bytes=" + std::to_string(config.max_message_bytes)};
    }
    // 1: Is it sound? The summary comes from the records themselves, never from the header alone.
    protocol::record_summary records;
    std::size_t size = 0;
    const auto now = time.wall_now();
    if (origin == append_origin::client) {
        protocol::produce_rules rules;
        rules.transactional_id_present = true;  // for the request handler to check
        const auto checked = protocol::check_produced(input, rules);
        if (!checked) return checked.error();
        records = checked->summary;
        size = checked->batch.size();
        if (const record_rules rules{appending, now}; !rules.surely_kept(checked->batch, records))
            if (auto why = rules.refuse(name(), checked->batch, refused)) return why;
    } else {
        const auto opened = batch_view::open(input);
        if (!opened) return opened.error();
        if (!opened->crc_matches())
            return error{errc::corrupt_message, name() + ": the checksum of a batch from this broker itself is wrong"};
        records.max_timestamp = records.min_timestamp = opened->max_timestamp();
        size = opened->size();
    }
    auto batch = input.first(size);

    // 2: Stamped and encoded as the topic wants it.
    append_outcome outcome;
    bytes encoded_anew;
    if (origin != append_origin::raft) {
        if (origin == append_origin::client || appending.stamps_append_time) {
            stamp(batch, records, now);
            if (appending.stamps_append_time) outcome.append_time = now;
        }
        const auto codec = appending.codec;
        const auto view = batch_view::open(batch);
        if (codec && !view->control() && view->codec_bits() != static_cast<std::uint8_t>(*codec)) {
            thread_local protocol::record_reader reader;
            auto changed = protocol::recompress(*view, *codec, appending.level, reader);
            if (!changed) return changed.error();
            encoded_anew = std::move(*changed);
            batch = encoded_anew;
            if (batch.size() > static_cast<std::size_t>(config.max_message_bytes))
                return error{errc::message_too_large,
                             name() + ": a batch grew to " + std::to_string(batch.size()) +
                                 " bytes when it was encoded as " + config.compression_type +
                                 ", above max.message.bytes=" + std::to_string(config.max_message_bytes)};
        }
    }
    if (batch.size() > static_cast<std::size_t>(config.segment_bytes))
        return error{errc::record_list_too_large,
                     name() + ": a batch of " + std::to_string(batch.size()) +
                         " bytes does not fit segment.bytes=" + std::to_string(config.segment_bytes)};

    // 3: Its place in the log, and what its producer did before.
    if (origin != append_origin::raft) {
        protocol::patch_base_offset(batch, log_end);
        protocol::patch_leader_epoch(batch, leader_epoch);
    }
    const auto view = batch_view::open(batch);
    if (!view) return view.error();
    auto header = header_of(*view, 0);
    if (header.base_offset < log_end || header.last_offset_delta < 0)
        return error{errc::invalid_record, name() + ": a batch at offset " + std::to_string(header.base_offset) +
                                               " cannot follow offset " + std::to_string(log_end - 1)};
    const auto control = read_marker(*view);
    if (!control) return control.error();
    if (origin != append_origin::raft && header.producer_id >= 0) {
        if (control->is_end) {
            if (auto allowed =
                    producers.check_marker(header.producer_id, header.producer_epoch, control->coordinator_epoch);
                !allowed)
                return error{allowed.code(), name() + ": " + std::string{allowed.error().what()}};
        } else {
            const auto repeated = producers.check(header);
            if (!repeated) return error{repeated.code(), name() + ": " + std::string{repeated.error().what()}};
            if (*repeated) {
                outcome.first_offset = (*repeated)->first_offset();
                outcome.last_offset = (*repeated)->last_offset;
                outcome.append_time = (*repeated)->timestamp;  // whoever's clock that is, as in Kafka
                outcome.log_start_offset = log_start;
                outcome.duplicate = true;
                return outcome;
            }
        }
    }

    // 4: Written, and only then remembered.
    if (auto rolled = roll_for(header); !rolled) return rolled.error();
    header.position = active()->size();
    if (epochs.begin(header.leader_epoch, header.base_offset)) epochs_written = false;
    if (auto written = write(header, batch); !written) return written.error();
    if (auto remembered = remember(header, *control, *active()); !remembered) return fail(remembered.error());
    publish();
    outcome.first_offset = header.base_offset;
    outcome.last_offset = header.last_offset();
    outcome.log_start_offset = log_start;
    return outcome;
}

result<append_outcome> partition_log::state::append_replicated(bytes_view batches) {
    if (auto ready = refuse_when_offline(); !ready) return ready.error();
    append_outcome outcome;
    outcome.log_start_offset = log_start;
    while (batches.size() >= protocol::batch_frame_bytes) {
        const auto view = batch_view::open(batches);
        if (!view) {
            if (view.code() == errc::incomplete) break;  // the usual end of a fetch
            return view.error();
        }
        if (!view->crc_matches())
            return error{errc::corrupt_message, name() + ": the checksum of the batch at offset " +
                                                    std::to_string(view->base_offset()) + " from the leader is wrong"};
        auto header = header_of(*view, 0);
        if (header.base_offset < log_end || header.last_offset_delta < 0)
            return error{errc::offset_out_of_range,
                         name() + ": a batch at offset " + std::to_string(header.base_offset) +
                             " came from the leader, the log goes on at " + std::to_string(log_end)};
        const auto control = read_marker(*view);
        if (!control) return control.error();
        if (auto rolled = roll_for(header); !rolled) return rolled.error();
        header.position = active()->size();
        if (epochs.begin(header.leader_epoch, header.base_offset)) epochs_written = false;
        if (auto written = write(header, view->whole()); !written) return written.error();
        if (auto remembered = remember(header, *control, *active()); !remembered) return fail(remembered.error());
        if (outcome.first_offset < 0) outcome.first_offset = header.base_offset;
        outcome.last_offset = header.last_offset();
        batches = batches.subspan(view->size());
    }
    publish();
    return outcome;
}

result<void> partition_log::state::remember(const batch_header& batch, const marker& control, segment& home) {
    if (batch.producer_id < 0) return {};
    if (!control.is_end) {
        if (!batch.control()) producers.apply(batch);
        return {};
    }
    const auto ended = producers.apply_marker(batch, control.commit, control.coordinator_epoch);
    if (!ended || !ended->aborted) return {};
    return home.transactions().append(
        {ended->producer_id, ended->first_offset, ended->last_offset, producers.stable_after(*ended)});
}

result<void> partition_log::state::roll_for(const batch_header& batch) {
    auto* last = active();
    if (last != nullptr && !sealed) {
        const auto fits = [&]() -> result<bool> {
            if (batch.last_offset() - last->base_offset() > std::numeric_limits<std::int32_t>::max()) return false;
            if (last->size() == 0) return true;
            if (last->size() + batch.size > static_cast<std::uint64_t>(config.segment_bytes)) return false;
            if (last->indexes_full(config.segment_index_bytes)) return false;
            const auto began = last->first_timestamp();
            if (!began) return began.error();
            if (*began < 0 || batch.max_timestamp < 0) return true;
            return batch.max_timestamp - *began <= max_segment_age(last->base_offset());
        }();
        if (!fits) return fail(fits.error());
        if (*fits) return {};
        if (auto closed = seal(); !closed) return closed;
    }
    // It begins where the log ends, even when the batch leaves a gap: recovery takes a gap between segments for a loss.
    return begin_segment(batch.last_offset() - log_end > std::numeric_limits<std::int32_t>::max() ? batch.base_offset
                                                                                                  : log_end);
}

std::int64_t partition_log::state::max_segment_age(std::int64_t base_offset) const noexcept {
    const auto oldest = appending.max_segment_age;
    const auto spread = appending.segment_jitter.count();
    if (spread <= 0) return oldest.count();
    const auto seed = std::hash<std::string>{}(topic) ^ (static_cast<std::uint64_t>(partition) << 32) ^
                      static_cast<std::uint64_t>(base_offset);
    return oldest.count() - static_cast<std::int64_t>(mix(seed) % static_cast<std::uint64_t>(spread));
}

// Closes the active segment: its indexes go to the disk, and the producers as they are at its end, so that a restart
// need not read it.
result<void> partition_log::state::seal() {
    auto* last = active();
    if (last == nullptr || sealed) return {};
    const auto storage_error = [this](const error& why) {
        return error{errc::kafka_storage_error, name() + ": the segment could not be closed", why};
    };
    auto touched = last->finish_indexes();
    if (!touched) return storage_error(touched.error());
    if (config.preallocate) {
        const auto file = last->log_file();
        if (!file) return storage_error(file.error());
        if (auto cut = (*file)->truncate(last->size()); !cut) return storage_error(cut.error());
    }
    for (auto& file : *touched) unsynced.push_back(std::move(file));
    if (auto file = last->log_file(); file) unsynced.push_back(*file);
    if (auto written = write_snapshot(); !written) return storage_error(written.error());
    recent.clear();
    pinned = nullptr;
    sealed = true;
    return {};
}

result<void> partition_log::state::begin_segment(std::int64_t base_offset) {
    auto fresh = std::make_unique<segment>(folder, base_offset);
    const auto opened = fresh->log_file(open_mode::create);
    if (!opened) return error{errc::kafka_storage_error, name() + ": no new segment could be made", opened.error()};
    if (config.preallocate)
        if (auto sized = (*opened)->truncate(static_cast<std::uint64_t>(config.segment_bytes)); !sized)
            return error{errc::kafka_storage_error, name() + ": no new segment could be made", sized.error()};
    segments.push_back(std::move(fresh));
    names_unsynced = true;
    sealed = false;
    recent.clear();
    pinned = nullptr;
    return {};
}

result<void> partition_log::state::write(const batch_header& batch, bytes_view content) {
    auto& last = *active();
    const auto opened = pinned ? result<file_ptr>{pinned} : last.log_file();
    if (!opened) return fail(opened.error());
    untouched = false;
    if (auto written = (*opened)->write_at(batch.position, content); !written) {
        // On a full disk the log can go on once there is room, provided that the torn batch is gone.
        const auto trimmed = (*opened)->truncate(batch.position);
        if (written.code() != errc::no_space || !trimmed) return fail(written.error());
        return error{errc::kafka_storage_error, name() + ": the disk is full, nothing was written", written.error()};
    }
    if (!epochs_written)
        if (auto noted = write_epochs(); !noted) {
            static_cast<void>((*opened)->truncate(batch.position).has_value());
            return error{errc::kafka_storage_error, name() + ": the leader epoch could not be noted", noted.error()};
        }
    if (auto noted = last.added(batch); !noted) return fail(noted.error());
    if (config.flush_before_ack) pinned = *opened;
    recent.push(batch.base_offset, batch.last_offset(), batch.position);
    total_bytes += batch.size;
    log_end = batch.next_offset();
    unflushed_records += batch.last_offset_delta + 1;
    return {};
}

}  // namespace weir::storage

#include "log_dump.hpp"

#include "../arguments.hpp"
#include "segment_file.hpp"

#include <fmt/format.h>

#include <iterator>

namespace weir::tools {

using namespace protocol;

namespace {

std::string_view name_of(std::optional<timestamp_type> type) {
    if (!type) return "NoTimestampType";
    return *type == timestamp_type::create_time ? "CreateTime" : "LogAppendTime";
}

std::string codec_of(unsigned bits) {
    const auto known = codec_from_bits(bits);
    return known ? std::string{codec_name(*known)} : fmt::format("unknown({})", bits);
}

std::size_t size_of(const std::optional<bytes_view>& part) { return part ? part->size() : 0; }

class dumper {
public:
    dumper(const std::string& path, const log_dump_settings& how, output& out, findings& wrong)
        : path_(path), how_(how), out_(out), wrong_(wrong) {}

    void batch(const set_entry& entry, std::uint64_t position) {
        line_.clear();
        if (out_.json()) open_batch_json(entry, position);
        else batch_text(entry, position);
        if (how_.deep) {
            if (out_.json()) {
                document_.key("records");
                document_.begin_array();
            }
            records(entry);
            if (out_.json()) document_.end_array();
        }
        if (out_.json()) {
            document_.end_object();
            out_.line(std::exchange(document_, json_writer{}));
        }
    }

private:
    struct batch_facts {
        std::optional<timestamp_type> time_type;
        timestamp_ms timestamp;
        unsigned codec_bits;
        std::uint32_t crc;
    };
    static batch_facts facts_of(const set_entry& entry) {
        if (const auto* b = entry.batch()) return {b->time_type(), b->max_timestamp(), b->codec_bits(), b->crc()};
        const auto* l = entry.legacy();
        return {l->time_type(), l->timestamp(), l->codec_bits(), l->crc()};
    }

    void batch_text(const set_entry& entry, std::uint64_t position) {
        auto to = std::back_inserter(line_);
        if (const auto* b = entry.batch()) {
            const auto horizon = b->delete_horizon();
            fmt::format_to(to,
                           "baseOffset: {} lastOffset: {} count: {} baseSequence: {} lastSequence: {} producerId: {} producerEpoch: {} "
                           "partitionLeaderEpoch: {} isTransactional: {} isControl: {} deleteHorizonMs: {}",
                           b->base_offset(), b->last_offset(), b->record_count(), b->base_sequence(), b->last_sequence(), b->producer_id(),
                           b->producer_epoch(), b->leader_epoch(), b->transactional(), b->control(),
                           horizon ? fmt::format("OptionalLong[{}]", *horizon) : "OptionalLong.empty");
        } else {
            fmt::format_to(to, "offset: {}", entry.last_offset());
        }
        const auto facts = facts_of(entry);
        const auto valid = entry.crc_matches();
        fmt::format_to(to, " position: {} {}: {} size: {} magic: {} compresscodec: {} crc: {} isvalid: {}", position, name_of(facts.time_type),
                       facts.timestamp, entry.size(), entry.magic(), codec_of(facts.codec_bits), facts.crc, valid);
        out_.line(valid ? line_ : painted(out_, colour::red, line_));
    }

    void number(std::string_view name, std::int64_t value) {
        document_.key(name);
        document_.number(value);
    }
    void truth(std::string_view name, bool value) {
        document_.key(name);
        document_.boolean(value);
    }
    void word(std::string_view name, std::string_view value) {
        document_.key(name);
        document_.string(value);
    }

    void open_batch_json(const set_entry& entry, std::uint64_t position) {
        document_.begin_object();
        word("file", path_);
        number("position", static_cast<std::int64_t>(position));
        if (const auto* b = entry.batch()) {
            number("baseOffset", b->base_offset());
            number("lastOffset", b->last_offset());
            number("count", b->record_count());
            number("baseSequence", b->base_sequence());
            number("lastSequence", b->last_sequence());
            number("producerId", b->producer_id());
            number("producerEpoch", b->producer_epoch());
            number("partitionLeaderEpoch", b->leader_epoch());
            truth("isTransactional", b->transactional());
            truth("isControl", b->control());
            if (const auto horizon = b->delete_horizon()) number("deleteHorizonMs", *horizon);
        } else {
            number("offset", entry.last_offset());
        }
        const auto facts = facts_of(entry);
        word("timestampType", name_of(facts.time_type));
        number("timestamp", facts.timestamp);
        number("size", static_cast<std::int64_t>(entry.size()));
        number("magic", entry.magic());
        word("compressCodec", codec_of(facts.codec_bits));
        number("crc", facts.crc);
        truth("isValid", entry.crc_matches());
    }

    void unreadable(const set_entry& entry, const error& why) {
        wrong_.push_back(fmt::format("{}: the records of the batch that ends at offset {} cannot be read: {}", path_, entry.last_offset(), why.message()));
    }

    void records(const set_entry& entry) {
        if (const auto* l = entry.legacy()) {
            auto read = legacy_.read(*l);
            if (!read) return unreadable(entry, read.error());
            for (const auto& each : *read) record(entry, each);
            return;
        }
        auto cursor = reader_.open(*entry.batch());
        if (!cursor) return unreadable(entry, cursor.error());
        record_view each;
        while (cursor->next(each)) record(entry, each);
        if (cursor->failed()) unreadable(entry, cursor->failure());
    }

    void record(const set_entry& entry, const record_view& each) {
        if (each.offset != last_offset_ + 1) jumps_.emplace_back(last_offset_, each.offset);
        last_offset_ = each.offset;
        if (out_.json()) record_json(entry, each);
        else record_text(entry, each);
    }

    void record_text(const set_entry& entry, const record_view& each) {
        line_.clear();
        auto to = std::back_inserter(line_);
        const bool control = entry.batch() && entry.batch()->control();
        if (!how_.skip_record_metadata) {
            fmt::format_to(to, "| offset: {} {}: {} keySize: {} valueSize: {}", each.offset, name_of(facts_of(entry).time_type), each.timestamp,
                           each.key ? static_cast<std::int64_t>(each.key->size()) : -1, each.value ? static_cast<std::int64_t>(each.value->size()) : -1);
            if (entry.batch()) {
                fmt::format_to(to, " sequence: {} headerKeys: [", each.sequence);
                bool first = true;
                for (const auto& header : each.headers) {
                    if (!std::exchange(first, false)) line_ += ',';
                    line_ += header.key;
                }
                line_ += ']';
            } else {
                fmt::format_to(to, " isValid: {} crc: {}", entry.crc_matches(), load_big_endian<std::uint32_t>(each.encoded.data() + 12));
            }
            if (control) line_ += describe_control(each);
        }
        if (how_.print_data && !control) {
            const auto found = how_.decoder.decode(each);
            std::string_view prefix = how_.skip_record_metadata ? "| " : " ";
            if (found.key) {
                fmt::format_to(to, "{}key: {}", prefix, *found.key);
                prefix = " ";
            }
            if (found.payload) fmt::format_to(to, "{}payload: {}", prefix, *found.payload);
        }
        out_.line(line_);
    }

    void record_json(const set_entry& entry, const record_view& each) {
        document_.begin_object();
        const bool control = entry.batch() && entry.batch()->control();
        if (!how_.skip_record_metadata) {
            number("offset", each.offset);
            number("timestamp", each.timestamp);
            number("keySize", each.key ? static_cast<std::int64_t>(size_of(each.key)) : -1);
            number("valueSize", each.value ? static_cast<std::int64_t>(size_of(each.value)) : -1);
            if (entry.batch()) {
                number("sequence", each.sequence);
                document_.key("headerKeys");
                document_.begin_array();
                for (const auto& header : each.headers) document_.string(header.key);
                document_.end_array();
            }
            if (control) word("control", std::string_view{describe_control(each)}.substr(1));
        }
        if (how_.print_data && !control) {
            const auto found = how_.decoder.decode(each);
            const auto part = [&](std::string_view name, const std::optional<std::string>& text) {
                document_.key(name);
                if (!text || (found.json && *text == "<DELETE>")) document_.null();
                else if (found.json) document_.raw(*text);
                else document_.string(*text);
            };
            part("key", found.key);
            part("payload", found.payload);
        }
        document_.end_object();
    }

public:
    /// Kafka's text for jumps of offsets, which compaction leaves.
    void close() {
        if (jumps_.empty()) return;
        auto text = "Non-consecutive offsets in " + path_;
        for (const auto& [before, after] : jumps_) text += fmt::format("\n  {} is followed by {}", before, after);
        wrong_.push_back(std::move(text));
    }

private:
    const std::string& path_;
    const log_dump_settings& how_;
    output& out_;
    findings& wrong_;
    std::string line_;
    json_writer document_;
    record_reader reader_;
    legacy_reader legacy_;
    std::int64_t last_offset_ = -1;
    std::vector<std::pair<std::int64_t, std::int64_t>> jumps_;
};

/// The line that says which part of the log the file is.
std::string headline(std::string_view name) {
    if (name == "bootstrap.checkpoint") return "KRaft bootstrap snapshot";
    const auto stem = name.substr(0, name.find('.'));
    if (name.ends_with(".checkpoint")) {
        const auto dash = stem.find('-');
        const auto offset = parse_number(stem.substr(0, dash));
        const auto epoch = dash == stem.npos ? std::nullopt : parse_number(stem.substr(dash + 1));
        if (!offset || !epoch) return {};
        return fmt::format("Snapshot end offset: {}, epoch: {}", *offset, *epoch);
    }
    const auto offset = parse_number(stem);
    return offset ? fmt::format("Log starting offset: {}", *offset) : std::string{};
}

}  // namespace

result<void> dump_log_file(file_system& files, const std::string& path, const log_dump_settings& how, output& out, findings& wrong) {
    const std::string_view name = std::string_view{path}.substr(path.find_last_of('/') + 1);
    const auto first = headline(name);
    if (first.empty()) return error{errc::malformed, path + ": the name does not say which offset the file begins with, as in 00000000000000000000.log"};
    if (!out.json()) out.line(first);
    auto segment = segment_file::open(files, path, 0, how.max_bytes);
    if (!segment) return segment.error();
    dumper each{path, how, out, wrong};
    progress bar{std::string{name}, static_cast<std::int64_t>(std::min(segment->file_bytes(), how.max_bytes))};
    for (;;) {
        auto next = segment->next();
        if (!next) return next.error();
        if (!*next) break;
        each.batch((*next)->batch, (*next)->position);
        if (!out.terminal()) bar.at(static_cast<std::int64_t>(segment->position()));
    }
    bar.clear();
    each.close();
    const auto trailing = segment->file_bytes() - segment->position();
    if (trailing > 0 && how.max_bytes == ~std::uint64_t{0}) {
        const auto text = fmt::format("Found {} invalid bytes at the end of {}", trailing, name);
        if (out.json()) wrong.push_back(text);
        else out.line(text);
    }
    return {};
}

}  // namespace weir::tools

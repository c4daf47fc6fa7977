// What the load generator says to a broker: Kafka requests as bytes, built once where possible. No dependency on ours,
// so that both brokers get the same bytes from the same program.
#pragma once
#include <array>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace load {

[[noreturn]] inline void fail(const std::string& why) {
    std::fprintf(stderr, "load: %s\n", why.c_str());
    std::exit(1);
}

inline std::uint32_t crc32c(const char* data, std::size_t size) {
    static const auto table = [] {
        std::array<std::uint32_t, 256> made{};
        for (std::uint32_t byte = 0; byte < 256; byte++) {
            std::uint32_t value = byte;
            for (int bit = 0; bit < 8; bit++) value = (value >> 1) ^ (value & 1 ? 0x82F63B78u : 0);
            made[byte] = value;
        }
        return made;
    }();
    std::uint32_t crc = ~0u;
    for (std::size_t i = 0; i < size; i++) crc = table[(crc ^ static_cast<unsigned char>(data[i])) & 0xFF] ^ (crc >> 8);
    return ~crc;
}

class writer {
public:
    template <class Int>
    writer& put(Int value) {
        for (int shift = static_cast<int>(sizeof(Int)) * 8 - 8; shift >= 0; shift -= 8)
            bytes.push_back(static_cast<char>(static_cast<std::uint64_t>(value) >> shift));
        return *this;
    }
    writer& unsigned_varint(std::uint64_t value) {
        for (; value > 0x7F; value >>= 7) bytes.push_back(static_cast<char>(value | 0x80));
        bytes.push_back(static_cast<char>(value));
        return *this;
    }
    writer& varint(std::int64_t value) {
        return unsigned_varint((static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
    }
    writer& text(std::string_view value) { return put(static_cast<std::int16_t>(value.size())).raw(value); }
    writer& raw(std::string_view value) { bytes.append(value); return *this; }
    template <class Int>
    void overwrite(std::size_t at, Int value) {
        for (std::size_t i = 0; i < sizeof(Int); i++)
            bytes[at + i] = static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * (sizeof(Int) - 1 - i)));
    }
    std::string bytes;
};

template <class Int>
Int read_int(const char* at) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof(Int); i++) value = value << 8 | static_cast<unsigned char>(at[i]);
    return static_cast<Int>(value);
}

/// An uncompressed batch of `values`, as a producer sends it.
inline std::string make_batch(const std::vector<std::string>& values, std::int64_t timestamp_ms) {
    writer out;
    out.put<std::int64_t>(0).put<std::int32_t>(0).put<std::int32_t>(-1).put<std::int8_t>(2).put<std::uint32_t>(0);
    out.put<std::int16_t>(0).put(static_cast<std::int32_t>(values.size()) - 1).put(timestamp_ms).put(timestamp_ms);
    out.put<std::int64_t>(-1).put<std::int16_t>(-1).put<std::int32_t>(-1).put(static_cast<std::int32_t>(values.size()));
    writer record;
    for (std::size_t i = 0; i < values.size(); i++) {
        record.bytes.clear();
        record.put<std::int8_t>(0).varint(0).varint(static_cast<std::int64_t>(i)).varint(-1);
        record.varint(static_cast<std::int64_t>(values[i].size())).raw(values[i]).varint(0);
        out.varint(static_cast<std::int64_t>(record.bytes.size())).raw(record.bytes);
    }
    out.overwrite(8, static_cast<std::int32_t>(out.bytes.size() - 12));
    out.overwrite(17, crc32c(out.bytes.data() + 21, out.bytes.size() - 21));
    return std::move(out.bytes);
}

inline writer header(std::int16_t api, std::int16_t version, std::int32_t correlation, bool flexible) {
    writer out;
    out.put<std::int32_t>(0).put(api).put(version).put(correlation).text("load");
    if (flexible) out.unsigned_varint(0);
    return out;
}

inline std::string finished(writer out) {
    out.overwrite(0, static_cast<std::int32_t>(out.bytes.size() - 4));
    return std::move(out.bytes);
}

/// Produce 9, acks=all, one batch. The correlation id is at byte 8.
inline std::string produce_request(std::string_view topic, std::int32_t partition, std::string_view batch) {
    writer out = header(0, 9, 0, true);
    out.unsigned_varint(0).put<std::int16_t>(-1).put<std::int32_t>(30000).unsigned_varint(2);
    out.unsigned_varint(topic.size() + 1).raw(topic).unsigned_varint(2).put(partition);
    out.unsigned_varint(batch.size() + 1).raw(batch).unsigned_varint(0).unsigned_varint(0).unsigned_varint(0);
    return finished(std::move(out));
}

/// The error code of an answer to produce_request (after the frame's size).
inline std::int16_t produce_error(const char* answer, std::size_t size, std::string_view topic) {
    const std::size_t at = 4 + 1 + 1 + 1 + topic.size() + 1 + 4;
    if (size < at + 2) fail("a produce answer is too short");
    return read_int<std::int16_t>(answer + at);
}

/// Fetch 11 without a session, for partitions from `first` on at the given offsets.
inline std::string fetch_request(std::string_view topic, std::int32_t first, const std::vector<std::int64_t>& offsets,
                                 std::int32_t max_bytes, std::int32_t max_wait_ms) {
    writer out = header(1, 11, 1, false);
    out.put<std::int32_t>(-1).put(max_wait_ms).put<std::int32_t>(1).put<std::int32_t>(50 << 20).put<std::int8_t>(0);
    out.put<std::int32_t>(0).put<std::int32_t>(-1).put<std::int32_t>(1).text(topic);
    out.put(static_cast<std::int32_t>(offsets.size()));
    for (std::size_t i = 0; i < offsets.size(); i++) {
        out.put(static_cast<std::int32_t>(first + static_cast<std::int32_t>(i))).put<std::int32_t>(-1).put(offsets[i]);
        out.put<std::int64_t>(-1).put(max_bytes);
    }
    out.put<std::int32_t>(0).text("");
    return finished(std::move(out));
}

struct fetched {
    std::int32_t partition = 0;
    std::int16_t error = 0;
    std::string_view records;
};

/// The partitions of an answer to fetch_request.
inline std::vector<fetched> fetch_answer(const char* answer, std::size_t size, std::string_view topic) {
    std::vector<fetched> found;
    std::size_t at = 4 + 4 + 2 + 4 + 4;
    if (size < at) fail("a fetch answer is too short");
    if (read_int<std::int16_t>(answer + 8) != 0) fail("fetch was refused, code " + std::to_string(read_int<std::int16_t>(answer + 8)));
    if (read_int<std::int32_t>(answer + 14) == 0) return found;
    at += 2 + topic.size();
    const auto partitions = read_int<std::int32_t>(answer + at);
    at += 4;
    for (std::int32_t i = 0; i < partitions; i++) {
        if (size < at + 42) fail("a fetch answer is too short");
        fetched part{read_int<std::int32_t>(answer + at), read_int<std::int16_t>(answer + at + 4), {}};
        const auto aborted = read_int<std::int32_t>(answer + at + 30);
        at += 34 + static_cast<std::size_t>(aborted > 0 ? aborted : 0) * 16 + 4;
        const auto bytes = read_int<std::int32_t>(answer + at);
        at += 4;
        if (bytes > 0) {
            if (size < at + static_cast<std::size_t>(bytes)) fail("a fetch answer is too short");
            part.records = {answer + at, static_cast<std::size_t>(bytes)};
            at += static_cast<std::size_t>(bytes);
        }
        found.push_back(part);
    }
    return found;
}

/// Calls `visit(batch)` for each whole batch.
template <class Visit>
void each_batch(std::string_view records, Visit visit) {
    while (records.size() >= 61) {
        const auto size = static_cast<std::size_t>(read_int<std::int32_t>(records.data() + 8)) + 12;
        if (size > records.size()) return;
        visit(records.substr(0, size));
        records.remove_prefix(size);
    }
}

inline std::int64_t next_offset(std::string_view batch) {
    return read_int<std::int64_t>(batch.data()) + read_int<std::int32_t>(batch.data() + 23) + 1;
}

/// CreateTopics 4 with settings given as name=value.
inline std::string create_request(std::string_view topic, std::int32_t partitions, const std::vector<std::string>& settings) {
    writer out = header(19, 4, 1, false);
    out.put<std::int32_t>(1).text(topic).put(partitions).put<std::int16_t>(1).put<std::int32_t>(0);
    out.put(static_cast<std::int32_t>(settings.size()));
    for (const auto& setting : settings) {
        const auto equals = setting.find('=');
        out.text(setting.substr(0, equals)).text(setting.substr(equals + 1));
    }
    out.put<std::int32_t>(30000).put<std::int8_t>(0);
    return finished(std::move(out));
}

}  // namespace load

// Made-up data for the tests of records and compression, always from a seed.
#pragma once
#include <weir/base/random.hpp>
#include <weir/protocol/records/batch_builder.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace weir::testing {

inline constexpr std::array every_codec{protocol::codec::none, protocol::codec::gzip, protocol::codec::snappy,
                                        protocol::codec::lz4, protocol::codec::zstd};
inline constexpr std::array real_codecs{protocol::codec::gzip, protocol::codec::snappy, protocol::codec::lz4,
                                        protocol::codec::zstd};

/// Words that repeat: compresses about as log lines do.
inline bytes some_text(random_source& random, std::size_t size) {
    static constexpr std::array<std::string_view, 8> words{"order ",  "customer ", "shipped ", "2026-01-02 ",
                                                           "amount=", "eur ",      "status:",  "open\n"};
    std::string out;
    while (out.size() < size) {
        out += words[random.below(words.size())];
        if (random.chance(0.3)) out += std::to_string(random.below(100000));
    }
    out.resize(size);
    return to_bytes(std::string_view{out});
}

inline bytes some_noise(random_source& random, std::size_t size) {
    bytes out(size);
    for (auto& b : out) b = static_cast<std::byte>(random());
    return out;
}

/// A record with its own bytes, for comparing with what was read.
struct owned_record {
    timestamp_ms timestamp = 0;
    std::optional<bytes> key;
    std::optional<bytes> value;
    std::vector<std::pair<std::string, std::optional<bytes>>> headers;
};

inline std::optional<bytes> maybe_bytes(random_source& random, std::size_t below) {
    if (random.chance(0.15)) return std::nullopt;
    return some_text(random, random.below(below));
}

inline std::vector<owned_record> some_records(random_source& random, std::size_t count) {
    std::vector<owned_record> out(count);
    for (auto& record : out) {
        record.timestamp = 1700000000000 + static_cast<timestamp_ms>(random.below(100000)) - 50000;
        record.key = maybe_bytes(random, 40);
        record.value = maybe_bytes(random, random.chance(0.05) ? 20000 : 300);
        for (auto i = random.chance(0.3) ? random.below(4) : 0; i > 0; --i)
            record.headers.emplace_back("h" + std::to_string(random.below(3)), maybe_bytes(random, 200));
    }
    return out;
}

inline std::optional<bytes_view> view(const std::optional<bytes>& of) {
    if (!of) return std::nullopt;
    return bytes_view{*of};
}

inline result<void> append(protocol::batch_builder& builder, const owned_record& record) {
    std::vector<protocol::header_view> headers;
    for (const auto& [key, value] : record.headers) headers.push_back({key, view(value)});
    return builder.append(record.timestamp, view(record.key), view(record.value), headers);
}

inline bytes build(const protocol::batch_settings& settings, const std::vector<owned_record>& records) {
    protocol::batch_builder builder{settings};
    for (const auto& record : records) *append(builder, record);
    return *builder.finish();
}

/// The same records with the simplest content: values "v0", "v1", ... one millisecond apart.
inline bytes build_plain(protocol::batch_settings settings, int count) {
    protocol::batch_builder builder{std::move(settings)};
    for (int i = 0; i < count; ++i) {
        const auto text = std::to_string(i);
        const auto key = "k" + text;
        const auto value = "v" + text;
        *builder.append(1000 + i, as_bytes(key), as_bytes(value));
    }
    return *builder.finish();
}

inline protocol::batch_view open(bytes_view batch) { return *protocol::batch_view::open(batch); }

inline bool same(std::optional<bytes_view> a, const std::optional<bytes>& b) {
    return a.has_value() == b.has_value() && (!a || as_text(*a) == as_text(*b));
}

inline bool same(const protocol::record_view& found, const owned_record& expected) {
    if (!same(found.key, expected.key) || !same(found.value, expected.value)) return false;
    if (found.timestamp != expected.timestamp || found.headers.size() != expected.headers.size()) return false;
    std::size_t i = 0;
    for (const auto& header : found.headers) {
        const auto& [key, value] = expected.headers[i++];
        if (header.key != key || !same(header.value, value)) return false;
    }
    return true;
}

}  // namespace weir::testing

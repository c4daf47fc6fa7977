// Batches as a producer sends them, and what a consumer reads out of them.
#pragma once
#include <weir/base/files.hpp>
#include <weir/protocol/records/batch_builder.hpp>
#include <weir/protocol/records/record_reader.hpp>

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

namespace weir::test {

inline bytes make_batch(const std::vector<std::string>& values, timestamp_ms timestamp, protocol::batch_settings settings = {}) {
    protocol::batch_builder builder{settings};
    for (const auto& value : values) REQUIRE(builder.append(timestamp, std::nullopt, as_bytes(value)));
    auto built = builder.finish();
    REQUIRE(built);
    return *std::move(built);
}

inline bytes make_keyed_batch(const std::vector<std::pair<std::string, std::string>>& records, timestamp_ms timestamp) {
    protocol::batch_builder builder;
    for (const auto& [key, value] : records) REQUIRE(builder.append(timestamp, as_bytes(key), as_bytes(value)));
    auto built = builder.finish();
    REQUIRE(built);
    return *std::move(built);
}

/// Offset and value of every record of the whole batches in `content`; a cut batch at its end is left out.
inline std::vector<std::pair<std::int64_t, std::string>> records_of(bytes_view content) {
    std::vector<std::pair<std::int64_t, std::string>> found;
    protocol::record_reader reader;
    while (!content.empty()) {
        const auto batch = protocol::batch_view::open(content);
        if (!batch) break;
        CHECK(batch->crc_matches());
        const auto records = reader.records(*batch);
        REQUIRE(records);
        for (const auto& record : *records) found.emplace_back(record.offset, record.value ? std::string{as_text(*record.value)} : "");
        content = content.subspan(batch->size());
    }
    return found;
}

}  // namespace weir::test

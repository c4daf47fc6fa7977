// Record batches: checksum, the check on Produce, walking, building and the codecs, for records of 100 B and 1 KB.
#include "bench.hpp"

#include "../sdk/protocol/records/support.hpp"

#include <weir/base/crc32c.hpp>
#include <weir/protocol/records/produced.hpp>
#include <weir/protocol/records/record_reader.hpp>

#include <string>

using namespace weir;
using namespace weir::protocol;

namespace {

constexpr std::size_t batch_bytes = 16384;  // the producer's default batch.size

bytes make_batch(codec which, const std::vector<bytes>& values) {
    batch_settings settings;
    settings.compression = which;
    batch_builder builder{settings};
    for (const auto& value : values) *builder.append(1700000000000, {}, bytes_view{value});
    return *builder.finish();
}

void run_size(std::size_t record_bytes) {
    random_source random{1};
    std::vector<bytes> values;
    for (std::size_t i = 0; i < batch_bytes / record_bytes; ++i)
        values.push_back(testing::some_text(random, record_bytes));
    const auto suffix = "." + std::to_string(record_bytes) + "b";
    const auto plain = make_batch(codec::none, values);
    bench::run("crc32c" + suffix, "batch", plain.size(), [&] { bench::keep(crc32c(0, plain)); });
    bench::run("records.walk" + suffix, "batch", plain.size(), [&] {
        const auto batch = *batch_view::open(plain);
        record_cursor cursor{batch, batch.payload()};
        std::size_t total = 0;
        for (record_view record; cursor.next(record);) total += record.value->size();
        bench::keep(total);
    });
    batch_builder builder;
    bench::run("records.build.none" + suffix, "batch", plain.size(), [&] {
        for (const auto& value : values) *builder.append(1700000000000, {}, bytes_view{value});
        bench::keep(*builder.finish());
    });
    for (const auto which : testing::every_codec) {
        const std::string name{codec_name(which)};
        const auto batch = make_batch(which, values);
        bench::run("records.check." + name + suffix, "batch", plain.size(),
                   [&] { bench::keep(check_produced(batch).has_value()); });
        if (which == codec::none) continue;
        const auto payload = testing::open(batch).payload();
        scratch_buffer out;
        bench::run("decompress." + name + suffix, "batch", plain.size(),
                   [&] { bench::keep(decompress(which, payload, batch_bytes * 2, out).has_value()); });
        bench::run("compress." + name + suffix, "batch", plain.size(), [&] {
            out.clear();
            bench::keep(compress(which, {}, testing::open(plain).payload(), out).has_value());
        });
    }
}

}  // namespace

int main() {
    run_size(100);
    run_size(1000);
}

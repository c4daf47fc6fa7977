// Message sets of magic 0 and 1, bare and wrapped. First byte: how to wrap; the rest is a message set, whose checksums
// are set right before it is read.
#include "fuzz.hpp"

#include <weir/protocol/records/legacy.hpp>

#include <zlib.h>

using namespace weir;
using namespace weir::protocol;
using fuzz::require;

namespace {

constexpr std::size_t limit = 100000;

void set_crc(mutable_bytes message) {
    store_big_endian(message.data() + 12,
                     static_cast<std::uint32_t>(
                         crc32_z(0, reinterpret_cast<const Bytef*>(message.data() + 16), message.size() - 16)));
}

/// Walks as many whole messages as there are, with right checksums from then on.
void read_all(mutable_bytes set, legacy_reader& reader) {
    while (true) {
        const auto entry = legacy_entry::open(set);
        if (!entry) return;
        set_crc(set.first(entry->size()));
        require(entry->crc_matches(), "a checksum that was set matches");
        if (const auto records = reader.read(*entry)) {
            require(!records->empty(), "an entry that reads has messages");
            require(entry->compressed() || records->front().offset == entry->offset(),
                    "a bare message has its own offset");
            require(entry->magic() == 0 || records->back().offset == entry->offset(),
                    "the last message has the outer offset");
        }
        set = set.subspan(entry->size());
    }
}

bytes wrap(bytes_view inner, int magic, codec which) {
    scratch_buffer packed;
    static_cast<void>(compress(which, {}, inner, packed, magic == 0 ? lz4_variant::magic0 : lz4_variant::standard));
    const std::size_t key_at = magic == 0 ? 18 : 26;
    bytes out(key_at + 8 + packed.size());
    store_big_endian(out.data(), std::int64_t{1000});
    store_big_endian(out.data() + 8, static_cast<std::int32_t>(out.size() - 12));
    out[16] = static_cast<std::byte>(magic);
    out[17] = static_cast<std::byte>(which);
    store_big_endian(out.data() + key_at, std::int32_t{-1});
    store_big_endian(out.data() + key_at + 4, static_cast<std::int32_t>(packed.size()));
    std::memcpy(out.data() + key_at + 8, packed.view().data(), packed.size());
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    auto set = to_bytes(fuzz::input(data + 1, size - 1));
    legacy_reader reader{limit};
    read_all(set, reader);
    auto wrapped = wrap(set, data[0] & 1, static_cast<codec>(1 + (data[0] >> 1) % 4));
    read_all(wrapped, reader);
    return 0;
}

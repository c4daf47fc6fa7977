// The decompressors. First byte: which one; the rest is its input.
#include "fuzz.hpp"

#include <weir/protocol/compression.hpp>

using namespace weir;
using namespace weir::protocol;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    constexpr std::size_t limit = 100000;
    const auto which = static_cast<codec>(1 + data[0] % 4);
    const auto variant = (data[0] & 0x80) != 0 ? lz4_variant::magic0 : lz4_variant::standard;
    scratch_buffer out;
    const auto input = fuzz::input(data + 1, size - 1);
    const auto done = decompress(which, input, limit, out, variant);
    require(out.capacity() <= limit + 1, "the buffer stays within the limit");
    if (!done) return 0;
    require(out.size() <= limit, "output stays within the limit");
    scratch_buffer packed;
    scratch_buffer again;
    require(compress(which, {}, out.view(), packed, variant).has_value(), "what was unpacked packs");
    require(decompress(which, packed.view(), limit, again, variant).has_value(), "what was packed unpacks");
    require(as_text(again.view()) == as_text(out.view()), "a round trip keeps the bytes");
    return 0;
}

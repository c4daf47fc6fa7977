// Every decoder of a request or answer: int16 API key (its top bit set: the answer), int16 version, body.
#include "fuzz.hpp"

#include <weir/protocol/json.hpp>

#include <map>

using namespace weir;
using namespace weir::protocol;
using fuzz::require;

namespace {

// The struct of an element is larger than its smallest encoding, an empty string of 32 bytes is one byte on the wire:
// the factor between them is a property of the schemas. What matters is that no count or length alone buys memory.
constexpr std::size_t bytes_per_input_byte = 2048;
constexpr std::size_t bytes_at_once = 256 * 1024;

const message_type* pick(std::uint16_t selector) {
    static const auto types = [] {
        std::map<std::uint16_t, const message_type*> found;
        for (const auto schema : schemas())
            for (const auto& type : messages_of(schema)) {
                if (type.kind == "request") found[static_cast<std::uint16_t>(type.number)] = &type;
                if (type.kind == "response") found[static_cast<std::uint16_t>(type.number | 0x8000)] = &type;
            }
        return found;
    }();
    require(types.size() > 150, "the registry has the messages");
    const auto at = types.find(selector);
    return at == types.end() ? nullptr : at->second;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 4) return 0;
    const auto input = fuzz::input(data, size);
    const auto* type = pick(load_big_endian<std::uint16_t>(input.data()));
    const auto version = load_big_endian<std::int16_t>(input.data() + 2);
    if (type == nullptr) return 0;
    reader in{input.subspan(4)};
    fuzz::allocation_budget::start();
    const auto message = decode(*type, in, version);
    fuzz::allocation_budget::require_at_most(bytes_at_once + size * bytes_per_input_byte);
    if (!message) return 0;
    writer out;
    require(encode(*type, message->get(), version, out).has_value(), "what was decoded encodes");
    const auto encoded = out.take_bytes();
    require(encoded.has_value(), "an encoded message is bytes");
    reader back{*encoded};
    const auto again = decode(*type, back, version);
    require(again.has_value() && back.remaining() == 0, "what was encoded decodes, to its end");
    // Floats that are no numbers differ from themselves; their bytes do not.
    writer twice;
    require(encode(*type, again->get(), version, twice).has_value(), "it encodes again");
    const auto same = twice.take_bytes();
    require(same && as_text(*same) == as_text(*encoded), "a round trip keeps the bytes");
    return 0;
}

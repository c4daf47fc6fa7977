// JSON for described structs: what is read is written, and read again as the same.
#include "fuzz.hpp"

#include <weir/struct.hpp>

#include <map>

using namespace weir;
using fuzz::require;

namespace fuzzed {

enum class colour { red, green = 7, blue = -1 };
WEIR_ENUM(colour, red, green, blue);

struct leaf {
    std::int8_t tiny = 1;
    std::uint64_t large = 2;
    float single = 0.5F;
    std::optional<colour> paint{};
};
WEIR_STRUCT(leaf, tiny, large, single, paint);

struct tree {
    bool on = true;
    std::int64_t whole{};
    double real{};
    std::string text{};
    bytes raw{};
    timestamp when{};
    uuid id{};
    colour paint{};
    leaf one{};
    std::vector<leaf> list{};
    std::map<std::string, std::vector<leaf>> named{};
    std::vector<tree> branches{};
};
WEIR_STRUCT(tree, on, whole, real, text, raw, when, id, paint, one, list, named, branches);

}  // namespace fuzzed

namespace {

constexpr std::size_t bytes_per_input_byte = 4096;  // "{}," is an element of the list: some hundred bytes, and the list grows by doubling

std::string written(const fuzzed::tree& value) {
    byte_sink sink;
    serde_traits<fuzzed::tree>::encode(value, sink);
    return std::string{as_text(sink.view())};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;  // null, perhaps
    fuzzed::tree value;
    fuzz::allocation_budget::start();
    const auto why = serde_traits<fuzzed::tree>::decode(fuzz::input(data, size), value);
    fuzz::allocation_budget::require_at_most(64 * 1024 + size * bytes_per_input_byte);
    if (why) {
        require(why.code() == errc::malformed && !why.message().empty(), "what does not fit is malformed, and says why");
        return 0;
    }
    const auto once = written(value);
    fuzzed::tree again;
    again.list.resize(2);  // what was there before does not show through
    again.named["x"].resize(1);
    require(!serde_traits<fuzzed::tree>::decode(as_bytes(once), again), "what was written is read");
    require(written(again) == once, "a value survives");
    return 0;
}

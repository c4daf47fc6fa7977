// Settings files: the properties format and the readers on top of it.
#include "fuzz.hpp"

#include <weir/base/properties.hpp>
#include <weir/base/settings_reader.hpp>

using namespace weir;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = as_text(fuzz::input(data, size));
    fuzz::allocation_budget::start();
    const auto entries = parse_properties(text);
    fuzz::allocation_budget::require_at_most(64 * 1024 + size * 512);
    settings_reader reader;
    reader.add_text("fuzzed.properties", text);
    reader.accept("listener.name.*");
    static_cast<void>(reader.finish());
    if (!entries) return 0;
    const auto again = parse_properties(print_properties(*entries));
    require(again.has_value() && again->size() == entries->size(), "what was printed parses");
    for (std::size_t i = 0; i < entries->size(); ++i) {
        require((*again)[i].name == (*entries)[i].name, "a name survives printing");
        require((*again)[i].value == (*entries)[i].value, "a value survives printing");
    }
    return 0;
}

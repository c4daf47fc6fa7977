#include "formatting.hpp"

#include "../connect.hpp"

namespace weir::tools {

record_formatter make_formatter(const arguments& args) {
    std::vector<std::pair<std::string, std::string>> how;
    if (args.has("formatter-config"))
        for (const auto& each : read_properties(args.text("formatter-config"))) how.emplace_back(each.name, each.value);
    for (const auto* option : {"key-deserializer", "value-deserializer"})
        if (const auto name = args.text(option); !name.empty()) how.emplace_back(std::string{option}.replace(std::string_view{option}.find('-'), 1, "."), name);
    for (auto& each : args.pairs("formatter-property")) how.push_back(std::move(each));
    return *record_formatter::make(args.text("formatter"), how);
}

}  // namespace weir::tools

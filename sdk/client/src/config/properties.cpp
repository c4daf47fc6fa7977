#include <weir/properties.hpp>

#include "providers.hpp"

#include <weir/base/posix_files.hpp>
#include <weir/base/properties.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace weir {

void properties::set(std::string name, std::string value, std::string where) {
    const auto known = std::ranges::find(entries_, name, &entry::name);
    if (known == entries_.end()) {
        entries_.push_back({std::move(name), std::move(value), std::move(where)});
    } else {
        known->value = std::move(value);
        known->where = std::move(where);
    }
}

const properties::entry* properties::find(std::string_view name) const noexcept {
    const auto known = std::ranges::find(entries_, name, &entry::name);
    return known == entries_.end() ? nullptr : &*known;
}

result<properties> load_properties(file_system& files, const std::string& path) {
    const auto text = read_file(files, path);
    if (!text) return text.error();
    const auto parsed = parse_properties(as_text(*text));
    if (!parsed) return error{errc::malformed, fmt::format("{}: {}", path, parsed.error().what())};
    properties all;
    for (const auto& each : *parsed) all.set(each.name, each.value, fmt::format("{}:{}", path, each.line));
    detail::environment_variables environment = [](const std::string& name) {
        const auto* value = std::getenv(name.c_str());
        return value ? std::optional<std::string>{value} : std::nullopt;
    };
    return detail::fill_from_providers(all, files, environment);
}

result<properties> load_properties(const std::string& path) {
    const auto files = make_posix_files();
    return load_properties(*files, path);
}

}  // namespace weir

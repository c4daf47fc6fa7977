#include "providers.hpp"

#include "../consumer/topic_pattern.hpp"

#include <weir/base/files.hpp>
#include <weir/base/properties.hpp>
#include <weir/base/split_list.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace weir::detail {
namespace {

constexpr std::string_view list_name = "config.providers";
constexpr std::string_view prefix = "config.providers.";

error refused(std::string text) { return error{errc::invalid_setting, std::move(text)}; }

/// The folders down to what an absolute path names, without "." and ".."; links are not looked at. nullopt: it is not absolute.
std::optional<std::vector<std::string_view>> parts_of(std::string_view path) {
    if (!path.starts_with('/')) return std::nullopt;
    std::vector<std::string_view> parts;
    for (std::size_t at = 1; at <= path.size();) {
        const auto end = std::min(path.find('/', at), path.size());
        const auto part = path.substr(at, end - at);
        at = end + 1;
        if (part == ".." && !parts.empty()) parts.pop_back();
        else if (!part.empty() && part != "." && part != "..") parts.push_back(part);
    }
    return parts;
}

bool is_below(std::string_view path, std::string_view folder) {
    const auto inner = parts_of(path), outer = parts_of(folder);
    return inner && outer && inner->size() >= outer->size() && std::equal(outer->begin(), outer->end(), inner->begin());
}

std::string written(const reference& which) {
    return which.path.empty() ? fmt::format("${{{}:{}}}", which.provider, which.key) : fmt::format("${{{}:{}:{}}}", which.provider, which.path, which.key);
}

/// What config.providers and the entries below it say.
class providers {
public:
    providers(file_system& files, environment_variables& environment) : files_(files), environment_(environment) {}

    error configure(const properties& given) {
        const auto* list = given.find(list_name);
        for (const auto& name : split_list(list->value)) {
            const auto* type = given.find(fmt::format("{}{}.class", prefix, name));
            if (!type) return refused(fmt::format("{}={}: {}{}.class is missing", list_name, list->value, prefix, name));
            const auto known = kind_of(type->value);
            if (!known) return refused(fmt::format("{}={}: allowed are FileConfigProvider, DirectoryConfigProvider and EnvVarConfigProvider; other Java classes cannot run here", type->name, type->value));
            all_[name].what = *known;
        }
        for (const auto& entry : given) {
            if (!entry.name.starts_with(prefix)) continue;
            if (auto why = configure(entry)) return why;
        }
        return {};
    }

    result<std::optional<std::string>> find(const reference& which) {
        const auto of = all_.find(which.provider);
        if (of == all_.end()) return std::optional<std::string>{};
        if (of->second.what == kind::variable) return find_variable(of->second, which);
        if (which.path.empty()) return refused(fmt::format("{} names no path: ${{{}:path:key}}", written(which), which.provider));
        const auto& allowed = of->second.allowed_paths;
        if (!allowed.empty() && std::none_of(allowed.begin(), allowed.end(), [&](const auto& each) { return is_below(which.path, each); })) {
            return refused(fmt::format("{} is outside of {}{}.param.allowed.paths", written(which), prefix, which.provider));
        }
        return of->second.what == kind::file ? find_in_file(which) : find_in_directory(which);
    }

private:
    enum class kind : std::uint8_t { file, directory, variable };
    struct provider {
        kind what = kind::file;
        std::vector<std::string> allowed_paths{};              // none: everywhere
        std::shared_ptr<const topic_pattern> allowed_names{};  // nullptr: all
    };

    static std::optional<kind> kind_of(std::string_view type) {
        if (const auto dot = type.rfind('.'); dot != std::string_view::npos) type.remove_prefix(dot + 1);
        if (type == "FileConfigProvider") return kind::file;
        if (type == "DirectoryConfigProvider") return kind::directory;
        if (type == "EnvVarConfigProvider") return kind::variable;
        return std::nullopt;
    }

    error configure(const properties::entry& entry) {
        const auto rest = std::string_view{entry.name}.substr(prefix.size());
        const auto dot = std::min(rest.find('.'), rest.size());
        const auto of = all_.find(rest.substr(0, dot));
        if (of == all_.end()) return refused(fmt::format("{}: {} does not name '{}'", entry.name, list_name, rest.substr(0, dot)));
        const auto what = rest.substr(dot);
        if (what == ".class") return {};
        if (what == ".param.allowed.paths" && of->second.what != kind::variable) {
            of->second.allowed_paths = split_list(entry.value);
            return {};
        }
        if (what == ".param.allowlist.pattern" && of->second.what == kind::variable) {
            auto pattern = compile_pattern(entry.value);
            if (!pattern) return refused(fmt::format("{}={}: {}", entry.name, entry.value, pattern.error().what()));
            of->second.allowed_names = *std::move(pattern);
            return {};
        }
        return refused(fmt::format("{}: the provider has no such setting; param.allowed.paths is of files and directories, param.allowlist.pattern of environment variables", entry.name));
    }

    result<std::optional<std::string>> find_variable(const provider& of, const reference& which) {
        const std::string name{which.key};
        if (!which.path.empty()) return refused(fmt::format("{}: an environment variable has no path: ${{{}:{}}}", written(which), which.provider, which.key));
        if (of.allowed_names && !of.allowed_names->matches(name)) return refused(fmt::format("{} does not match {}{}.param.allowlist.pattern", written(which), prefix, which.provider));
        auto value = environment_(name);
        if (!value) return refused(fmt::format("{}: there is no environment variable {}", written(which), name));
        return value;
    }

    result<std::optional<std::string>> find_in_file(const reference& which) {
        const std::string path{which.path};
        auto [at, fresh] = files_read_.try_emplace(path);
        if (fresh) {
            const auto content = read_file(files_, path);
            if (!content) return refused(fmt::format("{}: {}", written(which), content.error().what()));
            auto parsed = parse_properties(as_text(*content));
            if (!parsed) return refused(fmt::format("{}: {}: {}", written(which), path, parsed.error().what()));
            for (auto& each : *parsed) at->second[std::move(each.name)] = std::move(each.value);
        }
        const auto value = at->second.find(which.key);
        if (value == at->second.end()) return refused(fmt::format("{}: {} has no {}", written(which), path, which.key));
        return std::optional{value->second};
    }

    result<std::optional<std::string>> find_in_directory(const reference& which) {
        if (which.key.find('/') != std::string_view::npos || which.key == "..") return refused(fmt::format("{}: a key is the name of a file in {}", written(which), which.path));
        const auto content = read_file(files_, fmt::format("{}/{}", which.path, which.key));
        if (!content) return refused(fmt::format("{}: {}", written(which), content.error().what()));
        return std::optional{std::string{as_text(*content)}};
    }

    file_system& files_;
    environment_variables& environment_;
    std::map<std::string, provider, std::less<>> all_;
    std::map<std::string, std::map<std::string, std::string, std::less<>>> files_read_;
};

}  // namespace

result<std::string> fill_references(std::string_view text, find_value& find) {
    std::string filled;
    for (;;) {
        const auto begin = text.find("${");
        const auto end = begin == std::string_view::npos ? begin : text.find('}', begin);
        if (end == std::string_view::npos) return filled.append(text);
        const auto inside = text.substr(begin + 2, end - begin - 2);
        filled += text.substr(0, begin);
        const auto whole = text.substr(begin, end + 1 - begin);
        text.remove_prefix(end + 1);
        const auto first = inside.find(':');
        if (first == std::string_view::npos) {
            filled += whole;
            continue;
        }
        const auto second = inside.find(':', first + 1);
        const bool has_path = second != std::string_view::npos;
        const reference which{inside.substr(0, first), has_path ? inside.substr(first + 1, second - first - 1) : std::string_view{}, inside.substr((has_path ? second : first) + 1)};
        const auto value = find(which);
        if (!value) return value.error();
        filled += *value ? std::string_view{**value} : whole;
    }
}

result<properties> fill_from_providers(const properties& given, file_system& files, environment_variables& environment) {
    const auto* list = given.find(list_name);
    if (!list) return given;
    providers all{files, environment};
    if (auto why = all.configure(given)) return refused(list->where.empty() ? std::string{why.what()} : fmt::format("{}: {}", list->where, why.what()));
    find_value find = [&](const reference& which) { return all.find(which); };
    properties filled;
    for (const auto& each : given) {
        if (each.name == list_name || each.name.starts_with(prefix)) continue;
        auto value = fill_references(each.value, find);
        if (!value) return refused(fmt::format("{}{}{}: {}", each.where, each.where.empty() ? "" : ": ", each.name, value.error().what()));
        filled.set(each.name, *std::move(value), each.where);
    }
    return filled;
}

}  // namespace weir::detail

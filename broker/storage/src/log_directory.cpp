#include <weir/storage/log_directory.hpp>

#include "text_lines.hpp"

#include <algorithm>

namespace weir::storage {
namespace {

constexpr std::size_t longest_name = 255;
constexpr std::size_t unique_digits = 32;

std::string_view suffix_of(folder_kind kind) noexcept {
    switch (kind) {
        case folder_kind::deleting: return "-delete";
        case folder_kind::future: return "-future";
        case folder_kind::stray: return "-stray";
        case folder_kind::live: break;
    }
    return "";
}

std::string hex(const uuid& id) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (const auto half : {id.high, id.low})
        for (int shift = 60; shift >= 0; shift -= 4) text += digits[(half >> shift) & 15];
    return text;
}

}  // namespace

bool valid_topic_name(std::string_view name) noexcept {
    if (name.empty() || name.size() > 249 || name == "." || name == "..") return false;
    return std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
               c == '-';
    });
}

std::optional<partition_folder> parse_partition_folder(std::string_view name) {
    partition_folder folder;
    for (const auto kind : {folder_kind::deleting, folder_kind::future, folder_kind::stray}) {
        if (!name.ends_with(suffix_of(kind))) continue;
        const auto rest = name.substr(0, name.size() - suffix_of(kind).size());
        const auto dot = rest.rfind('.');
        if (dot == std::string_view::npos || rest.size() - dot - 1 != unique_digits) continue;
        const auto id = rest.substr(dot + 1);
        if (!std::all_of(id.begin(), id.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }))
            continue;
        folder.kind = kind;
        name = rest.substr(0, dot);
        break;
    }
    const auto dash = name.rfind('-');
    if (dash == std::string_view::npos) return std::nullopt;
    const auto digits = name.substr(dash + 1);
    const auto partition = parse_number<std::int32_t>(digits);
    if (!partition || *partition < 0 || (digits.size() > 1 && digits[0] == '0')) return std::nullopt;
    folder.topic = name.substr(0, dash);
    folder.partition = *partition;
    if (folder.kind != folder_kind::deleting && !valid_topic_name(folder.topic)) return std::nullopt;
    return folder;
}

std::string folder_name(std::string_view topic, std::int32_t partition) {
    return std::string{topic} + "-" + std::to_string(partition);
}

std::string folder_name(std::string_view topic, std::int32_t partition, folder_kind kind, const uuid& unique) {
    auto tail = "-" + std::to_string(partition);
    if (kind == folder_kind::live) return std::string{topic} + tail;
    tail.append(1, '.').append(hex(unique)).append(suffix_of(kind));
    return std::string{topic.substr(0, longest_name - tail.size())} + tail;
}

}  // namespace weir::storage

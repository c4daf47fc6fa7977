#include <weir/storage/checkpoints.hpp>

#include "text_lines.hpp"

namespace weir::storage {

std::string print_offset_checkpoint(std::span<const partition_offset> entries) {
    auto text = "0\n" + std::to_string(entries.size()) + "\n";
    for (const auto& [topic, partition, offset] : entries)
        text.append(topic)
            .append(1, ' ')
            .append(std::to_string(partition))
            .append(1, ' ')
            .append(std::to_string(offset))
            .append(1, '\n');
    return text;
}

result<std::vector<partition_offset>> parse_offset_checkpoint(std::string_view text) {
    auto lines = checkpoint_lines::open(text);
    if (!lines) return lines.error();
    std::vector<partition_offset> entries;
    while (const auto line = lines->next()) {
        const auto first = line->find(' ');
        const auto second = first == std::string_view::npos ? first : line->find(' ', first + 1);
        if (second == std::string_view::npos || first == 0) return lines->bad_line(*line);
        const auto partition = parse_number<std::int32_t>(line->substr(first + 1, second - first - 1));
        const auto offset = parse_number<std::int64_t>(line->substr(second + 1));
        if (!partition || !offset || *partition < 0) return lines->bad_line(*line);
        entries.push_back({std::string{line->substr(0, first)}, *partition, *offset});
    }
    if (auto whole = lines->finished(); !whole) return whole.error();
    return entries;
}

result<std::vector<partition_offset>> read_offset_checkpoint(file_system& files, const std::string& path) {
    const auto content = read_file(files, path);
    if (!content) {
        if (content.code() == errc::not_found) return std::vector<partition_offset>{};
        return content.error();
    }
    auto entries = parse_offset_checkpoint(as_text(*content));
    if (!entries) return error{entries.code(), path + ", " + std::string{entries.error().what()}};
    return entries;
}

result<void> write_offset_checkpoint(file_system& files, const std::string& path,
                                     std::span<const partition_offset> entries) {
    return replace_file(files, path, as_bytes(print_offset_checkpoint(entries)));
}

result<std::optional<clean_shutdown>> read_clean_shutdown(file_system& files, const std::string& directory) {
    const auto content = read_file(files, directory + "/" + std::string{clean_shutdown_file}, 64 << 10);
    if (!content) {
        if (content.code() == errc::not_found) return std::optional<clean_shutdown>{};
        return content.error();
    }
    clean_shutdown note;
    auto text = as_text(*content);
    // A flat object of two numbers; a JSON reader would be a dependency for nothing.
    constexpr std::string_view key = "\"brokerEpoch\"";
    if (const auto at = text.find(key); at != std::string_view::npos) {
        text.remove_prefix(at + key.size());
        text.remove_prefix(std::min(text.find_first_not_of(" \t:"), text.size()));
        const auto end = text.find_first_not_of("-0123456789");
        if (const auto epoch = parse_number<std::int64_t>(text.substr(0, end))) note.broker_epoch = *epoch;
    }
    return std::optional{note};
}

result<void> write_clean_shutdown(file_system& files, const std::string& directory, const clean_shutdown& note) {
    const auto text = "{\"version\":0,\"brokerEpoch\":" + std::to_string(note.broker_epoch) + "}";
    return replace_file(files, directory + "/" + std::string{clean_shutdown_file}, as_bytes(text));
}

result<void> remove_clean_shutdown(file_system& files, const std::string& directory) {
    const auto removed = files.remove(directory + "/" + std::string{clean_shutdown_file});
    if (removed.code() == errc::not_found) return {};
    return removed ? files.sync_directory(directory) : removed;
}

}  // namespace weir::storage

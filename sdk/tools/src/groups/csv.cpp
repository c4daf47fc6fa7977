#include "csv.hpp"

#include <algorithm>

namespace weir::tools {
namespace {

constexpr std::string_view blanks = " \t\r";

/// As Java counts them.
std::size_t characters(std::string_view text) {
    std::size_t count = 0;
    for (const auto c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte & 0xc0) != 0x80) count += byte >= 0xf0 ? 2 : 1;
    }
    return count;
}

std::string_view trimmed(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
    return text.substr(0, text.find_last_not_of(blanks) + 1);
}

/// Behind the first quote; `rest` is what comes after the last one.
std::optional<std::string> quoted(std::string_view& rest) {
    std::string cell;
    for (;;) {
        const auto end = rest.find('"');
        if (end == rest.npos) return std::nullopt;
        cell += rest.substr(0, end);
        rest.remove_prefix(end + 1);
        if (!rest.starts_with('"')) return cell;
        cell += '"';
        rest.remove_prefix(1);
    }
}

}  // namespace

std::string csv_cell(std::string_view text) {
    constexpr std::size_t longest_without = 24;
    const bool plain = characters(text) <= longest_without && std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < '-'; });
    if (plain) return std::string{text};
    std::string cell{'"'};
    for (const auto c : text) cell.append(c == '"' ? 2 : 1, c);
    return cell + '"';
}

std::optional<std::vector<std::string>> csv_cells(std::string_view line) {
    std::vector<std::string> cells;
    for (bool more = true; more;) {
        line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
        if (line.starts_with('"')) {
            line.remove_prefix(1);
            auto cell = quoted(line);
            if (!cell) return std::nullopt;
            cells.push_back(*std::move(cell));
        } else {
            const auto end = std::min(line.find(','), line.size());
            cells.emplace_back(trimmed(line.substr(0, end)));
            line.remove_prefix(end);
        }
        line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
        more = line.starts_with(',');
        if (!more && !line.empty()) return std::nullopt;
        if (more) line.remove_prefix(1);
    }
    return cells;
}

}  // namespace weir::tools

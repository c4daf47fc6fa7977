#include <weir/base/split_list.hpp>

#include <algorithm>

namespace weir {

std::vector<std::string> split_list(std::string_view text, char separator) {
    constexpr std::string_view blanks = " \t\r\n";
    std::vector<std::string> parts;
    while (!text.empty()) {
        const auto end = std::min(text.find(separator), text.size());
        auto part = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        part.remove_prefix(std::min(part.find_first_not_of(blanks), part.size()));
        part = part.substr(0, part.find_last_not_of(blanks) + 1);
        if (!part.empty()) parts.emplace_back(part);
    }
    return parts;
}

}  // namespace weir

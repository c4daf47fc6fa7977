#include "suggest.hpp"

#include <algorithm>
#include <vector>

namespace weir::tools {

namespace {

/// Edits from one to the other, a swap of neighbours counting as one (optimal string alignment).
std::size_t distance(std::string_view from, std::string_view to) {
    std::vector<std::size_t> before(to.size() + 1), row(to.size() + 1), next(to.size() + 1);
    for (std::size_t j = 0; j <= to.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= from.size(); ++i) {
        next[0] = i;
        for (std::size_t j = 1; j <= to.size(); ++j) {
            next[j] = std::min({row[j] + 1, next[j - 1] + 1, row[j - 1] + (from[i - 1] != to[j - 1])});
            if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1]) next[j] = std::min(next[j], before[j - 2] + 1);
        }
        std::swap(before, row);
        std::swap(row, next);
    }
    return row[to.size()];
}

}  // namespace

std::string_view nearest(std::string_view typed, std::span<const std::string_view> names) {
    std::string_view best, begun;
    std::size_t least = std::max<std::size_t>(1, typed.size() / 3) + 1;
    int beginnings = 0;
    for (const auto name : names) {
        if (!typed.empty() && name.starts_with(typed)) {
            begun = name;
            ++beginnings;
        }
        if (const auto edits = distance(typed, name); edits < least) {
            least = edits;
            best = name;
        }
    }
    return beginnings == 1 ? begun : best;
}

}  // namespace weir::tools

#include "partitioner.hpp"

#include <algorithm>

namespace weir::detail {

void sticky_partitioner::draw(std::span<const std::int32_t> queued, bool adaptive, random_source& random) {
    const auto longest = *std::max_element(queued.begin(), queued.end());
    const auto weight = [&](std::int32_t length) -> std::uint64_t {
        if (longest < 0) return 1;  // none has a leader
        if (!adaptive) return length < 0 ? 0 : 1;
        return length < 0 ? 0 : static_cast<std::uint64_t>(longest - length + 1);
    };
    std::uint64_t total = 0;
    for (const auto length : queued) total += weight(length);
    auto drawn = random.below(total);
    current_ = 0;
    for (const auto length : queued) {
        const auto share = weight(length);
        if (drawn < share) break;
        drawn -= share;
        ++current_;
    }
}

}  // namespace weir::detail

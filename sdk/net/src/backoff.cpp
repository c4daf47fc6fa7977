#include <weir/net/backoff.hpp>

#include <algorithm>
#include <cmath>

namespace weir::net {

nanoseconds backoff::after(int failures, random_source& random) const {
    const auto doubled = static_cast<double>(first.count()) * std::exp2(std::clamp(failures - 1, 0, 30));
    const auto capped = std::min(doubled, static_cast<double>(std::max(first, most).count()));
    const auto spread = capped * (0.8 + 0.4 * random.unit());
    return nanoseconds{static_cast<nanoseconds::rep>(spread * 1e6)};
}

}  // namespace weir::net

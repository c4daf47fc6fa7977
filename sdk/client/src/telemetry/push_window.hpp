// What a client has to tell of the time between two pushes.
#pragma once
#include "../metrics/samples.hpp"
#include "otlp.hpp"

#include <map>

namespace weir::detail {

/// Remembers the numbers of the last push. With delta temporality totals are told as what came since; rates and averages
/// always are of that time.
class push_window {
public:
    explicit push_window(std::int64_t now_ms) : began_ms_(now_ms), last_ms_(now_ms) {}

    /// The points under the names asked for: prefixes, "*" or "" being all. Nothing is remembered before commit().
    std::vector<otlp_point> points(const std::vector<sample>& now, const std::vector<std::string>& prefixes, temporality of_sums, std::int64_t now_ms) const;
    /// They have arrived.
    void commit(const std::vector<sample>& now, std::int64_t now_ms);

private:
    struct amount {
        double value = 0;
        double weight = 0;
    };
    static std::string key(const sample& of);
    std::map<std::string, amount> before_;
    std::int64_t began_ms_, last_ms_;
};

}  // namespace weir::detail

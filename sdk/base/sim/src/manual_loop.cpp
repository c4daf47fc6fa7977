#include <weir/base/sim/manual_loop.hpp>

#include <algorithm>
#include <stdexcept>

namespace weir::sim {

manual_loop::~manual_loop() { queue_.clear(); }

std::size_t manual_loop::run_ready() {
    constexpr std::size_t most = 1'000'000;
    std::size_t steps = 0;
    while (step()) {
        if (++steps == most) throw std::logic_error{"a million steps without time passing: something posts itself for ever"};
    }
    return steps;
}

void manual_loop::advance(nanoseconds by) {
    const auto until = now() + by;
    run_ready();
    for (auto at = next(); at && *at <= until; at = next()) {
        clock_.advance(std::max(nanoseconds{0}, *at - now()));
        run_ready();
    }
    clock_.advance(std::max(nanoseconds{0}, until - now()));
}

}  // namespace weir::sim

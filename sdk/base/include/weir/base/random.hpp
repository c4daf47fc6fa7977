// The seam to randomness: seeded in simulations, from the system otherwise.
#pragma once
#include <cstdint>
#include <limits>

namespace weir {

/// A uniform random bit generator in the sense of <random>. One per loop; not thread-safe.
class random_source {
public:
    using result_type = std::uint64_t;
    explicit random_source(std::uint64_t seed) noexcept;
    /// Seeded from the operating system.
    static random_source from_system();

    static constexpr result_type min() noexcept { return 0; }
    static constexpr result_type max() noexcept { return std::numeric_limits<result_type>::max(); }
    result_type operator()() noexcept;
    /// Uniform in [0, bound); bound > 0.
    std::uint64_t below(std::uint64_t bound) noexcept;
    /// Uniform in [0, 1).
    double unit() noexcept;
    bool chance(double probability) noexcept { return unit() < probability; }

private:
    std::uint64_t state_[4];
};

}  // namespace weir

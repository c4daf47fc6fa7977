#include <weir/base/random.hpp>

#include <random>

namespace weir {
namespace {

std::uint64_t rotate_left(std::uint64_t value, int by) noexcept { return (value << by) | (value >> (64 - by)); }

// Spreads one seed over the whole state (splitmix64).
std::uint64_t spread(std::uint64_t& seed) noexcept {
    std::uint64_t z = (seed += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

}  // namespace

random_source::random_source(std::uint64_t seed) noexcept {
    for (auto& word : state_) word = spread(seed);
}

random_source random_source::from_system() {
    std::random_device device;
    return random_source{(std::uint64_t{device()} << 32) | device()};
}

// xoshiro256**: small, fast, and the same on every machine, so that a seed replays everywhere.
random_source::result_type random_source::operator()() noexcept {
    const auto answer = rotate_left(state_[1] * 5, 7) * 9;
    const auto shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = rotate_left(state_[3], 45);
    return answer;
}

std::uint64_t random_source::below(std::uint64_t bound) noexcept {
    return static_cast<std::uint64_t>((static_cast<unsigned __int128>((*this)()) * bound) >> 64);
}

double random_source::unit() noexcept { return static_cast<double>((*this)() >> 11) * 0x1.0p-53; }

}  // namespace weir

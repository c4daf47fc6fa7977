// What a cluster does a moment later is asked for until it is so.
#pragma once
#include <chrono>
#include <thread>

namespace weir::suite {

/// Whether `holds()` came true within `patience`.
template <class Condition>
bool eventually(Condition holds, std::chrono::milliseconds patience = std::chrono::minutes{1}) {
    using namespace std::chrono_literals;
    const auto until = std::chrono::steady_clock::now() + patience;
    while (!holds()) {
        if (std::chrono::steady_clock::now() > until) return false;
        std::this_thread::sleep_for(20ms);
    }
    return true;
}

}  // namespace weir::suite

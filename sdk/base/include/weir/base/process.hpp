// What the operating system says this process has used, for those who watch it.
#pragma once
#include <weir/base/time.hpp>

#include <cstdint>

namespace weir {

struct process_usage {
    nanoseconds cpu{0};  ///< of all threads, since the process began, user and system
    std::uint64_t resident_bytes = 0;
    std::uint64_t open_files = 0;  ///< descriptors, sockets included
    std::uint64_t max_files = 0;   ///< the limit on them
};
/// As of now; what the system does not tell is 0. Any thread.
process_usage usage_of_process() noexcept;

}  // namespace weir

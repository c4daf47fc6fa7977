#include <weir/base/process.hpp>

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>

namespace weir {
namespace {

nanoseconds to_duration(const timeval& time) {
    return std::chrono::seconds{time.tv_sec} + std::chrono::microseconds{time.tv_usec};
}

std::uint64_t resident_bytes() {
    auto* file = std::fopen("/proc/self/statm", "re");
    if (!file) return 0;
    unsigned long long all = 0, resident = 0;
    const bool told = std::fscanf(file, "%llu %llu", &all, &resident) == 2;
    std::fclose(file);
    return told ? resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) : 0;
}

std::uint64_t open_files() {
    auto* folder = ::opendir("/proc/self/fd");
    if (!folder) return 0;
    std::uint64_t entries = 0;
    while (::readdir(folder)) ++entries;
    ::closedir(folder);
    return entries > 3 ? entries - 3 : 0;  // ".", ".." and the folder itself
}

}  // namespace

process_usage usage_of_process() noexcept {
    process_usage usage;
    rusage used{};
    if (::getrusage(RUSAGE_SELF, &used) == 0) usage.cpu = to_duration(used.ru_utime) + to_duration(used.ru_stime);
    usage.resident_bytes = resident_bytes();
    usage.open_files = open_files();
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) usage.max_files = limit.rlim_cur;
    return usage;
}

}  // namespace weir

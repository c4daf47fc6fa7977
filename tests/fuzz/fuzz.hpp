// What every fuzz target shares: an abort that says why, and memory that is counted against the input.
#pragma once
#include <weir/base/bytes.hpp>

#include <sanitizer/allocator_interface.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace weir::fuzz {

/// A property that must hold for every input.
inline void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "violated: %s\n", what);
    std::abort();
}

/// Bytes allocated by this thread since the last start(), freed or not. Targets without a codec inside use it: codecs
/// keep contexts of their own.
class allocation_budget {
public:
    static void start() {
        static const bool installed = __sanitizer_install_malloc_and_free_hooks(&count, &ignore) != 0;
        require(installed, "allocation hooks are there");
        allocated_ = 0;
    }
    static void require_at_most(std::size_t bytes) {
        if (allocated_ > bytes) std::fprintf(stderr, "%zu bytes allocated, %zu justified\n", allocated_, bytes);
        require(allocated_ <= bytes, "memory follows the input");
    }

private:
    static void count(const volatile void*, std::size_t bytes) { allocated_ += bytes; }
    static void ignore(const volatile void*) {}  // the runtime wants both
    static inline thread_local std::size_t allocated_ = 0;
};

inline bytes_view input(const std::uint8_t* data, std::size_t size) { return std::as_bytes(std::span{data, size}); }

}  // namespace weir::fuzz

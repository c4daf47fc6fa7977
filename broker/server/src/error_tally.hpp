// Counts the error codes of one answer.
#pragma once
#include "core_metrics.hpp"

#include <cstdint>

namespace weir::server {

/// Adds up errors that follow each other, so that an answer of a thousand good partitions bumps one counter once. Kafka's way of
/// counting: every error code there is, NONE included.
class error_tally {
public:
    error_tally(core_metrics& into, protocol::api_key api) noexcept : into_(into), api_(api) {}
    ~error_tally() { flush(); }
    error_tally(const error_tally&) = delete;
    error_tally& operator=(const error_tally&) = delete;

    void add(std::int16_t code) {
        if (code != last_) flush();
        last_ = code;
        ++count_;
    }

private:
    void flush() {
        if (count_ > 0) into_.answered_with(api_, last_, count_);
        count_ = 0;
    }
    core_metrics& into_;
    protocol::api_key api_;
    std::int16_t last_ = 0;
    std::uint64_t count_ = 0;
};

}  // namespace weir::server

// What a log directory can take, as those who write there find out.
#pragma once
#include <weir/base/files.hpp>
#include <weir/base/function.hpp>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

namespace weir::storage {

/// Shared by the logs of one directory and whoever watches it. Any thread. Each turn for the worse or the better is one
/// line in the log, however many writers meet it.
class directory_health {
public:
    directory_health(file_system& files, std::string path) : files_(files), path_(std::move(path)) {}

    /// A write or flush has failed for good: nothing is written here until a restart. The first reason is kept.
    void fail(const error& why);
    /// `tell` is called once, on the thread that finds out that the directory has failed; at once when it has.
    void when_failed(function<void()> tell);
    bool failed() const noexcept { return failed_.load(std::memory_order_acquire); }
    /// Why; none while it has not failed.
    error failure() const;

    /// `bytes` could not be written, and may be later: most likely the disk is full.
    void refused(std::uint64_t bytes, const error& why);
    /// `bytes` were written.
    void accepted(std::uint64_t bytes) noexcept {
        if (const auto wanted = wanted_.load(std::memory_order_relaxed); wanted != 0 && bytes >= wanted) room_again();
    }
    /// Why a batch of `bytes` cannot be written now; none when it can. Tries it when there is doubt: since a refusal, or
    /// when the file system has less to give.
    error trouble(std::uint64_t bytes);

private:
    result<void> try_to_write(std::uint64_t bytes);
    void room_again();

    file_system& files_;
    const std::string path_;
    std::atomic<bool> failed_{false};
    std::atomic<std::uint64_t> wanted_{0};  // the largest write refused and not made up for yet
    mutable std::mutex mutex_;              // guards what follows
    error failure_;
    function<void()> tell_;
};

}  // namespace weir::storage

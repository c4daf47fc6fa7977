#pragma once
#include <weir/base/files.hpp>

#include <sys/types.h>

#include <atomic>
#include <string>

namespace weir::detail {

class posix_file final : public file {
public:
    posix_file(int descriptor, std::string path);
    ~posix_file() override;
    posix_file(const posix_file&) = delete;
    posix_file& operator=(const posix_file&) = delete;

    result<std::size_t> read_at(std::uint64_t offset, mutable_bytes into) const override;
    result<void> write_at(std::uint64_t offset, std::span<const bytes_view> parts) override;
    result<void> truncate(std::uint64_t size) override;
    result<std::uint64_t> size() const override;
    result<void> sync() override;
    const std::string& path() const noexcept override { return path_; }
    int native_handle() const noexcept override { return descriptor_; }
    /// What it lies on, as stat tells it.
    dev_t device() const noexcept { return device_; }

private:
    int descriptor_;
    bool is_directory_ = false;
    dev_t device_ = 0;
    std::string path_;
    std::atomic<bool> sync_failed_{false};
};

}  // namespace weir::detail

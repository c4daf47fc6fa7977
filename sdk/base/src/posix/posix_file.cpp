#include "posix_file.hpp"

#include "posix_error.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace weir::detail {
namespace {

constexpr std::size_t most_parts = 256;

}  // namespace

error file_error(std::string_view path, std::string_view what) {
    const int number = errno;
    errc code = errc::io_error;
    if (number == ENOENT || number == ENOTDIR) code = errc::not_found;
    else if (number == EEXIST) code = errc::already_exists;
    else if (number == ENOSPC || number == EDQUOT) code = errc::no_space;
    return error{code, fmt::format("{}: cannot {}: {}", path, what, std::system_category().message(number))};
}

posix_file::posix_file(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0) return;
    is_directory_ = S_ISDIR(status.st_mode);
    device_ = status.st_dev;
}

posix_file::~posix_file() { ::close(descriptor_); }

result<std::size_t> posix_file::read_at(std::uint64_t offset, mutable_bytes into) const {
    std::size_t count = 0;
    while (count < into.size()) {
        const auto rest = into.subspan(count);
        auto got = ::pread(descriptor_, rest.data(), rest.size(), static_cast<off_t>(offset + count));
        if (got < 0 && errno == ESPIPE) got = ::read(descriptor_, rest.data(), rest.size());
        if (got == 0) break;
        if (got > 0) count += static_cast<std::size_t>(got);
        else if (errno != EINTR) return file_error(path_, "read");
    }
    return count;
}

result<void> posix_file::write_at(std::uint64_t offset, std::span<const bytes_view> parts) {
    std::size_t part = 0;
    std::size_t skip = 0;  // of that part
    for (;;) {
        std::array<iovec, most_parts> vectors;
        std::size_t count = 0;
        for (auto i = part; i < parts.size() && count < vectors.size(); ++i) {
            const auto rest = parts[i].subspan(i == part ? skip : 0);
            if (!rest.empty()) vectors[count++] = {const_cast<std::byte*>(rest.data()), rest.size()};
        }
        if (count == 0) return {};
        const auto wrote = ::pwritev(descriptor_, vectors.data(), static_cast<int>(count), static_cast<off_t>(offset));
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) return file_error(path_, "write");
        offset += static_cast<std::uint64_t>(wrote);
        for (auto left = static_cast<std::size_t>(wrote) + skip; part < parts.size();) {
            skip = left;
            if (left < parts[part].size()) break;
            left -= parts[part++].size();
            skip = 0;
        }
    }
}

result<void> posix_file::truncate(std::uint64_t size) {
    while (::ftruncate(descriptor_, static_cast<off_t>(size)) != 0) {
        if (errno != EINTR) return file_error(path_, "truncate");
    }
    return {};
}

result<std::uint64_t> posix_file::size() const {
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0) return file_error(path_, "ask for the size");
    return static_cast<std::uint64_t>(status.st_size);
}

result<void> posix_file::sync() {
    if (sync_failed_.load(std::memory_order_acquire)) {
        return error{errc::io_error, fmt::format("{}: an earlier sync failed; what it covered may be lost", path_)};
    }
    if ((is_directory_ ? ::fsync(descriptor_) : ::fdatasync(descriptor_)) != 0) {
        auto why = file_error(path_, "sync");
        sync_failed_.store(true, std::memory_order_release);
        return why;
    }
    return {};
}

}  // namespace weir::detail

#include <weir/base/posix_files.hpp>

#include "posix_error.hpp"
#include "posix_file.hpp"
#include "sync_workers.hpp"
#include "work_thread.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace weir {
namespace {

using detail::file_error;

class held_lock final : public file_lock {
public:
    explicit held_lock(int descriptor) : descriptor_(descriptor) {}
    ~held_lock() override { ::close(descriptor_); }

private:
    int descriptor_;
};

int flags_of(open_mode mode) {
    switch (mode) {
        case open_mode::read: return O_RDONLY;
        case open_mode::write: return O_RDWR;
        case open_mode::create: return O_RDWR | O_CREAT;
        case open_mode::create_new: return O_RDWR | O_CREAT | O_EXCL;
        case open_mode::replace: return O_RDWR | O_CREAT | O_TRUNC;
    }
    return O_RDONLY;
}

int open_retrying(const std::string& path, int flags) {
    for (;;) {
        const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC, 0644);
        if (descriptor >= 0 || errno != EINTR) return descriptor;
    }
}

class posix_files final : public file_system {
public:
    result<file_ptr> open(const std::string& path, open_mode mode) override {
        const int descriptor = open_retrying(path, flags_of(mode));
        if (descriptor < 0) return file_error(path, "open");
        return file_ptr{std::make_shared<detail::posix_file>(descriptor, path)};
    }

    result<void> rename(const std::string& from, const std::string& to) override {
        if (::rename(from.c_str(), to.c_str()) != 0) return file_error(from, fmt::format("rename to {}", to));
        return {};
    }

    result<void> remove(const std::string& path) override {
        if (::remove(path.c_str()) != 0) return file_error(path, "remove");
        return {};
    }

    result<void> remove_all(const std::string& path) override {
        std::error_code failure;
        std::filesystem::remove_all(path, failure);
        if (failure) return error{errc::io_error, fmt::format("{}: cannot remove: {}", path, failure.message())};
        return {};
    }

    result<void> create_directories(const std::string& path) override {
        std::error_code failure;
        std::filesystem::create_directories(path, failure);
        if (!failure) return {};
        const auto code = failure == std::errc::no_space_on_device ? errc::no_space : errc::io_error;
        return error{code, fmt::format("{}: cannot create the folder: {}", path, failure.message())};
    }

    result<std::vector<directory_entry>> list(const std::string& path) const override {
        const std::unique_ptr<DIR, int (*)(DIR*)> folder{::opendir(path.c_str()), &::closedir};
        if (!folder) return file_error(path, "list");
        std::vector<directory_entry> entries;
        for (;;) {
            errno = 0;
            const dirent* found = ::readdir(folder.get());
            if (!found) break;
            const std::string_view name = found->d_name;
            if (name == "." || name == "..") continue;
            entries.push_back({std::string{name}, is_folder(path, *found)});
        }
        if (errno != 0) return file_error(path, "list");
        return entries;
    }

    bool exists(const std::string& path) const override { return ::access(path.c_str(), F_OK) == 0; }

    result<std::uint64_t> file_size(const std::string& path) const override {
        struct stat status {};
        if (::stat(path.c_str(), &status) != 0) return file_error(path, "ask for the size");
        return static_cast<std::uint64_t>(status.st_size);
    }

    result<void> sync_directory(const std::string& path) override {
        const auto folder = open_directory(path);
        return folder ? (*folder)->sync() : folder.error();
    }

    result<file_ptr> open_directory(const std::string& path) override {
        const int descriptor = open_retrying(path, O_RDONLY | O_DIRECTORY);
        if (descriptor < 0) return file_error(path, "open");
        return file_ptr{std::make_shared<detail::posix_file>(descriptor, path)};
    }

    result<std::unique_ptr<file_lock>> lock(const std::string& path) override {
        const int descriptor = open_retrying(path, O_RDWR | O_CREAT);
        if (descriptor < 0) return file_error(path, "open");
        auto held = std::make_unique<held_lock>(descriptor);
        // Belongs to this opening, not to the process: a second one here is refused too.
        if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
            if (errno == EWOULDBLOCK) return error{errc::in_use, fmt::format("{} is locked by another owner", path)};
            return file_error(path, "lock");
        }
        return std::unique_ptr<file_lock>{std::move(held)};
    }

    result<space> disk_space(const std::string& path) const override {
        struct statvfs status {};
        if (::statvfs(path.c_str(), &status) != 0) return file_error(path, "ask for the space");
        return space{std::uint64_t{status.f_frsize} * status.f_blocks, std::uint64_t{status.f_frsize} * status.f_bavail};
    }

    void sync_all(std::vector<file_ptr> files, event_loop& loop, function<void(std::vector<result<void>>)> done) override {
        syncing_.add(std::move(files), loop, std::move(done));
    }

    void run_apart(function<void()> work, event_loop& loop, function<void()> done) override {
        apart_.add([work = std::move(work), done = std::move(done), &loop]() mutable {
            work();
            loop.post(std::move(done));
        });
    }

private:
    static bool is_folder(const std::string& path, const dirent& entry) {
        if (entry.d_type != DT_UNKNOWN && entry.d_type != DT_LNK) return entry.d_type == DT_DIR;
        struct stat status {};
        return ::stat((path + "/" + entry.d_name).c_str(), &status) == 0 && S_ISDIR(status.st_mode);
    }

    detail::sync_workers syncing_;
    detail::work_thread apart_;
};

}  // namespace

std::unique_ptr<file_system> make_posix_files() { return std::make_unique<posix_files>(); }

}  // namespace weir

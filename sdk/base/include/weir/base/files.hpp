// The seam to files: POSIX in production; in simulations memory that loses or tears what was not synced.
#pragma once
#include <weir/base/bytes.hpp>
#include <weir/base/error.hpp>
#include <weir/base/event_loop.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace weir {

/// One open file. Shared between the log that writes it and the answers that still send from it; closed with its last
/// owner. Reads and writes carry their position and may come from several threads. Errors name the path:
/// errc::no_space when the disk is full, errc::io_error otherwise.
class file {
public:
    virtual ~file() = default;
    /// Fills `into` from `offset`; fewer bytes only at the end of the file. A pipe gives its next bytes, whatever the offset.
    virtual result<std::size_t> read_at(std::uint64_t offset, mutable_bytes into) const = 0;
    /// Writes all parts one after another from `offset`, in one system call where possible. After an error nothing is
    /// known of the bytes from `offset` on: truncate.
    virtual result<void> write_at(std::uint64_t offset, std::span<const bytes_view> parts) = 0;
    virtual result<void> truncate(std::uint64_t size) = 0;
    virtual result<std::uint64_t> size() const = 0;
    /// Blocks until data and size are durable. A failure is final for the file: the kernel may have dropped the pages,
    /// so trying again proves nothing.
    virtual result<void> sync() = 0;
    virtual const std::string& path() const noexcept = 0;
    /// The descriptor for sendfile, or -1 where there is none (simulation).
    virtual int native_handle() const noexcept { return -1; }

    result<void> write_at(std::uint64_t offset, bytes_view part) { return write_at(offset, std::span{&part, 1}); }
};
using file_ptr = std::shared_ptr<file>;

enum class open_mode : std::uint8_t {
    read,         ///< must exist
    write,        ///< read and write; must exist
    create,       ///< read and write; made when missing, kept otherwise
    create_new,   ///< read and write; errc::already_exists when there
    replace,      ///< read and write; emptied when there
};

struct directory_entry {
    std::string name;  ///< without the directory
    bool is_directory = false;
};

/// Held while a process owns a directory; let go with the object (and by the kernel when the process dies).
class file_lock {
public:
    virtual ~file_lock() = default;
};

/// A file system. Paths are absolute or relative to the process; separators are '/'. All calls block, except sync_all and
/// run_apart.
class file_system {
public:
    virtual ~file_system() = default;
    virtual result<file_ptr> open(const std::string& path, open_mode mode) = 0;
    virtual result<void> rename(const std::string& from, const std::string& to) = 0;
    /// errc::not_found when missing.
    virtual result<void> remove(const std::string& path) = 0;
    /// Removes a folder with everything below it; harmless when missing.
    virtual result<void> remove_all(const std::string& path) = 0;
    virtual result<void> create_directories(const std::string& path) = 0;
    /// Entries in no particular order.
    virtual result<std::vector<directory_entry>> list(const std::string& path) const = 0;
    virtual bool exists(const std::string& path) const = 0;
    virtual result<std::uint64_t> file_size(const std::string& path) const = 0;
    /// Makes renames, creations and removals in `path` durable.
    virtual result<void> sync_directory(const std::string& path) = 0;
    /// A folder as something that sync_all takes: sync() does what sync_directory does; there is nothing to read or write.
    virtual result<file_ptr> open_directory(const std::string& path) = 0;
    /// errc::in_use when another process (or object) holds it.
    virtual result<std::unique_ptr<file_lock>> lock(const std::string& path) = 0;
    struct space { std::uint64_t total = 0, usable = 0; };
    virtual result<space> disk_space(const std::string& path) const = 0;

    /// Makes all files durable without blocking the caller, then runs `done` on `loop` with one result per file, in
    /// order. Real files are synced by helper threads, one for each device, one fdatasync each.
    virtual void sync_all(std::vector<file_ptr> files, event_loop& loop, function<void(std::vector<result<void>>)> done) = 0;
    /// Runs `work`, which may wait long for this file system, where no event loop waits for it; then `done` on `loop`. What
    /// is given runs in order, one after another. `work` does not throw.
    virtual void run_apart(function<void()> work, event_loop& loop, function<void()> done) = 0;
};

/// Reads a whole file, or a pipe to its end; errc::not_found when missing, errc::malformed above `limit` bytes.
result<bytes> read_file(file_system& files, const std::string& path, std::uint64_t limit = 64 << 20);
/// Replaces a file as Kafka does: writes `path`.tmp, syncs it, renames it, syncs the folder. Durable when it returns.
result<void> replace_file(file_system& files, const std::string& path, bytes_view content);

}  // namespace weir

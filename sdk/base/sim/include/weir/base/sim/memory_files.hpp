// A disk in memory that forgets, tears and fails as real ones do.
//
// What was written is visible at once, and durable only once synced: data by file::sync or sync_all, names (creations,
// renames, removals) by sync_directory. crash() is a power cut: of what was not synced, every write is kept, lost or torn
// at a byte on its own, and every folder keeps its changes up to a point. Everything follows from the seed.
#pragma once
#include <weir/base/files.hpp>
#include <weir/base/random.hpp>

#include <cstdint>
#include <memory>
#include <string>

namespace weir::sim {

/// What a power cut does to what was not synced.
enum class unsynced : std::uint8_t { at_random, lost, kept };

enum class disk_operation : std::uint8_t { open, read, write, truncate, sync, rename, remove, sync_directory };

/// An operation that will fail. It has no effect, except that half of a failed write may be there (as on real disks), and
/// that a failed sync drops what it should have made durable: a later sync that succeeds does not bring it back.
struct disk_fault {
    disk_operation operation = disk_operation::write;
    errc code = errc::io_error;
    std::string path_contains;  ///< empty: any file
    std::uint64_t after = 0;    ///< this many matching operations succeed first
    std::uint64_t times = 1;    ///< then this many fail
};

/// Single-threaded. The object is the machine's disk: it outlives the file handles, which stop working at a crash.
class memory_files final : public file_system {
public:
    explicit memory_files(std::uint64_t seed = 1);
    ~memory_files() override;

    // --- file_system ---
    result<file_ptr> open(const std::string& path, open_mode mode) override;
    result<void> rename(const std::string& from, const std::string& to) override;
    result<void> remove(const std::string& path) override;
    result<void> remove_all(const std::string& path) override;
    result<void> create_directories(const std::string& path) override;
    result<std::vector<directory_entry>> list(const std::string& path) const override;
    bool exists(const std::string& path) const override;
    result<std::uint64_t> file_size(const std::string& path) const override;
    result<void> sync_directory(const std::string& path) override;
    result<file_ptr> open_directory(const std::string& path) override;
    result<std::unique_ptr<file_lock>> lock(const std::string& path) override;
    result<space> disk_space(const std::string& path) const override;
    /// Done after the sync delay; what was written after the call is not part of it.
    void sync_all(std::vector<file_ptr> files, event_loop& loop, function<void(std::vector<result<void>>)> done) override;
    /// A later step of the loop.
    void run_apart(function<void()> work, event_loop& loop, function<void()> done) override;

    // --- what happens to disks ---
    /// A power cut: open files and locks are gone, and unsynced changes with luck only. Pending sync_all calls fail.
    void crash(unsynced what = unsynced::at_random);
    /// The process is killed, the machine goes on: open files and locks are gone, all that was written is there.
    void kill_process();
    /// The disk as a power cut at this moment would leave it; this one is untouched. Same seed, same damage.
    std::unique_ptr<memory_files> crashed_copy(std::uint64_t seed, unsynced what = unsynced::at_random) const;

    void inject(disk_fault fault);
    void fail_next_write(errc code = errc::io_error, std::string path_contains = {});
    void fail_next_sync(errc code = errc::io_error, std::string path_contains = {});
    void clear_faults();
    /// After this many more changes (writes, truncations, syncs, names) everything fails until crash() or kill_process():
    /// walking it from 0 up stops a program at every point.
    void stop_after(std::uint64_t changes);
    /// Changes made so far.
    std::uint64_t changes() const noexcept;

    /// How long sync_all takes; a blocking sync takes no time.
    void set_sync_delay(nanoseconds delay) noexcept;
    static constexpr std::uint64_t no_limit = std::uint64_t{1} << 40;
    /// Bytes that fit; beyond, writes fail with errc::no_space.
    void set_capacity(std::uint64_t bytes) noexcept;
    /// Flips bits behind the program's back.
    result<void> damage(const std::string& path, std::uint64_t offset, std::byte flip = std::byte{0xff});

    /// Successful file syncs so far, to see that a group commit is one.
    std::uint64_t syncs() const noexcept;
    /// Files and folders that are open or locked, to see what leaks.
    std::size_t open_files() const noexcept;

private:
    struct state;
    class handle;
    class directory_handle;
    class held_lock;
    std::shared_ptr<state> state_;
};

}  // namespace weir::sim

// Snapshots of the metadata log as files in Kafka's format: "<end offset>-<epoch>.checkpoint" (KIP-630).
#pragma once
#include <weir/base/bytes.hpp>
#include <weir/base/error.hpp>
#include <weir/base/files.hpp>
#include <weir/base/function.hpp>
#include <weir/base/time.hpp>
#include <weir/raft/types.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::raft {

/// "00000000000000000042-0000000003.checkpoint"
std::string snapshot_file_name(const snapshot_id& id);
/// nullopt for other files, also for .part and .deleted ones.
std::optional<snapshot_id> parse_snapshot_file_name(std::string_view name);

/// Writes a snapshot as `<path>.part`; finishing makes it durable and gives it its name, so that a file with that name
/// is complete. Dropping an unfinished writer removes the part file.
class snapshot_writer {
public:
    struct options {
        std::string path;                          ///< of the finished file
        snapshot_info info;
        timestamp_ms last_log_timestamp = 0;       ///< of the newest record it contains
        timestamp_ms now = 0;                      ///< stamped on the batches
        std::size_t batch_bytes = 1 << 20;
    };
    static result<std::unique_ptr<snapshot_writer>> create(file_system& files, options options);
    ~snapshot_writer();

    const snapshot_id& id() const noexcept;
    /// One metadata record in its frame.
    result<void> add(bytes_view frame);
    /// Footer, sync, rename: durable when it returns.
    result<void> finish();
    /// The same without blocking the loop for the sync.
    void finish(event_loop& loop, function<void(result<void>)> done);

private:
    struct state;
    explicit snapshot_writer(std::shared_ptr<state> state);
    std::shared_ptr<state> state_;
};

/// Reads a finished snapshot (or bootstrap.checkpoint) front to back. Every batch's CRC is checked; a file that is
/// damaged or has no footer is refused by open(): errc::corrupt_message with path and position.
class snapshot_reader {
public:
    static result<snapshot_reader> open(file_system& files, const std::string& path);
    snapshot_reader(snapshot_reader&&) noexcept;
    snapshot_reader& operator=(snapshot_reader&&) noexcept;
    ~snapshot_reader();

    const snapshot_info& info() const noexcept;  ///< id is {0, 0} when the name does not say
    timestamp_ms last_log_timestamp() const noexcept;
    /// The frames of the next data batch, views that live until the next call; empty at the end.
    result<std::vector<bytes_view>> next();

private:
    struct state;
    explicit snapshot_reader(std::unique_ptr<state> state);
    std::unique_ptr<state> state_;
};

/// The snapshots of one directory.
class snapshot_directory {
public:
    /// Lists `path`, removes what an interrupted run left (.part, .deleted) and finds the newest complete snapshot.
    static result<snapshot_directory> open(file_system& files, std::string path);

    const std::optional<snapshot_info>& latest() const noexcept { return latest_; }
    const std::string& path() const noexcept { return path_; }
    std::string path_of(const snapshot_id& id) const { return path_ + "/" + snapshot_file_name(id); }
    std::vector<snapshot_id> list() const { return all_; }  ///< oldest first
    /// Reads part of a file: errc::snapshot_not_found, errc::position_out_of_range.
    result<bytes> read(const snapshot_id& id, std::int64_t position, std::size_t max_bytes, std::int64_t& size) const;
    /// A finished file with this id is in the directory now.
    result<void> added(const snapshot_id& id);
    /// Writes a chunk of a snapshot that is being copied; position 0 starts over.
    result<void> receive(const snapshot_id& id, std::int64_t position, bytes_view chunk);
    /// Checks the copied file, makes it durable, names it.
    result<snapshot_info> install(const snapshot_id& id);
    /// Removes the oldest until `keep` are left; the newest always stays.
    result<void> remove_older(std::size_t keep = 1);

private:
    file_system* files_ = nullptr;
    std::string path_;
    std::vector<snapshot_id> all_;
    std::optional<snapshot_info> latest_;
};

}  // namespace weir::raft

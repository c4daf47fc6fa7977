// Pushed metrics on the disk, one file per client instance.
#pragma once
#include <weir/base/bytes.hpp>
#include <weir/base/files.hpp>

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>

namespace weir::server {

/// Not thread-safe. What it takes on the disk is bounded: two files of file_limit for each of client_limit clients.
class telemetry_files {
public:
    static constexpr std::uint64_t file_limit = 16 << 20;
    static constexpr std::size_t client_limit = 1024;

    telemetry_files(file_system& files, std::string directory) : files_(files), directory_(std::move(directory)) {}
    result<void> open();
    /// Appends one message to the client's file. Not synced: metrics of the last seconds are not worth a wait.
    result<void> append(const std::string& client, bytes_view message);

private:
    struct entry {
        std::list<std::string>::iterator turn;
        std::optional<std::uint64_t> size;  // nothing until the end of a file from an earlier run was looked at
    };
    std::string path(const std::string& client) const { return directory_ + "/" + client + ".otlp"; }
    entry& touch(const std::string& client);
    void drop_oldest();
    result<std::uint64_t> whole_messages(const file& from) const;

    file_system& files_;
    std::string directory_;
    std::list<std::string> turns_;  // the client that pushed last is last
    std::map<std::string, entry, std::less<>> known_;
};

}  // namespace weir::server

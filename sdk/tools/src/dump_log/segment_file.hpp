// Batches of a log file, one after the other, through one buffer.
#pragma once
#include <weir/base/files.hpp>
#include <weir/protocol/records/record_set.hpp>

#include <optional>

namespace weir::tools {

class segment_file {
public:
    /// Reads from `position` to `end`, or to the end of the file when that comes first. errc::not_found and
    /// errc::io_error name the file.
    static result<segment_file> open(file_system& files, const std::string& path, std::uint64_t position = 0,
                                     std::uint64_t end = ~std::uint64_t{0});

    struct entry {
        protocol::set_entry batch;  ///< a view, valid until the next call
        std::uint64_t position;     ///< in the file
    };
    /// The next batch begins there. Cheap where it is among what was read last.
    void seek(std::uint64_t position, std::uint64_t end = ~std::uint64_t{0});
    /// The next whole batch; nullopt when what follows is none.
    result<std::optional<entry>> next();
    /// Behind the last batch.
    std::uint64_t position() const noexcept { return at_; }
    /// Of the whole file.
    std::uint64_t file_bytes() const noexcept { return file_bytes_; }

private:
    segment_file() = default;
    result<void> fill(std::size_t least);

    file_ptr file_;
    std::uint64_t file_bytes_ = 0;
    std::uint64_t end_ = 0;
    std::uint64_t at_ = 0;         // of the next batch
    bytes buffer_;
    std::uint64_t buffer_at_ = 0;  // where the buffer begins in the file
};

}  // namespace weir::tools

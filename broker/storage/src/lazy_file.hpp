// A file of a segment that is opened when it is needed and let go when it is not.
#pragma once
#include "paths.hpp"

#include <weir/storage/file_cache.hpp>

#include <memory>

namespace weir::storage {

/// Where a partition's files are; outlives its segments.
struct log_folder {
    std::string path;
    std::shared_ptr<file_cache> handles;
    std::int32_t index_interval_bytes = 4096;  ///< as the topic says
    file_system& files() const noexcept { return handles->files(); }
};

class lazy_file {
public:
    lazy_file(const log_folder& folder, std::int64_t base_offset, std::string_view kind) noexcept
        : folder_(folder),
          base_offset_(base_offset),
          kind_(kind) {}

    /// `mode` counts when the file is not open yet.
    result<file_ptr> open(open_mode mode) const {
        return folder_.handles->open(slot_, mode, [this] { return path(); });
    }
    file_ptr if_open() const { return folder_.handles->find(slot_); }
    void close() const noexcept { folder_.handles->forget(slot_); }
    std::string path() const { return offset_path(folder_.path, base_offset_, kind_); }
    std::int64_t base_offset() const noexcept { return base_offset_; }
    const log_folder& folder() const noexcept { return folder_; }

private:
    const log_folder& folder_;
    std::int64_t base_offset_;
    std::string_view kind_;
    mutable file_cache::slot slot_;
};

}  // namespace weir::storage

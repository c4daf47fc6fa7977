// Open files on demand: a broker with 100,000 segment files keeps only the recently used ones open.
#pragma once
#include <weir/base/files.hpp>

#include <mutex>

namespace weir::storage {

/// Least recently used files are let go beyond `capacity`; whoever still holds the file_ptr keeps the file open until it
/// is done. Shared by all logs of a broker, so thread-safe; a slot itself belongs to one log.
class file_cache {
public:
    explicit file_cache(file_system& files, std::size_t capacity = 512) noexcept : files_(files), capacity_(capacity) {}

    /// The place of one file in the cache. Must not outlive the cache.
    class slot {
    public:
        slot() noexcept = default;
        ~slot() {
            if (owner_ != nullptr) owner_->forget(*this);
        }
        slot(const slot&) = delete;
        slot& operator=(const slot&) = delete;

    private:
        friend file_cache;
        file_cache* owner_ = nullptr;
        file_ptr held_;
        slot* newer_ = nullptr;
        slot* older_ = nullptr;
    };

    /// The open file, or null when it has to be opened.
    file_ptr find(slot& where);
    void put(slot& where, file_ptr opened);
    void forget(slot& where) noexcept;

    template <class Path>
    result<file_ptr> open(slot& where, open_mode mode, const Path& path) {
        if (auto held = find(where)) return held;
        auto opened = files_.open(path(), mode);
        if (opened) put(where, *opened);
        return opened;
    }
    file_system& files() noexcept { return files_; }
    std::size_t open_files() const;

private:
    void link_newest(slot& where) noexcept;
    void unlink(slot& where) noexcept;

    file_system& files_;
    const std::size_t capacity_;
    mutable std::mutex mutex_;  // guards all below and the links of every slot
    slot* newest_ = nullptr;
    slot* oldest_ = nullptr;
    std::size_t count_ = 0;
};

}  // namespace weir::storage

// A file of entries of one size: what offset and time indexes have in common.
//
// New entries gather in memory and go to the file in blocks: an index is rebuilt after an unclean stop anyway, so it is
// not worth a system call per entry. Old entries are read where they are, so an idle index costs no memory.
#pragma once
#include "lazy_file.hpp"

#include <cstdint>
#include <string>

namespace weir::storage {

class index_file {
public:
    /// Empty until load() has looked at the file.
    index_file(const log_folder& folder, std::int64_t base_offset, std::string_view kind,
               std::size_t entry_bytes) noexcept
        : file_(folder, base_offset, kind),
          entry_bytes_(entry_bytes) {}

    /// Takes the entries of the file. errc::not_found without a file, errc::corrupt_message when it holds half an entry.
    result<void> load();
    std::uint64_t count() const noexcept { return on_disk_ + tail_.size() / entry_bytes_; }
    /// Copies so many entries from `at` on, all below count(), to `into`.
    result<void> read(std::uint64_t at, std::uint64_t entries, mutable_bytes into) const;
    void push(bytes_view entry);
    /// Writes what is gathered and gives its memory back; the file is made when missing, even when empty. Returns it,
    /// for syncing.
    result<file_ptr> spill();
    /// Keeps the first `entries`; 0 empties the file whatever is in it.
    result<void> truncate(std::uint64_t entries);
    void close() const noexcept { file_.close(); }
    std::string path() const { return file_.path(); }
    std::int64_t base_offset() const noexcept { return file_.base_offset(); }

    /// The first entry below which `before` holds no more; count() when it holds for all. Entries are sorted by it.
    template <class Before>
    result<std::uint64_t> partition_point(const Before& before) const {
        std::byte block[block_bytes];
        const auto holds = [&](std::uint64_t at) { return before(static_cast<const std::byte*>(block + at * entry_bytes_)); };
        std::uint64_t low = 0, high = count();
        // Halves until what is left fits: from there on a read costs more than the search in what it brings.
        while (high - low > block_bytes / entry_bytes_) {
            const auto middle = low + (high - low) / 2;
            if (auto got = read(middle, 1, block); !got) return got.error();
            if (holds(0)) low = middle + 1;
            else high = middle;
        }
        const auto first = low;
        if (auto got = read(first, high - first, block); !got) return got.error();
        while (low < high) {
            const auto middle = low + (high - low) / 2;
            if (holds(middle - first)) low = middle + 1;
            else high = middle;
        }
        return low;
    }

private:
    static constexpr std::size_t block_bytes = 2048;

    lazy_file file_;
    std::size_t entry_bytes_;
    std::uint64_t on_disk_ = 0;  ///< entries in the file
    bytes tail_;                 // entries that are not
};

}  // namespace weir::storage

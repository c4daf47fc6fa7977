// Files and folders with two faces: what a program sees, and what would survive a power cut.
#pragma once
#include <weir/base/bytes.hpp>
#include <weir/base/random.hpp>
#include <weir/base/sim/memory_files.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace weir::sim {

/// A change of a file's content that was not synced: a write, or a truncation when `is_truncation`.
struct data_change {
    std::uint64_t order = 0;
    bool is_truncation = false;
    std::uint64_t at = 0;  ///< where the write begins; the new size for a truncation
    bytes data;
};

struct tree_node {
    explicit tree_node(bool directory) : is_directory(directory) {}
    bool is_directory;
    // A file.
    bytes content;
    bytes durable;
    std::vector<data_change> pending;
    // A folder.
    std::map<std::string, std::shared_ptr<tree_node>, std::less<>> entries;
    std::map<std::string, std::shared_ptr<tree_node>, std::less<>> durable_entries;

    void apply(data_change change);             ///< visible now, durable later
    void make_durable_until(std::uint64_t order);  ///< changes made before `order`
    /// A failed sync: each pending change reached the disk or is gone for good, although it stays visible until a crash.
    void lose_track(random_source& random);
    void settle(unsynced what, random_source& random);  ///< a power cut, for a file
};
using node_ptr = std::shared_ptr<tree_node>;

/// A change of names that was not synced. Creation has no `from`, removal no `to`.
struct name_change {
    node_ptr from_folder, to_folder;
    std::string from_name, to_name;
    node_ptr what;
    bool touches(const tree_node* folder) const { return from_folder.get() == folder || to_folder.get() == folder; }
};

class memory_tree {
public:
    memory_tree() : root_(std::make_shared<tree_node>(true)) {}
    node_ptr find(std::string_view path) const;
    /// The folder that holds the last part of `path`, and that part; null when the folder is missing.
    std::pair<node_ptr, std::string> parent(std::string_view path) const;
    void link(const node_ptr& folder, const std::string& name, const node_ptr& what);
    void unlink(const node_ptr& folder, const std::string& name);
    void move(const node_ptr& from, const std::string& from_name, const node_ptr& to, const std::string& to_name);
    /// Makes the names in `folder` durable, and those that lead to it, as journalling file systems do.
    void sync(const node_ptr& folder);
    void settle(unsynced what, random_source& random);
    std::uint64_t used() const;
    memory_tree copy() const;
    static std::vector<std::string_view> split(std::string_view path);

private:
    static void make_durable(const name_change& change);
    node_ptr root_;
    std::vector<name_change> pending_;
};

}  // namespace weir::sim

#include <weir/base/sim/memory_files.hpp>

#include "memory_tree.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>

namespace weir::sim {
namespace {

error missing(std::string_view path) { return error{errc::not_found, fmt::format("{} is not there", path)}; }

}  // namespace

struct memory_files::state {
    explicit state(std::uint64_t seed) : random(seed) {}
    memory_tree tree;
    random_source random;
    std::vector<disk_fault> faults;
    std::set<const tree_node*> locked;
    std::uint64_t life = 0;  // grows with each crash; handles of an earlier life are dead
    std::uint64_t changes = 0;
    std::uint64_t stop_at = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t syncs = 0;
    std::size_t open_files = 0;
    std::uint64_t capacity = no_limit;
    nanoseconds sync_delay{0};

    /// The scripted fate of an operation. Everything but opening and reading counts as a change.
    result<void> attempt(disk_operation what, const std::string& path) {
        const bool is_change = what != disk_operation::open && what != disk_operation::read;
        if (changes >= stop_at) return error{errc::io_error, fmt::format("{}: the machine has stopped", path)};
        for (auto& fault : faults) {
            if (fault.operation != what || fault.times == 0) continue;
            if (!fault.path_contains.empty() && path.find(fault.path_contains) == std::string::npos) continue;
            if (fault.after > 0) {
                --fault.after;
                continue;
            }
            --fault.times;
            return error{fault.code, fmt::format("{}: failed on command", path)};
        }
        if (is_change) ++changes;
        return {};
    }
    void end_life() {
        ++life;
        open_files = 0;
        locked.clear();
        stop_at = std::numeric_limits<std::uint64_t>::max();
    }
};

class memory_files::handle final : public file {
public:
    handle(std::shared_ptr<state> disk, node_ptr node, std::string path, bool writable)
        : disk_(std::move(disk)), node_(std::move(node)), path_(std::move(path)), life_(disk_->life), writable_(writable) {
        ++disk_->open_files;
    }
    ~handle() override {
        if (life_ == disk_->life) --disk_->open_files;
    }

    result<std::size_t> read_at(std::uint64_t offset, mutable_bytes into) const override {
        if (auto well = alive(disk_operation::read, false); !well) return well.error();
        const auto& content = node_->content;
        if (offset >= content.size()) return std::size_t{0};
        const auto count = std::min(into.size(), content.size() - static_cast<std::size_t>(offset));
        std::copy_n(content.begin() + static_cast<std::ptrdiff_t>(offset), count, into.begin());
        return count;
    }

    result<void> write_at(std::uint64_t offset, std::span<const bytes_view> parts) override {
        data_change change;
        change.at = offset;
        for (const auto part : parts) change.data.insert(change.data.end(), part.begin(), part.end());
        auto fate = alive(disk_operation::write, true);
        if (fate && grown_by(offset + change.data.size()) > room()) {
            fate = error{errc::no_space, fmt::format("{}: no space left on the disk", path_)};
        }
        if (!fate) {
            // A failed write may have left any part of itself.
            if (fate.code() != errc::closed && disk_->changes < disk_->stop_at && !change.data.empty()) {
                change.data.resize(static_cast<std::size_t>(disk_->random.below(change.data.size())));
                if (grown_by(offset + change.data.size()) <= room() && !change.data.empty()) apply(std::move(change));
            }
            return fate;
        }
        if (!change.data.empty()) apply(std::move(change));
        return {};
    }

    result<void> truncate(std::uint64_t size) override {
        if (auto well = alive(disk_operation::truncate, true); !well) return well;
        if (size == node_->content.size()) return {};
        if (grown_by(size) > room()) return error{errc::no_space, fmt::format("{}: no space left on the disk", path_)};
        data_change change;
        change.is_truncation = true;
        change.at = size;
        apply(std::move(change));
        return {};
    }

    result<std::uint64_t> size() const override {
        if (auto well = alive(disk_operation::read, false); !well) return well.error();
        return std::uint64_t{node_->content.size()};
    }

    result<void> sync() override { return sync_until(std::numeric_limits<std::uint64_t>::max()); }

    result<void> sync_until(std::uint64_t order) {
        if (auto well = alive(disk_operation::sync, false); !well) {
            if (well.code() != errc::closed && disk_->changes < disk_->stop_at) node_->lose_track(disk_->random);
            return well;
        }
        node_->make_durable_until(order);
        ++disk_->syncs;
        return {};
    }

    const std::string& path() const noexcept override { return path_; }
    std::uint64_t life() const noexcept { return life_; }

private:
    result<void> alive(disk_operation what, bool writes) const {
        if (life_ != disk_->life) return error{errc::closed, fmt::format("{}: opened before the crash", path_)};
        if (writes && !writable_) return error{errc::io_error, fmt::format("{}: opened for reading", path_)};
        return disk_->attempt(what, path_);
    }
    void apply(data_change change) {
        change.order = disk_->changes;
        node_->apply(std::move(change));
    }
    std::uint64_t grown_by(std::uint64_t end) const {
        return end > node_->content.size() ? end - node_->content.size() : 0;
    }
    std::uint64_t room() const {
        if (disk_->capacity >= no_limit) return disk_->capacity;  // not limited: spare the walk
        const auto used = disk_->tree.used();
        return disk_->capacity > used ? disk_->capacity - used : 0;
    }

    std::shared_ptr<state> disk_;
    node_ptr node_;
    std::string path_;
    std::uint64_t life_;
    bool writable_;
};

class memory_files::directory_handle final : public file {
public:
    directory_handle(std::shared_ptr<state> disk, node_ptr node, std::string path)
        : disk_(std::move(disk)), node_(std::move(node)), path_(std::move(path)), life_(disk_->life) {}
    result<std::size_t> read_at(std::uint64_t, mutable_bytes) const override { return not_a_file(); }
    result<void> write_at(std::uint64_t, std::span<const bytes_view>) override { return not_a_file(); }
    result<void> truncate(std::uint64_t) override { return not_a_file(); }
    result<std::uint64_t> size() const override { return not_a_file(); }
    result<void> sync() override {
        if (life_ != disk_->life) return error{errc::closed, fmt::format("{}: opened before the crash", path_)};
        if (auto well = disk_->attempt(disk_operation::sync_directory, path_); !well) return well;
        disk_->tree.sync(node_);
        return {};
    }
    const std::string& path() const noexcept override { return path_; }

private:
    error not_a_file() const { return error{errc::io_error, fmt::format("{} is a folder", path_)}; }
    std::shared_ptr<state> disk_;
    node_ptr node_;
    std::string path_;
    std::uint64_t life_;
};

class memory_files::held_lock final : public file_lock {
public:
    held_lock(std::shared_ptr<state> disk, node_ptr node) : disk_(std::move(disk)), node_(std::move(node)), life_(disk_->life) {
        disk_->locked.insert(node_.get());
        ++disk_->open_files;
    }
    ~held_lock() override {
        if (life_ != disk_->life) return;
        disk_->locked.erase(node_.get());
        --disk_->open_files;
    }

private:
    std::shared_ptr<state> disk_;
    node_ptr node_;
    std::uint64_t life_;
};

memory_files::memory_files(std::uint64_t seed) : state_(std::make_shared<state>(seed)) {}
memory_files::~memory_files() = default;

result<file_ptr> memory_files::open(const std::string& path, open_mode mode) {
    auto& tree = state_->tree;
    const bool makes = mode == open_mode::create || mode == open_mode::create_new || mode == open_mode::replace;
    auto node = tree.find(path);
    if (node && node->is_directory) return error{errc::io_error, fmt::format("{} is a folder", path)};
    if (node && mode == open_mode::create_new) return error{errc::already_exists, fmt::format("{} exists", path)};
    if (!node && !makes) return missing(path);
    if (auto well = state_->attempt(disk_operation::open, path); !well) return well.error();
    if (!node) {
        const auto [folder, name] = tree.parent(path);
        if (!folder) return missing(path);
        ++state_->changes;
        node = std::make_shared<tree_node>(false);
        tree.link(folder, name, node);
    }
    auto opened = std::make_shared<handle>(state_, node, path, mode != open_mode::read);
    if (mode == open_mode::replace && !node->content.empty()) {
        if (auto emptied = opened->truncate(0); !emptied) return emptied.error();
    }
    return file_ptr{std::move(opened)};
}

result<void> memory_files::rename(const std::string& from, const std::string& to) {
    auto& tree = state_->tree;
    const auto what = tree.find(from);
    if (!what) return missing(from);
    const auto [from_folder, from_name] = tree.parent(from);
    const auto [to_folder, to_name] = tree.parent(to);
    if (!from_folder) return error{errc::io_error, "the root cannot be renamed"};
    if (!to_folder) return missing(to);
    if (const auto there = tree.find(to)) {
        if (there == what) return {};
        if (there->is_directory != what->is_directory || (there->is_directory && !there->entries.empty())) {
            return error{errc::already_exists, fmt::format("{} cannot replace {}", from, to)};
        }
    }
    if (auto well = state_->attempt(disk_operation::rename, from); !well) return well;
    tree.move(from_folder, from_name, to_folder, to_name);
    return {};
}

result<void> memory_files::remove(const std::string& path) {
    auto& tree = state_->tree;
    const auto node = tree.find(path);
    if (!node) return missing(path);
    if (!node->entries.empty()) return error{errc::io_error, fmt::format("{} is not empty", path)};
    const auto [folder, name] = tree.parent(path);
    if (!folder) return error{errc::io_error, "the root cannot be removed"};
    if (auto well = state_->attempt(disk_operation::remove, path); !well) return well;
    tree.unlink(folder, name);
    return {};
}

result<void> memory_files::remove_all(const std::string& path) {
    auto& tree = state_->tree;
    const auto node = tree.find(path);
    if (!node) return {};
    const auto names = list(path);
    if (names) {
        for (const auto& entry : *names) {
            if (auto removed = remove_all(path + "/" + entry.name); !removed) return removed;
        }
    }
    return remove(path);
}

result<void> memory_files::create_directories(const std::string& path) {
    auto& tree = state_->tree;
    std::string so_far;
    for (const auto part : memory_tree::split(path)) {
        so_far.append("/").append(part);
        if (const auto there = tree.find(so_far)) {
            if (there->is_directory) continue;
            return error{errc::already_exists, fmt::format("{} is a file", so_far)};
        }
        if (auto well = state_->attempt(disk_operation::rename, so_far); !well) return well;
        const auto [folder, name] = tree.parent(so_far);
        tree.link(folder, name, std::make_shared<tree_node>(true));
    }
    return {};
}

result<std::vector<directory_entry>> memory_files::list(const std::string& path) const {
    const auto node = state_->tree.find(path);
    if (!node) return missing(path);
    if (!node->is_directory) return error{errc::io_error, fmt::format("{} is a file", path)};
    std::vector<directory_entry> entries;
    for (const auto& [name, child] : node->entries) entries.push_back({name, child->is_directory});
    return entries;
}

bool memory_files::exists(const std::string& path) const { return state_->tree.find(path) != nullptr; }

result<std::uint64_t> memory_files::file_size(const std::string& path) const {
    const auto node = state_->tree.find(path);
    if (!node) return missing(path);
    return std::uint64_t{node->content.size()};
}

result<void> memory_files::sync_directory(const std::string& path) {
    const auto folder = open_directory(path);
    return folder ? (*folder)->sync() : folder.error();
}

result<std::unique_ptr<file_lock>> memory_files::lock(const std::string& path) {
    auto node = state_->tree.find(path);
    if (!node) {
        const auto [folder, name] = state_->tree.parent(path);
        if (!folder) return missing(path);
        node = std::make_shared<tree_node>(false);
        state_->tree.link(folder, name, node);
    }
    if (state_->locked.contains(node.get())) return error{errc::in_use, fmt::format("{} is locked by another owner", path)};
    return std::unique_ptr<file_lock>{std::make_unique<held_lock>(state_, node)};
}

result<file_system::space> memory_files::disk_space(const std::string& path) const {
    if (!state_->tree.find(path)) return missing(path);
    const auto used = state_->tree.used();
    return space{state_->capacity, state_->capacity > used ? state_->capacity - used : 0};
}

result<file_ptr> memory_files::open_directory(const std::string& path) {
    const auto node = state_->tree.find(path);
    if (!node || !node->is_directory) return missing(path);
    return file_ptr{std::make_shared<directory_handle>(state_, node, path)};
}

void memory_files::run_apart(function<void()> work, event_loop& loop, function<void()> done) {
    loop.post([work = std::move(work), done = std::move(done)]() mutable {
        work();
        done();
    });
}

void memory_files::sync_all(std::vector<file_ptr> files, event_loop& loop,
                            function<void(std::vector<result<void>>)> done) {
    const auto order = state_->changes + 1;  // a change made now has the count as its order
    auto finish = [files = std::move(files), done = std::move(done), order]() mutable {
        std::vector<result<void>> results;
        for (const auto& synced : files) {
            auto* mine = dynamic_cast<handle*>(synced.get());
            results.push_back(mine ? mine->sync_until(order) : synced->sync());
        }
        done(std::move(results));
    };
    if (state_->sync_delay > nanoseconds{0}) loop.call_after(state_->sync_delay, std::move(finish));
    else loop.post(std::move(finish));
}

void memory_files::crash(unsynced what) {
    state_->end_life();
    state_->tree.settle(what, state_->random);
}

void memory_files::kill_process() { state_->end_life(); }

std::unique_ptr<memory_files> memory_files::crashed_copy(std::uint64_t seed, unsynced what) const {
    auto copied = std::make_unique<memory_files>(seed);
    copied->state_->tree = state_->tree.copy();
    copied->state_->capacity = state_->capacity;
    copied->state_->sync_delay = state_->sync_delay;
    copied->crash(what);
    return copied;
}

void memory_files::inject(disk_fault fault) { state_->faults.push_back(std::move(fault)); }
void memory_files::fail_next_write(errc code, std::string path_contains) {
    inject({disk_operation::write, code, std::move(path_contains)});
}
void memory_files::fail_next_sync(errc code, std::string path_contains) {
    inject({disk_operation::sync, code, std::move(path_contains)});
}
void memory_files::clear_faults() { state_->faults.clear(); }
void memory_files::stop_after(std::uint64_t changes) { state_->stop_at = state_->changes + changes; }
std::uint64_t memory_files::changes() const noexcept { return state_->changes; }
void memory_files::set_sync_delay(nanoseconds delay) noexcept { state_->sync_delay = delay; }
void memory_files::set_capacity(std::uint64_t bytes) noexcept { state_->capacity = bytes; }
std::uint64_t memory_files::syncs() const noexcept { return state_->syncs; }
std::size_t memory_files::open_files() const noexcept { return state_->open_files; }

result<void> memory_files::damage(const std::string& path, std::uint64_t offset, std::byte flip) {
    const auto node = state_->tree.find(path);
    if (!node || offset >= node->content.size()) return missing(path);
    node->content[static_cast<std::size_t>(offset)] ^= flip;
    if (offset < node->durable.size()) node->durable[static_cast<std::size_t>(offset)] ^= flip;
    return {};
}

}  // namespace weir::sim

#include "memory_tree.hpp"

#include <algorithm>
#include <set>
#include <unordered_map>

namespace weir::sim {
namespace {

void write_into(bytes& content, std::uint64_t at, bytes_view data) {
    if (data.empty()) return;
    const auto end = static_cast<std::size_t>(at) + data.size();
    if (content.size() < end) content.resize(end);
    std::ranges::copy(data, content.begin() + static_cast<std::ptrdiff_t>(at));
}

void apply_to(bytes& content, const data_change& change, std::size_t bytes_of_it) {
    if (change.is_truncation) content.resize(static_cast<std::size_t>(change.at));
    else write_into(content, change.at, bytes_view{change.data}.first(bytes_of_it));
}

template <class Visit>
void for_each_node(const node_ptr& root, Visit visit) {
    std::set<const tree_node*> seen;
    std::vector<node_ptr> open{root};
    while (!open.empty()) {
        const auto node = open.back();
        open.pop_back();
        if (!seen.insert(node.get()).second) continue;
        visit(*node);
        for (const auto& [name, child] : node->entries) open.push_back(child);
        for (const auto& [name, child] : node->durable_entries) open.push_back(child);
    }
}

}  // namespace

void tree_node::apply(data_change change) {
    apply_to(content, change, change.data.size());
    pending.push_back(std::move(change));
}

void tree_node::make_durable_until(std::uint64_t order) {
    auto rest = pending.begin();
    for (; rest != pending.end() && rest->order < order; ++rest) apply_to(durable, *rest, rest->data.size());
    pending.erase(pending.begin(), rest);
}

void tree_node::lose_track(random_source& random) {
    for (const auto& change : pending) {
        if (random.chance(0.5)) apply_to(durable, change, change.data.size());
    }
    pending.clear();
}

void tree_node::settle(unsynced what, random_source& random) {
    for (const auto& change : pending) {
        if (what == unsynced::lost) break;
        if (what == unsynced::at_random) {
            const auto fate = random.below(3);
            if (fate == 0) continue;
            if (fate == 1 && change.data.size() > 1) {
                apply_to(durable, change, static_cast<std::size_t>(1 + random.below(change.data.size() - 1)));
                continue;
            }
        }
        apply_to(durable, change, change.data.size());
    }
    pending.clear();
    content = durable;
}

std::vector<std::string_view> memory_tree::split(std::string_view path) {
    std::vector<std::string_view> parts;
    while (!path.empty()) {
        const auto slash = path.find('/');
        const auto part = path.substr(0, slash);
        if (part == "..") {
            if (!parts.empty()) parts.pop_back();
        } else if (!part.empty() && part != ".") {
            parts.push_back(part);
        }
        path = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
    }
    return parts;
}

node_ptr memory_tree::find(std::string_view path) const {
    auto node = root_;
    for (const auto part : split(path)) {
        if (!node->is_directory) return nullptr;
        const auto found = node->entries.find(part);
        if (found == node->entries.end()) return nullptr;
        node = found->second;
    }
    return node;
}

std::pair<node_ptr, std::string> memory_tree::parent(std::string_view path) const {
    const auto parts = split(path);
    if (parts.empty()) return {nullptr, {}};
    auto node = root_;
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
        const auto found = node->entries.find(parts[i]);
        if (found == node->entries.end() || !found->second->is_directory) return {nullptr, {}};
        node = found->second;
    }
    return {node, std::string{parts.back()}};
}

void memory_tree::link(const node_ptr& folder, const std::string& name, const node_ptr& what) {
    folder->entries[name] = what;
    pending_.push_back({nullptr, folder, {}, name, what});
}

void memory_tree::unlink(const node_ptr& folder, const std::string& name) {
    const auto found = folder->entries.find(name);
    pending_.push_back({folder, nullptr, name, {}, found->second});
    folder->entries.erase(found);
}

void memory_tree::move(const node_ptr& from, const std::string& from_name, const node_ptr& to,
                       const std::string& to_name) {
    const auto what = from->entries.at(from_name);
    from->entries.erase(from_name);
    to->entries[to_name] = what;
    pending_.push_back({from, to, from_name, to_name, what});
}

void memory_tree::make_durable(const name_change& change) {
    if (change.from_folder) {
        const auto found = change.from_folder->durable_entries.find(change.from_name);
        if (found != change.from_folder->durable_entries.end() && found->second == change.what) {
            change.from_folder->durable_entries.erase(found);
        }
    }
    if (change.to_folder) change.to_folder->durable_entries[change.to_name] = change.what;
}

void memory_tree::sync(const node_ptr& folder) {
    // The folders that lead here: found by going up through the changes that made or moved them.
    std::set<const tree_node*> folders{folder.get()};
    for (auto change = pending_.rbegin(); change != pending_.rend(); ++change) {
        if (change->to_folder && folders.contains(change->what.get())) folders.insert(change->to_folder.get());
    }
    std::erase_if(pending_, [&](const name_change& change) {
        const bool inside = change.touches(folder.get());
        const bool leads_here = change.to_folder && folders.contains(change.what.get());
        if (inside || leads_here) make_durable(change);
        return inside || leads_here;
    });
}

void memory_tree::settle(unsynced what, random_source& random) {
    std::set<const tree_node*> stopped;  // folders whose later changes are lost with an earlier one
    for (const auto& change : pending_) {
        const bool possible = !stopped.contains(change.from_folder.get()) && !stopped.contains(change.to_folder.get());
        const bool lucky = what == unsynced::kept || (what == unsynced::at_random && random.chance(0.5));
        if (possible && lucky) {
            make_durable(change);
            continue;
        }
        if (change.from_folder) stopped.insert(change.from_folder.get());
        if (change.to_folder) stopped.insert(change.to_folder.get());
    }
    pending_.clear();
    for_each_node(root_, [&](tree_node& node) {
        if (node.is_directory) node.entries = node.durable_entries;
    });
    for_each_node(root_, [&](tree_node& node) {
        if (!node.is_directory) node.settle(what, random);
    });
}

std::uint64_t memory_tree::used() const {
    std::uint64_t total = 0;
    std::vector<const tree_node*> open{root_.get()};
    while (!open.empty()) {
        const auto* node = open.back();
        open.pop_back();
        total += node->content.size();
        for (const auto& [name, child] : node->entries) open.push_back(child.get());
    }
    return total;
}

memory_tree memory_tree::copy() const {
    std::unordered_map<const tree_node*, node_ptr> twins;
    std::set<const tree_node*> filled;
    const auto twin_of = [&](const node_ptr& node) -> node_ptr {
        if (!node) return nullptr;
        auto& twin = twins[node.get()];
        if (!twin) twin = std::make_shared<tree_node>(node->is_directory);
        return twin;
    };
    const auto fill = [&](const tree_node& node, tree_node& twin) {
        twin.content = node.content;
        twin.durable = node.durable;
        twin.pending = node.pending;
        for (const auto& [name, child] : node.entries) twin.entries[name] = twin_of(child);
        for (const auto& [name, child] : node.durable_entries) twin.durable_entries[name] = twin_of(child);
    };
    memory_tree made;
    made.root_ = twin_of(root_);
    const auto fill_from = [&](const node_ptr& top) {
        for_each_node(top, [&](tree_node& node) {
            if (filled.insert(&node).second) fill(node, *twins.at(&node));
        });
    };
    fill_from(root_);
    for (const auto& change : pending_) {
        auto from = twin_of(change.from_folder), to = twin_of(change.to_folder), what = twin_of(change.what);
        made.pending_.push_back({std::move(from), std::move(to), change.from_name, change.to_name, std::move(what)});
        // A node that only a pending change still names: a folder removed, or one replaced.
        for (const auto& reached : {change.from_folder, change.to_folder, change.what}) {
            if (reached) fill_from(reached);
        }
    }
    return made;
}

}  // namespace weir::sim

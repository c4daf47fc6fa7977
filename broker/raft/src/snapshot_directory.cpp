#include <weir/raft/snapshot.hpp>

#include <algorithm>

namespace weir::raft {

result<snapshot_directory> snapshot_directory::open(file_system& files, std::string path) {
    snapshot_directory made;
    made.files_ = &files;
    made.path_ = std::move(path);
    const auto entries = files.list(made.path_);
    if (!entries) return entries.error();
    for (const auto& entry : *entries) {
        if (const auto id = parse_snapshot_file_name(entry.name)) made.all_.push_back(*id);
        if (entry.name.ends_with(".checkpoint.part") || entry.name.ends_with(".checkpoint.deleted"))
            if (auto gone = files.remove(made.path_ + "/" + entry.name); !gone) return gone.error();
    }
    std::ranges::sort(made.all_, {}, &snapshot_id::offset);
    if (made.all_.empty()) return made;
    // A file with this name was complete when it got it; if it is damaged now, the node must not go on without it.
    const auto newest = snapshot_reader::open(files, made.path_of(made.all_.back()));
    if (!newest) return newest.error();
    made.latest_ = newest->info();
    return made;
}

result<bytes> snapshot_directory::read(const snapshot_id& id, std::int64_t position, std::size_t max_bytes,
                                       std::int64_t& size) const {
    if (std::ranges::find(all_, id) == all_.end())
        return error{errc::snapshot_not_found, path_of(id) + ": there is no such snapshot"};
    const auto source = files_->open(path_of(id), open_mode::read);
    if (!source) return source.error();
    const auto bytes_there = (*source)->size();
    if (!bytes_there) return bytes_there.error();
    size = static_cast<std::int64_t>(*bytes_there);
    if (position < 0 || position >= size)
        return error{errc::position_out_of_range, path_of(id) + ": it has no byte " + std::to_string(position)};
    bytes content(std::min<std::uint64_t>(max_bytes, static_cast<std::uint64_t>(size - position)));
    const auto got = (*source)->read_at(static_cast<std::uint64_t>(position), content);
    if (!got) return got.error();
    content.resize(*got);
    return content;
}

result<void> snapshot_directory::added(const snapshot_id& id) {
    const auto made = snapshot_reader::open(*files_, path_of(id));
    if (!made) return made.error();
    if (std::ranges::find(all_, id) == all_.end()) all_.push_back(id);
    std::ranges::sort(all_, {}, &snapshot_id::offset);
    if (all_.back() == id) latest_ = made->info();
    return {};
}

result<void> snapshot_directory::receive(const snapshot_id& id, std::int64_t position, bytes_view chunk) {
    const auto part = path_of(id) + ".part";
    const auto target = files_->open(part, position == 0 ? open_mode::replace : open_mode::write);
    if (!target) return target.error();
    return (*target)->write_at(static_cast<std::uint64_t>(position), chunk);
}

result<snapshot_info> snapshot_directory::install(const snapshot_id& id) {
    const auto part = path_of(id) + ".part";
    const auto copied = snapshot_reader::open(*files_, part);
    if (!copied) return copied.error();
    const auto target = files_->open(part, open_mode::write);
    if (!target) return target.error();
    if (auto done = (*target)->sync(); !done) return done.error();
    if (auto done = files_->rename(part, path_of(id)); !done) return done.error();
    if (auto done = files_->sync_directory(path_); !done) return done.error();
    if (auto done = added(id); !done) return done.error();
    auto info = copied->info();
    info.id = id;
    return info;
}

result<void> snapshot_directory::remove_older(std::size_t keep) {
    while (all_.size() > std::max<std::size_t>(keep, 1)) {
        // Renamed first: a reader that still has it open goes on, and a crash in between leaves no half-removed snapshot.
        const auto path = path_of(all_.front());
        if (auto done = files_->rename(path, path + ".deleted"); !done) return done;
        if (auto done = files_->remove(path + ".deleted"); !done) return done;
        all_.erase(all_.begin());
    }
    return {};
}

}  // namespace weir::raft

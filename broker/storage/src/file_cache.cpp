#include <weir/storage/file_cache.hpp>

namespace weir::storage {

file_ptr file_cache::find(slot& where) {
    const std::lock_guard lock{mutex_};
    if (!where.held_) return nullptr;
    if (newest_ != &where) {
        unlink(where);
        link_newest(where);
    }
    return where.held_;
}

void file_cache::put(slot& where, file_ptr opened) {
    file_ptr let_go;  // closed without the lock held
    const std::lock_guard lock{mutex_};
    if (where.held_) {
        unlink(where);
        let_go = std::move(where.held_);
    }
    where.owner_ = this;
    where.held_ = std::move(opened);
    link_newest(where);
    if (count_ > capacity_) {
        auto& victim = *oldest_;
        unlink(victim);
        let_go = std::move(victim.held_);
    }
}

void file_cache::forget(slot& where) noexcept {
    file_ptr let_go;
    const std::lock_guard lock{mutex_};
    if (!where.held_) return;
    unlink(where);
    let_go = std::move(where.held_);
}

std::size_t file_cache::open_files() const {
    const std::lock_guard lock{mutex_};
    return count_;
}

void file_cache::link_newest(slot& where) noexcept {
    where.older_ = newest_;
    where.newer_ = nullptr;
    if (newest_ != nullptr) newest_->newer_ = &where;
    newest_ = &where;
    if (oldest_ == nullptr) oldest_ = &where;
    ++count_;
}

void file_cache::unlink(slot& where) noexcept {
    (where.newer_ != nullptr ? where.newer_->older_ : newest_) = where.older_;
    (where.older_ != nullptr ? where.older_->newer_ : oldest_) = where.newer_;
    where.newer_ = where.older_ = nullptr;
    --count_;
}

}  // namespace weir::storage

#include "letters_under_way.hpp"

namespace weir::detail {

bool letters_under_way::begin(letter& which) {
    const std::lock_guard held{mutex_};
    auto& pending = feeds_[which.of];
    if (!pending.offsets.insert(which.offset).second) return false;
    which.of->undelivered = *pending.offsets.begin();
    which.number = next_++;
    under_way_.insert(which.number);
    inbox_->letters(static_cast<std::ptrdiff_t>(which.size));
    return true;
}

void letters_under_way::end(const letter& which, const error& why) {
    std::vector<function<void()>> settled;
    {
        const std::lock_guard held{mutex_};
        if (const auto at = feeds_.find(which.of); at != feeds_.end()) {
            auto& pending = at->second;
            if (why) {
                if (!pending.lost) pending.lost = why;
            } else {
                pending.offsets.erase(which.offset);
                which.of->undelivered = pending.offsets.empty() ? -1 : *pending.offsets.begin();
                if (pending.offsets.empty()) feeds_.erase(at);
            }
        }
        under_way_.erase(which.number);
        const auto below = under_way_.empty() ? next_ : *under_way_.begin();
        for (; !waiting_.empty() && waiting_.front().first <= below; waiting_.pop_front()) settled.push_back(std::move(waiting_.front().second));
    }
    inbox_->letters(-static_cast<std::ptrdiff_t>(which.size));
    for (auto& tell : settled) tell();
}

error letters_under_way::failure(const feed_ptr& of) const {
    const std::lock_guard held{mutex_};
    const auto at = feeds_.find(of);
    return at == feeds_.end() ? error{} : at->second.lost;
}

void letters_under_way::forget(const feed_ptr& of) {
    const std::lock_guard held{mutex_};
    feeds_.erase(of);
}

void letters_under_way::when_settled(function<void()> tell) {
    const std::lock_guard held{mutex_};
    if (under_way_.empty()) loop_.post(std::move(tell));
    else waiting_.emplace_back(next_, std::move(tell));
}

}  // namespace weir::detail

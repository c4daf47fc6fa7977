// An ordered map whose copies share what they have in common.
#pragma once
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

namespace weir::metadata {

namespace detail {
/// Names one round of changes; no two rounds of the process share a number.
inline std::uint64_t next_edit() noexcept {
    static std::atomic<std::uint64_t> last{0};
    return last.fetch_add(1, std::memory_order_relaxed) + 1;
}
}  // namespace detail

/// Sorted entries in chunks of at most 64. A copy costs one pointer per chunk; a change copies the chunk it touches,
/// once per round: chunks made since the last copy are changed in place. Copies may be read by any thread; a map that
/// is being changed belongs to one.
template <class Key, class Value>
class shared_map {
public:
    using value_type = std::pair<Key, Value>;

private:
    static constexpr std::size_t chunk_limit = 64;
    struct chunk {
        std::uint64_t edit = 0;
        std::vector<value_type> entries;  // never empty
    };
    using chunk_list = std::vector<std::shared_ptr<chunk>>;

public:
    class const_iterator {
    public:
        using iterator_category = std::forward_iterator_tag;
        using value_type = shared_map::value_type;
        using difference_type = std::ptrdiff_t;
        using pointer = const value_type*;
        using reference = const value_type&;

        const_iterator() = default;
        reference operator*() const noexcept { return (*chunks_)[chunk_]->entries[entry_]; }
        pointer operator->() const noexcept { return &**this; }
        const_iterator& operator++() noexcept {
            if (++entry_ == (*chunks_)[chunk_]->entries.size()) {
                ++chunk_;
                entry_ = 0;
            }
            return *this;
        }
        const_iterator operator++(int) noexcept {
            auto before = *this;
            ++*this;
            return before;
        }
        bool operator==(const const_iterator& other) const noexcept {
            return chunk_ == other.chunk_ && entry_ == other.entry_;
        }

    private:
        friend shared_map;
        const_iterator(const chunk_list* chunks, std::size_t chunk, std::size_t entry) noexcept
            : chunks_(chunks),
              chunk_(chunk),
              entry_(entry) {}
        const chunk_list* chunks_ = nullptr;
        std::size_t chunk_ = 0;
        std::size_t entry_ = 0;
    };

    shared_map() = default;
    /// Ends the round of changes of `other`: what both hold is shared from here on.
    shared_map(const shared_map& other) : chunks_(other.chunks_), size_(other.size_) {
        if (other.edit_ != 0) other.edit_ = 0;
    }
    shared_map(shared_map&& other) noexcept
        : chunks_(std::move(other.chunks_)),
          size_(std::exchange(other.size_, 0)),
          edit_(std::exchange(other.edit_, 0)) {
        other.chunks_.clear();
    }
    shared_map& operator=(const shared_map& other) {
        if (this != &other) *this = shared_map(other);
        return *this;
    }
    shared_map& operator=(shared_map&& other) noexcept {
        chunks_ = std::move(other.chunks_);
        other.chunks_.clear();
        size_ = std::exchange(other.size_, 0);
        edit_ = std::exchange(other.edit_, 0);
        return *this;
    }
    ~shared_map() = default;

    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    const_iterator begin() const noexcept { return {&chunks_, 0, 0}; }
    const_iterator end() const noexcept { return {&chunks_, chunks_.size(), 0}; }

    /// nullptr when absent. Valid until this map changes; for ever in a map that does not.
    template <class K>
    const Value* find(const K& key) const noexcept {
        const auto at = lower_bound(key);
        return at != end() && !(key < at->first) ? &at->second : nullptr;
    }
    template <class K>
    bool contains(const K& key) const noexcept {
        return find(key) != nullptr;
    }
    /// The first entry not below `key`.
    template <class K>
    const_iterator lower_bound(const K& key) const noexcept {
        const std::size_t which = chunk_of(key);
        if (which == chunks_.size()) return end();
        return {&chunks_, which, entry_in(*chunks_[which], key)};
    }

    /// The value to change; nullptr when absent.
    template <class K>
    Value* edit(const K& key) {
        const std::size_t which = chunk_of(key);
        if (which == chunks_.size()) return nullptr;
        const std::size_t entry = entry_in(*chunks_[which], key);
        if (key < chunks_[which]->entries[entry].first) return nullptr;
        return &own(which).entries[entry].second;
    }
    /// Adds or replaces.
    Value& set(Key key, Value value) {
        if (chunks_.empty()) {
            begin_round();
            chunks_.push_back(std::make_shared<chunk>());
            chunks_.back()->edit = edit_;
            chunks_.back()->entries.emplace_back(std::move(key), std::move(value));
            ++size_;
            return chunks_.back()->entries.back().second;
        }
        std::size_t which = std::min(chunk_of(key), chunks_.size() - 1);
        chunk* home = &own(which);
        std::size_t entry = entry_in(*home, key);
        if (entry < home->entries.size() && !(key < home->entries[entry].first)) {
            home->entries[entry].second = std::move(value);
            return home->entries[entry].second;
        }
        if (home->entries.size() == chunk_limit) {
            // Appending in order leaves full chunks behind; anything else splits in the middle.
            const bool appending = which + 1 == chunks_.size() && entry == chunk_limit;
            const std::size_t keep = appending ? chunk_limit : chunk_limit / 2;
            auto upper = std::make_shared<chunk>();
            upper->edit = edit_;
            const auto cut = home->entries.begin() + static_cast<std::ptrdiff_t>(keep);
            upper->entries.assign(std::move_iterator(cut), std::move_iterator(home->entries.end()));
            home->entries.erase(cut, home->entries.end());
            chunks_.insert(chunks_.begin() + static_cast<std::ptrdiff_t>(which) + 1, std::move(upper));
            if (entry > keep || appending) {
                ++which;
                entry -= keep;
            }
            home = chunks_[which].get();
        }
        const auto placed = home->entries.emplace(home->entries.begin() + static_cast<std::ptrdiff_t>(entry),
                                                  std::move(key), std::move(value));
        ++size_;
        return placed->second;
    }
    template <class K>
    bool erase(const K& key) {
        const std::size_t which = chunk_of(key);
        if (which == chunks_.size()) return false;
        const std::size_t entry = entry_in(*chunks_[which], key);
        if (key < chunks_[which]->entries[entry].first) return false;
        if (chunks_[which]->entries.size() == 1) {
            chunks_.erase(chunks_.begin() + static_cast<std::ptrdiff_t>(which));
        } else {
            auto& entries = own(which).entries;
            entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(entry));
        }
        --size_;
        return true;
    }

    /// Ends the round of changes. A map that other threads will copy must be frozen before they see it.
    void freeze() noexcept { edit_ = 0; }

    /// Equal content. Chunks that are shared are not looked into.
    bool operator==(const shared_map& other) const {
        if (size_ != other.size_) return false;
        if (chunks_ == other.chunks_) return true;
        return std::equal(begin(), end(), other.begin(), other.end());
    }
    /// How many chunks are the very same in both.
    std::size_t shared_chunks(const shared_map& other) const noexcept {
        std::size_t same = 0;
        for (const auto& mine : chunks_)
            same += static_cast<std::size_t>(std::count(other.chunks_.begin(), other.chunks_.end(), mine));
        return same;
    }
    std::size_t chunks() const noexcept { return chunks_.size(); }

private:
    /// The first chunk whose last key is not below `key`.
    template <class K>
    std::size_t chunk_of(const K& key) const noexcept {
        const auto at = std::partition_point(chunks_.begin(), chunks_.end(), [&](const std::shared_ptr<chunk>& each) {
            return each->entries.back().first < key;
        });
        return static_cast<std::size_t>(at - chunks_.begin());
    }
    template <class K>
    static std::size_t entry_in(const chunk& home, const K& key) noexcept {
        const auto at = std::partition_point(home.entries.begin(), home.entries.end(),
                                             [&](const value_type& each) { return each.first < key; });
        return static_cast<std::size_t>(at - home.entries.begin());
    }
    void begin_round() {
        if (edit_ == 0) edit_ = detail::next_edit();
    }
    chunk& own(std::size_t which) {
        begin_round();
        auto& slot = chunks_[which];
        if (slot->edit != edit_) {
            auto mine = std::make_shared<chunk>();
            mine->entries = slot->entries;
            mine->edit = edit_;
            slot = std::move(mine);
        }
        return *slot;
    }

    chunk_list chunks_;
    std::size_t size_ = 0;
    mutable std::uint64_t edit_ = 0;  // 0: everything may be shared
};

}  // namespace weir::metadata

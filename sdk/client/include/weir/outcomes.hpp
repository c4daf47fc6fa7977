// Many things asked at once, each with its own answer.
#pragma once
#include <weir/base/error.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace weir {

/// A range of key and outcome, in the order asked for:
///
///     for (const auto& [name, outcome] : *made)
///         if (!outcome) std::cerr << outcome.error() << '\n';
template <class T = void, class Key = std::string>
class [[nodiscard]] outcomes {
public:
    struct item {
        Key key;
        result<T> outcome;
    };
    using value_type = item;
    using const_iterator = const item*;

    outcomes() = default;
    explicit outcomes(std::vector<item> items) noexcept : items_(std::move(items)) {}

    const item* begin() const noexcept { return items_.data(); }
    const item* end() const noexcept { return items_.data() + items_.size(); }
    std::size_t size() const noexcept { return items_.size(); }
    bool empty() const noexcept { return items_.empty(); }
    const item& front() const noexcept { return items_.front(); }
    /// nullptr: nothing was asked under that key.
    const result<T>* find(const Key& key) const {
        const auto at = std::find_if(items_.begin(), items_.end(), [&](const item& each) { return each.key == key; });
        return at == items_.end() ? nullptr : &at->outcome;
    }
    /// All went well.
    explicit operator bool() const noexcept {
        return std::all_of(items_.begin(), items_.end(), [](const item& each) { return each.outcome.has_value(); });
    }
    /// No error when all went well.
    error first_error() const {
        for (const auto& each : items_) {
            if (!each.outcome) return each.outcome.error();
        }
        return {};
    }
    /// The items, to move out of.
    std::vector<item>& items() noexcept { return items_; }

private:
    std::vector<item> items_;
};

}  // namespace weir

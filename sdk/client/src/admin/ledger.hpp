// What is known about each item of an operation so far. An item stays open as long as another attempt may settle it.
#pragma once
#include "call.hpp"

#include <weir/outcomes.hpp>

#include <map>
#include <variant>

namespace weir::detail {

/// The failures, whatever an item's key and value are.
class ledger {
public:
    explicit ledger(std::size_t count) : entries_(count), open_(count) {}

    std::size_t size() const noexcept { return entries_.size(); }
    bool open() const noexcept { return open_ > 0; }
    bool open(std::size_t i) const { return entries_[i].open; }
    bool untouched() const noexcept { return open_ == entries_.size(); }
    /// It failed; it stays open where another attempt may succeed.
    void fail(std::size_t i, const error& why);
    /// It failed, whatever the code.
    void close(std::size_t i, const error& why);
    void close_open(const error& why) {
        for (std::size_t i = 0; i < entries_.size(); ++i) close(i, why);
    }
    /// Why the last attempt at an open item came to nothing.
    const error& obstacle(std::size_t i) const { return entries_[i].obstacle; }
    void hinder(std::size_t i, const error& why) { entries_[i].obstacle = why; }

    bool unknown_topics_pass = false;  ///< and how long is for carry_out() to say
    bool quota_passes = true;
    milliseconds throttled{0};         ///< by the last answer

protected:
    /// True the first time.
    bool succeed(std::size_t i);
    const error& failure(std::size_t i) const { return entries_[i].why; }

private:
    struct entry {
        bool open = true;
        error why;
        error obstacle;
    };
    bool may_pass(errc code) const;
    std::vector<entry> entries_;
    std::size_t open_;
};

/// With keys and values.
template <class Key, class T>
class book : public ledger {
public:
    explicit book(std::vector<Key> keys) : ledger(keys.size()), keys_(std::move(keys)), values_(keys_.size()) {}

    const Key& key(std::size_t i) const { return keys_[i]; }
    /// nullopt when nobody asked for it. Answers mostly come in the order of the request.
    std::optional<std::size_t> find(const Key& key) {
        if (next_ < keys_.size() && keys_[next_] == key) return next_++;
        if (index_.empty()) {
            for (std::size_t i = 0; i < keys_.size(); ++i) index_.try_emplace(keys_[i], i);
        }
        const auto at = index_.find(key);
        if (at == index_.end()) return std::nullopt;
        next_ = at->second + 1;
        return at->second;
    }
    void settle(std::size_t i, result<T> outcome) {
        if (!outcome) return fail(i, outcome.error());
        if (!succeed(i)) return;
        if constexpr (!std::is_void_v<T>) values_[i].emplace(*std::move(outcome));
    }
    void settle(const Key& key, result<T> outcome) {
        if (const auto i = find(key)) settle(*i, std::move(outcome));
    }
    outcomes<T, Key> take() {
        std::vector<typename outcomes<T, Key>::item> items;
        items.reserve(keys_.size());
        for (std::size_t i = 0; i < keys_.size(); ++i) items.push_back({std::move(keys_[i]), outcome(i)});
        return outcomes<T, Key>{std::move(items)};
    }

private:
    using stored = std::conditional_t<std::is_void_v<T>, std::monostate, T>;
    result<T> outcome(std::size_t i) {
        if constexpr (std::is_void_v<T>) return failure(i);
        else if (failure(i)) return failure(i);
        else return *std::move(values_[i]);
    }
    std::vector<Key> keys_;
    std::vector<std::optional<stored>> values_;
    std::map<Key, std::size_t> index_;
    std::size_t next_ = 0;
};

}  // namespace weir::detail

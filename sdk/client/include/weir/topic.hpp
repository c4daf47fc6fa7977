// A topic's name together with what is in it.
#pragma once
#include <weir/record.hpp>
#include <weir/struct.hpp>

#include <span>

namespace weir {

template <class K, class V>
struct serdes {
    serde<K> key{};
    serde<V> value{};
};

/// Declared once; used by producers and consumers.
///
///     inline const weir::topic<std::string, std::int64_t> word_counts{"word-counts"};
template <class K, class V>
class topic {
public:
    using key_type = K;
    using value_type = V;
    explicit topic(std::string name) : name_(std::move(name)) {
        static_assert(detail::need_serde<K>() && detail::need_serde<V>());
        if constexpr (has_serde<K>) key_ = serde<K>{};
        if constexpr (has_serde<V>) value_ = serde<V>{};
    }
    topic(std::string name, serdes<K, V> own) : name_(std::move(name)), key_(own.key), value_(own.value) {}
    const std::string& name() const noexcept { return name_; }
    const serde<K>& key() const noexcept { return *key_; }
    const serde<V>& value() const noexcept { return *value_; }
    topic_partition operator[](std::int32_t partition) const { return {name_, partition}; }

private:
    std::string name_;
    std::optional<serde<K>> key_;
    std::optional<serde<V>> value_;
};

/// A header's value may be null.
struct header {
    std::string name{};
    std::optional<bytes> value = bytes{};
};

}  // namespace weir

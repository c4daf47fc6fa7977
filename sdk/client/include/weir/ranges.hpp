// range-v3: batches are views, so that `*batch | ranges::views::filter(...)` takes them as they are.
#pragma once
#include <weir/consumer.hpp>

#include <range/v3/range/concepts.hpp>

template <class K, class V>
inline constexpr bool ranges::enable_view<weir::records<K, V>> = true;
template <class K, class V>
inline constexpr bool std::ranges::enable_view<weir::records<K, V>> = true;

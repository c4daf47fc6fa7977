// What the value of a setting may be.
#pragma once
#include <chrono>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// Bounds for numbers, or a set of words, or a check of one's own. Made by the functions below.
struct setting_range {
    std::int64_t lowest = std::numeric_limits<std::int64_t>::min();
    std::int64_t highest = std::numeric_limits<std::int64_t>::max();
    double lowest_real = -std::numeric_limits<double>::infinity();
    double highest_real = std::numeric_limits<double>::infinity();
    std::vector<std::string_view> words;             ///< when not empty: one of these (each item, for a list)
    bool (*check)(std::string_view value) = nullptr;  ///< when set: must agree (with each item, for a list)
    std::string_view check_text;                     ///< what the check asks for
};

/// Anything the field's type can hold.
inline setting_range any() { return {}; }

namespace detail {
template <class T>
concept chrono_duration = requires { typename T::period; };
template <class T>
void set_bound(std::int64_t& whole, double& real, T bound) {
    if constexpr (chrono_duration<T>) {
        whole = std::chrono::duration_cast<std::chrono::milliseconds>(bound).count();
        real = static_cast<double>(whole);
    } else if constexpr (std::floating_point<T>) {
        real = bound;
    } else {
        whole = bound;
        real = static_cast<double>(bound);
    }
}
}  // namespace detail

/// Numbers and durations; bounds are inclusive.
template <class T>
setting_range at_least(T low) {
    setting_range range;
    detail::set_bound(range.lowest, range.lowest_real, low);
    return range;
}
template <class T, class U>
setting_range between(T low, U high) {
    auto range = at_least(low);
    detail::set_bound(range.highest, range.highest_real, high);
    return range;
}
/// Words, spelled exactly; in a list every item must be one of them.
inline setting_range one_of(std::initializer_list<std::string_view> words) {
    setting_range range;
    range.words = words;
    return range;
}
template <class... Words>
setting_range one_of(std::string_view first, Words... others) {
    return one_of({first, std::string_view{others}...});
}
/// `what` completes the sentence "allowed is ...".
inline setting_range checked(bool (*check)(std::string_view), std::string_view what) {
    setting_range range;
    range.check = check;
    range.check_text = what;
    return range;
}
/// Text that is not empty.
inline setting_range not_empty() {
    return checked([](std::string_view text) { return !text.empty(); }, "a text that is not empty");
}

}  // namespace weir

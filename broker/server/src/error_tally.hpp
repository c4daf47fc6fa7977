// Which errors an answer holds, of any message: its own, and those of its topics, partitions, members.
#pragma once
#include "core_metrics.hpp"

#include <boost/pfr.hpp>

#include <cstdint>
#include <optional>
#include <type_traits>
#include <vector>

namespace weir::server {

/// Adds up errors that follow each other, so that an answer of a thousand good partitions bumps one counter once.
class error_tally {
public:
    error_tally(core_metrics& into, protocol::api_key api) noexcept : into_(into), api_(api) {}
    ~error_tally() { flush(); }
    error_tally(const error_tally&) = delete;
    error_tally& operator=(const error_tally&) = delete;

    void add(std::int16_t code) {
        if (code != last_) flush();
        last_ = code;
        ++count_;
    }

private:
    void flush() {
        if (count_ > 0) into_.answered_with(api_, last_, count_);
        count_ = 0;
    }
    core_metrics& into_;
    protocol::api_key api_;
    std::int16_t last_ = 0;
    std::uint64_t count_ = 0;
};

namespace detail {

template <class T>
struct element {
    using type = void;
};
template <class T>
struct element<std::vector<T>> {
    using type = T;
};
template <class T>
struct element<std::optional<std::vector<T>>> {
    using type = T;
};

template <class T>
concept message_part = std::is_aggregate_v<T> && requires(const T& of) { of.unknown_tags; };

template <class T>
concept tells_error = requires(const T& of) { of.error_code; };

/// Fields of a message, or of a struct in it, that are lists of structs.
template <class T, class Visit>
void for_each_list(const T& of, const Visit& visit) {
    boost::pfr::for_each_field(of, [&](const auto& field) {
        using field_type = std::remove_cvref_t<decltype(field)>;
        if constexpr (message_part<typename element<field_type>::type>) {
            if constexpr (requires { field.has_value(); }) {
                if (field) visit(*field);
            } else {
                visit(field);
            }
        }
    });
}

}  // namespace detail

/// Kafka's way of counting: every error code there is, NONE included.
template <class T>
void tally_errors(const T& of, error_tally& into) {
    if constexpr (detail::tells_error<T>) into.add(of.error_code);
    detail::for_each_list(of, [&](const auto& list) {
        for (const auto& each : list) tally_errors(each, into);
    });
}

}  // namespace weir::server

// Every config struct of the client library, so that one properties file can serve them all.
#pragma once
#include <weir/base/setting.hpp>

#include <span>
#include <string_view>

namespace weir::detail {

struct config_kind {
    std::string_view who;  ///< "producer"
    std::span<const setting> (*settings)();
    /// Parses into a config of its own: whether the value is one.
    result<void> (*check)(const setting& row, std::string_view text, std::int64_t factor);
};

/// In the order of the documentation. A new config has its line in the .cpp.
std::span<const config_kind> config_kinds();

/// What a name stands for in `rows`: the row, and what the value is multiplied by when the name is a synonym.
struct named_row {
    const setting* row = nullptr;
    std::int64_t factor = 1;
    explicit operator bool() const noexcept { return row != nullptr; }
};
named_row find_row(std::span<const setting> rows, std::string_view name) noexcept;

}  // namespace weir::detail

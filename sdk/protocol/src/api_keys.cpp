#include <weir/protocol/api_keys.hpp>

#include <iterator>

namespace weir::protocol {

namespace {
constexpr api_info table[] = {
#include <weir/protocol/api_table.inc>
};

// The place in the table is the key: find_api() depends on it.
constexpr bool keys_are_places() {
    for (std::size_t place = 0; place < std::size(table); ++place)
        if (static_cast<std::size_t>(table[place].key) != place) return false;
    return true;
}
static_assert(keys_are_places());
}  // namespace

std::span<const api_info> all_apis() noexcept { return table; }

const api_info* find_api(std::int16_t key) noexcept {
    if (key < 0 || static_cast<std::size_t>(key) >= std::size(table)) return nullptr;
    return &table[key];
}

const api_info& info(api_key key) noexcept { return table[static_cast<std::size_t>(key)]; }

}  // namespace weir::protocol

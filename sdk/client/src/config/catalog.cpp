#include "catalog.hpp"

#include "client_setup.hpp"

#include <weir/admin.hpp>
#include <weir/consumer_config.hpp>
#include <weir/producer.hpp>
#include <weir/share_config.hpp>

namespace weir::detail {
namespace {

template <class Config>
config_kind kind(std::string_view who) {
    return {who, &Config::settings, [](const setting& row, std::string_view text, std::int64_t factor) {
                Config scratch{};
                return row.parse(&scratch, text, factor);
            }};
}

}  // namespace

std::span<const config_kind> config_kinds() {
    static const config_kind all[] = {
        kind<client_setup>("client"),
        kind<producer_config>("producer"),
        kind<admin_config>("admin"),
        kind<consumer_config>("consumer"),
        kind<share_consumer_config>("share consumer"),
    };
    return all;
}

named_row find_row(std::span<const setting> rows, std::string_view name) noexcept {
    for (const auto& row : rows) {
        if (row.name == name) return {&row, 1};
        for (const auto& other : row.synonyms) {
            if (other.name == name) return {&row, other.factor};
        }
    }
    return {};
}

}  // namespace weir::detail

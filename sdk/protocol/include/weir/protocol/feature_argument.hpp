// "group.version=1": how Kafka's tools are told a feature and a level of it.
#pragma once
#include <weir/base/error.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::protocol {

struct feature_argument {
    std::string name;
    std::string text;                   ///< behind the equals sign
    std::optional<std::int16_t> level;  ///< nullopt: the text is none
};

/// White space around name and text is dropped, as Kafka's tools do. nullopt: there is no equals sign.
std::optional<feature_argument> split_feature(std::string_view argument);

struct named_level {
    std::string name;
    std::int16_t level = 0;
};
/// The same for who needs both. errc::invalid_request says in the words of Kafka's tools what is missing.
result<named_level> parse_feature(std::string_view argument);

}  // namespace weir::protocol

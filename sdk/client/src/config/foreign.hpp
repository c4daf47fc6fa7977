// Names that Apache Kafka's clients or librdkafka know and no config here has: what becomes of them, and why.
#pragma once
#include <span>
#include <string_view>

namespace weir::detail {

enum class treatment : unsigned char {
    ignored,  ///< nothing that a program could tell changes; said once in the log
    refused,  ///< the program would behave otherwise than asked for
};

struct foreign_setting {
    std::string_view name;   ///< a trailing '*' stands for any ending
    std::string_view whose;  ///< "consumer": of nobody else; empty: of all
    std::string_view agreed; ///< values, '|' between, that ask for what is done anyway; nothing is said about them
    treatment what;
    std::string_view why;

    bool agrees(std::string_view value) const noexcept;
};

std::span<const foreign_setting> foreign_settings();
const foreign_setting* find_foreign(std::string_view name) noexcept;

}  // namespace weir::detail

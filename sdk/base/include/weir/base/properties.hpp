// Java's properties files: how Kafka's settings and meta.properties are written.
#pragma once
#include <weir/base/error.hpp>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

struct property {
    std::string name;
    std::string value;
    int line = 0;  ///< where it begins, counted from 1; 0 when it is not from a file
    bool operator==(const property&) const = default;
};

/// All entries in order; a name may occur twice (the last one counts). '#' and '!' begin comments, '=', ':' or white space
/// ends a name, a backslash at the end of a line continues it, \t \n \r \f and \uXXXX are understood. Bytes above 127 are
/// taken as UTF-8. errc::malformed names the line; nothing but a bad \u is wrong in this format.
result<std::vector<property>> parse_properties(std::string_view text);

/// "name=value" lines that parse_properties and Java read back the same.
std::string print_properties(std::span<const property> entries);

}  // namespace weir

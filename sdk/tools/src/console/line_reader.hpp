// Lines of text as records: how the console producer reads its input.
#pragma once
#include <weir/base/error.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::tools {

/// A record in one line. Views into the line.
struct line_record {
    std::optional<std::string_view> key;
    std::optional<std::string_view> value;
    std::vector<std::pair<std::string_view, std::optional<std::string_view>>> headers;
};

/// Kafka's LineMessageReader, with its properties: parse.key, key.separator, parse.headers, headers.delimiter,
/// headers.separator, headers.key.separator, null.marker, ignore.error. The order is headers, key, value.
class line_reader {
public:
    /// errc::invalid_setting for a name it does not have, or for separators that are the same.
    static result<line_reader> make(const std::vector<std::pair<std::string, std::string>>& properties);
    /// errc::malformed names the line and what is missing in it.
    result<line_record> read(std::string_view line);

private:
    result<std::optional<std::string_view>> part(bool wanted, std::string_view& rest, std::string_view end, std::string_view what, std::string_view line) const;
    result<void> split_headers(std::string_view text, line_record& into) const;
    bool is_null(std::string_view text) const { return null_marker_ && text == *null_marker_; }

    bool parse_key_ = false;
    bool parse_headers_ = false;
    bool ignore_error_ = false;
    std::string key_separator_ = "\t";
    std::string headers_delimiter_ = "\t";
    std::string headers_separator_ = ",";
    std::string headers_key_separator_ = ":";
    std::optional<std::string> null_marker_;
    std::int64_t line_number_ = 0;
};

/// "true" in any case, blanks around it aside.
bool is_true(std::string_view text) noexcept;

}  // namespace weir::tools

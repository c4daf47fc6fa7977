// How the console consumer prints a record.
#pragma once
#include "../dump_log/record_decoder.hpp"
#include "../output.hpp"

#include <weir/record.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir::tools {

/// A record as it comes, and what of it a formatter may print beside.
struct shown_record {
    const record_info& info;
    bytes_view key;                                ///< data() of null is nullptr
    bytes_view value;
    std::optional<int> delivery_count = {};
};

/// Kafka's formatters: the default one with its properties (print.*, *.separator, null.literal, *.deserializer), those of the
/// coordinators' topics, and the one that prints nothing.
class record_formatter {
public:
    /// `name` is Kafka's class or its last part; empty: the default one. errc::invalid_setting for what there is not.
    static result<record_formatter> make(std::string_view name, const std::vector<std::pair<std::string, std::string>>& properties);
    /// Appends to `out`. errc::malformed when key, value or a header is not what its deserializer expects.
    result<void> print(const shown_record& record, output& out);

private:
    result<void> print_text(const shown_record& record, output& out);
    result<void> print_json(const shown_record& record, output& out);
    void print_coordinator(const shown_record& record, output& out) const;
    result<std::string> text_of(value_form form, bytes_view data) const;

    enum class layout : std::uint8_t { standard, nothing, coordinator };
    layout layout_ = layout::standard;
    record_decoder decoder_;
    std::vector<int> key_types_;                   // of a coordinator's topic; empty: all
    bool print_timestamp_ = false, print_key_ = false, print_value_ = true, print_partition_ = false, print_offset_ = false, print_delivery_ = false, print_epoch_ = false,
         print_headers_ = false;
    std::string key_separator_ = "\t", line_separator_ = "\n", headers_separator_ = ",", null_literal_ = "null";
    value_form key_form_ = value_form::raw, value_form_ = value_form::raw, headers_form_ = value_form::raw;
    std::string line_;
};

}  // namespace weir::tools

// What the performance tests of consumers have in common.
#pragma once
#include "../common_options.hpp"
#include "../connect.hpp"

#include <string>

namespace weir::tools {

inline constexpr option consumer_test_options[] = {
    bootstrap_server.required(),
    command_config,
    value("command-property", "name=value", "A setting of the client.").repeatable(),
    value("num-records", "count", "How many records to read."),
    maybe_value("timeout", "ms", "Give up when nothing has come for this long; 10000 by default."),
    value("socket-buffer-size", "bytes", "receive.buffer.bytes; 2097152 by default."),
    value("reporting-interval", "ms", "5000 by default."),
    value("date-format", "pattern", "yyyy-MM-dd HH:mm:ss:SSS by default."),
    flag("hide-header", "Leave the line of titles out."),
    flag("print-metrics", "Print the client's metrics at the end."),
    value("messages", "count", "").instead("num-records"),
    value("consumer.config", "file", "").instead("command-config"),
};

/// What these options say of the run. Throws usage_error for what cannot be.
struct consumer_test {
    explicit consumer_test(const arguments& args);

    std::int64_t wanted, timeout, interval;
    std::string format;
    bool detailed;  ///< --show-detailed-stats

    /// What is said when fewer records came than were wanted.
    std::string cut_short() const;
};

/// What they say of the client, and --fetch-size as the setting of that name.
properties consumer_test_settings(const arguments& args, std::string_view client_id, std::string_view fetch_size);

constexpr double megabyte = 1024.0 * 1024.0;

}  // namespace weir::tools

#include "consumer_test.hpp"

#include <fmt/format.h>

#include <limits>

namespace weir::tools {
namespace {

constexpr auto most = std::numeric_limits<std::int64_t>::max();

std::int64_t wanted_by(const arguments& args) {
    if (!args.has("num-records")) throw usage_error{"Exactly one of the following arguments is required: [messages], [num-records]"};
    return *args.number("num-records", 0, most);
}

}  // namespace

consumer_test::consumer_test(const arguments& args)
    : wanted(wanted_by(args)),
      timeout(args.number_or("timeout", 10'000, 0, most)),
      interval(args.number_or("reporting-interval", 5'000, 1, most)),
      format(args.text("date-format", "yyyy-MM-dd HH:mm:ss:SSS")),
      detailed(args.has("show-detailed-stats")) {}

std::string consumer_test::cut_short() const {
    return fmt::format("WARNING: Exiting before consuming the expected number of records: timeout ({} ms) exceeded. You can use the --timeout option to increase the timeout.", timeout);
}

properties consumer_test_settings(const arguments& args, std::string_view client_id, std::string_view fetch_size) {
    auto settings = client_settings(args, client_id, {"command-property"});
    settings.set("receive.buffer.bytes", std::string{args.text("socket-buffer-size", "2097152")}, "--socket-buffer-size");
    settings.set(std::string{fetch_size}, std::string{args.text("fetch-size", "1048576")}, "--fetch-size");
    return settings;
}

}  // namespace weir::tools

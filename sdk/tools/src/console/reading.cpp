#include "reading.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <limits>

namespace weir::tools {

reading_limits limits_of(const arguments& args) {
    reading_limits limits;
    if (const auto most = args.number_or("max-messages", -1, -1, std::numeric_limits<std::int64_t>::max()); most >= 0) limits.records = most;
    if (const auto idle = args.number_or("timeout-ms", -1, -1, std::numeric_limits<std::int32_t>::max()); idle >= 0) limits.idle = duration{idle};
    return limits;
}

result<void> print_or_tell(record_formatter& formatter, const shown_record& record, output& out, std::string_view consequence) {
    auto printed = formatter.print(record, out);
    if (printed) return printed;
    const auto& where = record.info;
    error why{printed.code(), fmt::format("{}-{} at offset {}: {}", where.topic, where.partition, where.offset, printed.error().what())};
    std::fprintf(stderr, "Error processing message%s: %s\n", std::string{consequence}.c_str(), why.message().c_str());
    return why;
}

void tell_closed_output() { std::fprintf(stderr, "Unable to write to standard out, closing consumer.\n"); }

int end_of_records(const arguments& args, output& out, std::int64_t count, const error& failure) {
    std::fprintf(stderr, "Processed a total of %lld messages\n", static_cast<long long>(count));
    if (args.has("enable-systest-events")) out.line("shutdown_complete");
    if (!failure) return 0;
    if (failure.code() != errc::malformed) std::fprintf(stderr, "%s\n", failure.message().c_str());  // else it has been told
    return 1;
}

}  // namespace weir::tools

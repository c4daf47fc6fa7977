// What the console consumers do alike: read up to a limit, print each record, tell how it ended.
#pragma once
#include "formatting.hpp"

#include <weir/serde.hpp>

#include <optional>

namespace weir::tools {

/// --max-messages and --timeout-ms.
struct reading_limits {
    std::optional<std::int64_t> records;
    std::optional<duration> idle;

    bool reached(std::int64_t count) const noexcept { return records && count >= *records; }
};
reading_limits limits_of(const arguments& args);

/// A record that cannot be printed is told on stderr, with `consequence` for it (", skipping this message").
result<void> print_or_tell(record_formatter& formatter, const shown_record& record, output& out, std::string_view consequence);
/// Nobody reads what is printed any more.
void tell_closed_output();
/// After the last record, with what kept it from being printed or from coming. The exit code.
int end_of_records(const arguments& args, output& out, std::int64_t count, const error& failure);

/// Gives records to `take` and counts them, until there were enough, none came in time, the consumer was stopped, or `take`
/// says why it cannot go on. `delivered` is told when what was taken of a batch has left this program: only then is it done.
template <class Consumer, class Take, class Delivered>
error take_records(Consumer& in, const reading_limits& until, output& out, std::int64_t& count, Take take, Delivered delivered) {
    error failure;
    while (!failure && !until.reached(count) && !out.failed()) {
        const auto batch = in.poll(until.idle.value_or(duration::max())).get();
        if (!batch) return batch.code() == errc::closed ? error{} : batch.error();
        if (batch->empty() && until.idle) return {};
        for (const auto& each : *batch) {
            if (failure || until.reached(count)) break;
            ++count;
            failure = take(each);
        }
        out.flush();
        if (!out.failed()) delivered();
    }
    if (out.failed()) tell_closed_output();
    return failure;
}

}  // namespace weir::tools

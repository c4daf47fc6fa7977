// What the verifiable consumers have in common.
#pragma once
#include "event_lines.hpp"

#include <weir/base/error.hpp>

#include <cstdio>

namespace weir::tools {

template <class Record>
void tell_record(event_lines& events, const Record& which) {
    events.print("record_data", [&](json_writer& line) {
        write_text(line, "key", which.key);
        write_text(line, "value", which.value);
        write_text(line, "topic", std::string{which.info.topic});
        write_number(line, "partition", which.info.partition);
        write_number(line, "offset", which.info.offset);
    });
}

/// Gives what `poll` brings to `take`, while there is `more` to read. What ended it before, unless the consumer was stopped.
template <class Poll, class More, class Take>
error each_batch(Poll poll, More more, Take take) {
    while (more()) {
        const auto batch = poll().get();
        if (!batch) return batch.code() == errc::closed ? error{} : batch.error();
        if (!batch->empty()) take(*batch);
    }
    return {};
}

/// The exit code.
template <class Consumer>
int shut_down(event_lines& events, Consumer& in, const error& failure) {
    static_cast<void>(in.close().get());
    events.print("shutdown_complete");
    if (failure) std::fprintf(stderr, "%s\n", failure.message().c_str());
    return failure ? 1 : 0;
}

}  // namespace weir::tools

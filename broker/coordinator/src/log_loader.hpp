// Reads a coordinator's partition from its first record to its last into a state machine.
#pragma once
#include <weir/coordinator/runtime.hpp>

namespace weir::coordinator {

struct load_report {
    std::int64_t next_offset = 0;
    std::uint64_t records = 0;
    std::uint64_t bytes = 0;
};

/// Gives way to the loop's other work now and then. `goes_on` is asked in between: false ends it with errc::cancelled.
/// errc::corrupt_message names the offset of a batch that does not read: what it held cannot be guessed.
task<result<load_report>> load_log(event_loop& loop, std::shared_ptr<partition_store> store, state_machine& machine,
                                   std::string partition, std::int32_t read_bytes, std::shared_ptr<const bool> goes_on);

}  // namespace weir::coordinator

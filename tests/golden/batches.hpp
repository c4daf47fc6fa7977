// Golden record batches: good ones decode to the same fields and rebuild to the same bytes, damaged ones are refused.
#pragma once
#include <iosfwd>

namespace weir::golden {

/// Runs every line: {"name", "hex", "batches", "broker_produce_error"} for good ones, {"name", "hex", "verdict"} for
/// damaged ones. Says on `log` which failed and why. Returns how many failed; `lines` counts them all.
int run_batches(std::istream& input, std::ostream& log, int& lines);

}  // namespace weir::golden

// The kinds of vectors besides batches.hpp; what their lines look like: data/README.md.
#pragma once
#include <iosfwd>

namespace weir::golden {

/// Each runs every line of `input`, says on `log` which fail and why, returns how many, and sets `lines` to how many there were.
int run_messages(std::istream& input, std::ostream& log, int& lines);
int run_frames(std::istream& input, std::ostream& log, int& lines);
int run_absent_fields(std::istream& input, std::ostream& log, int& lines);
int run_embedded(std::istream& input, std::ostream& log, int& lines);
int run_assignors(std::istream& input, std::ostream& log, int& lines);

}  // namespace weir::golden

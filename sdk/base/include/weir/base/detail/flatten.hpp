// For streams that are not sockets: what they are given to write, as it would travel.
#pragma once
#include <weir/base/network.hpp>

#include <vector>

namespace weir::detail {

/// Files and memory as one; errc::io_error for a file that is shorter than promised.
result<bytes> flatten(const std::vector<write_piece>& pieces);

}  // namespace weir::detail

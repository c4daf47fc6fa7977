// errno as an error that names the file.
#pragma once
#include <weir/base/error.hpp>

#include <string_view>

namespace weir::detail {

/// "/data/x.log: cannot write: No space left on device". Reads errno; call it first.
error file_error(std::string_view path, std::string_view what);

}  // namespace weir::detail

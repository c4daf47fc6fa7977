// The real file system.
#pragma once
#include <weir/base/files.hpp>

#include <memory>

namespace weir {

/// Thread-safe. sync_all has a helper thread for each device, so that a disk that hangs keeps nobody else waiting; a file
/// named by several waiting calls is synced once for all of them. A file whose sync has failed once fails every later one.
/// run_apart has one more thread. They start with the first call. Drop it before the loops that wait for it: dropping
/// finishes what was asked for.
std::unique_ptr<file_system> make_posix_files();

}  // namespace weir

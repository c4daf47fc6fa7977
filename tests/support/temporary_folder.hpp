// A folder of the test's own on the real disk, which goes with it.
#pragma once
#include <weir/base/posix_files.hpp>

#include <string>

#include <stdlib.h>

namespace weir::test {

struct temporary_folder {
    temporary_folder() : path("/tmp/weir-test-" + std::string(6, 'X')) { ::mkdtemp(path.data()); }
    ~temporary_folder() { static_cast<void>(files->remove_all(path)); }
    temporary_folder(const temporary_folder&) = delete;
    temporary_folder& operator=(const temporary_folder&) = delete;
    std::string operator/(const std::string& name) const { return path + "/" + name; }
    std::unique_ptr<file_system> files = make_posix_files();
    std::string path;
};

}  // namespace weir::test

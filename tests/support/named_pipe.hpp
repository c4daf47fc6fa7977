// A pipe in the file system with a text in it, as shells make one of <(command).
#pragma once
#include "temporary_folder.hpp"

#include <fstream>
#include <thread>

#include <sys/stat.h>

namespace weir::test {

/// For one reader, who must read it to its end: the writer waits until somebody opens it, and the destructor for the writer.
class named_pipe {
public:
    explicit named_pipe(std::string text) : writer_{[path = path(), text = std::move(text)] { std::ofstream{path} << text; }} {}
    ~named_pipe() { writer_.join(); }
    named_pipe(const named_pipe&) = delete;
    named_pipe& operator=(const named_pipe&) = delete;

    std::string path() const { return made_.path; }

private:
    struct pipe_in_a_folder {
        pipe_in_a_folder() { ::mkfifo(path.c_str(), 0600); }
        temporary_folder folder;
        std::string path = folder / "pipe";
    } made_;
    std::thread writer_;
};

}  // namespace weir::test

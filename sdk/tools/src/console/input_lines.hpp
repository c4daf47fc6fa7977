// Lines of a stream, however long they are.
#pragma once
#include <weir/base/error.hpp>

#include <cstdio>
#include <optional>
#include <string_view>

namespace weir::tools {

class input_lines {
public:
    /// `from` stays the caller's; `name` is what errors call it.
    explicit input_lines(std::FILE* from, std::string_view name) noexcept : from_(from), name_(name) {}
    ~input_lines();
    input_lines(const input_lines&) = delete;
    input_lines& operator=(const input_lines&) = delete;

    /// Without the line's end, until the next call; nullopt behind the last one. errc::io_error when it cannot be read any further.
    result<std::optional<std::string_view>> next();

private:
    std::FILE* from_;
    std::string_view name_;
    char* line_ = nullptr;
    std::size_t room_ = 0;
};

}  // namespace weir::tools

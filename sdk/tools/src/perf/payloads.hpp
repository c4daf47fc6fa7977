// What performance tests send.
#pragma once
#include <weir/base/bytes.hpp>
#include <weir/base/files.hpp>
#include <weir/base/random.hpp>

#include <string>
#include <vector>

namespace weir::tools {

/// Values one after the other: of a size, from a file, or counting. The same seed gives the same ones.
class payloads {
public:
    static payloads of_size(std::size_t bytes);
    /// The parts of a text file between `delimiter`, one chosen at random each time. errc::not_found, errc::malformed (empty).
    static result<payloads> of_file(file_system& files, const std::string& path, std::string_view delimiter);
    static payloads counting();
    /// Valid until the next call.
    bytes_view next();
    std::size_t parts() const noexcept { return parts_.size(); }

private:
    payloads() : random_(0) {}
    random_source random_;
    std::vector<std::string> parts_;
    std::string now_;
    std::int64_t count_ = -1;  // -1: not counting
};

}  // namespace weir::tools

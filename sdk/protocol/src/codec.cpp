#include <weir/protocol/codec.hpp>

#include <fmt/format.h>

namespace weir::protocol::detail {

error version_error(std::string_view message, std::int16_t version, std::int16_t min, std::int16_t max) {
    return error{errc::unsupported_version,
                 fmt::format("{} has no version {}, only {} to {}", message, version, min, max)};
}

}  // namespace weir::protocol::detail

// The 17 bytes all formats share: offset, length, and the magic at the same place.
#pragma once
#include <weir/base/bytes.hpp>

#include <cstdint>

namespace weir::protocol::detail {

enum class frame_state : std::uint8_t { whole, incomplete, bad_length, bad_magic };

struct frame {
    frame_state state = frame_state::incomplete;
    std::int32_t length = 0;
    std::int8_t magic = -1;
    std::size_t size() const noexcept { return static_cast<std::size_t>(length) + 12; }
};

/// What is wrong is said as early as it can be seen: an impossible length is no cut batch.
inline frame inspect_frame(bytes_view input) noexcept {
    frame found;
    if (input.size() < 12) return found;
    found.length = load_big_endian<std::int32_t>(input.data() + 8);
    if (found.length < 14) {
        found.state = frame_state::bad_length;
        return found;
    }
    if (input.size() < 17) return found;
    found.magic = load_big_endian<std::int8_t>(input.data() + 16);
    constexpr std::int32_t smallest[] = {14, 22, 49};
    if (found.magic < 0 || found.magic > 2)
        found.state = frame_state::bad_magic;
    else if (found.length < smallest[found.magic])
        found.state = frame_state::bad_length;
    else if (input.size() >= found.size())
        found.state = frame_state::whole;
    return found;
}

}  // namespace weir::protocol::detail

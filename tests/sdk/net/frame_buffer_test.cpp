#include "frame_buffer.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using namespace weir;
using net::frame_buffer;

namespace {

bytes framed(const std::string& content) {
    bytes all(4 + content.size());
    store_big_endian(all.data(), static_cast<std::int32_t>(content.size()));
    std::copy_n(reinterpret_cast<const std::byte*>(content.data()), content.size(), all.data() + 4);
    return all;
}

/// Feeds `input` in pieces of `step` bytes; the frames that come out.
std::vector<std::string> cut(const bytes& input, std::size_t step) {
    frame_buffer buffer{1 << 20};
    std::vector<std::string> found;
    for (std::size_t at = 0; at < input.size();) {
        const auto room = buffer.room();
        REQUIRE_FALSE(room.empty());
        const auto count = std::min({step, room.size(), input.size() - at});
        std::copy_n(input.data() + at, count, room.data());
        buffer.filled(count);
        at += count;
        for (;;) {
            const auto next = buffer.next();
            REQUIRE(next);
            if (!*next) break;
            found.emplace_back(as_text((*next)->view()));
        }
    }
    return found;
}

}  // namespace

TEST_CASE("frames come out whole and in order, however the bytes arrive") {
    const std::vector<std::string> sent{"four", std::string(100'000, 'x'), "five!", std::string(16'384, 'y'), "last one"};
    bytes input;
    for (const auto& each : sent) {
        const auto frame = framed(each);
        input.insert(input.end(), frame.begin(), frame.end());
    }
    for (const std::size_t step : {1u, 3u, 4u, 5u, 1000u, 16'384u, 1'000'000u}) {
        CAPTURE(step);
        CHECK(cut(input, step) == sent);
    }
}

TEST_CASE("a size that cannot be is refused, with the likely cause; TLS is recognised") {
    for (const std::int32_t size : {-1, 0, 3, (1 << 20) + 1}) {
        frame_buffer buffer{1 << 20};
        store_big_endian(buffer.room().data(), size);
        buffer.filled(4);
        const auto next = buffer.next();
        CHECK(next.code() == errc::malformed);
        CHECK(next.error().what().find("is this a Kafka listener?") != std::string_view::npos);
    }
    for (const std::uint32_t size : {0x15030300u, 0x16030300u, 0x15030100u}) {  // how a TLS alert or handshake begins
        frame_buffer buffer{1 << 20};
        store_big_endian(buffer.room().data(), size);
        buffer.filled(4);
        CHECK(buffer.next().code() == errc::tls_failed);
    }
}

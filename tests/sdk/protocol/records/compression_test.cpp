#include "support.hpp"

#include <doctest/doctest.h>

#include <lz4frame.h>
#include <snappy.h>
#include <zstd.h>

#include <string>

using namespace weir;
using namespace weir::protocol;
using namespace weir::testing;

namespace {

std::string unpack(codec which, bytes_view packed, std::size_t limit = default_decompressed_limit) {
    auto out = decompress(which, packed, limit);
    return out ? std::string{as_text(*out)} : "error: " + out.error().message();
}

bytes lz4_by_library(bytes_view input, LZ4F_preferences_t preferences) {
    bytes out(LZ4F_compressFrameBound(input.size(), &preferences));
    out.resize(LZ4F_compressFrame(out.data(), out.size(), input.data(), input.size(), &preferences));
    return out;
}

LZ4F_preferences_t independent_blocks() {
    LZ4F_preferences_t preferences{};
    preferences.frameInfo.blockMode = LZ4F_blockIndependent;
    return preferences;
}

}  // namespace

TEST_CASE("what a codec packs it unpacks, at every level") {
    random_source random{1};
    scratch_buffer packed;
    scratch_buffer unpacked;
    for (const auto which : every_codec) {
        CAPTURE(codec_name(which));
        for (const std::size_t size : {0, 1, 15, 17, 100, 32767, 32768, 32769, 65536, 65537, 300000}) {
            CAPTURE(size);
            for (const bool noise : {false, true}) {
                const auto input = noise ? some_noise(random, size) : some_text(random, size);
                packed.clear();
                REQUIRE(compress(which, {}, input, packed));
                REQUIRE(decompress(which, packed.view(), size, unpacked));
                CHECK(as_text(unpacked.view()) == as_text(input));
            }
        }
        const auto levels = levels_of(which);
        if (!levels) continue;
        const auto input = some_text(random, 50000);
        for (const auto level : {levels->lowest, levels->standard, 1, 2, levels->highest}) {
            CAPTURE(level);
            const auto at_level = compress(which, level, input);
            REQUIRE(at_level);
            CHECK(unpack(which, *at_level) == as_text(input));
        }
    }
}

TEST_CASE("a level a codec does not have is refused with the range it has") {
    const auto input = to_bytes("x");
    const auto far = compress(codec::gzip, 10, input);
    CHECK(far.code() == errc::invalid_setting);
    CHECK(far.error().message().find("compression.gzip.level=10: allowed are 1 to 9") != std::string::npos);
    CHECK(compress(codec::gzip, 0, input).code() == errc::invalid_setting);
    CHECK(compress(codec::lz4, 18, input).code() == errc::invalid_setting);
    CHECK(compress(codec::zstd, 23, input).code() == errc::invalid_setting);
    CHECK(compress(codec::snappy, 1, input).code() == errc::invalid_setting);
    CHECK(compress(codec::gzip, -1, input).has_value());
}

TEST_CASE("output is bounded exactly, and its memory too") {
    random_source random{2};
    const bytes zeros(std::size_t{32} << 20);
    for (const auto which : real_codecs) {
        CAPTURE(codec_name(which));
        const auto text = some_text(random, 70000);
        const auto packed = compress(which, {}, text);
        REQUIRE(packed);
        CHECK(unpack(which, *packed, 70000) == as_text(text));
        CHECK(decompress(which, *packed, 69999).code() == errc::message_too_large);
        CHECK(decompress(which, *packed, 0).code() == errc::message_too_large);

        const auto bomb = compress(which, {}, zeros);
        REQUIRE(bomb);
        scratch_buffer out;
        constexpr std::size_t limit = std::size_t{1} << 20;
        CHECK(decompress(which, *bomb, limit, out).code() == errc::message_too_large);
        CHECK(out.capacity() <= std::max(limit + 1, bomb->size() * 3));
    }
}

TEST_CASE("sizes claimed by the data do not become allocations") {
    scratch_buffer out;
    SUBCASE("a raw snappy block that claims a gigabyte") {
        const bytes claim{std::byte{0x80}, std::byte{0x80}, std::byte{0x80}, std::byte{0x80},
                          std::byte{0x04}, std::byte{0},    std::byte{'a'}};
        CHECK(decompress(codec::snappy, claim, default_decompressed_limit, out).code() == errc::malformed);
    }
    SUBCASE("lz4 blocks of up to 4 MiB") {
        auto preferences = independent_blocks();
        preferences.frameInfo.blockSizeID = LZ4F_max4MB;
        const auto frame = lz4_by_library(to_bytes("a few bytes a few bytes a few bytes"), preferences);
        CHECK(decompress(codec::lz4, frame, default_decompressed_limit, out).has_value());
    }
    SUBCASE("a zstd window of 128 MiB") {
        auto* context = ZSTD_createCCtx();
        ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, 27);
        ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
        bytes frame(1000);
        ZSTD_outBuffer target{frame.data(), frame.size(), 0};
        ZSTD_inBuffer source{"window", 6, 0};
        REQUIRE(ZSTD_compressStream2(context, &target, &source, ZSTD_e_flush) == 0);
        REQUIRE(ZSTD_compressStream2(context, &target, &source, ZSTD_e_end) == 0);
        ZSTD_freeCCtx(context);
        frame.resize(target.pos);
        CHECK(decompress(codec::zstd, frame, default_decompressed_limit, out).has_value());
        CHECK(as_text(out.view()) == "window");
    }
    CHECK(out.capacity() <= 64 * 1024);
}

TEST_CASE("cut or changed data is refused or comes out changed, never more than the limit") {
    random_source random{3};
    const auto text = some_text(random, 3000);
    scratch_buffer out;
    for (const auto which : real_codecs) {
        CAPTURE(codec_name(which));
        const auto packed = compress(which, {}, text);
        REQUIRE(packed);
        for (std::size_t length = 0; length < packed->size(); ++length) {
            const auto cut = decompress(which, bytes_view{*packed}.first(length), 10000, out);
            CHECK((!cut || out.size() < text.size()));
        }
        for (int round = 0; round < 2000; ++round) {
            auto changed = *packed;
            changed[random.below(changed.size())] ^= static_cast<std::byte>(1 + random.below(255));
            if (decompress(which, changed, 10000, out)) CHECK(out.size() <= 10000);
        }
        CHECK(decompress(which, {}, 10000).code() == errc::malformed);
        const bytes garbage(200, std::byte{0xAA});
        CHECK(decompress(which, garbage, 10000).code() == errc::malformed);
    }
}

TEST_CASE("snappy is written in snappy-java's framing and read in both shapes") {
    random_source random{4};
    const auto text = some_text(random, 40000);
    const auto framed = compress(codec::snappy, {}, text);
    REQUIRE(framed);
    CHECK(as_text(*framed).substr(0, 16) == std::string_view{"\x82SNAPPY\0\0\0\0\1\0\0\0\1", 16});
    const auto first_block = load_big_endian<std::int32_t>(framed->data() + 16);
    std::size_t first_size = 0;
    REQUIRE(snappy::GetUncompressedLength(reinterpret_cast<const char*>(framed->data()) + 20,
                                          static_cast<std::size_t>(first_block), &first_size));
    CHECK(first_size == 32768);

    std::string raw;
    snappy::Compress(reinterpret_cast<const char*>(text.data()), text.size(), &raw);
    CHECK(unpack(codec::snappy, as_bytes(raw)) == as_text(text));

    const std::string twice = std::string{as_text(*framed)} + std::string{as_text(*framed)};
    CHECK(unpack(codec::snappy, as_bytes(twice)) == std::string{as_text(text)} + std::string{as_text(text)});
}

TEST_CASE("lz4 frames of others are read with checksums, sizes and large blocks, but not with dependent blocks") {
    random_source random{5};
    const auto text = some_text(random, 500000);
    auto preferences = independent_blocks();
    SUBCASE("block and content checksums and content size") {
        preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
        preferences.frameInfo.blockChecksumFlag = LZ4F_blockChecksumEnabled;
        preferences.frameInfo.contentSize = text.size();
        auto frame = lz4_by_library(text, preferences);
        CHECK(unpack(codec::lz4, frame) == as_text(text));
        frame[frame.size() - 1] ^= std::byte{1};
        CHECK(unpack(codec::lz4, frame).find("wrong content checksum") != std::string::npos);
        frame[frame.size() - 1] ^= std::byte{1};
        frame[100] ^= std::byte{1};
        CHECK(unpack(codec::lz4, frame).find("wrong checksum") != std::string::npos);
    }
    SUBCASE("blocks of 4 MiB") {
        preferences.frameInfo.blockSizeID = LZ4F_max4MB;
        CHECK(unpack(codec::lz4, lz4_by_library(text, preferences)) == as_text(text));
    }
    SUBCASE("dependent blocks") {
        preferences.frameInfo.blockMode = LZ4F_blockLinked;
        CHECK(unpack(codec::lz4, lz4_by_library(text, preferences)).find("depend on each other") != std::string::npos);
    }
    SUBCASE("a wrong header checksum") {
        auto frame = lz4_by_library(text, preferences);
        frame[6] ^= std::byte{1};
        CHECK(unpack(codec::lz4, frame).find("header has a wrong checksum") != std::string::npos);
    }
    SUBCASE("the header checksum of magic 0, for magic 0 alone") {
        scratch_buffer frame;
        scratch_buffer out;
        REQUIRE(compress(codec::lz4, {}, text, frame, lz4_variant::magic0));
        CHECK(decompress(codec::lz4, frame.view(), text.size(), out).code() == errc::malformed);
        REQUIRE(decompress(codec::lz4, frame.view(), text.size(), out, lz4_variant::magic0));
        CHECK(as_text(out.view()) == as_text(text));
    }
}

TEST_CASE("the libraries' own readers read what is written here") {
    random_source random{6};
    const auto text = some_text(random, 200000);
    SUBCASE("lz4: flags of a plain Kafka frame") {
        const auto frame = *compress(codec::lz4, {}, text);
        CHECK(frame[4] == std::byte{0x60});
        CHECK(frame[5] == std::byte{0x40});
        LZ4F_dctx* context = nullptr;
        LZ4F_createDecompressionContext(&context, LZ4F_VERSION);
        bytes out(text.size());
        std::size_t produced = out.size();
        std::size_t consumed = frame.size();
        CHECK(LZ4F_decompress(context, out.data(), &produced, frame.data(), &consumed, nullptr) == 0);
        LZ4F_freeDecompressionContext(context);
        CHECK(as_text(out) == as_text(text));
    }
    SUBCASE("zstd: no content size") {
        const auto frame = *compress(codec::zstd, {}, text);
        CHECK(ZSTD_getFrameContentSize(frame.data(), frame.size()) == ZSTD_CONTENTSIZE_UNKNOWN);
        bytes out(text.size());
        CHECK(ZSTD_decompress(out.data(), out.size(), frame.data(), frame.size()) == text.size());
        CHECK(as_text(out) == as_text(text));
    }
    SUBCASE("gzip: several members are one stream") {
        auto members = *compress(codec::gzip, {}, text);
        CHECK(members[9] == std::byte{0xFF});
        const auto second = *compress(codec::gzip, 9, to_bytes("second"));
        members.insert(members.end(), second.begin(), second.end());
        CHECK(unpack(codec::gzip, members) == std::string{as_text(text)} + "second");
        members.push_back(std::byte{7});
        CHECK(decompress(codec::gzip, members).code() == errc::malformed);
    }
}

#include <weir/producer.hpp>

#include <weir/base/uuid.hpp>

#include <doctest/doctest.h>

#include <cmath>

using namespace weir;

namespace {

template <class T>
std::string hex(const T& value) {
    byte_sink sink;
    serde_traits<T>::encode(value, sink);
    std::string text;
    for (const auto byte : sink.view()) {
        text += "0123456789abcdef"[std::to_integer<int>(byte) >> 4];
        text += "0123456789abcdef"[std::to_integer<int>(byte) & 15];
    }
    return text;
}

template <class T>
T again(const T& value) {
    byte_sink sink;
    serde_traits<T>::encode(value, sink);
    T out{};
    const auto why = serde_traits<T>::decode(sink.view(), out);
    REQUIRE_FALSE(why);
    return out;
}

template <class T>
std::string refusal(std::string_view data) {
    T out{};
    const auto why = serde_traits<T>::decode(as_bytes(data), out);
    CHECK(why.code() == errc::malformed);
    return std::string{why.what()};
}

}  // namespace

TEST_CASE("numbers travel as Java's serializers write them") {
    CHECK(hex(std::int16_t{-2}) == "fffe");
    CHECK(hex(std::int32_t{305419896}) == "12345678");
    CHECK(hex(std::int64_t{-1}) == "ffffffffffffffff");
    CHECK(hex(std::int64_t{42}) == "000000000000002a");
    CHECK(hex(1.5f) == "3fc00000");
    CHECK(hex(-0.1) == "bfb999999999999a");
    CHECK(hex(true) == "01");
    CHECK(hex(timestamp{duration{1'767'225'600'000}}) == "0000019b76daa800");
    for (const auto value : {std::int64_t{0}, std::int64_t{-1}, std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) CHECK(again(value) == value);
    CHECK(again(3.25) == 3.25);
    CHECK(std::isnan(again(std::numeric_limits<double>::quiet_NaN())));
}

TEST_CASE("text and bytes travel as they are, a UUID as its 36 characters") {
    CHECK(hex(std::string{"\xc3\xa9t\xc3\xa9"}) == "c3a974c3a9");
    CHECK(again(std::string{}) == "");
    CHECK(again(to_bytes("ab")) == to_bytes("ab"));
    const uuid id{0x0123456789abcdef, 0xfedcba9876543210};
    byte_sink sink;
    serde_traits<uuid>::encode(id, sink);
    CHECK(as_text(sink.view()) == "01234567-89ab-cdef-fedc-ba9876543210");
    CHECK(again(id) == id);
    uuid upper;
    CHECK_FALSE(serde_traits<uuid>::decode(as_bytes("01234567-89AB-CDEF-FEDC-BA9876543210"), upper));
    CHECK(upper == id);
}

TEST_CASE("null is a value of optional types only, and an empty value is not null") {
    std::optional<std::string> text = "x";
    CHECK_FALSE(serde_traits<std::optional<std::string>>::decode(bytes_view{}, text));
    CHECK_FALSE(text);
    CHECK_FALSE(serde_traits<std::optional<std::string>>::decode(as_bytes(""), text));
    CHECK(text == "");
    CHECK(serde_traits<std::optional<std::string>>::is_null(std::nullopt));
    std::string plain;
    CHECK(serde_traits<std::string>::decode(bytes_view{}, plain).code() == errc::malformed);
    std::int32_t number = 0;
    CHECK(serde_traits<std::int32_t>::decode(bytes_view{}, number).code() == errc::malformed);
}

TEST_CASE("bytes that are not what the type expects are refused with both sizes") {
    CHECK(refusal<std::int32_t>("abc") == "4 bytes of integer are expected, there are 3");
    CHECK(refusal<double>("abc") == "8 bytes of number are expected, there are 3");
    CHECK(refusal<bool>("\x02") == "a boolean is 0 or 1, not 2");
    CHECK(refusal<uuid>("01234567-89ab-cdef-fedc-ba987654321g") == "a UUID is 8, 4, 4, 4 and 12 hexadecimal digits with dashes between");
    CHECK(refusal<uuid>("0123456789abcdeffedcba9876543210abcd") == "a UUID is 8, 4, 4, 4 and 12 hexadecimal digits with dashes between");
}

TEST_CASE("a topic carries the serdes of its types, or those it was given") {
    static const serde_ops shouting{
        [](const void*, const void* value, byte_sink& sink) { sink.write(*static_cast<const std::string*>(value) + "!"); },
        [](const void*, bytes_view data, void* value) -> error { *static_cast<std::string*>(value) = as_text(data); return {}; }, nullptr, nullptr};
    const topic<std::int64_t, std::string> loud{"loud", {.key = {}, .value = serde<std::string>{shouting, nullptr}}};
    byte_sink sink;
    loud.value().encode("hey", sink);
    CHECK(as_text(sink.view()) == "hey!");
    CHECK(loud[3] == topic_partition{"loud", 3});
    // What the producer makes of an argument of send(), which is a view of the text.
    const std::string text = "hey";
    const detail::erase<std::string> sent{loud.value(), text};
    sink.clear();
    sent.ops->encode(sent.state, sent.value, sink);
    CHECK(as_text(sink.view()) == "hey!");
    const bool as_it_is = detail::erase<std::string>{serde<std::string>{}, text}.ops->view != nullptr;
    CHECK(as_it_is);
}

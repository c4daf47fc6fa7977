// JSON for described structs: what is written, what is read, and what is refused with the name of the field.
#include <weir/topic.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <deque>
#include <limits>
#include <map>
#include <unordered_map>

namespace shop {

enum class state : std::uint8_t { open, paid, sent };
WEIR_ENUM(state, open, paid, sent);

struct line {
    std::string product{};
    std::int32_t count = 1;
    double price = 0;
};
WEIR_STRUCT(line, product, count, price);

struct order {
    std::string id{};
    std::vector<line> lines{};
    std::optional<std::string> note{};
    std::map<std::string, std::int64_t> points{};
    shop::state state = state::open;
    bool gift = false;
};
WEIR_STRUCT(order, id, lines, note, points, state, gift);

struct numbers {
    std::int8_t i8 = 0;
    std::int16_t i16 = 0;
    std::int32_t i32 = 0;
    std::int64_t i64 = 0;
    std::uint8_t u8 = 0;
    std::uint64_t u64 = 0;
    float f32 = 0;
    double f64 = 0;
};
WEIR_STRUCT(numbers, i8, i16, i32, i64, u8, u64, f32, f64);

struct others {
    weir::bytes raw{};
    weir::timestamp when{};
    weir::uuid id{};
    std::vector<std::optional<int>> maybe{};
    std::unordered_map<std::string, std::vector<line>> by_name{};
    std::deque<bool> flags{};
};
WEIR_STRUCT(others, raw, when, id, maybe, by_name, flags);

struct tree {
    int value = 0;
    std::vector<tree> children{};
};
WEIR_STRUCT(tree, value, children);

struct defaults {
    std::string region = "eu";
    line best{.product = "hat", .count = 3, .price = 1.5};
    std::vector<int> sizes{1, 2};
    std::optional<int> limit = 7;
};
WEIR_STRUCT(defaults, region, best, sizes, limit);

struct empty {};
inline const weir::detail::json_fields& weir_fields(const empty*) {
    static constexpr weir::detail::json_fields all{"empty", {}, &weir::detail::fresh_value<empty>};
    return all;
}

struct wide {
    int f01 = 1, f02 = 2, f03 = 3, f04 = 4, f05 = 5, f06 = 6, f07 = 7, f08 = 8, f09 = 9, f10 = 10, f11 = 11, f12 = 12, f13 = 13, f14 = 14, f15 = 15, f16 = 16,
        f17 = 17, f18 = 18, f19 = 19, f20 = 20, f21 = 21, f22 = 22, f23 = 23, f24 = 24, f25 = 25, f26 = 26, f27 = 27, f28 = 28, f29 = 29, f30 = 30, f31 = 31,
        f32 = 32, f33 = 33, f34 = 34, f35 = 35, f36 = 36, f37 = 37, f38 = 38, f39 = 39, f40 = 40, f41 = 41, f42 = 42, f43 = 43, f44 = 44, f45 = 45, f46 = 46,
        f47 = 47, f48 = 48, f49 = 49, f50 = 50, f51 = 51, f52 = 52, f53 = 53, f54 = 54, f55 = 55, f56 = 56, f57 = 57, f58 = 58, f59 = 59, f60 = 60, f61 = 61,
        f62 = 62, f63 = 63, f64 = 64;
};
WEIR_STRUCT(wide, f01, f02, f03, f04, f05, f06, f07, f08, f09, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, f24, f25, f26, f27, f28, f29, f30,
            f31, f32, f33, f34, f35, f36, f37, f38, f39, f40, f41, f42, f43, f44, f45, f46, f47, f48, f49, f50, f51, f52, f53, f54, f55, f56, f57, f58, f59, f60, f61,
            f62, f63, f64);

}  // namespace shop

using namespace weir;

namespace {

template <class T>
std::string json_of(const T& value) {
    byte_sink sink;
    serde_traits<T>::encode(value, sink);
    return std::string{as_text(sink.view())};
}
template <class T>
T read(std::string_view text) {
    T out{};
    const auto why = serde_traits<T>::decode(as_bytes(text), out);
    REQUIRE_MESSAGE(!why, why.message());
    return out;
}
template <class T>
std::string text_of_refusal(std::string_view text) {
    T out{};
    const auto why = serde_traits<T>::decode(as_bytes(text), out);
    CHECK(why.code() == errc::malformed);
    return std::string{why.what()};
}

}  // namespace

TEST_CASE("a described struct is written as a JSON object, fields in the order of their declaration") {
    const shop::order value{.id = "o-1", .lines = {{"hat", 2, 9.5}, {"shoe", 1, 60}}, .points = {{"a", 1}, {"b", -2}}, .state = shop::state::paid, .gift = true};
    CHECK(json_of(value) == R"({"id":"o-1","lines":[{"product":"hat","count":2,"price":9.5},{"product":"shoe","count":1,"price":60.0}],)"
                            R"("note":null,"points":{"a":1,"b":-2},"state":"paid","gift":true})");
    CHECK(json_of(shop::empty{}) == "{}");
    CHECK(json_of(shop::tree{1, {{2, {}}, {3, {{4, {}}}}}}) ==
          R"({"value":1,"children":[{"value":2,"children":[]},{"value":3,"children":[{"value":4,"children":[]}]}]})");
}

TEST_CASE("what was written reads back the same") {
    const shop::order value{.id = "\"\\\n\t\x01\xc3\xa9\xf0\x9f\x98\x80/", .lines = {{"", -5, 0.1}}, .note = "", .points = {{"\xc3\xbc", 9}}, .state = shop::state::sent};
    CHECK(json_of(read<shop::order>(json_of(value))) == json_of(value));
    const auto back = read<shop::order>(json_of(value));
    CHECK(back.id == value.id);
    CHECK(back.note == "");
    CHECK(back.points.at("\xc3\xbc") == 9);
    const shop::others more{.raw = to_bytes("\x01\xff" "abc"), .when = timestamp{duration{1'767'225'600'123}}, .id = {0x0123456789abcdef, 0xfedcba9876543210}, .maybe = {1, std::nullopt, 3},
                            .by_name = {{"x", {{"hat", 1, 2}}}}, .flags = {true, false}};
    CHECK(json_of(more) == R"({"raw":"Af9hYmM=","when":1767225600123,"id":"01234567-89ab-cdef-fedc-ba9876543210","maybe":[1,null,3],)"
                           R"("by_name":{"x":[{"product":"hat","count":1,"price":2.0}]},"flags":[true,false]})");
    CHECK(json_of(read<shop::others>(json_of(more))) == json_of(more));
    CHECK(read<shop::wide>(json_of(shop::wide{})).f64 == 64);
    CHECK(json_of(shop::wide{}).ends_with("\"f63\":63,\"f64\":64}"));
}

TEST_CASE("integers are exact and bounded by their type") {
    const auto extreme = [](auto value) { return read<shop::numbers>(json_of(value)); };
    shop::numbers low{.i8 = -128, .i16 = -32768, .i32 = std::numeric_limits<std::int32_t>::min(), .i64 = std::numeric_limits<std::int64_t>::min()};
    CHECK(extreme(low).i8 == -128);
    CHECK(extreme(low).i16 == -32768);
    CHECK(extreme(low).i64 == std::numeric_limits<std::int64_t>::min());
    shop::numbers high{.i64 = 9007199254740993, .u8 = 255, .u64 = std::numeric_limits<std::uint64_t>::max()};
    CHECK(extreme(high).i64 == 9007199254740993);
    CHECK(extreme(high).u8 == 255);
    CHECK(extreme(high).u64 == std::numeric_limits<std::uint64_t>::max());
    CHECK(read<shop::numbers>(R"({"i32":5.0,"i64":1e3})").i32 == 5);
    CHECK(text_of_refusal<shop::numbers>(R"({"i8":128})") == "numbers.i8: a whole number of 8 bits is expected, there is the number 128");
    CHECK(text_of_refusal<shop::numbers>(R"({"i8":-129})") == "numbers.i8: a whole number of 8 bits is expected, there is the number -129");
    CHECK(text_of_refusal<shop::numbers>(R"({"u64":-1})") == "numbers.u64: a whole number of 64 bits, not below 0 is expected, there is the number -1");
    CHECK(text_of_refusal<shop::numbers>(R"({"i64":9223372036854775808})") == "numbers.i64: a whole number of 64 bits is expected, there is the number 9223372036854775808");
    CHECK(text_of_refusal<shop::numbers>(R"({"u64":18446744073709551616})").starts_with("numbers.u64: a whole number of 64 bits, not below 0 is expected, there is the number"));
    CHECK(text_of_refusal<shop::numbers>(R"({"i32":1.5})") == "numbers.i32: a whole number of 32 bits is expected, there is the number 1.5");
}

TEST_CASE("floats read back bit by bit") {
    for (const double value : {0.1, 1.0 / 3, 5e-324, 1.7976931348623157e308, -0.0, 123456789012345680.0, 2.2250738585072014e-308, 9007199254740993.0, 8.41e21, 9.5e-5, 0x1.fffffffffffffp-2}) {
        const auto back = read<shop::numbers>(json_of(shop::numbers{.f64 = value})).f64;
        CHECK_MESSAGE(std::bit_cast<std::uint64_t>(back) == std::bit_cast<std::uint64_t>(value), value);
        const auto narrow = static_cast<float>(value);
        CHECK(std::bit_cast<std::uint32_t>(read<shop::numbers>(json_of(shop::numbers{.f32 = narrow})).f32) == std::bit_cast<std::uint32_t>(narrow));
    }
    CHECK(std::isnan(read<shop::numbers>(json_of(shop::numbers{.f64 = std::nan("")})).f64));
    CHECK(read<shop::numbers>(R"({"f64":"-Infinity"})").f64 == -std::numeric_limits<double>::infinity());
    CHECK(read<shop::numbers>(R"({"f64":3})").f64 == 3);
    CHECK(read<shop::numbers>(R"({"f64":1e-400})").f64 == 0);
    CHECK(text_of_refusal<shop::numbers>(R"({"f32":1e39})") == "numbers.f32: a number is expected, there is the number 1e39");
}

TEST_CASE("names the struct lacks are passed over, fields the text lacks get their default again") {
    const auto value = read<shop::order>(R"( {"later":{"a":[1,{"id":"no"}],"b":"x"},"id":"o-2","more":[[["y"]],null],"last":1e5} )");
    CHECK(value.id == "o-2");
    CHECK(value.lines.empty());
    shop::defaults reused{.region = "us", .best = {"shoe", 9, 9}, .sizes = {9}, .limit = std::nullopt};
    CHECK_FALSE(serde_traits<shop::defaults>::decode(as_bytes("{}"), reused));
    CHECK(json_of(reused) == json_of(shop::defaults{}));
    CHECK_FALSE(serde_traits<shop::defaults>::decode(as_bytes(R"({"best":{"product":"cap"},"limit":null,"sizes":[]})"), reused));
    CHECK(reused.best.count == 1);  // the struct's own default, not that of the field it is in
    CHECK(reused.limit == std::nullopt);
    CHECK(reused.sizes.empty());
}

TEST_CASE("reading reuses the strings and lists of the object, and leaves nothing of what they held") {
    shop::order value;
    REQUIRE_FALSE(serde_traits<shop::order>::decode(as_bytes(R"({"id":"a rather long identifier for an order","lines":[{"product":"one product with a long name","count":5},{"count":2},{}],"points":{"x":1}})"), value));
    const auto* text = value.id.data();
    const auto* first = value.lines.data();
    const auto* product = value.lines[0].product.data();
    REQUIRE_FALSE(serde_traits<shop::order>::decode(as_bytes(R"({"id":"another long identifier of an order","lines":[{"product":"and another long name of it"}],"points":{"y":2}})"), value));
    CHECK(value.id.data() == text);
    CHECK(value.lines.data() == first);
    CHECK(value.lines[0].product.data() == product);
    CHECK(value.lines.size() == 1);
    CHECK(value.lines[0].count == 1);
    CHECK(value.points == std::map<std::string, std::int64_t>{{"y", 2}});
}

TEST_CASE("a value of the wrong type is refused with the path of its field") {
    CHECK(text_of_refusal<shop::order>(R"({"id":5})") == "order.id: text is expected, there is the number 5");
    CHECK(text_of_refusal<shop::order>(R"({"id":null})") == "order.id: text is expected, there is null");
    CHECK(text_of_refusal<shop::order>(R"({"lines":[{},{},{"price":"9"}]})") == "order.lines[2].price: a number is expected, there is the text \"9\"");
    CHECK(text_of_refusal<shop::order>(R"({"lines":{}})") == "order.lines: a list is expected, there is an object");
    CHECK(text_of_refusal<shop::order>(R"({"points":{"eur":true}})") == "order.points[\"eur\"]: a whole number of 64 bits is expected, there is true");
    CHECK(text_of_refusal<shop::order>(R"({"state":"lost"})") == "order.state: one of \"open\" \"paid\" \"sent\" is expected, there is the text \"lost\"");
    CHECK(text_of_refusal<shop::order>(R"({"gift":1})") == "order.gift: true or false is expected, there is the number 1");
    CHECK(text_of_refusal<shop::order>("[]") == "order: an object is expected, there is a list");
    CHECK(text_of_refusal<shop::order>("null") == "order: an object is expected, there is null");
    CHECK(text_of_refusal<shop::others>(R"({"raw":"A"})") == "others.raw: text in base64 is expected, there is the text \"A\"");
    CHECK(text_of_refusal<shop::others>(R"({"id":"x"})") == "others.id: the text of a UUID is expected, there is the text \"x\"");
}

TEST_CASE("what is no JSON is refused with the place, and nesting has a bound") {
    CHECK(text_of_refusal<shop::order>("").starts_with("not JSON: "));
    CHECK(text_of_refusal<shop::order>(R"({"id":"o-1")").starts_with("not JSON: "));
    CHECK(text_of_refusal<shop::order>(R"({"id":"o-1"} x)") == "not JSON: something else behind it at byte 13");
    CHECK(text_of_refusal<shop::order>("{\"id\":\"\xff\"}").starts_with("not JSON: "));
    CHECK(text_of_refusal<shop::order>(R"({"id":"a",})").starts_with("not JSON: "));
    std::string deep;
    for (int i = 0; i < 40; ++i) deep += R"({"children":[)";
    CHECK(text_of_refusal<shop::tree>(deep) == "JSON: more than 64 lists and objects within each other");
    CHECK(text_of_refusal<shop::order>(R"({"unknown":)" + std::string(100'000, '[')) == "JSON: more than 64 lists and objects within each other");
    shop::order value;
    CHECK(serde_traits<shop::order>::decode(bytes_view{}, value).code() == errc::malformed);
    std::optional<shop::order> maybe{shop::order{}};
    CHECK_FALSE(serde_traits<std::optional<shop::order>>::decode(bytes_view{}, maybe));
    CHECK_FALSE(maybe);
}

TEST_CASE("text that is not UTF-8 is written with replacement characters") {
    CHECK(json_of(shop::line{.product = "a\xff" "b\xc3"}) == "{\"product\":\"a\xef\xbf\xbd" "b\xef\xbf\xbd\",\"count\":1,\"price\":0.0}");
    CHECK(json_of(shop::line{.product = "\xed\xa0\x80"}).starts_with("{\"product\":\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""));
}

TEST_CASE("json<T>() gives JSON to types that are not structs") {
    const topic<std::string, std::vector<shop::line>> carts{"carts", {.value = json<std::vector<shop::line>>()}};
    byte_sink sink;
    carts.value().encode({{"hat", 1, 2}}, sink);
    CHECK(as_text(sink.view()) == R"([{"product":"hat","count":1,"price":2.0}])");
    std::vector<shop::line> back;
    CHECK_FALSE(carts.value().decode(sink.view(), back));
    CHECK(back.size() == 1);
    CHECK(carts.value().decode(as_bytes(R"([{"count":[]}])"), back).what() == "value[0].count: a whole number of 32 bits is expected, there is a list");
}

TEST_CASE("now() counts milliseconds since 1970") {
    const auto time = now();
    CHECK(time > timestamp{duration{1'700'000'000'000}});
    CHECK(now() >= time);
}

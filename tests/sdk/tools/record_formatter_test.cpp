// Records into lines: how the console consumer prints.
#include <doctest/doctest.h>

#include "console/record_formatter.hpp"

using namespace weir;
using namespace weir::tools;

namespace {

using settings = std::vector<std::pair<std::string, std::string>>;

bytes_view field(std::string_view text) {
    static constexpr std::byte nothing{};
    return text.empty() ? bytes_view{&nothing, 0} : as_bytes(text);
}

struct sample {
    record_info info;
    sample() {
        info.topic = "orders";
        info.partition = 2;
        info.offset = 7;
        info.leader_epoch = 5;
        info.time = timestamp{duration{1'700'000'000'000}};
    }
};

std::string print(const settings& how, bytes_view key, bytes_view value, output::format as = output::format::text, std::string_view name = {}) {
    auto formatter = record_formatter::make(name, how);
    if (!formatter) return std::string{formatter.error().what()};
    const sample of;
    output out{as};
    const auto done = formatter->print({of.info, key, value}, out);
    return done ? out.text() : std::string{done.error().what()};
}

}  // namespace

TEST_CASE("the default formatter prints what it is told to, in Kafka's order") {
    CHECK(print({}, field("k"), field("v")) == "v\n");
    CHECK(print({{"print.key", "true"}}, field("k"), field("v")) == "k\tv\n");
    CHECK(print({{"print.timestamp", "true"}, {"print.partition", "true"}, {"print.offset", "true"}, {"print.epoch", "true"}, {"print.delivery", "true"}, {"print.headers", "true"},
                 {"print.key", "true"}, {"key.separator", "|"}}, field("k"), field("v")) ==
          "CreateTime:1700000000000|Partition:2|Offset:7|Delivery:NOT_PRESENT|Epoch:5|NO_HEADERS|k|v\n");
    CHECK(print({{"print.key", "true"}, {"print.value", "false"}, {"line.separator", ";"}}, field("k"), field("v")) == "k;");
    CHECK(print({{"print.value", "false"}}, field("k"), field("v")).empty());
    CHECK(print({{"print.key", "true"}, {"null.literal", "-"}}, {}, {}) == "-\t-\n");
    CHECK(print({{"print.key", "true"}}, field(""), field("")) == "\t\n");
}

TEST_CASE("deserializers have Kafka's names") {
    const bytes number{std::byte{0}, std::byte{0}, std::byte{1}, std::byte{0}};
    CHECK(print({{"value.deserializer", "org.apache.kafka.common.serialization.IntegerDeserializer"}}, {}, number) == "256\n");
    CHECK(print({{"value.deserializer", "hex"}}, {}, number) == "00000100\n");
    CHECK(print({{"value.deserializer", "long"}}, {}, number).starts_with("value: "));
    CHECK(print({{"value.deserializer", "com.example.Own"}}, {}, number).starts_with("value.deserializer: there is no deserializer 'com.example.Own' here"));
    CHECK(print({{"print.keys", "true"}}, {}, {}) == "print.keys is no property of the formatter; did you mean print.key?");
}

TEST_CASE("as JSON a record is an object") {
    CHECK(print({}, field("k\"1"), {}, output::format::json) ==
          "{\"topic\":\"orders\",\"partition\":2,\"offset\":7,\"timestamp\":1700000000000,\"leaderEpoch\":5,\"headers\":[],\"key\":\"k\\\"1\",\"value\":null}\n");
}

TEST_CASE("other formatters go by the last part of Kafka's class names") {
    CHECK(print({}, field("k"), field("v"), output::format::text, "org.apache.kafka.tools.consumer.NoOpMessageFormatter").empty());
    CHECK(print({}, field("k"), field("v"), output::format::text, "com.example.Mine").starts_with("there is no formatter 'com.example.Mine' here"));
    // Keys of other types than the one asked for are passed over.
    const bytes group_key{std::byte{0}, std::byte{2}, std::byte{0}, std::byte{1}, std::byte{'g'}};
    CHECK(print({}, group_key, {}, output::format::text, "kafka.coordinator.group.GroupMetadataManager$OffsetsMessageFormatter").empty());
    CHECK(print({}, group_key, {}, output::format::text, "GroupMetadataMessageFormatter") == "{\"key\":{\"type\":2,\"data\":{\"group\":\"g\"}},\"value\":null}\n");
}

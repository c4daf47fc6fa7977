#include <weir/base/setting.hpp>
#include <weir/base/settings_reader.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace weir;
using namespace std::chrono_literals;

namespace {

struct sample_config {
    bool enabled = true;
    std::int16_t factor = 1;
    std::int32_t segment_bytes = 1 << 30;
    std::int64_t limit = -1;
    double ratio = 0.5;
    std::string codec = "producer";
    std::vector<std::string> policies{"delete"};
    milliseconds retention = 168h;
    milliseconds timeout = 30s;
    std::optional<std::int64_t> floor;
    std::string password;
    static std::span<const setting> settings();
};

std::span<const setting> sample_config::settings() {
    static const setting all[] = {
        make_setting<&sample_config::enabled>("enabled", any(), "Whether at all."),
        make_setting<&sample_config::factor>("factor", at_least(1), "Copies."),
        make_setting<&sample_config::segment_bytes>("segment.bytes", at_least(14), "Bytes at which a segment is closed.",
                                                    importance::high, dynamic_mode::cluster_wide,
                                                    synonym("log.segment.bytes")),
        make_setting<&sample_config::limit>("limit", at_least(-1), "Bytes; -1: none."),
        make_setting<&sample_config::ratio>("ratio", between(0.0, 1.0), "Share."),
        make_setting<&sample_config::codec>("codec", one_of("producer", "gzip", "zstd"), "How to pack."),
        make_setting<&sample_config::policies>("policies", one_of("delete", "compact"), "What to do."),
        make_setting<&sample_config::retention>("retention.ms", at_least(-1ms), "Age.", synonym("log.retention.ms"),
                                                synonym("log.retention.minutes", 60'000),
                                                synonym("log.retention.hours", 3'600'000)),
        make_setting<&sample_config::timeout>("timeout.ms", at_least(0ms), "Patience.", setting_type::int32),
        make_setting<&sample_config::floor>("floor", at_least(0), "Lowest."),
        make_setting<&sample_config::password>("password", any(), "Secret.", sensitive),
    };
    return all;
}

std::string problem(std::string_view name, std::string_view text) {
    sample_config config;
    const auto applied = apply_setting(config, name, text);
    if (!applied) CHECK(applied.code() == errc::invalid_setting);
    return applied ? "" : std::string{applied.error().what()};
}

}  // namespace

TEST_CASE("every field type is read from text and printed back") {
    sample_config config;
    const std::pair<std::string_view, std::string_view> given[] = {
        {"enabled", "false"}, {"factor", "3"}, {"segment.bytes", "1048576"}, {"limit", "9223372036854775807"},
        {"ratio", "0.25"}, {"codec", "zstd"}, {"policies", "compact,delete"}, {"retention.ms", "60000"},
        {"timeout.ms", "2147483647"}, {"floor", "7"}, {"password", " s3 "}};
    for (const auto& [name, text] : given) {
        CAPTURE(name);
        CHECK(apply_setting(config, name, text));
        CHECK(find_setting(sample_config::settings(), name)->print(&config) == std::string{text});
    }
    CHECK(config.retention == 1min);
    CHECK(config.policies == std::vector<std::string>{"compact", "delete"});
    CHECK(apply_setting(config, "floor", ""));
    CHECK_FALSE(config.floor);
    CHECK(apply_setting(config, "enabled", " TRUE "));
    CHECK(config.enabled);
    CHECK(apply_setting(config, "policies", ""));
    CHECK(config.policies.empty());
}

TEST_CASE("a row knows its type, default, synonyms and what is allowed") {
    const auto rows = sample_config::settings();
    const auto& segment = *find_setting(rows, "segment.bytes");
    CHECK(segment.type == setting_type::int32);
    CHECK(segment.default_text == "1073741824");
    CHECK(segment.importance == importance::high);
    CHECK(segment.dynamic == dynamic_mode::cluster_wide);
    CHECK(segment.allowed() == "a whole number from 14 to 2147483647");
    CHECK(find_setting(rows, "log.segment.bytes") == nullptr);
    CHECK(find_setting(rows, "log.segment.bytes", true) == &segment);
    CHECK(find_setting(rows, "retention.ms")->default_text == "604800000");
    CHECK(find_setting(rows, "ratio")->default_text == "0.5");
    CHECK(find_setting(rows, "policies")->default_text == "delete");
    CHECK(find_setting(rows, "policies")->type == setting_type::list);
    CHECK_FALSE(find_setting(rows, "floor")->default_text);
    CHECK(find_setting(rows, "password")->type == setting_type::password);
}

TEST_CASE("a wrong value is refused with the name, the value and what is allowed") {
    CHECK(problem("segment.bytes", "13") == "segment.bytes=13: allowed is a whole number from 14 to 2147483647");
    CHECK(problem("segment.bytes", "2147483648").starts_with("segment.bytes=2147483648"));
    CHECK(problem("segment.bytes", "1k").starts_with("segment.bytes=1k"));
    CHECK(problem("segment.bytes", "").starts_with("segment.bytes=:"));
    CHECK(problem("factor", "32768").find("from 1 to 32767") != std::string::npos);
    CHECK(problem("limit", "9223372036854775808").find("at least -1") != std::string::npos);
    CHECK(problem("timeout.ms", "2147483648").find("2147483647") != std::string::npos);
    CHECK(problem("ratio", "1.5") == "ratio=1.5: allowed is a number from 0 to 1");
    CHECK_FALSE(problem("ratio", "nan").empty());
    CHECK(problem("codec", "lzma") == "codec=lzma: allowed is producer, gzip, zstd");
    CHECK(problem("policies", "delete,shred").find("a list of delete, compact") != std::string::npos);
    for (const auto* bad : {"delete,", ",delete", "delete,,compact"})
        CHECK(problem("policies", bad).find("a list of delete, compact") != std::string::npos);
    CHECK(problem("enabled", "yes") == "enabled=yes: allowed is true or false");
}

TEST_CASE("a refused value leaves the field as it was") {
    sample_config config;
    CHECK_FALSE(apply_setting(config, "policies", "compact,shred"));
    CHECK(config.policies == std::vector<std::string>{"delete"});
}

TEST_CASE("an unknown name suggests the nearest known one, and nothing when none is near") {
    CHECK(problem("segmet.bytes", "1") == "there is no setting segmet.bytes; did you mean segment.bytes?");
    CHECK(problem("completely.different.thing", "1") == "there is no setting completely.different.thing");
    CHECK(problem(std::string(100'000, 'x'), "1").starts_with("there is no setting"));
}

TEST_CASE("a file fills several configs, later entries win, overrides win over all") {
    settings_reader reader;
    reader.add_text("server.properties", "factor=2\nlog.retention.hours=1\nlimit=5\nfactor=3\n");
    reader.add("limit", "6", "--override");
    sample_config config;
    reader.read(config);
    CHECK(reader.finish());
    CHECK(config.factor == 3);
    CHECK(config.limit == 6);
    CHECK(config.retention == 1h);
    CHECK(reader.find("limit")->where == "--override");
}

TEST_CASE("the finest unit wins whatever the order in the file, and -1 is no limit in every unit") {
    settings_reader reader;
    reader.add_text("f", "log.retention.ms=5\nlog.retention.hours=-1\nlog.retention.minutes=3");
    sample_config config;
    reader.read(config, setting_names::synonyms_only);
    CHECK(reader.finish());
    CHECK(config.retention == 5ms);

    settings_reader only_hours;
    only_hours.add_text("f", "log.retention.hours=-1");
    only_hours.read(config, setting_names::synonyms_only);
    CHECK(config.retention == -1ms);
}

TEST_CASE("by synonyms alone, a row's own name is unknown") {
    settings_reader reader;
    reader.add_text("f", "segment.bytes=100");
    sample_config config;
    reader.read(config, setting_names::synonyms_only);
    CHECK(config.segment_bytes == 1 << 30);
    const auto finished = reader.finish();
    CHECK(finished.error().what() == "f:1: there is no setting segment.bytes; did you mean log.segment.bytes?");
}

TEST_CASE("all mistakes are reported at once, each at its line") {
    settings_reader reader;
    reader.add_text("s.properties", "# start\nfactor=0\n\nlog.retention.hours=many\nfacto=1\nlistener.name.x.y=1\nport=70000");
    reader.accept("listener.name.*");
    reader.accept("port");
    sample_config config;
    reader.read(config);
    reader.report("port", "a port is at most 65535");
    const auto finished = reader.finish();
    CHECK(finished.code() == errc::invalid_setting);
    CHECK(finished.error().what() ==
          "s.properties:2: factor=0: allowed is a whole number from 1 to 32767\n"
          "s.properties:4: log.retention.hours=many: allowed is a whole number of at least -1\n"
          "s.properties:7: port=70000: a port is at most 65535\n"
          "s.properties:5: there is no setting facto; did you mean factor?");
}

TEST_CASE("the value of a secret never shows in an error") {
    struct guarded {
        std::string secret;
        static std::span<const setting> settings() {
            static const setting all[] = {make_setting<&guarded::secret>("secret", not_empty(), "Hidden.", sensitive)};
            return all;
        }
    };
    guarded config;
    const auto refused = apply_setting(config, "secret", "");
    CHECK(refused.error().what() == "secret: allowed is a text that is not empty");
}

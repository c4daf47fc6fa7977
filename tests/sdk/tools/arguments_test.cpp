// What is understood on a command line, what is refused, and what is said then.
#include <doctest/doctest.h>

#include "arguments.hpp"
#include "help.hpp"
#include "suggest.hpp"

using namespace weir::tools;

namespace {

constexpr option options[] = {
    value("bootstrap-server", "host:port", "Brokers.").required(),
    flag("list", "List."),
    flag("create", "Create."),
    value("topic", "name", "A topic.").repeatable(),
    value("partitions", "count", "How many."),
    value("throughput", "rate", "Records a second."),
    value("codec", "name", "A codec.").one_of("none|gzip"),
    maybe_value("state", "state", "A state."),
    values("producer-props", "name=value", "Settings."),
    value("command-config", "file", "A file."),
    value("producer.config", "file", "A file.").instead("command-config"),
    value("id", "number", "An id.").letter('i'),
};
constexpr tool plain{"plain", "Tests.", options, {}, {}, {}, nullptr};

constexpr option describe_options[] = {flag("status", "The state.")};
constexpr command commands[] = {{"describe", "Describe.", describe_options}, {"remove", "Remove.", {}}};
constexpr option shared[] = {value("bootstrap-server", "host:port", "Brokers.")};
constexpr tool nested{"nested", "Tests.", shared, commands, {}, {}, nullptr};

arguments parse(std::initializer_list<const char*> words, const tool& of = plain) { return {of, std::span{words.begin(), words.size()}}; }

std::string refusal(std::initializer_list<const char*> words, const tool& of = plain) {
    try {
        parse(words, of).check_required();
    } catch (const usage_error& wrong) {
        return wrong.what();
    }
    return "understood";
}

}  // namespace

TEST_CASE("values follow behind a blank or an equals sign") {
    const auto args = parse({"--bootstrap-server=a:1", "--topic", "x", "--topic=y=z", "--list"});
    CHECK(args.text("bootstrap-server") == "a:1");
    CHECK(args.all("topic") == std::vector<std::string>{"x", "y=z"});
    CHECK(args.has("list"));
    CHECK(!args.has("create"));
}

TEST_CASE("a value may begin with a dash, but is never an option of the tool") {
    CHECK(parse({"--throughput", "-1"}).number("throughput", -1, 10) == -1);
    CHECK(refusal({"--topic", "--list"}) == "Option topic requires an argument");
    CHECK(refusal({"--topic"}) == "Option topic requires an argument");
}

TEST_CASE("a long name may be cut short while it is the only one") {
    const auto args = parse({"--bootstrap-s=a:1", "--top", "x", "--part", "3", "--l"});
    CHECK(args.text("bootstrap-server") == "a:1");
    CHECK(args.text("topic") == "x");
    CHECK(args.number("partitions", 0, 10) == 3);
    CHECK(args.has("list"));
    CHECK(parse({"describe", "--st"}, nested).has("status"));
    CHECK(parse({"--producer.c", "f"}).text("command-config") == "f");
    CHECK(parse({"--topic", "--par"}).text("topic") == "--par");  // as a value it stays what it is
    CHECK(refusal({"--co=x"}) == "--co is not a recognized option; did you mean --codec or --command-config?");
    CHECK(refusal({"--t", "x"}) == "--t is not a recognized option; did you mean --topic or --throughput?");
    CHECK(refusal({"--", "x"}).starts_with("-- is not a recognized option"));
    CHECK(refusal({"-top", "x"}) == "-top is not a recognized option; did you mean --topic?");
}

TEST_CASE("the old form of a command line has values in a fixed order") {
    static constexpr std::string_view places[] = {"bootstrap-server", "topic", "command-config"};
    static constexpr tool old{"old", "Tests.", options, {}, places, {}, nullptr};
    const auto args = parse({"a:1", "x", "f"}, old);
    CHECK(args.text("bootstrap-server") == "a:1");
    CHECK(args.text("topic") == "x");
    CHECK(args.text("command-config") == "f");
    REQUIRE(args.warnings().size() == 1);
    CHECK(args.warnings()[0].ends_with("Please use named arguments instead: --bootstrap-server, --topic, --command-config"));
    CHECK(!parse({"a:1", "x"}, old).has("command-config"));
    CHECK(parse({"--topic", "x"}, old).warnings().empty());
    CHECK(refusal({"a:1"}, old) == "Invalid number of arguments. Expected 2 or 3 positional arguments, but got 1. Usage: bootstrap-server topic [optional] command-config");
    CHECK(refusal({"a:1"}) == "'a:1' is not expected here; options begin with --");
}

TEST_CASE("short names take their value attached or behind a blank") {
    CHECK(parse({"-i", "3"}).number("id", 0, 10) == 3);
    CHECK(parse({"-i3"}).number("id", 0, 10) == 3);
    CHECK(parse({"-i=3"}).number("id", 0, 10) == 3);
}

TEST_CASE("one dash does for a long name, too") {
    const auto args = parse({"-bootstrap-server", "a:1", "-topic=x", "-list"});
    CHECK(args.text("bootstrap-server") == "a:1");
    CHECK(args.text("topic") == "x");
    CHECK(args.has("list"));
    CHECK(refusal({"-topic", "-list"}) == "Option topic requires an argument");
    CHECK(refusal({"-topics", "x"}) == "-topics is not a recognized option; did you mean --topic?");
}

TEST_CASE("an optional value is taken when it is no option") {
    CHECK(parse({"--state"}).has("state"));
    CHECK(parse({"--state"}).text("state") == "");
    CHECK(parse({"--state", "Stable"}).text("state") == "Stable");
    CHECK(parse({"--state", "-1"}).text("state") == "-1");
    CHECK(parse({"--state", "--list"}).text("state", "none") == "none");
}

TEST_CASE("some options take all that follows") {
    const auto pairs = parse({"--producer-props", "acks=all", "linger.ms=5", "--list"}).pairs("producer-props");
    REQUIRE(pairs.size() == 2);
    CHECK(pairs[1] == std::pair<std::string, std::string>{"linger.ms", "5"});
    CHECK_THROWS_AS(static_cast<void>(parse({"--producer-props", "acks"}).pairs("producer-props")), usage_error);
}

TEST_CASE("an old name is taken for the new one, with a warning") {
    const auto args = parse({"--producer.config", "client.properties"});
    CHECK(args.text("command-config") == "client.properties");
    REQUIRE(args.warnings().size() == 1);
    CHECK(args.warnings()[0].find("use --command-config instead") != std::string::npos);
}

TEST_CASE("a mistake names what was meant") {
    CHECK(refusal({"--bootstrap-servers", "x"}) == "--bootstrap-servers is not a recognized option; did you mean --bootstrap-server?");
    CHECK(refusal({"--tpoic=x"}) == "--tpoic is not a recognized option; did you mean --topic?");
    CHECK(refusal({"--zookeeper", "x"}) == "--zookeeper is not a recognized option");
    CHECK(refusal({"list"}) == "'list' is not expected here; options begin with --");
    CHECK(refusal({"--list"}) == "Missing required argument \"[bootstrap-server]\"");
    CHECK(refusal({"--partitions", "1", "--partitions", "2"}) == "Found multiple arguments for option partitions, but you asked for only one");
    CHECK(refusal({"--codec", "zip"}) == "--codec cannot be 'zip'; it is one of none,gzip");
    CHECK(refusal({"--list=yes"}) == "--list takes no value");
}

TEST_CASE("numbers are whole and in range") {
    CHECK_THROWS_WITH_AS(static_cast<void>(parse({"--partitions", "many"}).number("partitions", 1, 9)),
                         "Cannot parse argument 'many' of option partitions: it is no whole number", usage_error);
    CHECK_THROWS_WITH_AS(static_cast<void>(parse({"--partitions", "10"}).number("partitions", 1, 9)), "--partitions is 10, which is not between 1 and 9", usage_error);
    CHECK(parse({"--list"}).number("partitions", 1, 9) == std::nullopt);
}

TEST_CASE("actions exclude each other") {
    CHECK(parse({"--list"}).exactly_one({"list", "create"}) == "list");
    CHECK_THROWS_WITH_AS(parse({"--list", "--create"}).exactly_one({"list", "create"}), "Command must include exactly one action: --list or --create", usage_error);
    CHECK_THROWS_AS(parse({"--list", "--topic", "x"}).excludes("list", {"topic"}), usage_error);
}

TEST_CASE("a command has options of its own, and those of its tool on both sides") {
    CHECK(parse({"describe", "--status"}, nested).command() == "describe");
    CHECK(parse({"--bootstrap-server", "a", "describe"}, nested).text("bootstrap-server") == "a");
    CHECK(parse({"describe", "--bootstrap-server", "a"}, nested).text("bootstrap-server") == "a");
    CHECK(refusal({"remove", "--status"}, nested) == "--status is not a recognized option of 'nested remove'");
    CHECK(refusal({"describ"}, nested) == "'describ' is not a command of nested; did you mean 'describe'?");
    CHECK(refusal({"--bootstrap-server", "a"}, nested) == "say what to do, one of: describe, remove");
}

TEST_CASE("the nearest name is a third of the letters away at most") {
    constexpr std::string_view names[] = {"topics", "console-producer", "console-consumer", "configs"};
    CHECK(nearest("topcis", names) == "topics");
    CHECK(nearest("console-p", names) == "console-producer");
    CHECK(nearest("config", names) == "configs");
    CHECK(nearest("brokers", names).empty());
    CHECK(nearest("", names).empty());
}

TEST_CASE("help has every option, what is needed first and what is old last") {
    const auto text = help_of(plain, "weir plain");
    CHECK(text.starts_with("Tests.\n\nUsage: weir plain [OPTION]...\n\n  --bootstrap-server <host:port>"));
    CHECK(text.find("REQUIRED: Brokers.") < text.find("--list"));
    CHECK(text.find("--list") < text.find("DEPRECATED: use --command-config instead."));
    CHECK(text.find("One of none, gzip.") != text.npos);
    for (const auto& each : options) CHECK(text.find("--" + std::string{each.name}) != text.npos);
}

// Which levels of features belong to which release, and what they need.
#include <weir/protocol/feature_argument.hpp>
#include <weir/protocol/feature_levels.hpp>

#include <doctest/doctest.h>

using namespace weir::protocol;

TEST_CASE("releases and metadata levels name each other") {
    CHECK(metadata_version_name(7) == "3.3-IV3");
    CHECK(metadata_version_name(30) == "4.3-IV0");
    CHECK(metadata_version_name(22) == "4.0-IV0");
    CHECK(metadata_version_name(6).empty());
    CHECK(metadata_version_name(31).empty());
    CHECK(*metadata_level_of("4.3-IV0") == 30);
    CHECK(*metadata_level_of("4.0") == 25);
    CHECK(std::string{metadata_level_of("5.0").error().what()}.starts_with("Unknown metadata.version '5.0'. Supported metadata.version are: 3.3-IV3, 3.4-IV0, "));
    CHECK(level_text("metadata.version", 21) == "3.9-IV0");
    CHECK(level_text("group.version", 1) == "1");
}

TEST_CASE("a release has its features' default levels") {
    const auto level = [](std::string_view name, std::int16_t metadata) { return default_level(*find_feature(name), metadata); };
    CHECK(level("transaction.version", 23) == 0);
    CHECK(level("transaction.version", 24) == 2);
    CHECK(level("group.version", 22) == 1);
    CHECK(level("share.version", 27) == 0);
    CHECK(level("streams.version", 30) == 1);
}

TEST_CASE("what Kafka's tools print about a release and about a level") {
    CHECK(release_text(24, "4.0-IV2") ==
          "metadata.version=24 (4.0-IV2)\nkraft.version=1\ntransaction.version=2\ngroup.version=1\neligible.leader.replicas.version=0\nshare.version=0\nstreams.version=0");
    CHECK(dependencies_text("metadata.version", 21) == "metadata.version=21 (3.9-IV0) has no dependencies.");
    CHECK(dependencies_text("eligible.leader.replicas.version", 1) == "eligible.leader.replicas.version=1 requires:\n    metadata.version=23 (4.0-IV1)");
    CHECK(dependencies_text("eligible.leader.replicas.version", 0) == "eligible.leader.replicas.version=0 has no dependencies.");
    CHECK(dependencies_text("group.version", 1) == "group.version=1 has no dependencies.");
}

TEST_CASE("a feature and its level, as Kafka's tools are given them") {
    const auto good = parse_feature(" group.version = +1 ");
    REQUIRE(good);
    CHECK(good->name == "group.version");
    CHECK(good->level == 1);
    CHECK((*parse_feature("share.version=-1")).level == -1);  // whether it can be is for who knows the features
    CHECK(parse_feature("group.version").error().what() == "Can't parse feature=level string group.version: equals sign not found.");
    for (const auto* text : {"", "one", "1.0", "+-1", "40000"}) {
        const auto wrong = parse_feature(std::string{"group.version="} + text);
        CHECK(wrong.error().what() == "Can't parse feature=level string group.version=" + std::string{text} + ": unable to parse " + text + " as a short.");
        CHECK_FALSE(split_feature(std::string{"group.version="} + text)->level);
    }
}

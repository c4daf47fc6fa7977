// weir features: what the cluster has agreed to use.
#include "common_options.hpp"
#include "connect.hpp"
#include "output.hpp"

#include <weir/admin.hpp>
#include <weir/protocol/feature_argument.hpp>
#include <weir/protocol/feature_levels.hpp>

#include <fmt/format.h>

#include <limits>

namespace weir::tools {

namespace features_tool {
namespace {

using namespace protocol;

constexpr option options[] = {bootstrap_server, bootstrap_controller, command_config, output_format};

constexpr option feature = value("feature", "name=level", "A feature and the level it shall have.").repeatable();
constexpr option release = value("release-version", "release", "All features as that release has them, such as 4.3-IV0.");
constexpr option old_metadata = value("metadata", "release", "DEPRECATED: the release whose metadata.version it shall be; use --feature or --release-version.");
constexpr option dry_run = flag("dry-run", "Ask whether it could be done, and do nothing.");
constexpr option unsafe = flag("unsafe", "Do it even if metadata is lost for good.");

constexpr option describe_options[] = {value("node-id", "id", "Ask this broker what it supports.")};
constexpr option upgrade_options[] = {release, feature, old_metadata, dry_run};
constexpr option downgrade_options[] = {release, feature, old_metadata, unsafe, dry_run};
constexpr option disable_options[] = {value("feature", "name", "The feature to switch off.").repeatable(), unsafe, dry_run};
constexpr option mapping_options[] = {release};
constexpr option dependencies_options[] = {value("feature", "name=level", "The feature and level to look up.").repeatable().required()};
constexpr command commands[] = {
    {"describe", "Show what the brokers support and what the cluster uses.", describe_options},
    {"upgrade", "Raise levels.", upgrade_options},
    {"downgrade", "Lower levels.", downgrade_options},
    {"disable", "Switch features off: the same as lowering them to 0.", disable_options},
    {"version-mapping", "Show which levels belong to a release.", mapping_options},
    {"feature-dependencies", "Show what a level of a feature needs.", dependencies_options},
};

[[noreturn]] void fail(std::string why) { throw exception{error{errc::invalid_request, std::move(why)}}; }

int describe(const admin& at, const invocation& call) {
    const auto node = call.args.number("node-id", 0, std::numeric_limits<std::int32_t>::max());
    const auto found = *(node ? at.describe_features(static_cast<std::int32_t>(*node)) : at.describe_features()).get();
    const auto epoch = found.finalized_epoch ? std::to_string(*found.finalized_epoch) : "-";
    table features{{{"FEATURE", "feature"}, {"MIN", "supportedMinVersion"}, {"MAX", "supportedMaxVersion"}, {"LEVEL", "finalizedVersionLevel"}, {"EPOCH", "epoch", true}}};
    for (const auto& [name, supported] : found.supported) {
        const auto finalized = found.finalized.find(name);
        const auto level = finalized == found.finalized.end() ? std::int16_t{0} : finalized->second.max;
        const auto shown = level == 0 ? std::string{"0"} : level_text(name, level);
        if (call.out.json()) features.row({name, level_text(name, supported.min), level_text(name, supported.max), shown, epoch});
        else
            call.out.line(fmt::format("Feature: {:<41} SupportedMinVersion: {:<16} SupportedMaxVersion: {:<16} FinalizedVersionLevel: {:<16} Epoch: {}", name,
                                      level_text(name, supported.min), level_text(name, supported.max), shown, epoch));
    }
    if (call.out.json()) features.print(call.out);
    return 0;
}

std::map<std::string, feature_update> wanted_updates(const invocation& call, std::string_view what) {
    const auto& args = call.args;
    const auto how = what == "upgrade" ? feature_update::change::upgrade : args.has("unsafe") ? feature_update::change::unsafe_downgrade : feature_update::change::safe_downgrade;
    std::map<std::string, feature_update> updates;
    const auto add = [&](const std::string& name, std::int16_t level) {
        if (!updates.emplace(name, feature_update{name, level, how}).second) fail("Feature " + name + " was specified more than once.");
    };
    if (args.has("release-version") && (args.has("metadata") || args.has("feature"))) fail("Can not specify `release-version` with other feature flags.");
    if (args.has("release-version")) {
        const auto metadata = *metadata_level_of(args.text("release-version"));
        add(std::string{metadata_version}, metadata);
        for (const auto& each : other_features())
            if (const auto level = default_level(each, metadata); level > 0 || what != "upgrade") add(std::string{each.name}, level);
    }
    if (args.has("metadata")) {
        call.out.line(" `metadata` flag is deprecated and may be removed in a future release.");
        add(std::string{metadata_version}, *metadata_level_of(args.text("metadata")));
    }
    for (const auto& each : args.all("feature")) {
        if (what == "disable") add(each, 0);
        else {
            const auto [name, level] = *parse_feature(each);
            add(name, level);
        }
    }
    if (updates.empty()) fail(fmt::format("You must specify at least one feature to {}", what));
    return updates;
}

int update(const admin& at, const invocation& call, std::string_view what) {
    const auto updates = wanted_updates(call, what);
    std::vector<feature_update> asked;
    for (const auto& [name, each] : updates) asked.push_back(each);
    update_features_options how;
    how.validate_only = call.args.has("dry-run");
    const auto answers = at.update_features(asked, how).get();
    // All or nothing: one that cannot be fails the others as well.
    if (!answers && answers.code() != errc::invalid_update_version && answers.code() != errc::feature_update_failed) throw exception{answers.error()};
    int failures = 0;
    for (const auto& [name, each] : updates) {
        const auto* outcome = answers ? answers->find(name) : nullptr;
        const auto why = !answers ? answers.error() : outcome && !*outcome ? outcome->error() : error{};
        if (why) {
            ++failures;
            call.out.line(fmt::format("{} {}. {}", how.validate_only ? "Can not" : "Could not",
                                      what == "disable" ? "disable " + name : fmt::format("{} {} to {}", what, name, each.level), sentence(why)));
        } else {
            call.out.line(fmt::format("{} {} {}", name, how.validate_only ? "can be" : "was", what == "disable" ? "disabled." : fmt::format("{}d to {}.", what, each.level)));
        }
    }
    if (failures > 0) fail(fmt::format("{} out of {} operation(s) failed.", failures, updates.size()));
    return 0;
}

int show_mapping(const invocation& call) {
    const auto name = call.args.text("release-version", metadata_version_name(latest_metadata_level));
    const auto level = *metadata_level_of(name);
    call.out.line(release_text(level, name));
    return 0;
}

int show_dependencies(const invocation& call) {
    for (const auto& text : call.args.all("feature")) {
        const auto [name, level] = *parse_feature(text);
        if (name == metadata_version) {
            if (metadata_version_name(level).empty()) fail(fmt::format("Unknown metadata.version {}", level));
        } else {
            const auto* known = find_feature(name);
            if (!known) fail("Unknown feature: " + name);
            if (level < 0 || level > known->latest) fail(fmt::format("No feature:{} with feature level {}", name, level));
        }
        call.out.line(dependencies_text(name, level));
    }
    return 0;
}

int run(const invocation& call) {
    const auto what = call.args.command();
    if (what == "version-mapping") return show_mapping(call);
    if (what == "feature-dependencies") return show_dependencies(call);
    const admin at{connect(call.args)};
    if (what == "describe") return describe(at, call);
    return update(at, call, what);
}

}  // namespace
}  // namespace features_tool

extern const tool features;
constinit const tool features{"features", "Show and change which features a cluster uses.", features_tool::options, features_tool::commands, {}, {}, features_tool::run};

}  // namespace weir::tools

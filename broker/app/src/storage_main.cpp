// weir-storage: formats log directories as Kafka's storage tool does, and knows what belongs to a release. `weir storage` runs it.
#include <weir/base/asio_runtime.hpp>
#include <weir/base/posix_files.hpp>
#include <weir/base/uuid.hpp>
#include <weir/protocol/feature_argument.hpp>
#include <weir/protocol/feature_levels.hpp>

#include <CLI/CLI.hpp>

#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage_tool.hpp"

namespace {

using namespace weir;
using namespace weir::broker;

int fail(const error& why) {
    std::fprintf(stderr, "%s\n", why.what().empty() ? why.message().c_str() : std::string{why.what()}.c_str());
    return 1;
}

void print(const std::string& line) { std::printf("%s\n", line.c_str()); }

result<storage_settings> settings_of(file_system& files, const std::string& path) {
    auto content = read_file(files, path);
    if (!content) return content.error();
    return read_storage_settings(path, as_text(*content));
}

int info(file_system& files, const std::string& config) {
    auto settings = settings_of(files, config);
    if (!settings) return fail(settings.error());
    auto found = inspect_storage(files, *settings);
    if (!found) return fail(found.error());
    if (!found->directories.empty()) {
        print(found->directories.size() == 1 ? "Found log directory:" : "Found log directories:");
        for (const auto& each : found->directories) print("  " + each);
        print("");
    }
    if (found->metadata) {
        print("Found metadata: " + *found->metadata);
        print("");
    }
    if (found->problems.empty()) return 0;
    print(found->problems.size() == 1 ? "Found problem:" : "Found problems:");
    for (const auto& each : found->problems) print("  " + each);
    print("");
    return 1;
}

int format(file_system& files, const std::string& config, format_request request, const std::vector<std::string>& features) {
    auto settings = settings_of(files, config);
    if (!settings) return fail(settings.error());
    for (const auto& each : features) {
        auto given = protocol::parse_feature(each);
        if (!given) return fail(given.error());
        request.features.emplace_back(std::move(given->name), given->level);
    }
    runtime clock{1};
    auto lines = format_storage(files, *settings, request, random_source::from_system(), clock.loop(0).wall_now());
    if (!lines) return fail(lines.error());
    for (const auto& each : *lines) print(each);
    return 0;
}

int version_mapping(const std::optional<std::string>& release) {
    const auto name = release.value_or(std::string{protocol::metadata_version_name(protocol::latest_metadata_level)});
    const auto level = protocol::metadata_level_of(name);
    if (!level) return fail(level.error());
    print(protocol::release_text(*level, name));
    return 0;
}

int feature_dependencies(const std::vector<std::string>& features) {
    const auto refuse = [](std::string why) { return fail(error{errc::invalid_setting, std::move(why)}); };
    for (const auto& each : features) {
        const auto given = protocol::split_feature(each);
        if (!given) return refuse("Invalid feature format: " + each + ". Expected format: 'feature=version' (e.g. 'group.version=1')");
        const auto& name = given->name;
        if (!given->level) return refuse("Invalid version format: " + given->text + " for feature " + name);
        const auto level = *given->level;
        const auto* known = protocol::find_feature(name);
        if (name == protocol::metadata_version) {
            if (protocol::metadata_version_name(level).empty()) return refuse("Unknown metadata.version " + std::to_string(level));
        } else if (!known) {
            return refuse("Unknown feature: " + name);
        } else if (level < 0 || level > known->latest) {
            return refuse("Feature level " + std::to_string(level) + " is not supported for feature " + name);
        }
        print(protocol::dependencies_text(name, level));
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App options{"Formats the log directories of a node and says what is in them, as kafka-storage does."};
    options.require_subcommand(1);
    options.set_version_flag("--version", "weir " WEIR_VERSION " (Kafka 4.3)");
    std::string config;
    std::vector<std::string> features;
    format_request request;

    auto* const uuid_command = options.add_subcommand("random-uuid", "Print a random id, for a cluster or a directory.");
    auto* const info_command = options.add_subcommand("info", "Show the log directories of a node.");
    info_command->add_option("-c,--config", config, "server.properties of the node")->required();
    auto* const format_command = options.add_subcommand("format", "Format the log directories of a node.");
    format_command->add_option("-c,--config", config, "server.properties of the node")->required();
    format_command->add_option("-t,--cluster-id", request.cluster_id, "The id of the cluster: the same on every node")->required();
    format_command->add_flag("-g,--ignore-formatted", request.ignore_formatted, "Skip directories that are formatted already");
    format_command->add_option("-r,--release-version", request.release, "The release whose features it begins with, such as 4.3-IV0; the latest by default");
    format_command->add_option("-f,--feature", features, "name=level, other than the release has it; may be repeated")->take_all()->expected(1);
    format_command->add_flag("-s,--standalone", request.standalone, "The only voter of a quorum that can grow later");
    format_command->add_flag("-N,--no-initial-controllers", request.no_initial_controllers, "Join the quorum later");
    format_command->add_option("-I,--initial-controllers", request.initial_controllers, "id@host:port:directory,...: the same on every controller");
    format_command->add_option("-S,--add-scram", request.scram, "A user's first password: 'SCRAM-SHA-256=[name=alice,password=...]', or with iterations, salt and saltedpassword; may be repeated")
        ->take_all()
        ->expected(1);
    auto* const mapping_command = options.add_subcommand("version-mapping", "Show which levels of features belong to a release.");
    mapping_command->add_option("-r,--release-version", request.release, "The release, such as 4.3-IV0; the latest by default");
    auto* const dependencies_command = options.add_subcommand("feature-dependencies", "Show what a level of a feature needs.");
    dependencies_command->add_option("-f,--feature", features, "name=level; may be repeated")->required()->take_all();
    try {
        options.parse(argc, argv);
    } catch (const CLI::ParseError& wrong) {
        return options.exit(wrong) == 0 ? 0 : 1;
    }
    const auto files = make_posix_files();
    if (uuid_command->parsed()) {
        auto random = random_source::from_system();
        print(to_string(random_uuid(random)));
        return 0;
    }
    if (mapping_command->parsed()) return version_mapping(request.release);
    if (dependencies_command->parsed()) return feature_dependencies(features);
    return info_command->parsed() ? info(*files, config) : format(*files, config, std::move(request), features);
}

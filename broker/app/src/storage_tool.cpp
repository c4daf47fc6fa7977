#include "storage_tool.hpp"

#include "scram_option.hpp"

#include <weir/base/properties.hpp>
#include <weir/base/split_list.hpp>
#include <weir/metadata/metadata_frames.hpp>
#include <weir/protocol/feature_levels.hpp>
#include <weir/raft/format.hpp>
#include <weir/storage/meta_properties.hpp>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

namespace weir::broker {

namespace {

using namespace std::string_literals;

template <class Int>
std::optional<Int> number(std::string_view text) {
    Int value{};
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

error wrong(const std::string& file, std::string why) { return error{errc::invalid_setting, file + ": " + std::move(why)}; }

/// "NAME://host:port".
std::optional<raft::endpoint> parse_listener(std::string_view text) {
    const auto scheme = text.find("://");
    const auto colon = text.rfind(':');
    if (scheme == text.npos || colon < scheme + 3) return std::nullopt;
    const auto port = number<std::uint16_t>(text.substr(colon + 1));
    if (!port) return std::nullopt;
    auto host = text.substr(scheme + 3, colon - scheme - 3);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    return raft::endpoint{std::string{text.substr(0, scheme)}, host.empty() ? "localhost" : std::string{host}, *port};
}

/// "id@host:port:directory,...".
result<raft::voter_set> parse_voters(std::string_view text, const std::string& listener) {
    std::vector<raft::voter> voters;
    for (const auto& each : split_list(text)) {
        const auto at = each.find('@');
        const auto last = each.rfind(':');
        const auto before = last == each.npos || last == 0 ? each.npos : each.rfind(':', last - 1);
        const auto id = at == each.npos ? std::nullopt : number<std::int32_t>(std::string_view{each}.substr(0, at));
        const auto port = before == each.npos || before < at ? std::nullopt : number<std::uint16_t>(std::string_view{each}.substr(before + 1, last - before - 1));
        if (!id || !port) return error{errc::invalid_setting, "'" + each + "' in --initial-controllers is not of the form id@host:port:directory"};
        auto directory = parse_uuid(std::string_view{each}.substr(last + 1));
        if (!directory) return error{errc::invalid_setting, "'" + each + "' in --initial-controllers: " + std::string{directory.error().what()}};
        raft::voter made;
        made.key = {*id, *directory};
        made.endpoints = {{listener, each.substr(at + 1, before - at - 1), *port}};
        voters.push_back(std::move(made));
    }
    return raft::voter_set{std::move(voters)};
}

/// As framed records.
result<std::vector<bytes>> credentials_to_write(const format_request& request, std::int16_t level, random_source& random) {
    constexpr std::int16_t first_with_scram = 11;
    if (!request.scram.empty() && level < first_with_scram)
        return error{errc::invalid_setting, "SCRAM is only supported in metadata.version " + std::string{protocol::metadata_version_name(first_with_scram)} + " or later."};
    std::vector<bytes> frames;
    for (const auto& each : request.scram) {
        auto record = parse_scram_option(each, random);
        if (!record) return record.error();
        auto frame = metadata::encode_frame(*std::move(record), level);
        if (!frame) return frame.error();
        frames.push_back(*std::move(frame));
    }
    return frames;
}

result<raft::format_options> metadata_to_write(const storage_settings& settings, const format_request& request, const uuid& directory, random_source& random, timestamp_ms now) {
    raft::format_options options;
    options.log_directory = settings.metadata_directory;
    options.now = now;
    if (request.release) {
        const auto level = protocol::metadata_level_of(*request.release);
        if (!level) return level.error();
        options.metadata_version = *level;
    }
    std::map<std::string, std::int16_t> wanted;
    for (const auto& [name, level] : request.features)
        if (!wanted.emplace(name, level).second) return error{errc::invalid_setting, "Feature " + name + " was specified more than once."};
    const bool dynamic = request.standalone || !request.initial_controllers.empty();
    options.kraft_version = dynamic ? 1 : 0;
    if (const auto kraft = wanted.find("kraft.version"); kraft != wanted.end()) {
        const auto flags = "controller.quorum.voters is empty and one of the flags --standalone, --initial-controllers, or --no-initial-controllers is used. For dynamic controllers support, try "s;
        if ((dynamic || request.no_initial_controllers) && kraft->second == 0)
            return error{errc::invalid_setting, "Cannot set kraft.version to 0 if " + flags + "removing the --feature flag for kraft.version."};
        if (!dynamic && !request.no_initial_controllers && kraft->second > 0)
            return error{errc::invalid_setting, "Cannot set kraft.version to " + std::to_string(kraft->second) + " unless " + flags +
                                                    "using one of --standalone, --initial-controllers, or --no-initial-controllers and removing controller.quorum.voters."};
        wanted.erase(kraft);
    }
    // By name: so the records of Kafka's tool come.
    std::map<std::string_view, std::int16_t> levels;
    for (const auto& each : protocol::other_features()) {
        if (each.name == "kraft.version") continue;
        const auto own = wanted.find(std::string{each.name});
        const auto level = own != wanted.end() ? own->second : protocol::default_level(each, options.metadata_version);
        if (own != wanted.end()) wanted.erase(own);
        if (level < 0 || level > each.latest) return error{errc::invalid_setting, "No feature:" + std::string{each.name} + " with feature level " + std::to_string(level)};
        if (level > 0 && options.metadata_version < each.needs_metadata)
            return error{errc::invalid_setting, std::string{each.name} + " could not be set to " + std::to_string(level) + " because it depends on metadata.version=" +
                                                    std::to_string(each.needs_metadata) + " (" + std::string{protocol::metadata_version_name(each.needs_metadata)} + ")"};
        if (level > 0) levels.emplace(each.name, level);
    }
    options.features.assign(levels.begin(), levels.end());
    if (!wanted.empty()) {
        std::set<std::string> names;
        for (const auto& each : protocol::other_features()) names.emplace(each.name);
        std::string listed;
        for (const auto& each : names) listed += (listed.empty() ? "" : ", ") + each;
        return error{errc::invalid_setting, "Unsupported feature: " + wanted.begin()->first + ". Supported features are: " + listed};
    }
    auto credentials = credentials_to_write(request, options.metadata_version, random);
    if (!credentials) return credentials.error();
    options.more_records = *std::move(credentials);
    if (request.standalone) {
        raft::voter self;
        self.key = {settings.node_id, directory};
        self.endpoints = {settings.controller_endpoint};
        options.voters = raft::voter_set{{self}};
    } else if (dynamic) {
        auto voters = parse_voters(request.initial_controllers, settings.controller_endpoint.listener);
        if (!voters) return voters.error();
        options.voters = *std::move(voters);
    }
    return options;
}

std::string_view kind_of(const storage_settings& settings, const format_request& request, const raft::format_options& options, const std::string& directory) {
    if (directory != settings.metadata_directory) return "data directory";
    if (!request.standalone && request.initial_controllers.empty()) return "metadata directory";
    return options.voters.find(settings.node_id) ? "dynamic metadata voter directory" : "dynamic metadata directory";
}

result<void> check_request(const storage_settings& settings, const format_request& request) {
    if (request.standalone + request.no_initial_controllers + !request.initial_controllers.empty() > 1)
        return error{errc::invalid_setting, "only one of --standalone, --initial-controllers and --no-initial-controllers can be given"};
    if (request.standalone && !settings.controller) return error{errc::invalid_setting, "You can only use --standalone on a controller."};
    if (settings.static_voters && (request.standalone || !request.initial_controllers.empty()))
        return error{errc::invalid_setting, "You cannot specify controller.quorum.voters and format the node with --initial-controllers or --standalone. If you want to use dynamic quorum, please "
                                            "remove controller.quorum.voters and specify controller.quorum.bootstrap.servers instead."};
    if (settings.controller && !settings.static_voters && !request.standalone && request.initial_controllers.empty() && !request.no_initial_controllers)
        return error{errc::invalid_setting, "Because controller.quorum.voters is not set on this controller, you must specify one of the following: --standalone, "
                                            "--initial-controllers, or --no-initial-controllers."};
    return {};
}

}  // namespace

result<storage_settings> read_storage_settings(const std::string& file, std::string_view text) {
    auto entries = parse_properties(text);
    if (!entries) return error{errc::malformed, file + ", " + std::string{entries.error().what()}};
    std::map<std::string, std::string, std::less<>> given;
    for (auto& each : *entries) given[each.name] = each.value;
    const auto setting = [&](std::string_view name) {
        const auto found = given.find(name);
        return found == given.end() ? std::string{} : found->second;
    };
    storage_settings found;
    const auto roles = split_list(setting("process.roles"));
    if (roles.empty()) return wrong(file, "process.roles is not set: this is no file of a broker or controller with KRaft");
    found.controller = std::find(roles.begin(), roles.end(), "controller") != roles.end();
    const auto id = number<std::int32_t>(setting("node.id"));
    if (!id || *id < 0) return wrong(file, "node.id=" + setting("node.id") + " is no node id: it is a number of at least 0");
    found.node_id = *id;
    found.directories = split_list(setting("log.dirs"));
    if (found.directories.empty()) found.directories = split_list(setting("log.dir"));
    if (found.directories.empty()) found.directories = {"/tmp/kafka-logs"};
    found.metadata_directory = setting("metadata.log.dir");
    if (found.metadata_directory.empty()) found.metadata_directory = found.directories.front();
    found.directories.push_back(found.metadata_directory);
    std::sort(found.directories.begin(), found.directories.end());
    found.directories.erase(std::unique(found.directories.begin(), found.directories.end()), found.directories.end());
    found.static_voters = !setting("controller.quorum.voters").empty();
    const auto names = split_list(setting("controller.listener.names"));
    if (names.empty()) return wrong(file, "controller.listener.names is not set");
    found.controller_endpoint.listener = names.front();
    for (const auto* each : {"listeners", "advertised.listeners"})
        for (const auto& listener : split_list(setting(each)))
            if (const auto parsed = parse_listener(listener); parsed && parsed->listener == names.front()) found.controller_endpoint = *parsed;
    if (found.controller && found.controller_endpoint.port == 0) return wrong(file, "listeners has no " + names.front() + "://host:port, which controller.listener.names asks for");
    return found;
}

result<std::vector<std::string>> format_storage(file_system& files, const storage_settings& settings, const format_request& request, random_source random, timestamp_ms now) {
    if (auto fine = check_request(settings, request); !fine) return fine.error();
    std::vector<std::string> empty;
    for (const auto& directory : settings.directories) {
        auto found = storage::read_meta_properties(files, directory);
        if (!found && found.code() == errc::not_found) {
            empty.push_back(directory);
            continue;
        }
        if (!found) return found.error();
        if (auto fine = storage::check_meta_properties(*found, directory, request.cluster_id, settings.node_id); !fine) return fine.error();
        if (!request.ignore_formatted)
            return error{errc::already_exists, "Log directory " + directory + " is already formatted. Use --ignore-formatted to ignore this directory and format the others."};
    }
    if (empty.empty()) return std::vector<std::string>{"All of the log directories are already formatted."};

    auto directory_id = random_uuid(random);
    auto metadata = metadata_to_write(settings, request, directory_id, random, now);
    if (!metadata) return metadata.error();
    if (const auto* self = metadata->voters.find(settings.node_id)) directory_id = self->key.directory;
    std::vector<std::string> lines;
    for (const auto& directory : empty) {
        const bool holds_metadata = directory == settings.metadata_directory;
        lines.push_back("Formatting " + std::string{kind_of(settings, request, *metadata, directory)} + " " + directory + " with metadata.version " +
                        std::string{protocol::metadata_version_name(metadata->metadata_version)} + ".");
        if (auto ready = files.create_directories(directory); !ready) return ready.error();
        auto lock = files.lock(directory + "/.lock");
        if (!lock) return error{lock.code(), "a broker runs in " + directory, lock.error()};
        auto here = *metadata;
        here.log_directory = directory;
        if (!holds_metadata) here.kraft_version = 0;  // Kafka's tool puts bootstrap.checkpoint into each
        if (auto done = raft::format_metadata(files, here); !done) return done.error();
        const storage::meta_properties whose{request.cluster_id, settings.node_id, holds_metadata ? directory_id : random_uuid(random)};
        if (auto done = storage::write_meta_properties(files, directory, whose); !done) return done.error();
    }
    return lines;
}

result<storage_report> inspect_storage(file_system& files, const storage_settings& settings) {
    storage_report found;
    std::optional<storage::meta_properties> first;
    for (const auto& directory : settings.directories) {
        if (!files.exists(directory)) {
            found.problems.push_back(directory + " does not exist");
            continue;
        }
        found.directories.push_back(directory);
        auto whose = storage::read_meta_properties(files, directory);
        if (!whose) {
            found.problems.push_back(whose.code() == errc::not_found ? directory + " is not formatted." : std::string{whose.error().what()});
            continue;
        }
        if (!first) first = *whose;
        else if (first->cluster_id != whose->cluster_id) found.problems.push_back("Mismatched cluster IDs between storage directories.");
        else if (first->node_id != whose->node_id) found.problems.push_back("Mismatched node IDs between storage directories.");
    }
    if (first)
        found.metadata = "{cluster.id=" + first->cluster_id + ", " + (first->directory_id.is_zero() ? std::string{} : "directory.id=" + to_string(first->directory_id) + ", ") +
                         "node.id=" + std::to_string(first->node_id) + ", version=1}";
    return found;
}

}  // namespace weir::broker

// weir configs: settings of topics, brokers, groups, metrics subscriptions; quotas and SCRAM credentials of users.
#include "common_options.hpp"
#include "connect.hpp"
#include "numbers.hpp"
#include "output.hpp"
#include "quota_entities.hpp"
#include "value_form.hpp"

#include <weir/base/posix_files.hpp>
#include <weir/base/properties.hpp>
#include <weir/base/split_list.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <set>

namespace weir::tools {
namespace configs_tool {
namespace {

constexpr option options[] = {
    bootstrap_server,
    bootstrap_controller,
    command_config,
    flag("alter", "Change settings."),
    flag("describe", "Show settings."),
    value("entity-type", "type", "What has settings; users and clients may be given together.").repeatable().one_of("topics|clients|users|brokers|broker-loggers|ips|client-metrics|groups"),
    value("entity-name", "name", "Which one of the type before it.").repeatable(),
    flag("entity-default", "The defaults of the type before it.").repeatable(),
    value("add-config", "k=v,k=[v,v]", "Settings to set; brackets hold values with commas."),
    value("add-config-file", "file", "A properties file with settings to set."),
    value("delete-config", "k,k", "Settings to remove."),
    flag("all", "With --describe: settings that have their defaults, too."),
    value("topic", "name", "A topic."),
    value("client", "id", "A client id."),
    flag("client-defaults", "Client ids without settings of their own."),
    value("user", "name", "A user."),
    flag("user-defaults", "Users without settings of their own."),
    value("broker", "id", "A broker."),
    flag("broker-defaults", "What all brokers have in common."),
    value("broker-logger", "id", "The log levels of a broker."),
    value("ip", "address", "An address that clients connect from."),
    flag("ip-defaults", "Addresses without settings of their own."),
    value("client-metrics", "name", "A metrics subscription."),
    value("group", "id", "A group."),
    flag("force", "No questions are asked."),
    output_format,
};

using changes = std::vector<std::pair<std::string, std::string>>;

/// "a=1,b=[2,3],c=" in order.
changes parse_settings(std::string_view text) {
    changes all;
    std::string word;
    int depth = 0;
    const auto end = [&] {
        const auto equals = word.find('=');
        if (equals == word.npos) throw usage_error{"Invalid entity config: all configs to be added must be in the format \"key=val\" or \"key=[val1,val2]\" to group values which contain commas."};
        auto name = split_list(word.substr(0, equals), '\n');
        auto value = word.substr(equals + 1);
        if (value.size() >= 2 && value.front() == '[' && value.back() == ']') value = value.substr(1, value.size() - 2);
        all.emplace_back(name.empty() ? "" : name.front(), value);
        word.clear();
    };
    for (const auto c : text) {
        if (c == '[') ++depth;
        if (c == ']' && depth > 0) --depth;
        if (c == ',' && depth == 0) end();
        else word += c;
    }
    if (!word.empty()) end();
    return all;
}

changes to_set(const arguments& args) {
    changes all = parse_settings(args.text("add-config"));
    if (!args.has("add-config-file")) return all;
    // As it is written: references are for the broker to fill.
    const std::string path{args.text("add-config-file")};
    const auto content = read_file(*make_posix_files(), path);
    if (!content) throw exception{content.error()};
    const auto file = parse_properties(as_text(*content));
    if (!file) throw exception{error{errc::malformed, fmt::format("{}: {}", path, file.error().what())}};
    for (const auto& each : *file) {
        std::erase_if(all, [&](const auto& before) { return before.first == each.name; });
        all.emplace_back(each.name, each.value);
    }
    return all;
}

// --- topics, brokers and others with plain settings ---

config_kind kind_of(std::string_view type) {
    if (type == "topics") return config_kind::topic;
    if (type == "brokers") return config_kind::broker;
    if (type == "broker-loggers") return config_kind::broker_logger;
    if (type == "client-metrics") return config_kind::client_metrics;
    return config_kind::group;
}
config_source own_source(config_kind kind, bool defaults) {
    switch (kind) {
        case config_kind::topic: return config_source::dynamic_topic;
        case config_kind::broker: return defaults ? config_source::dynamic_default_broker : config_source::dynamic_broker;
        case config_kind::client_metrics: return config_source::dynamic_client_metrics;
        case config_kind::group: return config_source::dynamic_group;
        default: return config_source::unknown;
    }
}
/// "topics" of one: "topic".
std::string word_for(std::string_view type) { return std::string{type.substr(0, type.size() - 1)}; }
bool is_client_kind(const quota_part& part) { return part.type == "users" || part.type == "clients"; }

std::vector<config_entry> settings_of(const admin& at, const config_resource& which, bool all) {
    const auto described = *at.describe_configs({which}, {.synonyms = true}).get();
    auto entries = *described.front().outcome;
    const auto own = own_source(which.kind, which.name.empty());
    if (!all && own != config_source::unknown) std::erase_if(entries, [&](const auto& each) { return each.source != own; });
    std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return entries;
}

std::vector<std::string> every_name(const admin& at, config_kind kind) {
    std::set<std::string> names;
    if (kind == config_kind::topic) {
        for (const auto& each : *at.list_topics({.internal = true}).get()) names.insert(each.name);
    } else if (kind == config_kind::broker || kind == config_kind::broker_logger) {
        std::vector<std::string> ids;
        for (const auto& each : (*at.describe_cluster().get()).nodes) ids.push_back(std::to_string(each.id));
        if (kind == config_kind::broker) ids.emplace_back();
        return ids;
    } else {
        for (const auto& each : *at.list_config_resources({kind}).get()) names.insert(each.name);
        if (kind == config_kind::group) {
            for (const auto& each : *at.list_groups().get()) names.insert(each.group);
        }
    }
    return {names.begin(), names.end()};
}

void write_settings(json_writer& into, const std::string& type, const std::string& name, const std::vector<config_entry>& entries) {
    into.begin_object();
    into.key("entityType");
    into.string(type);
    into.key("entityName");
    into.string(name);
    into.key("configs");
    into.begin_array();
    for (const auto& each : entries) {
        into.begin_object();
        into.key("name");
        into.string(each.name);
        into.key("value");
        if (each.value) into.string(*each.value);
        else into.null();
        into.key("source");
        into.string(to_string(each.source));
        into.key("sensitive");
        into.boolean(each.sensitive);
        into.end_object();
    }
    into.end_array();
    into.end_object();
}

int describe_settings(const admin& at, const invocation& call, const std::string& type, const std::optional<std::string>& name) {
    const auto kind = kind_of(type);
    const bool all = call.args.has("all");
    auto names = name && (all || name->empty()) ? std::vector{*name} : every_name(at, kind);
    if (name && std::find(names.begin(), names.end(), *name) != names.end()) names = {*name};
    else if (name) {
        call.out.line(call.out.json() ? "[]" : fmt::format("The {} '{}' doesn't exist and doesn't have dynamic config.", word_for(type), *name));
        return 0;
    }
    json_writer document;
    document.begin_array();
    for (const auto& each : names) {
        const auto entries = settings_of(at, {kind, each}, all);
        if (call.out.json()) {
            write_settings(document, type, each, entries);
            continue;
        }
        if (each.empty()) call.out.line(fmt::format("Default configs for {} in the cluster are:", type));
        else call.out.line(fmt::format("{} configs for {} {} are:", all ? "All" : "Dynamic", word_for(type), each));
        for (const auto& entry : entries) {
            std::string synonyms;
            for (const auto& from : entry.synonyms) synonyms += fmt::format("{}{}:{}={}", synonyms.empty() ? "" : ", ", to_string(from.source), from.name, from.value.value_or("null"));
            call.out.line(fmt::format("  {}={} sensitive={} synonyms={{{}}}", entry.name, entry.value.value_or("null"), entry.sensitive, synonyms));
        }
    }
    document.end_array();
    if (call.out.json()) call.out.line(std::move(document));
    return 0;
}

int alter_settings(const admin& at, const invocation& call, const std::string& type, const std::string& name) {
    const config_resource which{kind_of(type), name};
    config_alteration change{which, {}};
    for (auto& [key, value] : to_set(call.args)) change.changes.push_back({key, value});
    for (const auto& each : split_list(call.args.text("delete-config"))) change.changes.push_back({each, "", config_change::action::remove});
    if (which.kind == config_kind::broker_logger) {
        const auto there = settings_of(at, which, true);
        std::string unknown;
        for (const auto& each : change.changes) {
            if (std::none_of(there.begin(), there.end(), [&](const auto& entry) { return entry.name == each.name; })) unknown += (unknown.empty() ? "" : ",") + each.name;
        }
        if (!unknown.empty()) throw usage_error{fmt::format("Invalid broker logger(s): {}", unknown)};
    }
    const auto answers = *at.incremental_alter_configs({change}).get();
    if (auto why = answers.first_error()) throw exception{why};
    call.out.line(name.empty() ? fmt::format("Completed updating default config for {} in the cluster.", type) : fmt::format("Completed updating config for {} {}.", word_for(type), name));
    return 0;
}

// --- users, clients and addresses: quotas, and passwords ---

bool is_user_quota(std::string_view name) {
    constexpr std::string_view names[] = {"producer_byte_rate", "consumer_byte_rate", "request_percentage", "controller_mutation_rate"};
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

bool is_scram(std::string_view name) { return name == "SCRAM-SHA-256" || name == "SCRAM-SHA-512"; }
scram_mechanism mechanism_of(std::string_view name) { return name == "SCRAM-SHA-256" ? scram_mechanism::sha_256 : scram_mechanism::sha_512; }

scram_alteration credential(const std::string& user, const std::string& mechanism, const std::string& text) {
    scram_alteration change{.user = user, .mechanism = mechanism_of(mechanism)};
    std::string_view rest = text;
    const auto refuse = [&] { throw usage_error{fmt::format("Invalid credential property {}=...; expected is [iterations=4096,password=...]", mechanism)}; };
    if (rest.starts_with("iterations=")) {
        const auto comma = rest.find(',');
        const auto count = parse_number(rest.substr(11, comma == rest.npos ? rest.npos : comma - 11));
        if (!count) refuse();
        if (*count < 4096) throw usage_error{fmt::format("Iterations {} is less than the minimum 4096 required for {}", *count, mechanism)};
        if (*count > 16'384) throw usage_error{fmt::format("Iterations {} is greater than the maximum 16384 allowed for {}", *count, mechanism)};
        change.iterations = static_cast<std::int32_t>(*count);
        rest = comma == rest.npos ? std::string_view{} : rest.substr(comma + 1);
    }
    if (!rest.starts_with("password=") || rest.size() == 9) refuse();
    change.password = std::string{rest.substr(9)};
    return change;
}

const quota_part* user_of(const std::vector<quota_part>& parts) {
    return parts.size() == 1 && parts.front().type == "users" && parts.front().name && !parts.front().name->empty() ? &parts.front() : nullptr;
}

int alter_quotas(const admin& at, const invocation& call, const std::vector<quota_part>& parts) {
    const auto added = to_set(call.args);
    const auto dropped = split_list(call.args.text("delete-config"));
    const auto* user = user_of(parts);
    std::vector<scram_alteration> passwords;
    quota_alteration quotas{entity_of(parts), {}};
    for (const auto& [name, value] : added) {
        if (is_scram(name)) {
            if (!user) throw usage_error{"Only a single user may have SCRAM credentials; name it with --user"};
            passwords.push_back(credential(*user->name, name, value));
            continue;
        }
        if (user && !is_user_quota(name)) throw usage_error{fmt::format("Only quota and SCRAM credential configs can be added for 'users' using --bootstrap-server. Unexpected config names: {}", name)};
        const auto number = parse_decimal(value);
        if (!number) throw usage_error{fmt::format("Cannot parse quota configuration value for {}: {}", name, value)};
        quotas.set[name] = number;
    }
    std::vector<std::string> plain;
    for (const auto& each : dropped) {
        if (is_scram(each) && user) passwords.push_back({.user = *user->name, .mechanism = mechanism_of(each)});
        else plain.push_back(each);
    }
    if (!passwords.empty() && (!plain.empty() || !quotas.set.empty()))
        throw usage_error{"Cannot alter both quota and SCRAM credential configs simultaneously for 'users' using --bootstrap-server."};
    if (!plain.empty()) {
        std::set<std::string> there;
        for (const auto& each : *at.describe_client_quotas(filter_of(parts)).get()) {
            for (const auto& [key, value] : each.values) there.insert(key);
        }
        std::string unknown;
        for (const auto& each : plain) {
            if (!there.contains(each)) unknown += (unknown.empty() ? "" : ",") + each;
            quotas.set[each] = std::nullopt;
        }
        if (!unknown.empty()) throw usage_error{fmt::format("Invalid config(s): {}", unknown)};
    }
    if (!quotas.set.empty()) {
        const auto answers = *at.alter_client_quotas({quotas}).get();
        if (auto why = answers.first_error()) throw exception{why};
    }
    if (!passwords.empty()) {
        const auto answers = *at.alter_user_scram_credentials(passwords).get();
        if (auto why = answers.first_error()) throw exception{why};
    }
    const auto& first = parts.front();
    call.out.line(first.name->empty() ? fmt::format("Completed updating default config for {} in the cluster.", first.type) : fmt::format("Completed updating config for {} {}.", word_for(first.type), *first.name));
    return 0;
}

int describe_quotas(const admin& at, const invocation& call, const std::vector<quota_part>& parts) {
    table all{{{"ENTITY", "entity"}, {"NAME", "name"}, {"VALUE", "value"}}};
    auto quotas = *at.describe_client_quotas(filter_of(parts)).get();
    std::sort(quotas.begin(), quotas.end(), [](const auto& a, const auto& b) { return a.entity < b.entity; });
    for (const auto& each : quotas) {
        std::string values;
        for (const auto& [name, value] : each.values) {
            values += fmt::format("{}{}={}", values.empty() ? "" : ", ", name, java_number(value));
            all.row({entity_text(each.entity), name, java_number(value)});
        }
        if (!call.out.json()) call.out.line(fmt::format("Quota configs for {} are {}", entity_text(each.entity), values));
    }
    if (parts.size() == 1 && parts.front().type == "users" && (!parts.front().name || !parts.front().name->empty())) {
        std::vector<std::string> users;
        if (parts.front().name) users.push_back(*parts.front().name);
        const auto described = at.describe_user_scram_credentials(users).get();
        // Brokers without credentials have none to tell.
        if (!described && described.code() != errc::unsupported_version) throw exception{described.error()};
        for (const auto& [user, outcome] : described ? *described : outcomes<std::vector<scram_credential>>{}) {
            if (!outcome) {
                if (outcome.code() != errc::resource_not_found) throw exception{outcome.error()};
                continue;
            }
            std::string credentials;
            for (const auto& each : *outcome) {
                credentials += fmt::format("{}{}=iterations={}", credentials.empty() ? "" : ", ", to_string(each.mechanism), each.iterations);
                all.row({fmt::format("user-principal '{}'", user), std::string{to_string(each.mechanism)}, fmt::format("iterations={}", each.iterations)});
            }
            if (!call.out.json()) call.out.line(fmt::format("SCRAM credential configs for user-principal '{}' are {}", user, credentials));
        }
    }
    if (call.out.json()) all.print(call.out);
    return 0;
}

int run(const invocation& call) {
    const auto& args = call.args;
    const bool alter = args.exactly_one({"alter", "describe"}) == "alter";
    const auto parts = quota_parts(args);
    if (parts.empty()) throw usage_error{"At least one entity type must be specified"};
    if (parts.size() > 2 || (parts.size() == 2 && !(is_client_kind(parts[0]) && is_client_kind(parts[1]) && parts[0].type != parts[1].type)))
        throw usage_error{"Only 'users' and 'clients' entity types may be specified together"};
    for (const auto& each : parts) {
        if (each.type.starts_with("broker") && each.name && !each.name->empty() && !parse_id(*each.name))
            throw usage_error{fmt::format("The entity name for {} must be a valid integer broker id, but it is: {}", each.type, *each.name)};
    }
    if (!alter) {
        for (const auto* each : {"add-config", "add-config-file", "delete-config"}) args.excludes("describe", {each});
        if (parts.front().type == "broker-loggers" && !parts.front().name) throw usage_error{"An entity name must be specified with --describe of broker-loggers"};
    } else {
        if (!args.has("add-config") && !args.has("add-config-file") && !args.has("delete-config"))
            throw usage_error{"At least one of --add-config, --add-config-file, or --delete-config must be specified with --alter"};
        if (args.has("add-config") && args.has("add-config-file")) throw usage_error{"Only one of --add-config or --add-config-file must be specified"};
        for (const auto& each : parts) {
            if (!each.name) throw usage_error{fmt::format("An entity name must be specified with --alter of {}", each.type)};
        }
    }
    const admin at{connect(args, "config-tool")};
    const auto& first = parts.front();
    const bool quotas = first.type == "users" || first.type == "clients" || first.type == "ips";
    if (quotas) return alter ? alter_quotas(at, call, parts) : describe_quotas(at, call, parts);
    if (first.name && first.name->empty() && first.type != "brokers") throw usage_error{fmt::format("--entity-default must not be specified with --{} of {}", alter ? "alter" : "describe", first.type)};
    return alter ? alter_settings(at, call, first.type, *first.name) : describe_settings(at, call, first.type, first.name);
}

}  // namespace
}  // namespace configs_tool

extern const tool configs;
constinit const tool configs{"configs", "Show and change settings of topics, brokers, groups and clients; quotas and passwords of users.", configs_tool::options, {}, {},
                             {"Error while executing config command with args '{}'\n", false}, configs_tool::run};

}  // namespace weir::tools

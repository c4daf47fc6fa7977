// weir acls: who may do what.
#include "common_options.hpp"
#include "connect.hpp"
#include "output.hpp"

#include <weir/admin.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <iostream>

namespace weir::tools {
namespace acls_tool {
namespace {

constexpr option options[] = {
    bootstrap_server,
    bootstrap_controller,
    command_config,
    flag("add", "Add rules."),
    flag("remove", "Remove rules."),
    flag("list", "List rules."),
    value("topic", "name", "A topic; * for all.").repeatable(),
    flag("cluster", "The cluster itself."),
    value("group", "id", "A group; * for all.").repeatable(),
    value("transactional-id", "id", "A transactional id; * for all.").repeatable(),
    value("delegation-token", "id", "A delegation token; * for all.").repeatable(),
    value("user-principal", "kind:name", "A user as what is acted on: whose tokens may be created or described.").repeatable(),
    value("resource-pattern-type", "type", "How the name is meant: literal (the default) or prefixed; in searches also any, or match for all rules that concern it.")
        .one_of("literal|prefixed|any|match|LITERAL|PREFIXED|ANY|MATCH"),
    value("operation", "name", "What may be done: Read, Write, Create, Delete, Alter, Describe, ClusterAction, ... (All).").repeatable(),
    value("allow-principal", "kind:name", "Who may, as in User:alice.").repeatable(),
    value("deny-principal", "kind:name", "Who may not.").repeatable(),
    value("allow-host", "address", "From where those who may may (*).").repeatable(),
    value("deny-host", "address", "From where those who may not may not (*).").repeatable(),
    value("principal", "kind:name", "With --list: rules of these only.").repeatable(),
    flag("producer", "What a producer needs: Write, Describe and Create on topics; Write and Describe on transactional ids."),
    flag("consumer", "What a consumer needs: Read and Describe on topics, Read on groups."),
    flag("idempotent", "With --producer: IdempotentWrite on the cluster."),
    flag("force", "Ask no questions."),
    output_format,
};

struct resource {
    resource_kind kind;
    std::string name;
    pattern how;
    auto operator<=>(const resource&) const = default;
};
constexpr const char* cluster_name = "kafka-cluster";

std::string text(const resource& what) { return fmt::format("ResourcePattern(resourceType={}, name={}, patternType={})", to_string(what.kind), what.name, to_string(what.how)); }
std::string text(const acl& rule) {
    return fmt::format("(principal={}, host={}, operation={}, permissionType={})", rule.principal, rule.host, to_string(rule.operation), to_string(rule.permission));
}

pattern pattern_of(const arguments& args) { return args.has("resource-pattern-type") ? parse_pattern(args.text("resource-pattern-type")) : pattern::literal; }

std::vector<resource> resources_of(const arguments& args) {
    std::vector<resource> all;
    const auto how = pattern_of(args);
    const auto add = [&](const char* option, resource_kind kind) {
        for (const auto& each : args.all(option)) all.push_back({kind, each, how});
    };
    add("topic", resource_kind::topic);
    if (how == pattern::literal && (args.has("cluster") || args.has("idempotent"))) all.push_back({resource_kind::cluster, cluster_name, pattern::literal});
    add("group", resource_kind::group);
    add("transactional-id", resource_kind::transactional_id);
    add("delegation-token", resource_kind::delegation_token);
    add("user-principal", resource_kind::user);
    return all;
}

std::vector<operation> allowed_on(resource_kind kind) {
    using enum operation;
    switch (kind) {
        case resource_kind::topic: return {read, write, create, describe, remove, alter, describe_configs, alter_configs, all};
        case resource_kind::group: return {read, describe, remove, describe_configs, alter_configs, all};
        case resource_kind::cluster: return {create, cluster_action, describe_configs, alter_configs, idempotent_write, alter, describe, all};
        case resource_kind::transactional_id: return {describe, write, two_phase_commit, all};
        case resource_kind::delegation_token: return {describe, all};
        default: return {create_tokens, describe_tokens, all};
    }
}

void add_rules(std::vector<acl>& to, const arguments& args, const resource& on, const std::vector<operation>& what) {
    const auto valid = allowed_on(on.kind);
    const auto add = [&](const char* who, const char* where, permission allow) {
        auto hosts = args.all(where);
        if (hosts.empty()) hosts.emplace_back("*");
        for (const auto& principal : args.all(who)) {
            if (const auto parsed = parse_principal(principal); !parsed) throw usage_error{std::string{parsed.error().what()}};
            for (const auto each : what) {
                if (std::find(valid.begin(), valid.end(), each) == valid.end()) {
                    std::string names;
                    for (const auto one : valid) names += fmt::format("{}{}", names.empty() ? "" : ", ", to_string(one));
                    throw usage_error{fmt::format("ResourceType {} only supports operations [{}]", to_string(on.kind), names)};
                }
                for (const auto& host : hosts) to.push_back({principal, on.kind, on.name, on.how, each, allow, host});
            }
        }
    };
    add("allow-principal", "allow-host", permission::allow);
    add("deny-principal", "deny-host", permission::deny);
}

using rules_by_resource = std::map<resource, std::vector<acl>>;

rules_by_resource rules_of(const arguments& args) {
    const auto resources = resources_of(args);
    if (resources.empty()) throw usage_error{"You must provide at least one resource: --topic <topic> or --cluster or --group <group> or --delegation-token <Delegation Token ID>"};
    rules_by_resource rules;
    using enum operation;
    if (!args.has("producer") && !args.has("consumer")) {
        std::vector<operation> what;
        for (const auto& each : args.all("operation")) {
            what.push_back(parse_operation(each));
            if (what.back() == unknown || what.back() == any) throw usage_error{fmt::format("'{}' is no operation", each)};
        }
        if (what.empty()) what.push_back(all);
        for (const auto& each : resources) add_rules(rules[each], args, each, what);
        return rules;
    }
    for (const auto& each : resources) {
        if (args.has("producer") && each.kind == resource_kind::topic) add_rules(rules[each], args, each, {write, describe, create});
        if (args.has("producer") && each.kind == resource_kind::transactional_id) add_rules(rules[each], args, each, {write, describe});
        if (args.has("producer") && args.has("idempotent") && each.kind == resource_kind::cluster) add_rules(rules[each], args, each, {idempotent_write});
        if (args.has("consumer") && each.kind == resource_kind::topic) add_rules(rules[each], args, each, {read, describe});
        if (args.has("consumer") && each.kind == resource_kind::group) add_rules(rules[each], args, each, {read});
    }
    // A producer that is a consumer, too, describes its topics once.
    for (auto& [where, all_of] : rules) {
        std::vector<acl> once;
        for (const auto& each : all_of) {
            if (std::find(once.begin(), once.end(), each) == once.end()) once.push_back(each);
        }
        all_of = std::move(once);
    }
    return rules;
}

acl_filter filter_of(const resource& what) { return {.on = what.kind, .name = what.name, .pattern = what.how}; }

std::string lines_of(const std::vector<acl>& rules) {
    std::string all;
    for (const auto& each : rules) all += (all.empty() ? "\t" : "\n\t") + text(each);
    return all;
}

int add(const admin& at, const invocation& call) {
    const auto how = pattern_of(call.args);
    if (how != pattern::literal && how != pattern::prefixed) throw usage_error{fmt::format("A '--resource-pattern-type' value of '{}' is not valid when adding acls.", to_string(how))};
    const auto rules = rules_of(call.args);
    for (const auto& [where, all] : rules) {
        if (all.empty()) throw usage_error{"You must specify one of: --allow-principal, --deny-principal when trying to add ACLs."};
    }
    for (const auto& [where, all] : rules) {
        const auto there = *at.describe_acls(filter_of(where)).get();
        std::vector<acl> fresh;
        for (const auto& each : all) {
            if (std::find(there.begin(), there.end(), each) == there.end()) fresh.push_back(each);
            else call.out.line(fmt::format("Acl (pattern={}, entry={}) already exists.", text(where), text(each)));
        }
        if (fresh.empty()) continue;
        call.out.line(fmt::format("Adding ACLs for resource `{}`: \n {}\n", text(where), lines_of(fresh)));
        const auto answers = *at.create_acls(fresh).get();
        if (auto why = answers.first_error()) throw exception{why};
    }
    return 0;
}

bool agreed(const invocation& call, const std::string& question) {
    if (call.args.has("force")) return true;
    call.out.line(question);
    call.out.flush();
    std::string answer;
    std::getline(std::cin, answer);
    return answer == "y" || answer == "Y";
}

int remove(const admin& at, const invocation& call) {
    for (const auto& [where, all] : rules_of(call.args)) {
        auto named = text(where);
        std::vector<acl_filter> filters;
        if (all.empty()) {
            if (!agreed(call, fmt::format("Are you sure you want to delete all ACLs for resource filter `{}`? (y/n)", named))) continue;
            filters.push_back(filter_of(where));
        } else {
            if (!agreed(call, fmt::format("Are you sure you want to remove ACLs: \n {}\n from resource filter `{}`? (y/n)", lines_of(all), named))) continue;
            for (const auto& each : all) filters.push_back({each.principal, where.kind, where.name, where.how, each.operation, each.permission, each.host});
        }
        const auto answers = *at.delete_acls(filters).get();
        if (auto why = answers.first_error()) throw exception{why};
    }
    return 0;
}

void print(output& out, const rules_by_resource& rules) {
    for (const auto& [where, all] : rules) out.line(fmt::format("Current ACLs for resource `{}`:\n{}\n", text(where), lines_of(all)));
}

int list(const admin& at, const invocation& call) {
    std::vector<acl> found;
    const auto resources = resources_of(call.args);
    if (resources.empty()) found = *at.describe_acls({}).get();
    for (const auto& each : resources) {
        for (auto& rule : *at.describe_acls(filter_of(each)).get()) {
            if (std::find(found.begin(), found.end(), rule) == found.end()) found.push_back(std::move(rule));
        }
    }
    const auto principals = call.args.all("principal");
    if (call.out.json()) {
        table all{{{"", "principal"}, {"", "host"}, {"", "operation"}, {"", "permissionType"}, {"", "resourceType"}, {"", "resourceName"}, {"", "patternType"}}};
        for (const auto& each : found) {
            if (!principals.empty() && std::find(principals.begin(), principals.end(), each.principal) == principals.end()) continue;
            all.row({each.principal, each.host, std::string{to_string(each.operation)}, std::string{to_string(each.permission)}, std::string{to_string(each.on)}, each.name,
                     std::string{to_string(each.pattern)}});
        }
        all.print(call.out);
        return 0;
    }
    const auto grouped = [&](const std::string* of) {
        rules_by_resource rules;
        for (const auto& each : found) {
            if (!of || each.principal == *of) rules[{each.on, each.name, each.pattern}].push_back(each);
        }
        return rules;
    };
    if (principals.empty()) print(call.out, grouped(nullptr));
    for (const auto& each : principals) {
        call.out.line(fmt::format("ACLs for principal `{}`", each));
        print(call.out, grouped(&each));
    }
    return 0;
}

int run(const invocation& call) {
    const auto& args = call.args;
    const auto action = args.exactly_one({"add", "remove", "list"});
    if (action == "list") {
        for (const auto* each : {"producer", "consumer", "allow-host", "allow-principal", "deny-host", "deny-principal"}) args.excludes("list", {each});
    }
    args.excludes("producer", {"operation", "deny-principal", "deny-host"});
    args.excludes("consumer", {"operation", "deny-principal", "deny-host"});
    if (args.has("producer") && !args.has("topic")) throw usage_error{"With --producer you must specify a --topic"};
    if (args.has("idempotent") && !args.has("producer")) throw usage_error{"The --idempotent option is only available if --producer is set"};
    if (args.has("principal") && action != "list") throw usage_error{"The --principal option is only available if --list is set"};
    if (args.has("consumer") && (!args.has("topic") || !args.has("group") || (!args.has("producer") && (args.has("cluster") || args.has("transactional-id")))))
        throw usage_error{"With --consumer you must specify a --topic and a --group and no --cluster or --transactional-id option should be specified."};
    const admin at{connect(args, "acl-tool")};
    return action == "add" ? add(at, call) : action == "remove" ? remove(at, call) : list(at, call);
}

}  // namespace
}  // namespace acls_tool

extern const tool acls;
constinit const tool acls{"acls", "Show and change who may do what.", acls_tool::options, {}, {}, {"Error while executing ACL command: ", true}, acls_tool::run};

}  // namespace weir::tools

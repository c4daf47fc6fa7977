// weir client-metrics: which metrics brokers ask of clients (KIP-714).
#include "common_options.hpp"
#include "connect.hpp"
#include "output.hpp"

#include <weir/admin.hpp>
#include <weir/base/random.hpp>
#include <weir/base/uuid.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace weir::tools {
namespace client_metrics_tool {
namespace {

constexpr option options[] = {
    bootstrap_server.required(),
    command_config,
    flag("alter", "Make or change a subscription."),
    flag("delete", "Delete a subscription."),
    flag("describe", "Show subscriptions."),
    flag("list", "List the names of subscriptions."),
    value("name", "name", "The subscription."),
    flag("generate-name", "With --alter: make up a name."),
    value("metrics", "prefix,...", "Which metrics: prefixes of names; * for all."),
    value("interval", "ms", "How often clients push."),
    value("match", "k=v,...", "Of which clients: selectors as client_id=regex."),
    output_format,
};

int alter(const admin& at, const invocation& call) {
    const auto& args = call.args;
    if (!args.has("metrics") && !args.has("interval") && !args.has("match")) throw usage_error{"One of --metrics, --interval or --match must be specified with --alter."};
    if (args.has("name") == args.has("generate-name")) throw usage_error{"One of --name or --generate-name must be specified with --alter."};
    std::string name{args.text("name")};
    if (name.empty()) {
        auto random = random_source::from_system();
        name = to_string(random_uuid(random));
    }
    config_alteration change{{config_kind::client_metrics, name}, {}};
    // An empty value takes the setting away.
    const auto add = [&](const char* option, const char* setting) {
        if (!args.has(option)) return;
        const std::string text{args.text(option)};
        change.changes.push_back({setting, text, text.empty() ? config_change::action::remove : config_change::action::set});
    };
    add("metrics", "metrics");
    add("interval", "interval.ms");
    add("match", "match");
    const auto answers = *at.incremental_alter_configs({change}).get();
    if (auto why = answers.first_error()) throw exception{why};
    call.out.line(fmt::format("Altered client metrics config for {}.", name));
    return 0;
}

std::vector<config_entry> settings_of(const admin& at, const std::string& name) {
    const auto all = *at.describe_configs({{config_kind::client_metrics, name}}).get();
    auto entries = *all.front().outcome;
    std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return entries;
}

int remove(const admin& at, const invocation& call) {
    const std::string name{call.args.text("name")};
    if (name.empty()) throw usage_error{"A client metrics resource name must be specified with --delete."};
    config_alteration change{{config_kind::client_metrics, name}, {}};
    for (const auto& each : settings_of(at, name)) change.changes.push_back({each.name, "", config_change::action::remove});
    const auto answers = *at.incremental_alter_configs({change}).get();
    if (auto why = answers.first_error()) throw exception{why};
    call.out.line(fmt::format("Deleted client metrics config for {}.", name));
    return 0;
}

int describe(const admin& at, const invocation& call) {
    auto names = *at.list_client_metrics_resources().get();
    if (call.args.has("name")) {
        const std::string wanted{call.args.text("name")};
        if (std::find(names.begin(), names.end(), wanted) == names.end()) {
            call.out.line(fmt::format("The client metric resource {} doesn't exist and doesn't have dynamic config.", wanted));
            return 0;
        }
        names = {wanted};
    }
    table all{{{"NAME", "name"}, {"SETTING", "setting"}, {"VALUE", "value"}}};
    for (const auto& name : names) {
        if (!call.out.json()) call.out.line(fmt::format("Client metrics configs for {} are:", name));
        for (const auto& each : settings_of(at, name)) {
            if (call.out.json()) all.row({name, each.name, each.value.value_or("")});
            else call.out.line(fmt::format("  {}={}", each.name, each.value.value_or("null")));
        }
    }
    if (call.out.json()) all.print(call.out);
    return 0;
}

int run(const invocation& call) {
    const auto action = call.args.exactly_one({"alter", "delete", "describe", "list"});
    for (const auto* each : {"delete", "describe", "list"}) call.args.excludes(each, {"generate-name", "metrics", "interval", "match"});
    call.args.excludes("list", {"name"});
    const admin at{connect(call.args, "client-metrics")};
    if (action == "alter") return alter(at, call);
    if (action == "delete") return remove(at, call);
    if (action == "describe") return describe(at, call);
    auto names = *at.list_client_metrics_resources().get();
    std::sort(names.begin(), names.end());
    table all{{{"NAME", "name"}}};
    for (const auto& each : names) {
        if (call.out.json()) all.row({each});
        else call.out.line(each);
    }
    if (call.out.json()) all.print(call.out);
    return 0;
}

}  // namespace
}  // namespace client_metrics_tool

extern const tool client_metrics;
constinit const tool client_metrics{"client-metrics", "Show and change which metrics clients push to brokers.", client_metrics_tool::options, {}, {}, {"Error while executing client metrics command : ", true}, client_metrics_tool::run};

}  // namespace weir::tools

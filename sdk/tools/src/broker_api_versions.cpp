// weir broker-api-versions: which requests each broker serves, in which versions.
#include "common_options.hpp"
#include "connect.hpp"
#include "output.hpp"

#include <weir/admin.hpp>
#include <weir/protocol/api_keys.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace weir::tools {

namespace broker_api_versions_tool {
namespace {

constexpr option options[] = {bootstrap_server.required(), command_config, output_format};

/// "Produce(0): 0 to 13 [usable: 13]".
std::string line_of(const protocol::api_info& api, const api_versions* broker) {
    auto text = fmt::format("{}({}): ", api.name, static_cast<int>(api.key));
    if (!broker) return text + "UNSUPPORTED";
    text += broker->min == broker->max ? fmt::format("{}", broker->min) : fmt::format("{} to {}", broker->min, broker->max);
    const auto usable = std::min(broker->max, api.latest(false));
    if (usable >= std::max(broker->min, api.min_version)) return text + fmt::format(" [usable: {}]", usable);
    return text + (api.min_version > broker->max ? " [unusable: node too old]" : " [unusable: node too new]");
}

const api_versions* find(const std::vector<api_versions>& all, std::int16_t key) {
    const auto found = std::find_if(all.begin(), all.end(), [&](const api_versions& each) { return each.key == key; });
    return found == all.end() ? nullptr : &*found;
}

/// Requests that brokers serve, by key; then those this program does not know.
std::vector<std::string> lines_of(const std::vector<api_versions>& broker) {
    std::vector<std::string> lines;
    for (const auto& api : protocol::all_apis())
        if (api.exists() && api.on_broker) lines.push_back(line_of(api, find(broker, static_cast<std::int16_t>(api.key))));
    for (const auto& each : broker)
        if (!protocol::find_api(each.key)) lines.push_back(fmt::format("UNKNOWN({}): {} to {}", each.key, each.min, each.max));
    return lines;
}

void write_json(json_writer& into, const node& of, const std::vector<api_versions>& versions) {
    const auto number = [&](std::string_view name, std::int64_t value) {
        into.key(name);
        into.number(value);
    };
    into.begin_object();
    number("id", of.id);
    into.key("host");
    into.string(of.host);
    number("port", of.port);
    into.key("apis");
    into.begin_array();
    for (const auto& each : versions) {
        const auto* known = protocol::find_api(each.key);
        into.begin_object();
        into.key("name");
        if (known) into.string(known->name);
        else into.null();
        number("key", each.key);
        number("min", each.min);
        number("max", each.max);
        into.end_object();
    }
    into.end_array();
    into.end_object();
}

int run(const invocation& call) {
    const admin at{connect(call.args)};
    json_writer document;
    document.begin_array();
    for (const auto& each : (*at.describe_cluster().get()).nodes) {
        const auto versions = at.describe_api_versions(each.id).get();
        if (call.out.json()) {
            if (!versions) throw exception{versions.error()};
            write_json(document, each, *versions);
            continue;
        }
        const auto who = fmt::format("{}:{} (id: {} rack: {} isFenced: {})", each.host, each.port, each.id, each.rack.value_or("null"), each.fenced);
        if (!versions) {
            call.out.line(fmt::format("{} -> ERROR: {}", who, sentence(versions.error())));
            continue;
        }
        const auto lines = lines_of(*versions);
        auto text = who + " -> (\n";
        for (std::size_t line = 0; line < lines.size(); ++line) text += "\t" + lines[line] + (line + 1 < lines.size() ? ",\n" : "\n");
        call.out.line(text + ")");
    }
    document.end_array();
    if (call.out.json()) call.out.line(std::move(document));
    return 0;
}

}  // namespace
}  // namespace broker_api_versions_tool

extern const tool broker_api_versions;
constinit const tool broker_api_versions{"broker-api-versions", "Show which requests each broker serves, in which versions.", broker_api_versions_tool::options, {}, {}, {}, broker_api_versions_tool::run};

}  // namespace weir::tools

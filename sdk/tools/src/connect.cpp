#include "connect.hpp"

#include <weir/setting_name.hpp>

#include <cstdio>

namespace weir::tools {

properties read_properties(std::string_view path) { return *load_properties(std::string{path}); }

properties file_settings(const arguments& args) {
    properties settings;
    const auto file = args.text("command-config");
    if (file.empty()) return settings;
    for (const auto& each : read_properties(file)) {
        if (const auto why = check_setting_name(each.name)) std::fprintf(stderr, "Warning: %s: %s\n", each.where.c_str(), std::string{why.what()}.c_str());
        else settings.set(each.name, each.value, each.where);
    }
    return settings;
}

void set_bootstrap(const arguments& args, properties& settings) {
    if (args.has("bootstrap-server") && args.has("bootstrap-controller")) throw usage_error{"Only one of --bootstrap-server or --bootstrap-controller can be specified"};
    if (args.has("bootstrap-server")) settings.set("bootstrap.servers", std::string{args.text("bootstrap-server")}, "--bootstrap-server");
    if (args.has("bootstrap-controller")) settings.set("bootstrap.controllers", std::string{args.text("bootstrap-controller")}, "--bootstrap-controller");
    if (settings.find("bootstrap.servers") || settings.find("bootstrap.controllers")) return;
    throw usage_error{args.knows("bootstrap-controller") ? "Either --bootstrap-server or --bootstrap-controller must be specified." : "Missing required argument \"[bootstrap-server]\""};
}

properties client_settings(const arguments& args, std::string_view client_id, std::initializer_list<std::string_view> overrides) {
    auto settings = file_settings(args);
    for (const auto option : overrides)
        for (auto& [name, value] : args.pairs(option)) settings.set(std::move(name), std::move(value), "--" + std::string{option});
    set_bootstrap(args, settings);
    if (!settings.find("client.id")) settings.set("client.id", std::string{client_id});
    return settings;
}

void set_group(const arguments& args, properties& settings) {
    if (!args.has("group")) return;
    if (const auto* other = settings.find("group.id"); other && other->value != args.text("group"))
        throw usage_error{"The group ids provided in different places (directly using '--group', via '--consumer-property', or via '--consumer-config') do not match. "
                          "Detected group ids: '" + std::string{args.text("group")} + "', '" + other->value + "'"};
    settings.set("group.id", std::string{args.text("group")}, "--group");
}

client connect(const arguments& args, std::string_view client_id) { return client{client_settings(args, client_id)}; }

}  // namespace weir::tools

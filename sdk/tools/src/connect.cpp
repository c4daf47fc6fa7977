#include "connect.hpp"

namespace weir::tools {

properties client_settings(const arguments& args, std::string_view client_id, std::initializer_list<std::string_view> overrides) {
    properties settings;
    if (const auto file = args.text("command-config"); !file.empty()) settings = *load_properties(std::string{file});
    for (const auto option : overrides)
        for (auto& [name, value] : args.pairs(option)) settings.set(std::move(name), std::move(value), "--" + std::string{option});
    if (args.has("bootstrap-server")) settings.set("bootstrap.servers", std::string{args.text("bootstrap-server")}, "--bootstrap-server");
    if (!settings.find("bootstrap.servers")) throw usage_error{"Missing required argument \"[bootstrap-server]\""};
    if (!settings.find("client.id")) settings.set("client.id", std::string{client_id});
    return settings;
}

client connect(const arguments& args, std::string_view client_id) { return client{client_settings(args, client_id)}; }

}  // namespace weir::tools

// A client as the command line describes it.
#pragma once
#include "arguments.hpp"

#include <weir/client.hpp>

namespace weir::tools {

/// A properties file, or a pipe with the same in it. Throws weir::exception when it cannot be read.
properties read_properties(std::string_view path);

/// Whom --bootstrap-server or --bootstrap-controller name. Throws usage_error when both are given, and when neither is and
/// `settings` has none.
void set_bootstrap(const arguments& args, properties& settings);

/// By Kafka's names: what --command-config's file says, then the name=value options `overrides` in that order, then
/// bootstrap.servers or bootstrap.controllers; client.id is `client_id` when nothing else was said. Throws weir::exception when the file cannot be read.
properties client_settings(const arguments& args, std::string_view client_id, std::initializer_list<std::string_view> overrides = {});

/// --group as group.id. Throws usage_error when a file or a property names another.
void set_group(const arguments& args, properties& settings);

/// No I/O yet: an unreachable cluster shows in the first operation.
client connect(const arguments& args, std::string_view client_id = "weir");

}  // namespace weir::tools

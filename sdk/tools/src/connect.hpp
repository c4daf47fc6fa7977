// A client as the command line describes it.
#pragma once
#include "arguments.hpp"

#include <weir/client.hpp>

namespace weir::tools {

/// A properties file, or a pipe with the same in it. Throws weir::exception when it cannot be read.
properties read_properties(std::string_view path);

/// What --command-config's file says; empty without one. The file may serve other programs as well: names that no client
/// knows are told on stderr and left out, as by Kafka's tools. Throws weir::exception when it cannot be read.
properties file_settings(const arguments& args);

/// Whom --bootstrap-server or --bootstrap-controller name. Throws usage_error when both are given, and when neither is and
/// `settings` has none.
void set_bootstrap(const arguments& args, properties& settings);

/// By Kafka's names: file_settings(), then the name=value options `overrides` in that order, then
/// bootstrap.servers or bootstrap.controllers; client.id is `client_id` when nothing else was said.
properties client_settings(const arguments& args, std::string_view client_id, std::initializer_list<std::string_view> overrides = {});

/// --group as group.id. Throws usage_error when a file or a property names another.
void set_group(const arguments& args, properties& settings);

/// No I/O yet: an unreachable cluster shows in the first operation.
client connect(const arguments& args, std::string_view client_id = "weir");

}  // namespace weir::tools

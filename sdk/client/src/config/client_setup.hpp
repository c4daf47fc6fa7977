// What a client is made of, after fields, names and defaults have become one.
#pragma once
#include "security_names.hpp"

#include <weir/base/network.hpp>
#include <weir/client.hpp>

#include <optional>
#include <vector>

namespace weir::detail {

struct client_setup {
    std::string bootstrap{};  ///< bootstrap.servers; in the end whichever was given
    client_config config{};
    security_names security{};
    std::string controllers{};  ///< bootstrap.controllers
    static std::span<const setting> settings();
};

/// What the client was given by name and what came of it, for whatever is built on it.
struct client_settings {
    struct value {
        std::string_view name;
        std::optional<std::string> text;
    };
    properties given;
    std::vector<value> effective;  ///< one per row
};

/// Fills `setup` from its `extra`, checks it and logs it.
result<client_settings> resolve_client(client_setup& setup);

/// "host:port,[v6]:port"; errc::invalid_setting says what is wrong with which entry.
result<std::vector<endpoint>> parse_bootstrap(std::string_view list);

}  // namespace weir::detail

// What a client is made of, after fields, names and defaults have become one.
#pragma once
#include <weir/base/network.hpp>
#include <weir/client.hpp>

#include <vector>

namespace weir::detail {

struct client_setup {
    std::string bootstrap{};  ///< bootstrap.servers
    client_config config{};
    static std::span<const setting> settings();
};

/// What the client was given by name and what came of it, for whatever is built on it.
struct client_settings {
    properties given;
    std::vector<std::pair<std::string_view, std::string>> effective;  ///< by the rows' own names
};

/// Fills `setup` from its `extra`, checks it and logs it.
result<client_settings> resolve_client(client_setup& setup);

/// "host:port,[v6]:port"; errc::invalid_setting says what is wrong with which entry.
result<std::vector<endpoint>> parse_bootstrap(std::string_view list);

}  // namespace weir::detail

// Fields of the program, names from `extra`, and what the client was given become one config.
#pragma once
#include "client_setup.hpp"

namespace weir::detail {

/// Fills `config`, one of the catalog's, from `extra` and from what its client was given (nullptr: this is the client's own).
/// Fields that differ from their default count as given. A setting given twice has to say the same twice. Every mistake is
/// reported, one a line, as errc::invalid_setting: a value that is not allowed, two values, a name nobody knows (with the
/// nearest known one), a name that belongs elsewhere (with where). The outcome is logged at debug, with where each value
/// comes from. `conclude` sees the whole before that, when nothing else is wrong.
error resolve(std::string_view who, std::span<const setting> rows, void* config, const properties& extra, const client_settings* of_client,
              error (*conclude)(void* config) = nullptr);

/// Whether anybody gave this setting by its name or a synonym of it. A default that nobody asked for may be given up where
/// other settings do not allow it.
bool given_by_name(std::span<const setting> rows, std::string_view name, const properties& extra, const client_settings& of_client);

/// For the constructors of what is built on a client:
///
///     if (auto why = detail::resolve("producer", config, on.core().settings())) throw exception{why};
template <class Config>
error resolve(std::string_view who, Config& config, const client_settings& of_client) {
    const auto extra = std::move(config.extra);
    return resolve(who, Config::settings(), &config, extra, &of_client);
}

}  // namespace weir::detail

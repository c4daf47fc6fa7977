// Settings of Kafka that this broker knows by name and does not act on.
#pragma once
#include <span>
#include <string_view>

namespace weir::broker {

/// How something is done that this broker does in its own way (threads, purgatories), or a part it does not have
/// (replica fetchers, share groups): accepted with a warning, so that an existing server.properties works.
struct unheeded_settings {
    std::string_view why;  ///< sentences for the reference
    std::span<const std::string_view> names;
};
std::span<const unheeded_settings> settings_without_effect() noexcept;

/// Empty: it has an effect, or is no setting.
std::string_view why_without_effect(std::string_view name) noexcept;

/// What an operator relies on when it is set (authorization, encryption, policies, tiered storage): refused, because to
/// start without it would be worse than not to start. A trailing '*' stands for any ending.
std::span<const std::string_view> settings_refused() noexcept;

bool is_refused(std::string_view name) noexcept;

/// Whether a setting that is refused has the value that says what this broker does anyway; or none.
bool asks_for_nothing(std::string_view name, std::string_view value) noexcept;

}  // namespace weir::broker

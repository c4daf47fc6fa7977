// Programs beside this one: weir-X as a tool, and links with Kafka's names.
#pragma once
#include <optional>
#include <span>
#include <string_view>

namespace weir::tools {

/// Becomes the program weir-`name`, in the directory of this one or on the PATH; does not return then. nullopt when there
/// is none; the exit code when there is one that cannot be started, which has been told.
std::optional<int> run_external(std::string_view name, std::span<const char* const> words);

/// `install-links DIR`: a link for each of Kafka's names to this program. Files that are there and no such links stay.
int install_links(std::span<const char* const> words);

}  // namespace weir::tools

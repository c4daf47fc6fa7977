// CSV as Kafka's tools write and read it.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::tools {

/// In quotes where Kafka's tools put them: around what has more than 24 characters, or one of those below '-', which has
/// comma, quote, space and ends of lines among them.
std::string csv_cell(std::string_view text);
/// The cells of one line, white space around those without quotes dropped; nullopt when quotes are not closed, or something
/// follows them.
std::optional<std::vector<std::string>> csv_cells(std::string_view line);

}  // namespace weir::tools

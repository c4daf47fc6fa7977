// Whose settings: --entity-type with its --entity-name, or the short forms.
#pragma once
#include "arguments.hpp"

#include <weir/admin.hpp>

namespace weir::tools {

struct quota_part {
    std::string type;                 ///< "users"
    std::optional<std::string> name;  ///< "": the default; nullopt: all of the type
};

/// As written, or in the order of Kafka's tool for the short forms. Throws usage_error for names that belong to no type.
std::vector<quota_part> quota_parts(const arguments& args);
quota_entity entity_of(const std::vector<quota_part>& parts);
/// Exactly these parts, whatever their names where none is given.
quota_filter filter_of(const std::vector<quota_part>& parts);
/// "user-principal 'alice', the default client-id"
std::string entity_text(const quota_entity& entity);

}  // namespace weir::tools

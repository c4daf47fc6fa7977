// says: static assertion failed: weir: this type crosses a topic or a state store but has no serde. Write WEIR_STRUCT(type, fields...) after it
#include "types.hpp"
inline const weir::topic<std::string, opaque> things{"things"};

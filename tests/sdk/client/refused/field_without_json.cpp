// says: static assertion failed: weir: a field of this type has no JSON form. Write WEIR_STRUCT(type, fields...) or WEIR_ENUM(type, names...)
#include "types.hpp"
struct box {
    opaque held{};
};
WEIR_STRUCT(box, held);

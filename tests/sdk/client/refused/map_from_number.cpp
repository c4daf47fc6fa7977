// says: static assertion failed: weir: the names of a JSON object are text: use a map from std::string
#include "types.hpp"

#include <map>
struct box {
    std::map<int, int> held{};
};
WEIR_STRUCT(box, held);

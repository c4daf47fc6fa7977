// says: 'weir::producer_config' has no non-static data member named 'linger_ms'
#include "types.hpp"
weir::producer out{"localhost:9092", weir::producer_config{.linger_ms = 5}};

#include <weir/base/network.hpp>

namespace weir {

std::string to_string(const endpoint& where) {
    const auto port = std::to_string(where.port);
    if (where.host.find(':') != std::string::npos) return "[" + where.host + "]:" + port;
    return where.host + ":" + port;
}

}  // namespace weir

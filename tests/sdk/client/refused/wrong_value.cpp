// says: no matching function for call to 'weir::producer::send(const weir::topic<std::__cxx11::basic_string<char>, order>&, const char [2], profile)'
#include "types.hpp"
void send(weir::producer& out) { out.send(orders, "k", profile{}); }

// says: use of deleted function 'T* weir::result<T>::operator->() && [with T = weir::record_metadata]'
#include "types.hpp"
long offset(weir::producer& out) { return out.send(orders, "k", {.id = "o"}).get()->offset; }

// says: ignoring returned value of type 'weir::result<void>', declared with attribute 'nodiscard'
#include "types.hpp"
void flush(weir::producer& out) { out.flush().get(); }

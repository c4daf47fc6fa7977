// Topics that tests of the client and of the embedded broker write to.
#pragma once
#include <weir/serde.hpp>
#include <weir/topic.hpp>

#include <string>

namespace weir::test {

inline const topic<std::string, std::string> orders{"orders"};
inline const topic<none, std::string> lines{"lines"};

}  // namespace weir::test

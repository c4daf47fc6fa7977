// Bytes written by hand, for tests that need to say exactly what is on the wire.
#pragma once
#include <weir/base/bytes.hpp>

#include <initializer_list>
#include <string>

namespace weir::test {

inline bytes raw(std::initializer_list<int> values) {
    bytes out;
    for (const auto value : values) out.push_back(static_cast<std::byte>(value));
    return out;
}
inline bytes operator+(bytes left, const bytes& right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
}
/// The message of an error contains all of these.
template <class Result>
bool names(const Result& outcome, std::initializer_list<std::string_view> parts) {
    if (outcome) return false;
    const auto message = outcome.error().message();
    for (const auto part : parts)
        if (message.find(part) == std::string::npos) return false;
    return true;
}

}  // namespace weir::test

#include "topic_pattern.hpp"

#include <fmt/format.h>

#include <regex>

namespace weir::detail {
namespace {

// Names come from whoever may create topics. libstdc++ can do without backtracking, which takes years for some pairs of a
// pattern and a name; like RE2 it then refuses back references.
#ifdef __GLIBCXX__
constexpr auto syntax = std::regex::ECMAScript | std::regex::optimize | std::regex_constants::__polynomial;
#else
constexpr auto syntax = std::regex::ECMAScript | std::regex::optimize;
#endif

class compiled_pattern final : public topic_pattern {
public:
    explicit compiled_pattern(const std::string& pattern) : expression_(pattern, syntax) {}
    bool matches(const std::string& topic) const override { return std::regex_match(topic, expression_); }

private:
    std::regex expression_;
};

}  // namespace

result<std::shared_ptr<const topic_pattern>> compile_pattern(const std::string& pattern) {
    try {
        return std::shared_ptr<const topic_pattern>{std::make_shared<const compiled_pattern>(pattern)};
    } catch (const std::regex_error& why) {
        return error{errc::invalid_regular_expression, fmt::format("the topic pattern '{}': {}", pattern, why.what())};
    }
}

}  // namespace weir::detail

#include "topic_pattern.hpp"

#include <fmt/format.h>
#include <re2/re2.h>

namespace weir::detail {
namespace {

// Names come from whoever may create topics: RE2 runs in linear time whatever they are.
class compiled_pattern final : public topic_pattern {
public:
    explicit compiled_pattern(const std::string& pattern) : expression_(pattern, re2::RE2::Quiet) {}
    const re2::RE2& expression() const noexcept { return expression_; }
    bool matches(const std::string& topic) const override { return re2::RE2::FullMatch(topic, expression_); }

private:
    re2::RE2 expression_;
};

}  // namespace

result<std::shared_ptr<const topic_pattern>> compile_pattern(const std::string& pattern) {
    auto compiled = std::make_shared<const compiled_pattern>(pattern);
    const auto& expression = compiled->expression();
    if (!expression.ok()) return error{errc::invalid_regular_expression, fmt::format("the topic pattern '{}': {}; its syntax is RE2's", pattern, expression.error())};
    return std::shared_ptr<const topic_pattern>{std::move(compiled)};
}

}  // namespace weir::detail

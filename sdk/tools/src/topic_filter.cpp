#include "topic_filter.hpp"

#include "arguments.hpp"

#include <re2/re2.h>

#include <algorithm>

namespace weir::tools {

topic_filter::topic_filter(std::string_view pattern) {
    std::string text{pattern};
    const auto drop = [](char c) { return c == '"' || c == '\'' || c == ' '; };
    text.erase(text.begin(), std::find_if_not(text.begin(), text.end(), drop));
    text.erase(std::find_if_not(text.rbegin(), text.rend(), drop).base(), text.end());
    std::replace(text.begin(), text.end(), ',', '|');
    expression_ = std::make_unique<re2::RE2>(text, re2::RE2::Quiet);
    if (!expression_->ok()) throw usage_error{text + " is an invalid regex: " + expression_->error()};
}

topic_filter::~topic_filter() = default;
topic_filter::topic_filter(topic_filter&&) noexcept = default;

bool topic_filter::matches(std::string_view topic) const { return re2::RE2::FullMatch({topic.data(), topic.size()}, *expression_); }

}  // namespace weir::tools

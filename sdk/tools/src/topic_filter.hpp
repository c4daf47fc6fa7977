// Which topics an option such as --topic means: a regular expression over the whole name, or several between commas.
#pragma once
#include <memory>
#include <string_view>

namespace re2 {
class RE2;
}

namespace weir::tools {

/// As Kafka's tools read it: quotes around it are dropped, a comma is "or".
class topic_filter {
public:
    /// Throws usage_error when it is no regular expression.
    explicit topic_filter(std::string_view pattern);
    ~topic_filter();
    topic_filter(topic_filter&&) noexcept;
    bool matches(std::string_view topic) const;

private:
    std::unique_ptr<re2::RE2> expression_;
};

}  // namespace weir::tools

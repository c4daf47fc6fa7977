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

/// __consumer_offsets, __transaction_state and __share_group_state.
bool is_internal_topic(std::string_view topic) noexcept;

}  // namespace weir::tools

// Which topics a pattern means, where the client decides (classic groups).
#pragma once
#include <weir/base/error.hpp>

#include <memory>
#include <string>

namespace weir::detail {

class topic_pattern {
public:
    virtual ~topic_pattern() = default;
    /// The whole name.
    virtual bool matches(const std::string& topic) const = 0;
};

/// In RE2's syntax, as coordinators read it; so matching takes linear time. errc::invalid_regular_expression when it is none.
result<std::shared_ptr<const topic_pattern>> compile_pattern(const std::string& pattern);

}  // namespace weir::detail

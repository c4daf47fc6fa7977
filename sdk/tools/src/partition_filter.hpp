// Which partitions options such as --topic-partitions mean.
#pragma once
#include "topic_filter.hpp"

#include <cstdint>
#include <set>
#include <string_view>
#include <vector>

namespace weir::tools {

class partition_filter {
public:
    /// "topic:1,topic:0-3,topic,topic:5-,:-3": a regular expression, and a partition, a range without its end, or all. Throws
    /// usage_error for what is no such rule.
    static partition_filter of_rules(std::string_view rules);
    /// `partitions`: "0,1,..."; empty: all.
    static partition_filter of_topic(std::string_view pattern, std::string_view partitions);

    bool matches(std::string_view topic) const;
    bool matches(std::string_view topic, std::int32_t partition) const;

private:
    struct rule {
        topic_filter topic;
        std::set<std::int32_t> only;                    // empty: the range
        std::int32_t from = 0, to = 0x7fffffff;
        bool takes(std::int32_t partition) const { return only.empty() ? partition >= from && partition < to : only.contains(partition); }
    };
    std::vector<rule> rules_;
};

}  // namespace weir::tools

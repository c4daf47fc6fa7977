#include "partition_filter.hpp"

#include "arguments.hpp"
#include "numbers.hpp"

#include <weir/base/split_list.hpp>

#include <algorithm>

namespace weir::tools {

namespace {

std::int32_t partition_number(std::string_view text, std::string_view rule) {
    const auto parsed = parse_id(text);
    if (!parsed) throw exception{error{errc::invalid_request, "Invalid rule specification: " + std::string{rule}}};
    return *parsed;
}

}  // namespace

partition_filter partition_filter::of_rules(std::string_view rules) {
    partition_filter made;
    for (const auto& text : split_list(rules)) {
        const auto colon = text.find(':');
        const std::string_view name = std::string_view{text}.substr(0, colon);
        rule each{topic_filter{name.empty() ? ".*" : name}, {}};
        const auto part = colon == text.npos ? std::string_view{} : std::string_view{text}.substr(colon + 1);
        if (const auto dash = part.find('-'); dash != part.npos) {
            if (dash > 0) each.from = partition_number(part.substr(0, dash), text);
            if (dash + 1 < part.size()) each.to = partition_number(part.substr(dash + 1), text);
        } else if (!part.empty()) {
            each.only.insert(partition_number(part, text));
        }
        made.rules_.push_back(std::move(each));
    }
    return made;
}

partition_filter partition_filter::of_topic(std::string_view pattern, std::string_view partitions) {
    rule only{topic_filter{pattern}, {}};
    for (const auto& each : split_list(partitions)) {
        const auto parsed = parse_id(each);
        if (!parsed) throw exception{error{errc::invalid_request, "--partitions expects a comma separated list of numeric partition ids, but received: " + std::string{partitions}}};
        only.only.insert(*parsed);
    }
    partition_filter made;
    made.rules_.push_back(std::move(only));
    return made;
}

bool partition_filter::matches(std::string_view topic) const {
    return std::any_of(rules_.begin(), rules_.end(), [&](const rule& each) { return each.topic.matches(topic); });
}

bool partition_filter::matches(std::string_view topic, std::int32_t partition) const {
    return std::any_of(rules_.begin(), rules_.end(), [&](const rule& each) { return each.takes(partition) && each.topic.matches(topic); });
}

}  // namespace weir::tools

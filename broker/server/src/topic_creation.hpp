// Topics that come into being because somebody asked for them.
#pragma once
#include "handlers.hpp"

#include <string>
#include <utility>
#include <vector>

namespace weir::server {

bool is_valid_topic_name(std::string_view name) noexcept;

/// auto.create.topics.enable: creates each with the broker's defaults. Completes when this core's image has them; the
/// codes say what to answer for those that are not there afterwards.
task<std::vector<std::pair<std::string, errc>>> create_missing_topics(request_context& context, std::vector<std::string> names);

/// __consumer_offsets with the offsets.topic.* settings; harmless when another request does the same.
task<void> create_offsets_topic(request_context& context);

}  // namespace weir::server

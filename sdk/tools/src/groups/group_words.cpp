#include "group_words.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace weir::tools {
namespace {

std::string quoted(const std::vector<std::string>& groups) {
    std::string text;
    for (const auto& each : groups) text += (text.empty() ? "'" : ", '") + each + "'";
    return text;
}

}  // namespace

std::string assignment_words(const topic_partitions& partitions) {
    std::string text, topic;
    for (const auto& each : partitions) {
        if (each.topic == topic) text += "," + std::to_string(each.partition);
        else text += (text.empty() ? "" : ";") + each.topic + ":" + std::to_string(each.partition);
        topic = each.topic;
    }
    return text.empty() ? "-" : text;
}

void list_with_states(const std::vector<group_listing>& groups, bool states, output& out) {
    if (out.json()) {
        table all{{{"GROUP", "group"}, {"STATE", "state"}}};
        for (const auto& each : groups) all.row({each.group, std::string{to_string(each.state)}});
        all.print(out);
        return;
    }
    std::size_t width = 15;
    for (const auto& each : groups) width = std::max(width, each.group.size());
    if (states) out.line(fmt::format("{:<{}} {}", "GROUP", width, "STATE"));
    for (const auto& each : groups) out.line(states ? fmt::format("{:<{}} {}", each.group, width, to_string(each.state)) : each.group);
}

int tell_deletions(std::string_view kind, const outcomes<>& answers, std::vector<std::pair<std::string, error>> failed, output& out) {
    std::vector<std::string> gone;
    for (const auto& [name, outcome] : answers) {
        if (outcome) gone.push_back(name);
        else failed.emplace_back(name, outcome.error());
    }
    if (failed.empty()) {
        out.line(fmt::format("Deletion of requested {} groups ({}) was successful.", kind, quoted(gone)));
        return 0;
    }
    out.line(fmt::format("\nError: Deletion of some {} groups failed:", kind));
    for (const auto& [name, why] : failed) out.line(fmt::format("* Group '{}' could not be deleted due to: {}", name, why.message()));
    if (!gone.empty()) out.line(fmt::format("\nThese {} groups were deleted successfully: {}", kind, quoted(gone)));
    return 1;
}

void print_plan(const std::map<std::string, offset_map>& plans, output& out) {
    if (out.json()) {
        table all{{{"GROUP", "group"}, {"TOPIC", "topic"}, {"PARTITION", "partition", true}, {"NEW-OFFSET", "newOffset", true}}};
        for (const auto& [name, plan] : plans) {
            for (const auto& [where, offset] : plan) all.row({name, where.topic, std::to_string(where.partition), std::to_string(offset)});
        }
        all.print(out);
        return;
    }
    std::size_t of_group = 15, of_topic = 15;
    for (const auto& [name, plan] : plans) {
        of_group = std::max(of_group, name.size());
        for (const auto& [where, offset] : plan) of_topic = std::max(of_topic, where.topic.size());
    }
    out.print(fmt::format("\n{:<{}} {:<{}} {:<10} {}", "GROUP", of_group, "TOPIC", of_topic, "PARTITION", "NEW-OFFSET"));
    for (const auto& [name, plan] : plans) {
        for (const auto& [where, offset] : plan) out.print(fmt::format("\n{:<{}} {:<{}} {:<10} {}", name, of_group, where.topic, of_topic, where.partition, offset));
    }
    out.print("\n");
}

}  // namespace weir::tools

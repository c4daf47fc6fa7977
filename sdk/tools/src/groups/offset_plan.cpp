#include "offset_plan.hpp"

#include "../numbers.hpp"
#include "csv.hpp"

#include <weir/base/posix_files.hpp>
#include <weir/base/split_list.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <limits>
#include <set>
#include <sstream>
#include <utility>

namespace weir::tools {
namespace {

std::int32_t partition_number(std::string_view text, std::string_view argument) {
    const auto number = parse_id(text);
    if (!number) throw usage_error{fmt::format("Invalid partition '{}' specified in topic arg '{}'", text, argument)};
    return *number;
}

/// As far as offsets go: what lies beyond the log is put to its end anyway.
std::int64_t shifted(std::int64_t offset, std::int64_t by) {
    const auto room = std::numeric_limits<std::int64_t>::max() - offset;
    return by > room ? offset + room : offset + by;
}

offset_map found_at(const admin& at, const std::vector<topic_partition>& partitions, at::position where) {
    std::map<topic_partition, at::position> wanted;
    for (const auto& each : partitions) wanted.emplace(each, where);
    offset_map found;
    for (const auto& [key, outcome] : *at.list_offsets(wanted).get()) found.emplace(key, (*outcome).offset);
    return found;
}

offset_map at_time(const admin& at, const std::vector<topic_partition>& partitions, timestamp when, output& out) {
    auto found = found_at(at, partitions, at::time(when));
    std::vector<topic_partition> later;
    for (const auto& [where, offset] : found) {
        if (offset >= 0) continue;
        if (!out.json()) out.line(fmt::format("\nWarn: Partition {} from topic {} is empty. Falling back to latest known offset.", where.partition, where.topic));
        later.push_back(where);
    }
    if (later.empty()) return found;
    for (const auto& [where, offset] : found_at(at, later, at::latest)) found[where] = offset;
    return found;
}

void check_they_exist(const admin& at, const std::vector<topic_partition>& partitions) {
    std::set<std::string> topics;
    for (const auto& each : partitions) topics.insert(each.topic);
    std::set<topic_partition> there;
    for (const auto& [name, topic] : *at.describe_topics({topics.begin(), topics.end()}).get()) {
        if (!topic) continue;
        for (const auto& each : topic->partitions) there.insert({name, each.id});
    }
    std::string missing;
    for (const auto& each : partitions) {
        if (!there.contains(each)) missing += (missing.empty() ? "" : ",") + to_string(each);
    }
    if (!missing.empty()) throw exception{error{errc::unknown_topic_or_partition, fmt::format("The partitions \"{}\" do not exist", missing)}};
}

}  // namespace

std::vector<topic_partition> partitions_named(const admin& at, const std::vector<std::string>& topics) {
    std::set<topic_partition> named;
    std::vector<std::string> whole;
    for (const auto& each : topics) {
        const auto colon = each.find(':');
        if (colon == each.npos) {
            whole.push_back(each);
            continue;
        }
        if (each.find(':', colon + 1) != each.npos || colon == 0) throw usage_error{fmt::format("Invalid topic arg '{}', expected topic name and partitions", each)};
        for (const auto& part : split_list(std::string_view{each}.substr(colon + 1))) named.insert({each.substr(0, colon), partition_number(part, each)});
    }
    for (const auto& [name, topic] : *at.describe_topics(whole).get()) {
        for (const auto& each : (*topic).partitions) named.insert({name, each.id});
    }
    return {named.begin(), named.end()};
}

offset_map within_the_log(const admin& at, offset_map wanted) {
    std::vector<topic_partition> partitions;
    for (const auto& each : wanted) partitions.push_back(each.first);
    const auto first = found_at(at, partitions, at::earliest);
    const auto last = found_at(at, partitions, at::latest);
    for (auto& [where, offset] : wanted) {
        const auto fit = std::clamp(offset, first.at(where), last.at(where));
        if (fit != offset)
            std::fprintf(stderr, "WARN New offset (%lld) is %s offset for topic partition %s. Value will be set to %lld.\n", static_cast<long long>(offset),
                         offset > fit ? "higher than latest" : "lower than earliest", to_string(where).c_str(), static_cast<long long>(fit));
        offset = fit;
    }
    return wanted;
}

void warn_of_dry_run(const arguments& args) {
    if (args.has("execute") || args.has("dry-run")) return;
    std::fprintf(stderr, "WARN: No action will be performed as the --execute option is missing; say --dry-run if that is meant.\n");
}

void need_execute_or_dry_run(const arguments& args) {
    if (!args.has("execute") && !args.has("dry-run")) throw usage_error{"Option [reset-offsets] takes the option: [execute] or [dry-run]"};
}

offset_map planned_offsets(const admin& at, const arguments& args, const std::vector<topic_partition>& partitions, function<offset_map()> committed, output& out) {
    check_they_exist(at, partitions);
    if (args.has("to-offset")) {
        offset_map wanted;
        const auto offset = parse_number(args.text("to-offset"));
        if (!offset) throw usage_error{"--to-offset needs a number"};
        for (const auto& each : partitions) wanted.emplace(each, *offset);
        return within_the_log(at, std::move(wanted));
    }
    if (args.has("to-earliest")) return found_at(at, partitions, at::earliest);
    if (args.has("to-latest")) return found_at(at, partitions, at::latest);
    if (args.has("shift-by")) {
        const auto by = parse_number(args.text("shift-by"));
        if (!by) throw usage_error{"--shift-by needs a number"};
        const auto now = committed();
        offset_map wanted;
        for (const auto& each : partitions) {
            const auto found = now.find(each);
            if (found == now.end()) throw usage_error{fmt::format("Cannot shift offset for partition {} since there is no current committed offset", to_string(each))};
            wanted.emplace(each, shifted(found->second, *by));
        }
        return within_the_log(at, std::move(wanted));
    }
    if (args.has("to-datetime")) return at_time(at, partitions, timestamp{duration{parse_datetime(args.text("to-datetime"))}}, out);
    if (args.has("by-duration")) {
        return at_time(at, partitions, weir::now() - parse_iso_duration(args.text("by-duration")), out);
    }
    if (args.has("to-current")) {
        auto wanted = committed();
        std::vector<topic_partition> without;
        offset_map chosen;
        for (const auto& each : partitions) {
            if (const auto found = wanted.find(each); found != wanted.end()) chosen.insert(*found);
            else without.push_back(each);
        }
        if (!without.empty()) chosen.merge(found_at(at, without, at::latest));
        return chosen;
    }
    std::string scenarios;
    for (const auto* each : {"to-offset", "shift-by", "to-datetime", "by-duration", "to-earliest", "to-latest", "to-current", "from-file"})
        if (args.knows(each)) scenarios += fmt::format("{}--{}", scenarios.empty() ? "" : ", ", each);
    throw usage_error{"Option '--reset-offsets' requires one of the following scenarios: " + scenarios};
}

std::map<std::string, offset_map> read_plan(const std::string& path, const std::string& only_group) {
    const auto content = *read_file(*make_posix_files(), path);
    std::istringstream file{std::string{as_text(content)}};
    std::map<std::string, offset_map> plan;
    int number = 0;
    for (std::string line; std::getline(file, line);) {
        ++number;
        if (line.ends_with('\r')) line.pop_back();
        if (line.empty()) continue;
        auto cells = csv_cells(line).value_or(std::vector<std::string>{});
        if (cells.size() == 3 && !only_group.empty()) cells.insert(cells.begin(), only_group);
        const auto partition = cells.size() == 4 ? parse_id(cells[2]) : std::nullopt;
        const auto offset = cells.size() == 4 ? parse_number(cells[3]) : std::nullopt;
        if (!partition || !offset) throw usage_error{fmt::format("{}:{}: '{}' is not topic,partition,offset nor group,topic,partition,offset", path, number, line)};
        plan[cells[0]][{cells[1], *partition}] = *offset;
    }
    return plan;
}

namespace {

/// Of ".5", in front of the rest: 500 milliseconds, and the rest stays.
std::int64_t take_fraction(std::string_view& text) {
    if (!text.starts_with('.')) return 0;
    text.remove_prefix(1);
    std::int64_t fraction = 0;
    int digits = 0;
    for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1), ++digits) {
        if (digits < 3) fraction = fraction * 10 + (text.front() - '0');
    }
    for (; digits < 3; ++digits) fraction *= 10;
    return fraction;
}

}  // namespace

std::int64_t parse_datetime(std::string_view text) {
    const std::string given{text};
    int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, used = 0;
    const auto refuse = [&]() -> std::int64_t { throw usage_error{"'" + given + "' is no time; expected is YYYY-MM-DDThh:mm:ss.sss"}; };
    if (std::sscanf(given.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d%n", &year, &month, &day, &hour, &minute, &second, &used) != 6) return refuse();
    if (hour < 0 || minute < 0 || second < 0) return refuse();
    const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)}, std::chrono::day{static_cast<unsigned>(day)}};
    if (!date.ok() || hour > 23 || minute > 59 || second > 59) return refuse();
    std::string_view rest = std::string_view{given}.substr(static_cast<std::size_t>(used));
    const auto fraction = take_fraction(rest);
    int zone_minutes = 0;
    if (rest.starts_with('+') || rest.starts_with('-')) {
        const bool west = rest.front() == '-';
        std::string digits;
        for (const auto c : rest.substr(1)) {
            if (c >= '0' && c <= '9') digits += c;
            else if (c != ':') return refuse();
        }
        if (digits.size() != 2 && digits.size() != 4) return refuse();
        zone_minutes = static_cast<int>(*parse_number(digits.substr(0, 2)) * 60 + (digits.size() == 4 ? *parse_number(digits.substr(2)) : 0));
        if (west) zone_minutes = -zone_minutes;
    } else if (!rest.empty() && rest != "Z") {
        return refuse();
    }
    const auto at = std::chrono::sys_days{date} + std::chrono::hours{hour} + std::chrono::minutes{minute - zone_minutes} + std::chrono::seconds{second};
    return std::chrono::duration_cast<milliseconds>(at.time_since_epoch()).count() + fraction;
}

milliseconds parse_iso_duration(std::string_view text) {
    const auto refuse = [given = std::string{text}]() -> milliseconds {
        throw usage_error{"'" + given + "' is no duration; expected is PnDTnHnMnS, as in P1DT12H or PT30M"};
    };
    struct unit {
        char letter;
        bool of_time;
        std::int64_t length;
    };
    static constexpr unit units[] = {{'W', false, 604'800'000}, {'D', false, 86'400'000}, {'H', true, 3'600'000}, {'M', true, 60'000}, {'S', true, 1'000}};
    constexpr std::size_t most_digits = 10;  // no sum of such numbers leaves 64 bits
    const bool negative = text.starts_with('-');
    if (negative) text.remove_prefix(1);
    if (!text.starts_with('P') || text.size() < 3) return refuse();
    text.remove_prefix(1);
    const auto* next = std::begin(units);  // each once, from the longest to the shortest
    bool in_time = false;
    std::int64_t total = 0;
    while (!text.empty()) {
        if (text.front() == 'T') {
            if (std::exchange(in_time, true)) return refuse();
            text.remove_prefix(1);
        }
        const bool is_signed = text.starts_with('-') || text.starts_with('+');
        const auto digits = text.substr(0, text.find_first_not_of("0123456789", is_signed ? 1 : 0));
        const auto number = digits.size() <= most_digits ? parse_number(digits) : std::nullopt;
        text.remove_prefix(digits.size());
        const bool of_seconds = text.starts_with('.');
        const auto fraction = take_fraction(text);
        if (!number || text.empty() || (of_seconds && text.front() != 'S')) return refuse();
        const auto* which = std::find_if(next, std::end(units), [&](const unit& each) { return each.letter == text.front() && each.of_time == in_time; });
        if (which == std::end(units)) return refuse();
        total += *number * which->length + (digits.starts_with('-') ? -fraction : fraction);
        next = which + 1;
        text.remove_prefix(1);
    }
    return milliseconds{negative ? -total : total};
}

}  // namespace weir::tools

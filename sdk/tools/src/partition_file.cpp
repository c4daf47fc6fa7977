#include "partition_file.hpp"

#include <weir/base/error.hpp>
#include <weir/base/posix_files.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

namespace weir::tools {
namespace {

namespace json = boost::json;

[[noreturn]] void wrong(const std::string& path, const std::string& what) { throw exception{error{errc::malformed, path + ": " + what}}; }

json::value read(const std::string& path) {
    const auto content = *read_file(*make_posix_files(), path);
    boost::system::error_code problem;
    auto parsed = json::parse(as_text(content), problem);
    if (problem) wrong(path, "no JSON: " + problem.message());
    if (!parsed.is_object()) wrong(path, "expected is an object");
    const auto* version = parsed.get_object().if_contains("version");
    if (version && *version != 1) wrong(path, fmt::format("Not supported version field value {}", json::serialize(*version)));
    return parsed;
}

const json::array& list(const std::string& path, const json::value& in, const char* name) {
    const auto* found = in.get_object().if_contains(name);
    if (!found || !found->is_array()) wrong(path, fmt::format("expected is {{\"version\":1,\"{}\":[...]}}", name));
    return found->get_array();
}

/// nullopt also for what does not fit.
template <class T>
std::optional<T> number(const json::value* of) {
    if (!of || !of->is_number()) return std::nullopt;
    boost::system::error_code problem;
    const auto value = of->to_number<T>(problem);
    return problem ? std::nullopt : std::optional{value};
}
template <class T>
T number(const std::string& path, const json::object& of, const char* name) {
    const auto found = number<T>(of.if_contains(name));
    if (!found) wrong(path, fmt::format("'{}' is missing or no number", name));
    return *found;
}
/// Of partitions and brokers.
std::int32_t id(const std::string& path, const json::object& of, const char* name) {
    const auto found = number<std::int32_t>(path, of, name);
    if (found < 0) wrong(path, fmt::format("'{}' is {}", name, found));
    return found;
}
std::string text(const std::string& path, const json::object& of, const char* name) {
    const auto* found = of.if_contains(name);
    if (!found || !found->is_string()) wrong(path, fmt::format("'{}' is missing or no text", name));
    return std::string{found->get_string()};
}

}  // namespace

std::vector<partition_entry> read_partitions(const std::string& path) {
    const auto document = read(path);
    std::vector<partition_entry> all;
    for (const auto& each : list(path, document, "partitions")) {
        if (!each.is_object()) wrong(path, "an entry of 'partitions' is no object");
        const auto& of = each.get_object();
        auto& entry = all.emplace_back();
        entry.where = {text(path, of, "topic"), id(path, of, "partition")};
        if (of.contains("offset")) entry.offset = number<std::int64_t>(path, of, "offset");
        if (const auto* replicas = of.if_contains("replicas")) {
            if (!replicas->is_array()) wrong(path, "'replicas' is no list");
            entry.replicas.emplace();
            for (const auto& each_id : replicas->get_array()) {
                const auto broker = number<std::int32_t>(&each_id);
                if (!broker) wrong(path, "an entry of 'replicas' is no number");
                entry.replicas->push_back(*broker);
            }
        }
        if (const auto* dirs = of.if_contains("log_dirs")) {
            if (!dirs->is_array()) wrong(path, "'log_dirs' is no list");
            for (const auto& dir : dirs->get_array()) {
                if (!dir.is_string()) wrong(path, "an entry of 'log_dirs' is no text");
                entry.log_dirs.emplace_back(dir.get_string());
            }
            if (entry.replicas && entry.replicas->size() != entry.log_dirs.size())
                wrong(path, fmt::format("Size of replicas list {} is different from size of log dirs list {} for partition {}", entry.replicas->size(), entry.log_dirs.size(), to_string(entry.where)));
        }
    }
    return all;
}

std::vector<std::string> read_topics(const std::string& path) {
    const auto document = read(path);
    std::vector<std::string> all;
    for (const auto& each : list(path, document, "topics")) {
        if (!each.is_object()) wrong(path, "an entry of 'topics' is no object");
        all.push_back(text(path, each.get_object(), "topic"));
    }
    return all;
}

}  // namespace weir::tools

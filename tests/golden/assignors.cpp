// Groups as Java's assignors divided their partitions. Lines come from assignor_vectors.java.
#include "kinds.hpp"
#include "vectors.hpp"

#include "consumer/assignor.hpp"
#include "consumer/consumer_protocol.hpp"

#include <algorithm>
#include <set>

namespace weir::golden {

namespace json = boost::json;
using namespace weir::detail;

namespace {

std::vector<topic_partition> places(const json::value& from) {
    std::vector<topic_partition> all;
    for (const auto& each : from.as_array()) {
        const auto& pair = each.as_array();
        all.push_back({std::string{pair.at(0).as_string()}, static_cast<std::int32_t>(pair.at(1).as_int64())});
    }
    return all;
}

std::string as_text(const std::vector<topic_partition>& list) {
    std::string all;
    for (const auto& each : list) all += fmt::format("{}-{} ", each.topic, each.partition);
    return all;
}

topic_map topics_of(const json::object& line) {
    topic_map topics;
    for (const auto& [name, partitions] : line.at("topics").as_object()) {
        auto& racks = topics[std::string{name}];
        for (const auto& replicas : partitions.as_array()) {
            auto& list = racks.emplace_back();
            for (const auto& rack : replicas.as_array()) list.emplace_back(rack.as_string());
        }
    }
    return topics;
}

// Through the bytes of a JoinGroup request, as the leader gets it.
joining_member member_of(findings& out, const json::object& from) {
    joining_member member;
    for (const auto& topic : from.at("topics").as_array()) member.topics.emplace_back(topic.as_string());
    member.owned = places(from.at("owned"));
    if (const auto* generation = from.if_contains("generation")) member.generation = static_cast<std::int32_t>(generation->as_int64());
    if (from.contains("rack")) member.rack = text(from, "rack");
    if (from.contains("data")) member.user_data = from_hex(text(from, "data"));
    const auto written = encode_subscription(member);
    if (out.succeeded("encode", written)) {
        const auto read = decode_subscription(*written);
        if (out.succeeded("decode", read)) {
            out.expect("rack", read->rack, member.rack);
            out.expect("generation", read->generation == member.generation, true);
            out.expect("user data", read->user_data == member.user_data, true);
            auto sorted = member.owned;
            std::sort(sorted.begin(), sorted.end());
            out.expect("owned", as_text(read->owned), as_text(sorted));
        }
    }
    member.id = text(from, "id");
    if (from.contains("instance")) member.instance_id = text(from, "instance");
    return member;
}

void check(findings& out, const json::object& line) {
    const auto* with = find_assignor(text(line, "assignor"));
    if (!with) return out.add("no such assignor");
    const auto topics = topics_of(line);
    std::vector<joining_member> members;
    for (const auto& each : line.at("members").as_array()) members.push_back(member_of(out, each.as_object()));
    const auto found = with->assign(topics, members);
    const auto& expected = line.at("result").as_object();
    out.expect("members", found.size(), expected.size());
    for (const auto& [id, list] : expected) {
        const auto mine = found.find(std::string{id});
        if (mine == found.end()) out.add(fmt::format("nothing for {}", std::string{id}));
        else out.expect(std::string{id}, as_text(mine->second), as_text(places(list)));
    }
}

}  // namespace

int run_assignors(std::istream& input, std::ostream& log, int& lines) {
    return run_lines(input, log, lines, [](const json::object& line) { return text(line, "assignor"); }, check);
}

}  // namespace weir::golden

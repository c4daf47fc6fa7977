// What members of a classic group say about themselves, and what its leader makes of it: way byte (an assignment, or
// members who share topics by one of four strategies), then metadata with a length of two bytes before each.
#include "fuzz.hpp"

#include "consumer/consumer_protocol.hpp"

#include <algorithm>
#include <map>

using namespace weir;
using namespace weir::detail;
using fuzz::require;

namespace {

constexpr std::size_t bytes_per_input_byte = 1024;
constexpr std::size_t bytes_at_once = 64 * 1024;

void read_assignment(bytes_view data) {
    fuzz::allocation_budget::start();
    const auto partitions = decode_assignment(data);
    fuzz::allocation_budget::require_at_most(bytes_at_once + data.size() * bytes_per_input_byte);
    if (!partitions) return;
    const auto once = encode_assignment(*partitions);
    require(once.has_value(), "an assignment that was read is written");
    const auto again = decode_assignment(*once);
    require(again && encode_assignment(*again) && as_text(*encode_assignment(*again)) == as_text(*once), "an assignment survives");
}

std::optional<joining_member> read_member(bytes_view data) {
    fuzz::allocation_budget::start();
    auto member = decode_subscription(data);
    fuzz::allocation_budget::require_at_most(bytes_at_once + data.size() * bytes_per_input_byte);
    if (!member) return std::nullopt;
    const auto once = encode_subscription(*member);
    require(once.has_value(), "a subscription that was read is written");
    const auto again = decode_subscription(*once);
    require(again && encode_subscription(*again) && as_text(*encode_subscription(*again)) == as_text(*once), "a subscription survives");
    return *std::move(member);
}

void share(const assignor& how, const std::vector<joining_member>& members) {
    const topic_map topics{{"a", topic_racks(3)}, {"b", topic_racks(2, {"r1"})}};
    std::map<topic_partition, std::string> owners;
    for (const auto& [id, partitions] : how.assign(topics, members)) {
        const auto member = std::find_if(members.begin(), members.end(), [&](const auto& each) { return each.id == id; });
        require(member != members.end(), "only members get partitions");
        for (const auto& each : partitions) {
            require(owners.emplace(each, id).second, "a partition has one owner");
            require(topics.contains(each.topic) && each.partition >= 0 && static_cast<std::size_t>(each.partition) < topics.at(each.topic).size(), "only what exists is given");
            require(std::find(member->topics.begin(), member->topics.end(), each.topic) != member->topics.end(), "members get what they asked for");
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    auto rest = fuzz::input(data + 1, size - 1);
    if (data[0] % 5 == 4) return read_assignment(rest), 0;
    const assignor* const strategies[] = {&range_assignor, &round_robin_assignor, &sticky_assignor, &cooperative_sticky_assignor};
    std::vector<joining_member> members;
    while (rest.size() >= 2 && members.size() < 4) {
        const auto length = std::min<std::size_t>(load_big_endian<std::uint16_t>(rest.data()), rest.size() - 2);
        auto member = read_member(rest.subspan(2, length));
        rest = rest.subspan(2 + length);
        if (!member) return 0;
        member->id = "member-" + std::to_string(members.size());
        members.push_back(*std::move(member));
    }
    if (!members.empty()) share(*strategies[data[0] % 5], members);
    return 0;
}

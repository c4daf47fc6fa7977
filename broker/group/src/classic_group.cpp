#include "classic_group.hpp"

#include <algorithm>

namespace weir::group {

namespace {

/// Appends the topics of one consumer protocol subscription; false when the bytes do not read.
bool read_topics(bytes_view subscription, std::set<std::string, std::less<>>& topics) {
    std::size_t at = 2;  // the version: whatever it is, its body begins with version 0's
    const auto left = [&] { return subscription.size() - at; };
    if (subscription.size() < 6) return false;
    const auto count = load_big_endian<std::int32_t>(subscription.data() + at);
    at += 4;
    if (count < 0) return false;
    for (std::int32_t i = 0; i < count; ++i) {
        if (left() < 2) return false;
        const auto length = load_big_endian<std::int16_t>(subscription.data() + at);
        at += 2;
        if (length < 0 || left() < static_cast<std::size_t>(length)) return false;
        topics.emplace(as_text(subscription.subspan(at, static_cast<std::size_t>(length))));
        at += static_cast<std::size_t>(length);
    }
    if (left() < 4) return false;
    const auto user_data = load_big_endian<std::int32_t>(subscription.data() + at);
    at += 4;
    return user_data < 0 || left() >= static_cast<std::size_t>(user_data);
}

}  // namespace

std::string_view to_string(group_state state) noexcept {
    switch (state) {
        case group_state::empty: return "Empty";
        case group_state::preparing_rebalance: return "PreparingRebalance";
        case group_state::completing_rebalance: return "CompletingRebalance";
        case group_state::stable: return "Stable";
    }
    return "Unknown";
}

const bytes& member::metadata(std::string_view protocol) const {
    static const bytes none;
    const auto at = std::ranges::find(protocols, protocol, &member_protocol::name);
    return at == protocols.end() ? none : at->metadata;
}

member* classic_group::find(std::string_view member_id) {
    const auto at = members.find(member_id);
    return at == members.end() ? nullptr : &at->second;
}
const member* classic_group::find(std::string_view member_id) const {
    const auto at = members.find(member_id);
    return at == members.end() ? nullptr : &at->second;
}

std::size_t classic_group::awaiting_join() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(members, [](const auto& entry) { return entry.second.awaits_join(); }));
}

bool classic_group::all_joined() const {
    return pending_members.empty() &&
           std::ranges::all_of(members, [](const auto& entry) { return entry.second.awaits_join(); });
}

milliseconds classic_group::rebalance_timeout() const {
    milliseconds longest{0};
    for (const auto& entry : members) longest = std::max(longest, entry.second.rebalance_timeout);
    return longest;
}

void classic_group::transition(group_state next, timestamp_ms now) {
    previous_state = state;
    state = next;
    state_timestamp = now;
}

member& classic_group::add(member added, std::string_view type) {
    if (members.empty()) protocol_type = std::string{type};
    if (!leader) leader = added.id;
    if (added.instance_id) static_members.insert_or_assign(*added.instance_id, added.id);
    pending_members.erase(added.id);
    std::string key = added.id;
    return members.insert_or_assign(std::move(key), std::move(added)).first->second;
}

void classic_group::remove(const std::string& member_id) {
    const std::string id_kept = member_id;  // NOLINT(performance-unnecessary-copy-initialization): the caller may have passed the id inside the member that goes
    if (const auto at = members.find(id_kept); at != members.end()) {
        if (at->second.instance_id) {
            const auto mapped = static_members.find(*at->second.instance_id);
            if (mapped != static_members.end() && mapped->second == id_kept) static_members.erase(mapped);
        }
        members.erase(at);
    }
    if (is_leader(id_kept)) {
        leader.reset();
        if (!members.empty()) leader = members.begin()->first;
    }
    pending_members.erase(id_kept);
    pending_sync.erase(id_kept);
}

member& classic_group::rename_static(const std::string& old_id, const std::string& new_id) {
    auto node = members.extract(old_id);
    node.key() = new_id;
    node.mapped().id = new_id;
    auto& renamed = members.insert(std::move(node)).position->second;
    if (renamed.instance_id) static_members.insert_or_assign(*renamed.instance_id, new_id);
    if (is_leader(old_id)) leader = new_id;
    if (pending_sync.erase(old_id) != 0) pending_sync.insert(new_id);
    return renamed;
}

bool classic_group::elect_joined_leader() {
    if (!leader) return false;
    if (const auto* current = find(*leader); current && current->awaits_join()) return true;
    for (const auto& [member_id, candidate] : members) {
        if (candidate.awaits_join()) {
            leader = member_id;
            return true;
        }
    }
    return false;
}

bool classic_group::supports(std::string_view type, const std::vector<member_protocol>& protocols) const {
    if (type.empty() || protocols.empty()) return false;
    if (state == group_state::empty) return true;
    // While the first members' JoinGroups wait, all of them may have gone again.
    if (members.empty()) return !protocol_type || *protocol_type == type;
    if (!protocol_type || *protocol_type != type) return false;
    return std::ranges::any_of(protocols, [this](const member_protocol& offered) {
        return std::ranges::all_of(members, [&offered](const auto& entry) {
            return std::ranges::find(entry.second.protocols, offered.name, &member_protocol::name) !=
                   entry.second.protocols.end();
        });
    });
}

std::string classic_group::select_protocol() const {
    std::map<std::string_view, std::size_t> supporters;
    for (const auto& entry : members) {
        for (const auto& listed : entry.second.protocols) ++supporters[listed.name];
    }
    std::map<std::string_view, std::size_t> votes;
    for (const auto& entry : members) {
        for (const auto& listed : entry.second.protocols) {
            if (supporters[listed.name] == members.size()) {
                ++votes[listed.name];
                break;
            }
        }
    }
    const auto best = std::ranges::max_element(votes, {}, [](const auto& entry) { return entry.second; });
    return best == votes.end() ? std::string{} : std::string{best->first};
}

void classic_group::next_generation(timestamp_ms now) {
    // Wraps instead of overflowing; a rebalance a second takes 68 years to get there.
    generation = generation == std::numeric_limits<std::int32_t>::max() ? 1 : generation + 1;
    pending_sync.clear();
    if (members.empty()) {
        protocol.reset();
        leader.reset();
    } else {
        protocol = select_protocol();
    }
    compute_subscribed_topics();
    transition(members.empty() ? group_state::empty : group_state::completing_rebalance, now);
}

void classic_group::compute_subscribed_topics() {
    subscribed_topics.reset();
    if (!is_consumer()) return;
    std::set<std::string, std::less<>> topics;
    for (const auto& entry : members) {
        if (!protocol || !read_topics(entry.second.metadata(*protocol), topics)) return;
    }
    subscribed_topics = std::move(topics);
}

bool classic_group::is_subscribed(std::string_view topic) const {
    return subscribed_topics ? subscribed_topics->contains(topic) : is_consumer();
}

errc classic_group::check_member(std::string_view member_id, const std::optional<std::string>& instance_id) const {
    if (instance_id) {
        const auto mapped = static_members.find(*instance_id);
        if (mapped == static_members.end()) return errc::unknown_member_id;
        if (mapped->second != member_id) return errc::fenced_instance_id;
    }
    return members.contains(member_id) ? errc::none : errc::unknown_member_id;
}

group_snapshot classic_group::snapshot() const {
    group_snapshot out;
    out.id = id;
    out.recorded = recorded;
    out.state = state;
    out.generation = generation;
    out.protocol_type = protocol_type;
    out.protocol = protocol;
    out.leader = leader;
    out.state_timestamp = state_timestamp;
    for (const auto& [member_id, m] : members) {
        group_snapshot::member copy;
        copy.id = member_id;
        copy.instance_id = m.instance_id;
        copy.client_id = m.client_id;
        copy.client_host = m.client_host;
        copy.rebalance_timeout = m.rebalance_timeout;
        copy.session_timeout = m.session_timeout;
        if (protocol) copy.subscription = m.metadata(*protocol);
        copy.assignment = m.assignment;
        out.members.push_back(std::move(copy));
    }
    return out;
}

}  // namespace weir::group

#include <weir/raft/messages.hpp>
#include <weir/raft/types.hpp>

#include <algorithm>

namespace weir::raft {

voter_set::voter_set(std::vector<voter> members) : members_(std::move(members)) {
    std::ranges::sort(members_, {}, &voter::key);
    const auto twice = std::ranges::unique(members_, {}, [](const voter& one) { return one.key.id; });
    members_.erase(twice.begin(), twice.end());
}

const voter* voter_set::find(node_id id) const noexcept {
    for (const auto& one : members_)
        if (one.key.id == id) return &one;
    return nullptr;
}

const voter* voter_set::find(const replica_key& key) const noexcept {
    const auto* one = find(key.id);
    return one && one->key.matches(key) ? one : nullptr;
}

voter_set voter_set::with(voter added) const {
    auto members = without(added.key.id).members_;
    members.push_back(std::move(added));
    return voter_set{std::move(members)};
}

voter_set voter_set::without(node_id removed) const {
    auto copy = *this;
    std::erase_if(copy.members_, [&](const voter& one) { return one.key.id == removed; });
    return copy;
}

bool is_request(const message_body& body) noexcept { return body.index() % 2 == 0; }
static_assert(std::is_same_v<std::variant_alternative_t<14, message_body>, update_voter_request>);

}  // namespace weir::raft

#include <weir/raft/driver.hpp>

#include <boost/json.hpp>

namespace weir::raft {

std::string write_quorum_state(const quorum_state& state) {
    return "{\"leaderId\":" + std::to_string(state.leader_id) + ",\"leaderEpoch\":" + std::to_string(state.leader_epoch) +
           ",\"votedId\":" + std::to_string(state.voted.id) + ",\"votedDirectoryId\":\"" + to_string(state.voted.directory) +
           "\",\"data_version\":1}";
}

result<quorum_state> parse_quorum_state(std::string_view text) {
    const auto bad = [](const std::string& what) { return error{errc::malformed, "quorum-state: " + what}; };
    boost::system::error_code failed;
    const auto parsed = boost::json::parse({text.data(), text.size()}, failed);
    if (failed || !parsed.is_object()) return bad("it is no JSON object");
    const auto& fields = parsed.get_object();
    const auto number = [&](const char* name) -> std::optional<std::int32_t> {
        const auto* value = fields.if_contains(name);
        if (!value || !value->is_int64()) return std::nullopt;
        const auto wide = value->get_int64();
        if (wide < -1 || wide > std::numeric_limits<std::int32_t>::max()) return std::nullopt;
        return static_cast<std::int32_t>(wide);
    };
    const auto version = number("data_version");
    if (!version || *version < 0 || *version > 1)
        return bad("data_version 0 or 1 is wanted; a newer version of Kafka wrote it, or it is damaged");
    const auto leader = number("leaderId");
    const auto epoch = number("leaderEpoch");
    const auto voted = number("votedId");
    if (!leader || !epoch || *epoch < 0 || !voted) return bad("leaderId, leaderEpoch and votedId must be numbers");
    quorum_state state{*leader, *epoch, {*voted, {}}};
    if (const auto* directory = fields.if_contains("votedDirectoryId"); directory && *version == 1) {
        if (!directory->is_string()) return bad("votedDirectoryId must be text");
        const auto& chars = directory->get_string();
        const auto id = parse_uuid(std::string_view{chars.data(), chars.size()});
        if (!id) return bad("votedDirectoryId is no id");
        state.voted.directory = *id;
    }
    return state;
}

}  // namespace weir::raft

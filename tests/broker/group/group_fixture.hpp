// Drives a group_shard by hand: requests, virtual time, and a log that a second shard can be loaded from.
#pragma once
#include <weir/group/group_shard.hpp>

#include <doctest/doctest.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace weir::group::testing {

using namespace std::chrono_literals;

class fake_topics : public topic_directory {
public:
    std::map<std::string, uuid, std::less<>> ids{{"orders", {1, 1}}, {"payments", {1, 2}}};
    std::optional<std::string> name_of(const uuid& id) const override {
        for (const auto& [name, known] : ids) {
            if (known == id) return name;
        }
        return std::nullopt;
    }
    uuid id_of(std::string_view name) const override {
        const auto at = ids.find(name);
        return at == ids.end() ? uuid{} : at->second;
    }
};

/// The consumer protocol's metadata for these topics.
inline bytes subscription(const std::vector<std::string>& topics) {
    bytes out(6);
    store_big_endian(out.data(), std::int16_t{1});
    store_big_endian(out.data() + 2, static_cast<std::int32_t>(topics.size()));
    for (const auto& topic : topics) {
        bytes length(2);
        store_big_endian(length.data(), static_cast<std::int16_t>(topic.size()));
        out.insert(out.end(), length.begin(), length.end());
        const auto text = as_bytes(topic);
        out.insert(out.end(), text.begin(), text.end());
    }
    out.resize(out.size() + 4);  // user data
    return out;
}

struct join_options {
    std::string member_id;
    std::optional<std::string> instance_id;
    std::vector<std::pair<std::string, bytes>> protocols{{"range", subscription({"orders"})}};
    std::string protocol_type = "consumer";
    milliseconds session_timeout = 10s;
    milliseconds rebalance_timeout = 60s;
    std::int16_t version = 9;
    std::string client_id = "client";
    std::string group = "g";
};

struct sync_options {
    std::optional<std::string> instance_id;
    std::map<std::string, std::string> assignments;
    std::int16_t version = 5;
    std::optional<std::string> protocol_type = "consumer";
    std::optional<std::string> protocol = "range";
    std::string group = "g";
};

struct log_entry_for_test {
    std::int64_t producer_id = -1;
    std::optional<record> content;  // else a marker
    bool committed = false;
};

class group_fixture {
public:
    static constexpr timestamp_ms epoch = 1'700'000'000'000;

    explicit group_fixture(group_config config = {}) : config(config), shard(config, topics, 42) {
        shard.loaded(now());
    }

    instant now() const {
        return {time_point{} + elapsed, epoch + std::chrono::duration_cast<milliseconds>(elapsed).count()};
    }

    void append(const std::vector<record>& records, std::int64_t producer_id = -1) {
        for (const auto& r : records) {
            log.push_back({producer_id, r, false});
            const auto value = r.value ? std::optional<bytes_view>{*r.value} : std::nullopt;
            shard.replay(static_cast<std::int64_t>(log.size()) - 1, producer_id, r.key, value);
        }
        collect();
    }
    void end_transaction(std::int64_t producer_id, bool committed) {
        log.push_back({producer_id, std::nullopt, committed});
        shard.replay_marker(producer_id, committed);
    }
    void collect() {
        for (auto& ready : shard.take_replies()) {
            const auto token = static_cast<std::uint64_t>(ready.token);
            if (auto* joined = std::get_if<protocol::join_group_response>(&ready.body)) {
                CHECK_MESSAGE(joins.emplace(token, *joined).second, "a JoinGroup was answered twice");
            } else {
                CHECK_MESSAGE(syncs.emplace(token, std::get<protocol::sync_group_response>(ready.body)).second,
                              "a SyncGroup was answered twice");
            }
        }
    }
    /// What a request decided: appended and replayed; the response given back.
    template <class Response>
    std::optional<Response> take(decision<Response> decided) {
        append(decided.records);
        return std::move(decided.response);
    }

    /// Sends JoinGroup; the response is in joins[token] when it is there.
    std::uint64_t send_join(const join_options& options) {
        protocol::join_group_request request;
        request.group_id = options.group;
        request.session_timeout_ms = static_cast<std::int32_t>(options.session_timeout.count());
        request.rebalance_timeout_ms = static_cast<std::int32_t>(options.rebalance_timeout.count());
        request.member_id = options.member_id;
        request.group_instance_id = options.instance_id;
        request.protocol_type = options.protocol_type;
        for (const auto& [name, metadata] : options.protocols) {
            auto& listed = request.protocols.emplace_back();
            listed.name = name;
            listed.metadata = metadata;
        }
        const auto token = ++last_token;
        auto response = take(
            shard.join_group({options.client_id, "/127.0.0.1", options.version}, request, reply_token{token}, now()));
        if (response) CHECK(joins.emplace(token, *response).second);
        return token;
    }
    /// The same for one that is answered at once.
    protocol::join_group_response join_now(const join_options& options) {
        const auto token = send_join(options);
        REQUIRE(joins.contains(token));
        return joins[token];
    }
    /// The id that a first JoinGroup brings.
    std::string new_member_id(join_options options = {}) {
        const auto response = join_now(options);
        CHECK(errc_from_wire(response.error_code) == errc::member_id_required);
        return response.member_id;
    }
    /// Both steps of joining for a dynamic member; the second is parked.
    std::uint64_t send_first_join(join_options options) {
        options.member_id = new_member_id(options);
        return send_join(options);
    }
    std::uint64_t send_sync(const std::string& member_id, std::int32_t generation, const sync_options& options = {}) {
        protocol::sync_group_request request;
        request.group_id = options.group;
        request.member_id = member_id;
        request.generation_id = generation;
        request.group_instance_id = options.instance_id;
        request.protocol_type = options.protocol_type;
        request.protocol_name = options.protocol;
        for (const auto& [id, assignment] : options.assignments) {
            auto& assigned = request.assignments.emplace_back();
            assigned.member_id = id;
            assigned.assignment = to_bytes(assignment);
        }
        const auto token = ++last_token;
        auto response =
            take(shard.sync_group({"client", "/127.0.0.1", options.version}, request, reply_token{token}, now()));
        if (response) CHECK(syncs.emplace(token, *response).second);
        return token;
    }
    errc heartbeat(const std::string& member_id, std::int32_t generation, std::optional<std::string> instance_id = {}) {
        protocol::heartbeat_request request;
        request.group_id = "g";
        request.member_id = member_id;
        request.generation_id = generation;
        request.group_instance_id = std::move(instance_id);
        return errc_from_wire(take(shard.heartbeat(request, now()))->error_code);
    }
    protocol::leave_group_response leave(
        const std::vector<std::pair<std::string, std::optional<std::string>>>& members) {
        protocol::leave_group_request request;
        request.group_id = "g";
        for (const auto& [id, instance] : members) {
            auto& identity = request.members.emplace_back();
            identity.member_id = id;
            identity.group_instance_id = instance;
        }
        return *take(shard.leave_group({"client", "/127.0.0.1", 5}, request, now()));
    }
    errc leave_one(const std::string& member_id) {
        return errc_from_wire(leave({{member_id, {}}}).members.at(0).error_code);
    }

    /// Members join one after the other, wait out the delay, sync; the group is stable afterwards. By client id.
    std::map<std::string, std::string> stable_group(const std::vector<std::string>& clients,
                                                    join_options options = {}) {
        std::map<std::string, std::string> ids;
        std::vector<std::uint64_t> tokens;
        for (const auto& client : clients) {
            options.client_id = client;
            tokens.push_back(send_first_join(options));
        }
        advance(config.initial_rebalance_delay + 1ms);
        advance(config.initial_rebalance_delay + 1ms);
        for (std::size_t i = 0; i < clients.size(); ++i) {
            REQUIRE(joins.contains(tokens[i]));
            REQUIRE(errc_from_wire(joins[tokens[i]].error_code) == errc::none);
            ids[clients[i]] = joins[tokens[i]].member_id;
        }
        sync_all(ids, joins[tokens[0]].generation_id, joins[tokens[0]].leader);
        return ids;
    }
    void sync_all(const std::map<std::string, std::string>& ids, std::int32_t generation, const std::string& leader) {
        sync_options options;
        for (const auto& [client, id] : ids) options.assignments[id] = "for " + client;
        for (const auto& [client, id] : ids) {
            if (id != leader) send_sync(id, generation);
        }
        const auto token = send_sync(leader, generation, options);
        REQUIRE(syncs.contains(token));
        CHECK(errc_from_wire(syncs[token].error_code) == errc::none);
    }

    /// Lets time pass, stopping at every deadline on the way.
    void advance(nanoseconds by) {
        const auto target = elapsed + by;
        for (auto due = shard.next_deadline(); due && *due <= time_point{} + target; due = shard.next_deadline()) {
            elapsed = std::max(elapsed, *due - time_point{});
            append(shard.tick(now()));
        }
        elapsed = target;
    }

    errc commit(const std::string& topic, std::int32_t partition, std::int64_t offset,
                const std::string& member_id = "", std::int32_t generation = -1, std::int16_t version = 9,
                std::string metadata = "", const std::string& group = "g") {
        protocol::offset_commit_request request;
        request.group_id = group;
        request.member_id = member_id;
        request.generation_id_or_member_epoch = generation;
        auto& listed = request.topics.emplace_back();
        listed.name = topic;
        auto& one = listed.partitions.emplace_back();
        one.partition_index = partition;
        one.committed_offset = offset;
        one.committed_leader_epoch = 7;
        one.committed_metadata = std::move(metadata);
        const auto response = *take(shard.offset_commit({"client", "/127.0.0.1", version}, request, now()));
        return errc_from_wire(response.topics.at(0).partitions.at(0).error_code);
    }
    protocol::offset_fetch_response::offset_fetch_response_partitions fetch(const std::string& topic,
                                                                            std::int32_t partition,
                                                                            bool require_stable = false) const {
        protocol::offset_fetch_request::offset_fetch_request_group request;
        request.group_id = "g";
        auto& asked = request.topics->emplace_back();
        asked.name = topic;
        asked.partition_indexes = {partition};
        return shard.offset_fetch(request, 9, require_stable).topics.at(0).partitions.at(0);
    }

    /// A shard that saw nothing but the log.
    group_shard replayed() const {
        group_shard fresh{config, topics, 7};
        for (std::size_t i = 0; i < log.size(); ++i) {
            const auto& entry = log[i];
            if (!entry.content) {
                fresh.replay_marker(entry.producer_id, entry.committed);
                continue;
            }
            const auto value = entry.content->value ? std::optional<bytes_view>{*entry.content->value} : std::nullopt;
            fresh.replay(static_cast<std::int64_t>(i), entry.producer_id, entry.content->key, value);
        }
        return fresh;
    }
    /// What must be the same after a reload: groups between rebalances, and every offset.
    void check_reload() const {
        const auto fresh = replayed();
        for (const auto& group : shard.groups()) {
            if (!group.recorded) continue;
            const auto again = fresh.find(group.id);
            REQUIRE_MESSAGE(again, "group " << group.id << " is not in the log");
            if (group.state == group_state::stable || group.state == group_state::empty) CHECK(*again == group);
        }
        for (const auto& group : fresh.groups()) CHECK_MESSAGE(shard.find(group.id), group.id << " should be gone");
        CHECK(fresh.counters().offsets == shard.counters().offsets);
    }
    group_state state() const {
        const auto found = shard.find("g");
        REQUIRE_MESSAGE(found, "the group is gone");
        return found->state;
    }

    group_config config;
    fake_topics topics;
    nanoseconds elapsed{0};
    group_shard shard;
    std::vector<log_entry_for_test> log;
    std::map<std::uint64_t, protocol::join_group_response> joins;
    std::map<std::uint64_t, protocol::sync_group_response> syncs;
    std::uint64_t last_token = 0;
};

inline errc code_of(const protocol::join_group_response& response) { return errc_from_wire(response.error_code); }
inline errc code_of(const protocol::sync_group_response& response) { return errc_from_wire(response.error_code); }

}  // namespace weir::group::testing

namespace doctest {
template <>
struct StringMaker<weir::errc> {
    static String convert(weir::errc code) {
        const auto name = weir::describe(code).name;
        return String(name.data(), static_cast<unsigned>(name.size()));
    }
};
template <>
struct StringMaker<weir::group::group_state> {
    static String convert(weir::group::group_state state) {
        const auto name = weir::group::to_string(state);
        return String(name.data(), static_cast<unsigned>(name.size()));
    }
};
}  // namespace doctest

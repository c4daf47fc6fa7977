// The words the group coordinator's pure core speaks: records, decisions, deferred answers, the time.
#pragma once
#include <weir/base/bytes.hpp>
#include <weir/base/time.hpp>
#include <weir/base/uuid.hpp>
#include <weir/protocol/messages/join_group.hpp>
#include <weir/protocol/messages/sync_group.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace weir::group {

/// Now, on both clocks: deadlines follow the steady one, timestamps in records the wall clock.
struct instant {
    time_point steady;
    timestamp_ms wall = 0;
};

/// Who asks, as far as groups care.
struct request_context {
    std::string client_id;
    std::string client_host;  ///< as Kafka shows it: "/127.0.0.1"
    std::int16_t api_version = 0;
};

/// One record for `__consumer_offsets`, key and value with their leading int16. No value: a tombstone.
struct record {
    bytes key;
    std::optional<bytes> value;
    bool operator==(const record&) const = default;
};

/// What a request leads to. The caller appends the records, replays them at once, and lets the answer go when they (and
/// what was appended before) are committed. No response: it comes later, from take_replies(), under the token given.
template <class Response>
struct decision {
    std::vector<record> records;
    std::optional<Response> response;
};

/// Names a JoinGroup or SyncGroup request whose answer may come later. Chosen by the caller, unique per shard.
enum class reply_token : std::uint64_t { none = 0 };

/// A deferred answer that is ready. It, too, leaves only when everything appended so far is committed.
struct reply {
    reply_token token = reply_token::none;
    std::variant<protocol::join_group_response, protocol::sync_group_response> body;
};

/// Topic names and ids, as the metadata image of this moment knows them.
class topic_directory {
public:
    virtual ~topic_directory() = default;
    /// nullopt when no topic has that id.
    virtual std::optional<std::string> name_of(const uuid& id) const = 0;
    /// Zero when there is no such topic.
    virtual uuid id_of(std::string_view name) const = 0;
};

}  // namespace weir::group

// What one broker is asked to send: an incremental fetch session (KIP-227), so that a request names only what changed.
#pragma once
#include <weir/base/uuid.hpp>
#include <weir/protocol/messages/fetch.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace weir::detail {

/// What is wanted of one partition.
struct fetch_want {
    std::int64_t offset = 0;
    std::int32_t leader_epoch = -1;
    std::int32_t max_bytes = 0;
    friend bool operator==(const fetch_want&, const fetch_want&) = default;
};

/// No sockets, no clock: told what is wanted, it makes requests, and learns from the answers what the broker knows. The
/// work of a request is that of what changed since the last. At most one request is under way.
class fetch_session {
public:
    using number = std::uint32_t;  ///< the caller's name for a partition

    void want(number who, const std::string& topic, const uuid& topic_id, std::int32_t partition, const fetch_want& what);
    void drop(number who);
    bool wants(number who) const noexcept { return who < entries_.size() && entries_[who].wanted; }
    bool empty() const noexcept { return wanted_ == 0; }
    std::size_t size() const noexcept { return wanted_; }
    /// Every topic has an id: version 13 and later may be used.
    bool all_ids() const noexcept { return without_id_ == 0; }

    /// The topics of a request, full or incremental, with session id and epoch. `by_id`: as version 13 needs it. Either
    /// answered() or failed() follows.
    void ask(protocol::fetch_request& into, bool by_id);
    /// The broker took it: its session is this one, 0 meaning that it keeps none.
    void answered(std::int32_t session_id);
    /// It may not have, or it does not know the session: the next request is a full one.
    void failed(bool session_is_gone = false);

    /// A request that ends the session at the broker; false: it keeps none.
    bool end(protocol::fetch_request& into);

    /// Which partition an answer is about; -1: none of ours, or something else is wanted of it by now.
    std::int64_t find(const std::string& topic, const uuid& topic_id, std::int32_t partition) const;

private:
    struct entry {
        std::string topic;
        uuid topic_id;
        std::int32_t partition = 0;
        fetch_want what;
        bool wanted = false;
        bool known = false;    // in the broker's session
        bool changed = false;  // listed in changed_
        bool forget = false;   // listed in forgotten_
    };
    static void put(protocol::fetch_request& into, const entry& of, bool by_id);

    std::vector<entry> entries_;  // by number
    std::map<std::string, std::map<std::int32_t, number>, std::less<>> names_;
    std::map<uuid, std::string> ids_;
    std::vector<number> changed_;
    std::vector<number> forgotten_;
    std::size_t wanted_ = 0;
    std::size_t without_id_ = 0;
    std::int32_t id_ = 0;
    std::int32_t epoch_ = 0;  // 0: the next request is full
    bool full_ = false;       // the one under way
    bool renewed_ = false;    // failed() since ask(): whatever the answer says, the next one is full
};

}  // namespace weir::detail

// Incremental fetch sessions (KIP-227): what a client fetches is remembered, and only news is answered.
#pragma once
#include <weir/base/errc.hpp>
#include <weir/base/random.hpp>
#include <weir/base/time.hpp>
#include <weir/protocol/messages/fetch.hpp>

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace weir::server {

/// A partition as a fetch names it: by id from version 13 on, by name before.
struct fetch_target {
    uuid topic_id;
    std::string topic;
    std::int32_t partition = 0;
    bool operator==(const fetch_target&) const = default;
};

struct fetch_target_hash {
    std::size_t operator()(const fetch_target& target) const noexcept {
        return std::hash<uuid>{}(target.topic_id) ^ std::hash<std::string>{}(target.topic) ^
               (static_cast<std::size_t>(target.partition) * 0x9e3779b97f4a7c15);
    }
};

/// One partition of a session (or of a request without one), and what its client was told last.
struct fetch_position {
    fetch_target target;
    std::int64_t fetch_offset = 0;
    std::int32_t max_bytes = 0;
    std::int32_t current_leader_epoch = -1;
    std::int32_t last_fetched_epoch = -1;
    std::int64_t told_high_watermark = -1;
    std::int64_t told_log_start = -1;
};

/// In the order of serving: a partition that was answered with records goes to the end, so that none starves. Each is there
/// once; what was said last of it counts.
class fetch_positions {
public:
    using list = std::list<fetch_position>;
    using iterator = list::iterator;
    fetch_positions() = default;
    fetch_positions(fetch_positions&&) = default;  // a copy's index would point into the original
    fetch_positions& operator=(fetch_positions&&) = default;

    void put(fetch_position wanted);
    void forget(const fetch_target& target);
    /// end() when it is not there.
    iterator find(const fetch_target& target);
    void move_to_end(iterator position) { order_.splice(order_.end(), order_, position); }
    iterator begin() noexcept { return order_.begin(); }
    iterator end() noexcept { return order_.end(); }
    std::size_t size() const noexcept { return order_.size(); }

private:
    struct target_of {
        using is_transparent = void;
        static const fetch_target& get(const fetch_target& target) noexcept { return target; }  // NOLINT: it outlives the look-up
        static const fetch_target& get(const iterator& position) noexcept { return position->target; }
        std::size_t operator()(const auto& which) const noexcept { return fetch_target_hash{}(get(which)); }
        bool operator()(const auto& left, const auto& right) const noexcept { return get(left) == get(right); }
    };
    list order_;
    std::unordered_set<iterator, target_of, target_of> index_;
};

class fetch_session {
public:
    fetch_session(std::int32_t id, bool by_id, time_point now) : id_(id), by_id_(by_id), created_(now), used_(now) {}

    std::int32_t id() const noexcept { return id_; }
    bool by_id() const noexcept { return by_id_; }
    fetch_positions positions;

private:
    friend class fetch_session_cache;
    std::int32_t id_;
    bool by_id_;
    std::int32_t expected_epoch_ = 1;
    time_point created_;
    time_point used_;
};

/// What a fetch request turned out to be.
struct fetch_plan {
    errc code = errc::none;                  ///< fetch_session_id_not_found, invalid_fetch_session_epoch, fetch_session_topic_id_error
    std::shared_ptr<fetch_session> session;  ///< null: a fetch without a session
    bool incremental = false;                ///< answer only what is new
    fetch_positions positions;               ///< of a fetch without a session
    std::int32_t ended_elsewhere = 0;        ///< the session of another core that the request ends; 0: none
    std::int32_t answer_session_id() const noexcept { return session ? session->id() : 0; }
    fetch_positions& wanted() noexcept { return session ? session->positions : positions; }
};

/// The sessions of one core of `cores`; at most `slots`. Belongs to one event loop. A session's id names its core: clients end
/// sessions by connections other than those they were opened on.
class fetch_session_cache {
public:
    fetch_session_cache(std::size_t slots, random_source& random, std::size_t core = 0, std::size_t cores = 1)
        : slots_(slots), random_(random), core_(static_cast<std::int32_t>(core)), cores_(static_cast<std::int32_t>(cores)) {}
    fetch_plan plan(const protocol::fetch_request& request, std::int16_t version, time_point now);
    void end(std::int32_t id) { sessions_.erase(id); }
    std::size_t core_of(std::int32_t id) const noexcept { return static_cast<std::size_t>(id % cores_); }
    std::size_t size() const noexcept { return sessions_.size(); }
    std::size_t partitions() const noexcept;
    std::uint64_t evictions() const noexcept { return evictions_; }

private:
    std::shared_ptr<fetch_session> create(bool by_id, std::size_t partitions, time_point now);
    bool make_room(std::size_t for_partitions, time_point now);

    std::size_t slots_;
    random_source& random_;
    const std::int32_t core_;
    const std::int32_t cores_;
    std::uint64_t evictions_ = 0;
    std::unordered_map<std::int32_t, std::shared_ptr<fetch_session>> sessions_;
};

}  // namespace weir::server

// How many connections there may be, in all, from one address and on one listener, and how fast they may come.
#pragma once
#include <weir/base/time.hpp>
#include <weir/server/server_config.hpp>

#include <algorithm>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace weir::server {

/// Asked by every core when a connection comes or goes: rare enough for a lock. As in Kafka, one too many from an address is
/// refused, and one too many in all or on its listener waits until another leaves. A reserved listener knows no limit of
/// all: what comes there pushes out connections of others (over_limit), so that operators get in when clients fill the broker.
class admission {
public:
    explicit admission(const server_config& config) { limit(config); }

    /// Before anybody comes.
    void reserve(const std::string& listener) { doors_[listener].reserved = true; }

    enum class entry : std::uint8_t { admitted, waits, refused };
    struct answer {
        entry what = entry::admitted;
        std::string why;  ///< it waits, or is refused
    };
    /// `core` is told when one that waits may come in.
    answer admit(const std::string& address, const std::string& listener, std::size_t core = 0) {
        const std::lock_guard lock{mutex_};
        auto& where = doors_[listener];
        if (auto why = too_many_from(address); !why.empty()) return {entry::refused, std::move(why)};
        auto full = no_room(listener, where);
        if (full.empty()) {
            count(address, where);
            return {};
        }
        // As many as the system would keep waiting if we accepted none.
        if (where.waiting >= most_waiting_) return {entry::refused, full + ", and " + std::to_string(where.waiting) + " connections wait already (socket.listen.backlog.size)"};
        ++where.waiting;
        queue_.push_back({core, address, listener, {}});
        return {entry::waits, std::move(full)};
    }
    /// One that waited and whose turn it is: it is counted from now on, unless `refused` says why not.
    struct entrant {
        std::size_t core;
        std::string address, listener;
        std::string refused;
    };
    /// A connection has ended; who comes in in its place.
    std::vector<entrant> leave(const std::string& address, const std::string& listener) {
        const std::lock_guard lock{mutex_};
        --total_;
        --doors_[listener].count;
        if (const auto known = per_ip_.find(address); known != per_ip_.end() && --known->second == 0) per_ip_.erase(known);
        return next_ones();
    }
    /// Those there are stay, but for over_limit(); who comes in as there is room now.
    std::vector<entrant> set_limits(const server_config& config) {
        const std::lock_guard lock{mutex_};
        limit(config);
        return next_ones();
    }
    /// Connections of listeners that are not reserved have to go: max.connections was lowered, or a reserved one took a place.
    bool over_limit() const {
        const std::lock_guard lock{mutex_};
        return total_ > total_limit_;
    }
    /// How long a connection that comes `now` waits for its turn. A second's worth may come at once.
    nanoseconds turn_of_next(time_point now, const std::string& listener) {
        const std::lock_guard lock{mutex_};
        return std::max(turns_.take(now), doors_[listener].turns.take(now));
    }

private:
    struct turnstile {
        std::int32_t rate = INT32_MAX;
        time_point next{};

        nanoseconds take(time_point now) {
            if (rate == INT32_MAX) return nanoseconds{0};
            constexpr nanoseconds second{1'000'000'000};
            // Kafka throttles for no longer than the second it measures: with a rate of 0 every connection waits so long.
            next = rate == 0 ? std::max(next, now) + second : std::max(next, now - second) + second / rate;
            return std::max(next - now, nanoseconds{0});
        }
    };
    struct door {
        std::int32_t limit = INT32_MAX;
        std::int32_t count = 0;
        std::int32_t waiting = 0;
        bool reserved = false;
        turnstile turns;
    };

    void limit(const server_config& config) {
        total_limit_ = config.max_connections;
        per_ip_limit_ = config.max_connections_per_ip;
        most_waiting_ = config.socket_listen_backlog_size;
        overrides_ = ip_overrides(config);
        turns_.rate = config.max_connection_creation_rate;
        for (const auto& [name, limits] : config.limits_of_listeners) {
            auto& where = doors_[name];
            where.limit = limits.max_connections;
            where.turns.rate = limits.max_connection_creation_rate;
        }
    }
    std::string too_many_from(const std::string& address) const {
        const auto override = overrides_.find(address);
        const auto limit = override == overrides_.end() ? per_ip_limit_ : override->second;
        const auto known = per_ip_.find(address);
        if ((known == per_ip_.end() ? 0 : known->second) < limit) return {};
        return "max.connections.per.ip=" + std::to_string(limit) + " is reached for " + address;
    }
    std::string no_room(const std::string& listener, const door& where) const {
        if (where.count >= where.limit) return listener_prefix(listener) + "max.connections=" + std::to_string(where.limit) + " is reached";
        if (where.reserved || total_ < total_limit_) return {};
        return "max.connections=" + std::to_string(total_limit_) + " is reached";
    }
    void count(const std::string& address, door& where) {
        ++total_;
        ++where.count;
        ++per_ip_[address];
    }
    std::vector<entrant> next_ones() {
        std::vector<entrant> now;
        for (auto each = queue_.begin(); each != queue_.end();) {
            auto& where = doors_[each->listener];
            if (!no_room(each->listener, where).empty()) {
                ++each;
                continue;
            }
            each->refused = too_many_from(each->address);
            if (each->refused.empty()) count(each->address, where);
            --where.waiting;
            now.push_back(std::move(*each));
            each = queue_.erase(each);
        }
        return now;
    }

    mutable std::mutex mutex_;
    std::int32_t total_limit_ = 0;
    std::int32_t per_ip_limit_ = 0;
    std::int32_t most_waiting_ = 0;
    turnstile turns_;
    std::map<std::string, door> doors_;  // by listener
    std::map<std::string, std::int32_t> overrides_;
    std::map<std::string, std::int32_t> per_ip_;
    std::int32_t total_ = 0;
    std::list<entrant> queue_;  // in the order they came
};

}  // namespace weir::server

// How many connections there may be, in all, from one address and on one listener, and how fast they may come.
#pragma once
#include <weir/base/time.hpp>
#include <weir/server/server_config.hpp>

#include <algorithm>
#include <map>
#include <mutex>
#include <string>

namespace weir::server {

/// Asked by every core when a connection comes or goes: rare enough for a lock.
class admission {
public:
    explicit admission(const server_config& config) { set_limits(config); }

    /// For connections to come; those there are stay.
    void set_limits(const server_config& config) {
        const std::lock_guard lock{mutex_};
        total_limit_ = config.max_connections;
        per_ip_limit_ = config.max_connections_per_ip;
        overrides_ = ip_overrides(config);
        turns_.rate = config.max_connection_creation_rate;
        for (const auto& [name, limits] : config.limits_of_listeners) {
            auto& door = doors_[name];
            door.limit = limits.max_connections;
            door.turns.rate = limits.max_connection_creation_rate;
        }
    }
    /// Empty when the connection may stay, else why not.
    std::string admit(const std::string& address, const std::string& listener) {
        const std::lock_guard lock{mutex_};
        auto& door = doors_[listener];
        if (total_ >= total_limit_) return "max.connections=" + std::to_string(total_limit_) + " is reached";
        if (door.count >= door.limit) return listener_prefix(listener) + "max.connections=" + std::to_string(door.limit) + " is reached";
        const auto override = overrides_.find(address);
        const auto limit = override == overrides_.end() ? per_ip_limit_ : override->second;
        const auto known = per_ip_.find(address);
        if ((known == per_ip_.end() ? 0 : known->second) >= limit) return "max.connections.per.ip=" + std::to_string(limit) + " is reached for " + address;
        ++total_;
        ++door.count;
        ++per_ip_[address];
        return {};
    }
    void leave(const std::string& address, const std::string& listener) {
        const std::lock_guard lock{mutex_};
        --total_;
        --doors_[listener].count;
        if (const auto known = per_ip_.find(address); known != per_ip_.end() && --known->second == 0) per_ip_.erase(known);
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
            next = std::max(next, now - second) + second / rate;
            return std::max(next - now, nanoseconds{0});
        }
    };
    struct door {
        std::int32_t limit = INT32_MAX;
        std::int32_t count = 0;
        turnstile turns;
    };

    std::mutex mutex_;
    std::int32_t total_limit_ = 0;
    std::int32_t per_ip_limit_ = 0;
    turnstile turns_;
    std::map<std::string, door> doors_;  // by listener
    std::map<std::string, std::int32_t> overrides_;
    std::map<std::string, std::int32_t> per_ip_;
    std::int32_t total_ = 0;
};

}  // namespace weir::server

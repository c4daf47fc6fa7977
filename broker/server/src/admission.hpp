// How many connections there may be, in all and from one address.
#pragma once
#include <weir/server/server_config.hpp>

#include <map>
#include <mutex>
#include <string>

namespace weir::server {

/// Asked by every core when a connection comes or goes: rare enough for a lock.
class admission {
public:
    admission(const server_config& config, std::map<std::string, std::int32_t> per_ip_overrides)
        : total_limit_(config.max_connections), per_ip_limit_(config.max_connections_per_ip), overrides_(std::move(per_ip_overrides)) {}

    /// Empty when the connection may stay, else why not.
    std::string admit(const std::string& address) {
        const std::lock_guard lock{mutex_};
        if (total_ >= total_limit_) return "max.connections=" + std::to_string(total_limit_) + " is reached";
        const auto override = overrides_.find(address);
        const auto limit = override == overrides_.end() ? per_ip_limit_ : override->second;
        const auto known = per_ip_.find(address);
        if ((known == per_ip_.end() ? 0 : known->second) >= limit) return "max.connections.per.ip=" + std::to_string(limit) + " is reached for " + address;
        ++total_;
        ++per_ip_[address];
        return {};
    }
    void leave(const std::string& address) {
        const std::lock_guard lock{mutex_};
        --total_;
        if (const auto known = per_ip_.find(address); known != per_ip_.end() && --known->second == 0) per_ip_.erase(known);
    }

private:
    std::mutex mutex_;
    std::int32_t total_limit_;
    std::int32_t per_ip_limit_;
    std::map<std::string, std::int32_t> overrides_;
    std::map<std::string, std::int32_t> per_ip_;
    std::int32_t total_ = 0;
};

}  // namespace weir::server

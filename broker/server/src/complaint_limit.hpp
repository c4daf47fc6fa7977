// Lines about clients that misbehave: each is told, and who goes on and on does not fill the log.
#pragma once
#include <weir/base/log.hpp>
#include <weir/base/time.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <unordered_map>

namespace weir::server {

/// Of one core. An address may cause `burst` lines at once and one more a second; the next line tells how many were left
/// out. Many addresses share what one may cause beyond a few hundred of them.
class complaint_limit {
public:
    static constexpr int burst = 10;

    /// `line` makes the text, and is called only when it will be written.
    template <class Line>
    void tell(const log::logger& log, const std::string& address, time_point now, Line line) {
        if (known_.size() >= most_addresses && !known_.contains(address)) forget(now);
        auto& who = known_[known_.size() < most_addresses || known_.contains(address) ? address : std::string{}];
        who.free_at = std::max(who.free_at, now - burst * second);
        if (who.free_at > now - second) {
            ++who.left_out;
            return;
        }
        who.free_at += second;
        std::string text = line();
        if (who.left_out > 0) text += "; " + std::to_string(who.left_out) + " lines about this address were left out before";
        who.left_out = 0;
        log.warn(text);
    }

private:
    static constexpr std::size_t most_addresses = 256;
    static constexpr nanoseconds second{1'000'000'000};
    struct caller {
        time_point free_at = time_point::min();  // each line moves it by a second
        std::uint64_t left_out = 0;
    };
    void forget(time_point now) {
        std::erase_if(known_, [&](const auto& each) { return each.second.free_at <= now - burst * second; });
    }
    std::unordered_map<std::string, caller> known_;
};

}  // namespace weir::server

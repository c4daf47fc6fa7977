// The queue of misfortunes behind scripted_faults, asked by every request.
#pragma once
#include <weir/protocol/api_keys.hpp>
#include <weir/server/request_faults.hpp>

#include <deque>
#include <map>
#include <mutex>

namespace weir::broker {

class fault_script final : public server::request_faults {
public:
    fate fate_of(protocol::api_key api) override;
    void fail(protocol::api_key api, errc with, int times);
    void delay(protocol::api_key api, nanoseconds by, int times);
    void lose_answer(protocol::api_key api, int times);
    void clear();
    std::uint64_t requests(protocol::api_key api);

private:
    template <class What>
    struct turn {
        What what;
        int left;
    };
    struct fates {
        std::deque<turn<errc>> refusals;
        std::deque<turn<nanoseconds>> delays;
        int lost_answers = 0;
        std::uint64_t requests = 0;
    };
    std::mutex mutex_;
    std::map<protocol::api_key, fates> all_;
};

/// Throws weir::exception for a name that is no API of the broker.
protocol::api_key api_named(std::string_view name);

}  // namespace weir::broker

#include "fault_script.hpp"

#include <weir/base/error.hpp>
#include <weir/base/setting.hpp>
#include <weir/broker/scripted_faults.hpp>

#include <string>
#include <vector>

namespace weir::broker {

protocol::api_key api_named(std::string_view name) {
    std::vector<std::string_view> names;
    for (const auto& api : protocol::all_apis()) {
        if (!server::is_served(api.key)) continue;
        if (api.name == name) return api.key;
        names.push_back(api.name);
    }
    const auto nearest = nearest_name(name, names);
    throw exception{error{errc::invalid_setting, "this broker has no request '" + std::string{name} + "'" +
                                                     (nearest ? "; did you mean '" + std::string{*nearest} + "'?" : std::string{})}};
}

namespace {

/// What the first entry of the queue says, once less.
template <class Queue, class Value>
Value next_of(Queue& queue, Value otherwise) {
    if (queue.empty()) return otherwise;
    const auto what = queue.front().what;
    if (--queue.front().left == 0) queue.pop_front();
    return what;
}

void check_times(int times) {
    if (times < 1) throw exception{error{errc::invalid_setting, "times=" + std::to_string(times) + ": allowed is at least 1"}};
}

}  // namespace

server::request_faults::fate fault_script::fate_of(protocol::api_key api) {
    const std::lock_guard held{mutex_};
    auto& mine = all_[api];
    ++mine.requests;
    fate drawn;
    drawn.refusal = next_of(mine.refusals, errc::none);
    drawn.delay = next_of(mine.delays, nanoseconds{0});
    if (mine.lost_answers > 0) {
        --mine.lost_answers;
        drawn.answer_is_lost = true;
    }
    return drawn;
}

void fault_script::fail(protocol::api_key api, errc with, int times) {
    const std::lock_guard held{mutex_};
    all_[api].refusals.push_back({with, times});
}

void fault_script::delay(protocol::api_key api, nanoseconds by, int times) {
    const std::lock_guard held{mutex_};
    all_[api].delays.push_back({by, times});
}

void fault_script::lose_answer(protocol::api_key api, int times) {
    const std::lock_guard held{mutex_};
    all_[api].lost_answers += times;
}

void fault_script::clear() {
    const std::lock_guard held{mutex_};
    for (auto& [api, mine] : all_) {
        mine.refusals.clear();
        mine.delays.clear();
        mine.lost_answers = 0;
    }
}

std::uint64_t fault_script::requests(protocol::api_key api) {
    const std::lock_guard held{mutex_};
    return all_[api].requests;
}

scripted_faults::scripted_faults() : script_(std::make_unique<fault_script>()) {}
scripted_faults::~scripted_faults() = default;

void scripted_faults::fail_next(std::string_view api, errc with, int times) {
    check_times(times);
    if (with == errc::none) throw exception{error{errc::invalid_setting, std::string{api} + ": errc::none is no failure"}};
    script_->fail(api_named(api), with, times);
}
void scripted_faults::delay_next(std::string_view api, nanoseconds by, int times) {
    check_times(times);
    script_->delay(api_named(api), by, times);
}
void scripted_faults::lose_next_answer(std::string_view api, int times) {
    check_times(times);
    script_->lose_answer(api_named(api), times);
}
void scripted_faults::clear_faults() { script_->clear(); }
std::uint64_t scripted_faults::requests(std::string_view api) const { return script_->requests(api_named(api)); }

}  // namespace weir::broker

// What may happen to requests on their way, when a test wants it to.
#pragma once
#include <weir/base/errc.hpp>
#include <weir/base/time.hpp>

#include <cstdint>
#include <memory>
#include <string_view>

namespace weir::broker {

class fault_script;

/// The broker is the real one; these reach into its request path. `api` is Kafka's name of the request: "Produce", "Fetch",
/// "JoinGroup"; an API that the broker does not serve throws weir::exception with the nearest name. What was scripted first
/// happens first, each kind in a queue of its own: a request may be late and fail. Any thread.
class scripted_faults {
public:
    /// The next `times` requests are answered with `with` for everything they ask, and are not carried out. With
    /// errc::network_exception they get no answer: their connection ends.
    void fail_next(std::string_view api, errc with, int times = 1);
    /// The next `times` requests are carried out at once, and their answers come `by` later.
    void delay_next(std::string_view api, nanoseconds by, int times = 1);
    /// The next `times` requests are carried out, and their connection ends before the answer: the client cannot know.
    void lose_next_answer(std::string_view api, int times = 1);
    /// What was scripted and has not happened will not.
    void clear_faults();
    /// Requests of this kind that came so far, those that failed included.
    std::uint64_t requests(std::string_view api) const;

protected:
    scripted_faults();
    ~scripted_faults();
    scripted_faults(const scripted_faults&) = delete;
    scripted_faults& operator=(const scripted_faults&) = delete;
    fault_script& script() noexcept { return *script_; }

private:
    std::unique_ptr<fault_script> script_;
};

}  // namespace weir::broker

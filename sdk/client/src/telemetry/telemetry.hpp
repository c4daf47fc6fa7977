// Pushes a client's metrics to the brokers that ask for them (KIP-714).
#pragma once
#include "../cluster.hpp"
#include "../op_state.hpp"
#include "push_window.hpp"
#include "telemetry_session.hpp"

namespace weir::detail {

/// Lives on the client's loop; its coroutines keep it alive. Until a connection shows a broker that has the APIs it does
/// nothing, and then one timer is armed: for the next question or the next push.
class telemetry : public std::enable_shared_from_this<telemetry> {
public:
    telemetry(std::shared_ptr<cluster> view, std::string client_id, std::uint64_t seed);

    void connected(const connection_ptr& link);
    /// Asks for the id when there is none yet. errc::unsupported_version: the brokers do not ask for metrics.
    void instance_id(std::shared_ptr<op_state<uuid>> done);
    /// Pushes a last time where that is due, which takes at most a second, and then calls `done`.
    void close(function<void()> done);

private:
    void arm();
    static task<void> take_step(std::shared_ptr<telemetry> self);
    static task<void> ask(std::shared_ptr<telemetry> self, connection_ptr link);
    static task<void> push(std::shared_ptr<telemetry> self, connection_ptr link, bool last);
    static task<void> push_last(std::shared_ptr<telemetry> self);
    void tell_instance(const error& why);
    void tell_closed();

    std::shared_ptr<cluster> view_;
    std::string client_id_;
    telemetry_session session_;
    push_window window_;
    std::vector<std::shared_ptr<op_state<uuid>>> asked_for_id_;
    std::vector<function<void()>> closed_;
    timer_id timer_ = timer_id::none;
    bool busy_ = false;
    bool closing_ = false;
};

}  // namespace weir::detail

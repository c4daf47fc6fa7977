// What the copies of an admin share, and the way from an operation to its op.
#pragma once
#include "../op_state.hpp"
#include "call.hpp"

#include <weir/admin.hpp>

namespace weir::detail {

/// Ends the op even when the coroutine is dropped together with its loop.
template <class T>
class op_ending {
public:
    explicit op_ending(std::shared_ptr<op_state<T>> of) noexcept : of_(std::move(of)) {}
    op_ending(const op_ending&) = delete;
    op_ending& operator=(const op_ending&) = delete;
    ~op_ending() { if (of_) of_->complete(error{errc::closed, "the client is closed"}); }
    void complete(result<T> outcome) { std::exchange(of_, nullptr)->complete(std::move(outcome)); }

private:
    std::shared_ptr<op_state<T>> of_;
};

template <class T>
task<void> run_operation(task<result<T>> work, std::shared_ptr<op_state<T>> into) {
    op_ending<T> ending{std::move(into)};
    auto outcome = co_await work;
    ending.complete(std::move(outcome));
}

class admin_core {
public:
    admin_core(const client& on, int retries) : client_(on), retries_(retries), of_controllers_(client_.core().settings().given.find("bootstrap.controllers") != nullptr) {}

    call_ptr begin(std::string_view name, duration timeout) const {
        const auto& view = client_.core().view();
        return std::make_shared<admin_call>(admin_call{view, name, timeout, view->loop().now() + timeout, retries_, of_controllers_, of_controllers_});
    }
    template <class T>
    op<T> run(task<result<T>> work) const {
        auto state = std::make_shared<op_state<T>>(client_.core().strand());
        client_.core().loop().post([work = std::move(work), state]() mutable { spawn(run_operation(std::move(work), std::move(state))); });
        return op<T>{std::move(state)};
    }
    /// What telemetry calls this client, once known. On the loop.
    const std::shared_ptr<uuid>& instance() const noexcept { return instance_; }

private:
    client client_;
    int retries_;
    bool of_controllers_;
    std::shared_ptr<uuid> instance_ = std::make_shared<uuid>();
};

}  // namespace weir::detail

// The doorbell of loops on which no signal arrives.
#pragma once
#include <weir/base/event_loop.hpp>

#include <memory>
#include <utility>

namespace weir::sim {

/// Posts its step.
class posted_doorbell final : public doorbell {
public:
    posted_doorbell(event_loop& on, function<void()> step) : loop_(on), bell_(std::make_shared<bell>(std::move(step))) {}
    void ring() noexcept override {
        if (std::exchange(bell_->rung, true)) return;
        loop_.post([weak = std::weak_ptr{bell_}] {
            const auto here = weak.lock();
            if (!here) return;
            here->rung = false;
            here->step();
        });
    }

private:
    struct bell {
        explicit bell(function<void()> what) : step(std::move(what)) {}
        function<void()> step;
        bool rung = false;
    };
    event_loop& loop_;
    std::shared_ptr<bell> bell_;
};

}  // namespace weir::sim

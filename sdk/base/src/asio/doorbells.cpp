#include "doorbells.hpp"

#include "loop.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <system_error>

namespace weir::detail {
namespace {

int open_eventfd() {
    const int opened = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (opened < 0) throw std::system_error{errno, std::generic_category(), "eventfd"};
    return opened;
}

}  // namespace

class doorbells::handle final : public doorbell {
public:
    handle(int rings_at, std::shared_ptr<bell> what) : rings_at_(rings_at), bell_(std::move(what)) {}
    void ring() noexcept override {
        if (bell_->rung.exchange(true)) return;
        const int before = errno;  // a signal handler leaves it as it was
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto written = ::write(rings_at_, &one, sizeof one);  // full means that the loop is told already
        errno = before;
    }

private:
    int rings_at_;
    std::shared_ptr<bell> bell_;
};

doorbells::doorbells(asio_loop& loop) : loop_(loop), rung_(loop.io(), open_eventfd()) {}

std::unique_ptr<doorbell> doorbells::hang(function<void()> step) {
    auto made = std::make_shared<bell>(std::move(step));
    loop_.post([this, weak = std::weak_ptr{made}] {
        if (all_.empty()) wait();
        std::erase_if(all_, [](const auto& each) { return each.expired(); });
        all_.push_back(weak);
        answer();
    });
    return std::make_unique<handle>(rung_.native_handle(), std::move(made));
}

// A loop that nobody hung a doorbell on has nothing to wait for here.
void doorbells::wait() {
    rung_.async_wait(boost::asio::posix::descriptor_base::wait_read, loop_.handler([this](const boost::system::error_code& failure) {
        if (failure) return;
        std::uint64_t rings = 0;
        [[maybe_unused]] const auto taken = ::read(rung_.native_handle(), &rings, sizeof rings);
        answer();
        if (!all_.empty()) wait();
    }));
}

void doorbells::answer() {
    std::erase_if(all_, [](const auto& each) { return each.expired(); });
    for (const auto& each : all_) {
        const auto hung = each.lock();
        if (!hung || !hung->rung.exchange(false)) continue;
        loop_.run_in_this_turn([each] {
            if (const auto here = each.lock()) here->step();
        });
    }
}

}  // namespace weir::detail

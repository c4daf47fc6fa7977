// How a loop hears of what is not posted: one eventfd, whatever the number of doorbells.
#pragma once
#include <weir/base/event_loop.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <atomic>
#include <memory>
#include <vector>

namespace weir::detail {

class asio_loop;

class doorbells {
public:
    explicit doorbells(asio_loop& loop);
    /// Any thread.
    std::unique_ptr<doorbell> hang(function<void()> step);

private:
    struct bell {
        explicit bell(function<void()> what) : step(std::move(what)) {}
        function<void()> step;
        std::atomic<bool> rung = false;
    };
    class handle;
    void wait();
    void answer();

    asio_loop& loop_;
    boost::asio::posix::stream_descriptor rung_;
    std::vector<std::weak_ptr<bell>> all_;  // the loop's
};

}  // namespace weir::detail

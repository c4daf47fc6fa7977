#include "node_network.hpp"

#include <algorithm>

namespace weir::broker {
namespace {

/// Shared with who may cut it.
class shared_stream final : public stream {
public:
    explicit shared_stream(std::shared_ptr<stream> inner) : inner_(std::move(inner)) {}
    void read_some(mutable_bytes into, function<void(result<std::size_t>)> done) override { inner_->read_some(into, std::move(done)); }
    void write(std::vector<write_piece> pieces, function<void(result<void>)> done) override { inner_->write(std::move(pieces), std::move(done)); }
    void close() noexcept override { inner_->close(); }
    const endpoint& local() const noexcept override { return inner_->local(); }
    const endpoint& remote() const noexcept override { return inner_->remote(); }

private:
    std::shared_ptr<stream> inner_;
};

}  // namespace

void node_network::connect(event_loop& loop, const endpoint& to, const socket_options& options, nanoseconds timeout,
                           function<void(result<std::unique_ptr<stream>>)> done) {
    outside_.connect(loop, to, options, timeout, std::move(done));
}

result<std::unique_ptr<listener>> node_network::listen(event_loop& loop, const endpoint& on, const socket_options& options,
                                                       function<event_loop&()> pick_loop, function<void(std::unique_ptr<stream>)> accepted) {
    auto admit = [this, accepted = std::move(accepted)](std::unique_ptr<stream> peer) mutable {
        if (cut_.load()) return;
        const std::shared_ptr<stream> shared{std::move(peer)};
        keep(shared);
        accepted(std::make_unique<shared_stream>(shared));
    };
    if (on.host != inside_host) return outside_.listen(loop, on, options, std::move(pick_loop), std::move(admit));
    // Called by whoever connects, on any thread.
    auto pick = [this]() -> event_loop& { return *cores_[next_core_.fetch_add(1) % cores_.size()]; };
    return inside_.listen(loop, on, options, std::move(pick), std::move(admit));
}

void node_network::keep(const std::shared_ptr<stream>& each) {
    const auto here = std::find_if(cores_.begin(), cores_.end(), [](const event_loop* core) { return core->running_here(); });
    const std::lock_guard held{mutex_};
    std::erase_if(streams_, [](const auto& known) { return known.second.expired(); });
    streams_.emplace_back(*here, each);
}

void node_network::cut() {
    cut_.store(true);
    const std::lock_guard held{mutex_};
    for (const auto& [loop, each] : streams_) {
        loop->post([each] {
            if (const auto still = each.lock()) still->close();
        });
    }
}

}  // namespace weir::broker

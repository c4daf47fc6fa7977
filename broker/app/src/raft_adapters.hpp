// The quorum driver as the controller and the request handlers see it.
#pragma once
#include <weir/metadata/controller_runtime.hpp>
#include <weir/raft/driver.hpp>
#include <weir/server/quorum_view.hpp>

namespace weir::broker {

class driver_writer final : public metadata::metadata_writer {
public:
    void use(raft::quorum_driver& driver, const raft::durable_log& log) noexcept {
        driver_ = &driver;
        log_ = &log;
    }
    result<std::int64_t> propose(const std::vector<bytes>& frames) override { return driver_->propose(frames); }
    std::int64_t next_offset() const override { return log_->end_offset(); }

private:
    raft::quorum_driver* driver_ = nullptr;
    const raft::durable_log* log_ = nullptr;
};

class driver_view final : public server::quorum_view {
public:
    driver_view(event_loop& loop, const raft::quorum_driver& driver) : loop_(loop), driver_(driver) {}
    task<description> describe(event_loop& here) override;

private:
    event_loop& loop_;
    const raft::quorum_driver& driver_;
};

}  // namespace weir::broker

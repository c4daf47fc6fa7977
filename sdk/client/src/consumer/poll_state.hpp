// The op behind poll() and next().
#pragma once
#include "reader.hpp"

namespace weir::detail {

error wrong_thread_error();

/// Ends when there is a chunk to read, or a reason why there will be none. The records are cut out where the result is taken:
/// on the application's thread.
class poll_state final : public op_signal, public poll_waiter, public poll_source {
public:
    /// `records`: 0: as many as a batch may have; 1: next().
    poll_state(std::shared_ptr<reader> of, std::size_t records, std::shared_ptr<void> types, poll_builder build)
        : op_signal(of->strand_), of_(std::move(of)), single_(records == 1), left_(records == 0 ? of_->settings_.max_poll_records : records), types_(std::move(types)), build_(build) {
        hooked = of_->settings_.on_consume != nullptr;
    }

    void begin(weir::duration most);
    void fail(error why);
    bool over() const { return op_signal::ready(0); }

    void ready() override;  // poll_waiter
    void late() override;
    bool ready(std::uint32_t index) const noexcept override { return op_signal::ready(index); }
    void take(std::uint32_t index, void* into) override;

    bool next(raw_part& found, std::vector<std::shared_ptr<const void>>& keep) override;
    bool undecodable(const raw_part& from, const raw_record& which, const error& why) override;
    const error& failure() const override { return failure_; }
    void hear(const raw_record& which, const record_info& where) override { of_->hear(which, where); }

private:
    std::shared_ptr<poll_state> self() { return std::static_pointer_cast<poll_state>(shared_from_this()); }
    /// True: it has ended. `mine`: on the application's thread, where batches are opened; elsewhere headers have to tell.
    bool look(bool mine);

    std::shared_ptr<reader> of_;
    const bool single_;
    std::size_t left_;
    std::shared_ptr<void> types_;
    poll_builder build_;
    error failure_;
    bool have_one_ = false;  // next(): records_ of the reader has it
    std::size_t given_ = 0;
};

}  // namespace weir::detail

// The op behind poll() and next().
#pragma once
#include "reader.hpp"

namespace weir::detail {

error wrong_thread_error();

/// Ends when there is something to hand out, or a reason why there will be nothing. The records are cut out where the result is
/// taken: on the application's thread. Where what cannot be decoded is passed over, the first one is decoded before: a chunk that
/// has nothing else ends no poll.
class poll_state final : public op_signal, public poll_waiter, public poll_source {
public:
    /// `records`: 0: as many as a batch may have; 1: next().
    poll_state(std::shared_ptr<reader> of, std::size_t records, std::shared_ptr<void> types, poll_types how)
        : op_signal(of->strand_), reader_(std::move(of)), single_(records == 1), tries_(reader_->settings_.bad != on_bad_record::stop),
          left_(records == 0 ? reader_->settings_.max_poll_records : records), types_(std::move(types)), how_(how) {
        hooked = reader_->settings_.on_consume != nullptr;
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
    void hear(const raw_record& which, const record_info& where) override { reader_->hear(which, where); }

private:
    std::shared_ptr<poll_state> self() { return std::static_pointer_cast<poll_state>(shared_from_this()); }
    void look() override;
    /// Ends, or waits for more. `may_open`: on the application's thread, where batches are opened; elsewhere headers have to tell.
    void see(bool may_open);
    reader::found find(bool may_open);
    /// Passes over what cannot be decoded, up to the first that can.
    reader::found find_decodable();
    void end();

    std::shared_ptr<reader> reader_;
    const bool single_;
    const bool tries_;
    std::size_t left_;
    std::shared_ptr<void> types_;
    poll_types how_;
    error failure_;
    std::size_t given_ = 0;
};

}  // namespace weir::detail

// A producer without its client.
#pragma once
#include "../client_core.hpp"
#include "outbound.hpp"
#include "sender.hpp"
#include "transactions.hpp"
#include "waiting_room.hpp"

namespace weir::detail {

/// What is under way may hold this, and so never the client.
class producer_core : public std::enable_shared_from_this<producer_core> {
public:
    /// The number that records outside transactions carry.
    static constexpr std::int64_t no_transaction = 0;

    producer_core(client_core& on, producer_config config);

    delivery send(std::string_view topic, const erased& key, const erased& value, const send_options* options, std::int64_t transaction);
    op<delivery> enqueue(std::string_view topic, const erased& key, const erased& value, const send_options* options, std::int64_t transaction);
    op<transaction> begin(std::weak_ptr<producer_handle> handle);
    op<> end(std::int64_t number, bool commit);
    void drop(std::int64_t number);
    op<> add_offsets(std::int64_t number, group_metadata group, std::vector<partition_offset> offsets);
    op<> flush();
    op<std::vector<partition_info>> partitions_for(std::string topic);
    op<> close(duration most, bool callbacks_too = true);
    /// Why the last transaction was aborted; for who has just waited for its end.
    const error& abort_cause() const noexcept { return abort_cause_; }
    duration close_timeout() const noexcept { return config_.close_timeout; }
    bool would_deadlock() const noexcept { return strand_->would_deadlock(); }
    bool callbacks_elsewhere() const noexcept { return strand_->elsewhere(); }

private:
    delivery send_slowly(std::string_view topic, const erased& key, const erased& value, const send_options* options, std::int64_t transaction);
    void run_on_send(outbound& out, std::string_view topic);
    appended try_append(std::string_view topic, outbound& out);
    void wake();
    /// A record did not become part of a batch.
    void refused(const error& why, std::int64_t transaction);
    delivery failed(error why, std::int64_t transaction);
    error late(std::string_view topic, append_outcome what) const;

    producer_config config_;
    const bool hooked_;
    std::shared_ptr<callbacks> strand_;
    std::shared_ptr<cluster> view_;
    event_loop& loop_;
    std::shared_ptr<accumulator> records_;
    std::shared_ptr<transaction_manager> manager_;  // nullptr without a transactional id
    std::shared_ptr<sender> sender_;
    std::shared_ptr<transactions> transactions_;
    error abort_cause_;
    std::shared_ptr<waiting_room> waiting_ = std::make_shared<waiting_room>(loop_);
};

}  // namespace weir::detail

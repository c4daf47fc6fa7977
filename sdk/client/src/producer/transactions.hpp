// Takes what the transaction manager wants asked to the coordinators, and keeps sender and accumulator in step with it.
#pragma once
#include "sender.hpp"

namespace weir::detail {

/// Lives on the client's loop; its coroutine keeps it alive. Everything ends: requests are tried for max.block.ms, the end of
/// a transaction for at least transaction.timeout.ms.
class transactions : public std::enable_shared_from_this<transactions> {
public:
    using on_begun = function<void(result<std::int64_t>)>;
    using on_done = transaction_manager::on_done;

    transactions(std::shared_ptr<cluster> view, std::shared_ptr<accumulator> records, std::shared_ptr<sender> out, std::shared_ptr<transaction_manager> manager,
                 milliseconds max_block, milliseconds timeout);
    /// Listens to the sender from now on.
    void start();

    /// Hands over the number of the transaction that is open now. A waiter that `gave_up` lets it be aborted.
    void begin(function<bool()> gave_up, on_begun done);
    /// Errors for a transaction that has ended: errc::invalid_request.
    void end(std::int64_t number, bool commit, on_done done);
    void add_offsets(std::int64_t number, group_metadata group, std::vector<partition_offset> offsets, on_done done);
    /// Something that was to be part of it failed before it became a batch.
    void fail(std::int64_t number, const error& why);
    /// Aborts what is open and takes no more; `done` when there is nothing left to do, or at give_up().
    void close(function<void()> done);
    void give_up();

private:
    void wake();
    void shut_gate();
    error failed() const;
    void react();
    void drive();
    void closed_if_idle();
    static task<void> run(std::shared_ptr<transactions> self);
    static task<then> ask(std::shared_ptr<transactions> self, transaction_manager::request request);
    template <class Request>
    static task<then> ask_coordinator(std::shared_ptr<transactions> self, coordinator_kind kind, std::string key, Request request, std::int16_t newest);

    std::shared_ptr<cluster> view_;
    std::shared_ptr<accumulator> records_;
    std::shared_ptr<sender> out_;
    std::shared_ptr<transaction_manager> manager_;
    const milliseconds max_block_, timeout_;
    bool driving_ = false;
    timer_id deadline_ = timer_id::none;
    bool woken_ = false;
    bool handled_failure_ = false;
    bool ending_ = false;
    error closed_;
    function<void()> on_closed_;
};

}  // namespace weir::detail

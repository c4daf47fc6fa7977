#include "producer_core.hpp"

#include <fmt/format.h>

namespace weir::detail {

producer_core::producer_core(client_core& on, producer_config config)
    : config_(std::move(config)),
      hooked_(config_.on_send || config_.partitioner),
      strand_(on.strand()),
      view_(on.view()),
      loop_(on.loop()),
      records_(std::make_shared<accumulator>(config_, strand_, loop_, on.next_seed())),
      manager_(config_.transactional_id.empty() ? nullptr : std::make_shared<transaction_manager>(config_.transactional_id, config_.transaction_timeout)),
      sender_(std::make_shared<sender>(view_, strand_, records_, manager_, config_)) {
    sender_->on_change([waiting = waiting_] { waiting->retry(); });
    if (!manager_) return;
    transactions_ = std::make_shared<transactions>(view_, records_, sender_, manager_, config_.max_block, config_.transaction_timeout);
    transactions_->start();
}

void producer_core::wake() {
    loop_.run_or_post([sender = sender_] { sender->run(); });
}

op<transaction> producer_core::begin(std::weak_ptr<producer_handle> handle) {
    auto done = std::make_shared<op_state<transaction>>(strand_);
    if (!transactions_) {
        done->complete(error{errc::invalid_setting, "begin(): the producer has no transactional.id"});
        return op<transaction>{std::move(done)};
    }
    loop_.post([self = shared_from_this(), handle = std::move(handle), done] {
        const auto timer = self->loop_.call_after(self->config_.max_block, [done, most = self->config_.max_block, id = self->config_.transactional_id] {
            done->complete(error{errc::timed_out, fmt::format("transactional.id '{}': no transaction could begin within {} ms (max.block.ms)", id, most.count())});
        });
        self->transactions_->begin([handle, done] { return done->ended() || handle.expired(); }, [handle, done, timer, &loop = self->loop_](const result<std::int64_t>& number) {
            loop.cancel(timer);
            auto held = handle.lock();
            if (number && held) done->complete(transaction{std::move(held), *number});
            else done->complete(number ? error{errc::closed, "the producer is gone"} : number.error());
        });
    });
    return op<transaction>{std::move(done)};
}

op<> producer_core::end(std::int64_t number, bool commit) {
    auto done = std::make_shared<op_state<void>>(strand_);
    loop_.post([self = shared_from_this(), number, commit, done] {
        self->transactions_->end(number, commit, [weak = self->weak_from_this(), done](result<void> outcome) {
            if (const auto alive = weak.lock()) alive->abort_cause_ = alive->manager_->failure();
            done->complete(std::move(outcome));
        });
    });
    return op<>{std::move(done)};
}

void producer_core::drop(std::int64_t number) {
    loop_.post([transactions = transactions_, number] { transactions->end(number, false, [](const result<void>&) {}); });
}

op<> producer_core::add_offsets(std::int64_t number, group_metadata group, std::vector<partition_offset> offsets) {
    auto done = std::make_shared<op_state<void>>(strand_);
    loop_.post([self = shared_from_this(), number, group = std::move(group), offsets = std::move(offsets), done]() mutable {
        self->transactions_->add_offsets(number, std::move(group), std::move(offsets), [done](result<void> outcome) { done->complete(std::move(outcome)); });
    });
    return op<>{std::move(done)};
}

op<> producer_core::flush() {
    auto done = std::make_shared<op_state<void>>(strand_);
    loop_.post([sender = sender_, id = records_->next_id(), done] { sender->flush(id, done); });
    return op<>{std::move(done)};
}

op<> producer_core::close(duration most, bool callbacks_too) {
    auto done = std::make_shared<op_state<void>>(strand_);
    if (!transactions_) {
        records_->close(error{errc::closed, "the producer is closed"});
        loop_.post([sender = sender_, id = records_->next_id(), done, most, callbacks_too] { sender->close(id, most, callbacks_too, done); });
        return op<>{std::move(done)};
    }
    loop_.post([&loop = loop_, records = records_, transactions = transactions_, sender = sender_, done, most, callbacks_too] {
        const auto began = loop.now();
        auto timer = timer_id::none;
        if (most > duration{0} && most != duration::max()) timer = loop.call_after(most, [transactions] { transactions->give_up(); });
        transactions->close([&loop, records, sender, done, most, callbacks_too, began, timer] {
            loop.cancel(timer);
            records->close(error{errc::closed, "the producer is closed"});
            const auto used = std::chrono::ceil<duration>(loop.now() - began);
            sender->close(records->next_id(), most == duration::max() ? most : std::max(most - used, duration{0}), callbacks_too, done);
        });
        if (most <= duration{0}) transactions->give_up();
    });
    return op<>{std::move(done)};
}

}  // namespace weir::detail

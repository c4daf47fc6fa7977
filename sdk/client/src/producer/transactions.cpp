#include "transactions.hpp"

#include <weir/base/log.hpp>

#include <fmt/format.h>

namespace weir::detail {
namespace {

log::logger transactions_logs{"weir.client.transaction"};

// The newest versions that protocol V1 has, and the only ones of AddPartitionsToTxn that are for clients (KIP-890).
constexpr std::int16_t v1_end_txn = 4, v1_txn_offset_commit = 4, client_add_partitions = 3;
// 6 is about two-phase commits, which this producer does not make (KIP-939).
constexpr std::int16_t newest_init = 5;
constexpr std::int16_t transaction_version_v2 = 2;
// The step before is nearly done whenever CONCURRENT_TRANSACTIONS is the answer.
constexpr milliseconds concurrent_backoff{20};

}  // namespace

transactions::transactions(std::shared_ptr<cluster> view, std::shared_ptr<accumulator> records, std::shared_ptr<sender> out,
                           std::shared_ptr<transaction_manager> manager, milliseconds max_block, milliseconds timeout)
    : view_(std::move(view)), records_(std::move(records)), out_(std::move(out)), manager_(std::move(manager)), max_block_(max_block), timeout_(timeout) {}

void transactions::start() {
    out_->on_transaction([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->wake();
    });
}

// The sender is in the middle of something: the rest follows when it is done.
void transactions::wake() {
    shut_gate();
    if (std::exchange(woken_, true)) return;
    view_->loop().post([self = shared_from_this()] {
        self->woken_ = false;
        self->drive();
    });
}

void transactions::begin(function<bool()> gave_up, on_begun done) {
    if (closed_) return done(closed_);
    manager_->begin([weak = weak_from_this(), gave_up = std::move(gave_up), done = std::move(done)](const result<void>& begun) mutable {
        const auto self = weak.lock();
        if (!begun || !self) return done(begun ? error{errc::closed, "the producer is gone"} : begun.error());
        self->handled_failure_ = self->ending_ = false;
        self->out_->resume();
        const auto number = self->manager_->number();
        self->records_->open_transaction(number);
        if (gave_up()) self->end(number, false, [](const result<void>&) {});
        else done(number);
    });
    drive();
}

void transactions::end(std::int64_t number, bool commit, on_done done) {
    if (manager_->death()) return done(manager_->death());
    if (number != manager_->number() || ending_) return done(error{errc::invalid_request, fmt::format("transactional.id '{}': the transaction has ended already", manager_->id())});
    ending_ = true;
    records_->close_transaction(error{errc::invalid_request, fmt::format("transactional.id '{}': the transaction has ended; begin() another", manager_->id())});
    if (!commit) out_->drop(error{errc::transaction_aborted, fmt::format("transactional.id '{}': the application aborted the transaction", manager_->id())});
    manager_->end(commit, std::move(done));
    out_->drain(records_->next_id(), [weak = weak_from_this(), number](const error&) {
        const auto self = weak.lock();
        if (!self || self->manager_->number() != number) return;
        self->manager_->drained();
        self->wake();
    });
    drive();
}

void transactions::add_offsets(std::int64_t number, group_metadata group, std::vector<partition_offset> offsets, on_done done) {
    if (number != manager_->number() || ending_) return done(error{errc::invalid_request, fmt::format("transactional.id '{}': the transaction has ended already", manager_->id())});
    manager_->add_offsets(std::move(group), std::move(offsets), std::move(done));
    drive();
}

void transactions::fail(std::int64_t number, const error& why) {
    if (number == manager_->number() && !ending_) manager_->fail(why);
    react();
}

// A transaction that failed takes nothing more ...
void transactions::shut_gate() {
    if (manager_->failure() && !ending_) records_->close_transaction(failed());
}

error transactions::failed() const {
    const auto& why = manager_->failure();
    if (why.fatal()) return why;
    return error{errc::transaction_aborted, fmt::format("transactional.id '{}': the transaction has failed and can only be aborted", manager_->id()), why};
}

// ... and what it has is not worth sending.
void transactions::react() {
    shut_gate();
    if (manager_->failure() && !std::exchange(handled_failure_, true)) out_->drop(failed());
    if (manager_->death()) records_->close_transaction(manager_->death());
    closed_if_idle();
}

void transactions::drive() {
    react();
    if (!std::exchange(driving_, true)) spawn(run(shared_from_this()));
}

task<void> transactions::run(std::shared_ptr<transactions> self) {
    int failures = 0;
    while (auto request = self->manager_->next()) {
        if (self->deadline_ == timer_id::none) {
            const auto most = self->manager_->ending() ? std::max(self->max_block_, self->timeout_) : self->max_block_;
            const auto* const setting = most > self->max_block_ ? "transaction.timeout.ms" : "max.block.ms";
            self->deadline_ = self->view_->loop().call_after(most, [weak = std::weak_ptr{self}, most, setting] {
                const auto held = weak.lock();
                if (!held) return;
                held->deadline_ = timer_id::none;
                held->manager_->give_up(error{errc::timed_out, fmt::format("transactional.id '{}': no answer of the coordinator within {} ms ({})", held->manager_->id(), most.count(), setting)});
                held->drive();
            });
        }
        auto asking = ask(self, *std::move(request));
        const auto next = co_await asking;
        self->react();
        if (next == then::go_on) {
            self->view_->loop().cancel(std::exchange(self->deadline_, timer_id::none));
            failures = 0;
            self->out_->run();  // what waited for a partition to be announced
            continue;
        }
        const auto pause = next == then::retry && failures < 5 ? nanoseconds{concurrent_backoff} : self->view_->retry().after(failures + 1, self->view_->random());
        ++failures;
        pause_for waiting{self->view_->loop(), pause};
        co_await waiting;
    }
    self->view_->loop().cancel(std::exchange(self->deadline_, timer_id::none));
    self->driving_ = false;
    self->react();
}

task<then> transactions::ask(std::shared_ptr<transactions> self, transaction_manager::request request) {
    const auto transactional = coordinator_kind::transaction;
    const auto& id = self->manager_->id();
    if (auto* init = std::get_if<protocol::init_producer_id_request>(&request)) {
        auto asking = ask_coordinator(self, transactional, id, std::move(*init), newest_init);
        co_return co_await asking;
    }
    if (auto* partitions = std::get_if<protocol::add_partitions_to_txn_request>(&request)) {
        auto asking = ask_coordinator(self, transactional, id, std::move(*partitions), client_add_partitions);
        co_return co_await asking;
    }
    if (auto* group = std::get_if<protocol::add_offsets_to_txn_request>(&request)) {
        auto asking = ask_coordinator(self, transactional, id, std::move(*group), protocol::add_offsets_to_txn_request::max_version);
        co_return co_await asking;
    }
    const bool v2 = self->manager_->v2();
    if (auto* offsets = std::get_if<protocol::txn_offset_commit_request>(&request)) {
        const auto newest = v2 ? protocol::txn_offset_commit_request::max_version : v1_txn_offset_commit;
        auto group = offsets->group_id;  // before the request is moved from: arguments have no order
        auto asking = ask_coordinator(self, coordinator_kind::group, std::move(group), std::move(*offsets), newest);
        co_return co_await asking;
    }
    const auto newest = v2 ? protocol::end_txn_request::max_version : v1_end_txn;
    auto asking = ask_coordinator(self, transactional, id, std::get<protocol::end_txn_request>(std::move(request)), newest);
    co_return co_await asking;
}

template <class Request>
task<then> transactions::ask_coordinator(std::shared_ptr<transactions> self, coordinator_kind kind, std::string key, Request request, std::int16_t newest) {
    auto& manager = *self->manager_;
    auto finding = cluster::coordinator(self->view_, kind, key);
    auto link = co_await finding;
    if (!link) {
        self->view_->forget_coordinator(kind, key);
        transactions_logs.debug(fmt::format("coordinator of '{}': {}", key, link.error().message()));
        co_return manager.unanswered(link.error());
    }
    auto calling = (*link)->call(request, newest);
    auto got = co_await calling;
    if (kind == coordinator_kind::transaction) manager.offer_v2((*link)->finalized("transaction.version") >= transaction_version_v2);
    auto next = then::find_coordinator;
    if (got) next = manager.answered(got->message);
    else next = manager.unanswered(got.error());
    if (next != then::go_on) transactions_logs.debug(fmt::format("transactional.id '{}': {} again: {}", manager.id(), protocol::info(Request::api_key).name, got ? "told so by the coordinator" : got.error().message()));
    if (next == then::find_coordinator) self->view_->forget_coordinator(kind, key);
    co_return next;
}

void transactions::close(function<void()> done) {
    closed_ = error{errc::closed, "the producer is closed"};
    on_closed_ = std::move(done);
    if (manager_->is_open()) end(manager_->number(), false, [](const result<void>&) {});
    closed_if_idle();
}

void transactions::give_up() {
    if (auto done = std::exchange(on_closed_, {})) done();
}

void transactions::closed_if_idle() {
    if (!on_closed_ || driving_ || manager_->is_busy()) return;
    give_up();
}

}  // namespace weir::detail

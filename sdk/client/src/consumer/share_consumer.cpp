#include <weir/share_consumer.hpp>

#include "../client_core.hpp"
#include "../config/resolve.hpp"
#include "share_loop.hpp"

#include <fmt/format.h>

namespace weir::detail {
namespace {

error check(const share_consumer_config& config) {
    if (config.group_id.empty()) return error{errc::invalid_setting, "group.id=: allowed is the id of a share group"};
    if (config.on_bad_record == on_bad_record::dead_letter) {
        return error{errc::invalid_setting, "on_bad_record=dead_letter: allowed is stop, which releases such a record, or skip, which rejects it"};
    }
    return {};
}

}  // namespace

/// The application's side: what it was lent, and where it is in that. One thread at a time reads; verdicts and commit()
/// may come from others.
class share_handle : public std::enable_shared_from_this<share_handle> {
public:
    share_handle(const client& on, share_consumer_config config, std::vector<std::string> topics)
        : client_(on), strand_(on.core().strand()), loop_(on.core().loop()), explicit_(config.explicit_ack), bad_(config.on_bad_record), close_timeout_(config.close_timeout),
          work_(std::make_shared<share_loop>(on.core().view(), strand_, std::move(config), on.core().next_seed())),
          stop_(loop_.hang_doorbell([work = work_] { work->stop(); })) {
        work_->open();
        subscribe(std::move(topics));
    }
    /// The consumer is gone; ops and loans may keep this for a while.
    void let_go() {
        // On the client's own threads nothing may be waited for; what is under way goes on for as long as the client lives.
        auto closing = close(close_timeout_);
        if (!strand_->would_deadlock()) (void)closing.get();
    }
    ~share_handle() { work_->ledger()->stop_clock(); }

    template <class F>
    void post(F&& step) {
        loop_.post([work = work_, step = std::forward<F>(step)]() mutable { step(*work); });
    }
    void subscribe(std::vector<std::string> topics) {
        const std::lock_guard held{topics_mutex_};  // posted in the order of what subscription() tells
        topics_ = topics;
        post([topics = std::move(topics)](share_loop& work) mutable {
            if (topics.empty()) work.unsubscribe();
            else work.subscribe(std::move(topics));
        });
    }
    std::vector<std::string> subscription() const {
        const std::lock_guard held{topics_mutex_};
        return topics_;
    }
    std::optional<duration> lock_timeout() const { return work_->lock_timeout(); }
    void stop() noexcept { stop_->ring(); }
    op<> close(duration most) {
        auto done = std::make_shared<op_state<void>>(strand_);
        {
            const std::lock_guard held{mutex_};
            parts_.clear();  // goes back
            in_hand_.clear();
        }
        post([most, done](share_loop& work) { work.close(most, done); });
        return op<>{std::move(done)};
    }
    op<std::vector<acknowledged>> commit() {
        {
            const std::lock_guard held{mutex_};
            if (!explicit_) settle(verdict::accept);
        }
        auto done = std::make_shared<op_state<std::vector<acknowledged>>>(strand_);
        post([done](share_loop& work) { work.commit(done); });
        return op<std::vector<acknowledged>>{std::move(done)};
    }

    // --- the application's thread ---
    bool take_next(lent_record& into) {
        move_on();
        while (!next_lent(into, true)) {
            if (status()) return false;
            auto more = std::make_shared<share_poll>(strand_, time_point::max());
            post([more](share_loop& work) { work.want(more); });
            auto why = more->wait(0, milliseconds::max());
            if (!why) why = more->problem;
            if (why) {
                end(why);
                return false;
            }
            take_over(std::move(more->brought));
        }
        return true;
    }
    std::shared_ptr<op_core> poll(duration most, std::shared_ptr<void> types, share_types how);
    /// The application comes back: what it had in hand is done with.
    void move_on() {
        const std::lock_guard held{mutex_};
        settle(explicit_ ? verdict::release : verdict::accept);
    }
    void take_over(std::vector<part_ptr> parts) {
        const std::lock_guard held{mutex_};
        for (auto& each : parts) parts_.push_back(std::move(each));
    }
    /// The next record of what was lent; false when there is none, or when what follows cannot be read. `hold`: it is done
    /// with when the application comes back, one way or the other.
    bool next_lent(lent_record& into, bool hold) {
        const std::lock_guard held{mutex_};
        if (!at_next()) return false;
        if (hold || !explicit_) in_hand_.push_back({parts_.front(), place_});
        parts_.front()->describe(place_++, into);
        return true;
    }
    bool rejects_bad() const noexcept { return bad_ == on_bad_record::skip; }
    /// Rejects what cannot be decoded, up to the first that can; false: nothing of what was lent can.
    bool find_decodable(void* types, const share_types& how) {
        for (;;) {
            lent_record next;
            {
                const std::lock_guard held{mutex_};
                if (!at_next()) return false;
                parts_.front()->describe(place_, next);
            }
            if (!how.check(types, *next.raw)) return true;
            next.loan.decide(acknowledgement::reject);
            const std::lock_guard held{mutex_};
            if (!parts_.empty()) ++place_;  // unless it was closed meanwhile
        }
    }
    bool undecodable(const lent_record& which, const error& why) {
        which.loan.decide(rejects_bad() ? acknowledgement::reject : acknowledgement::release);
        if (rejects_bad()) return true;
        const auto& at = which.where;
        end(error{errc::malformed, fmt::format("{}-{}: the record at offset {} cannot be decoded: {}; it goes back to the queue; on_bad_record::skip rejects such records", at.topic,
                                               at.partition, at.offset, why.what())}
                .located(std::string{at.topic}, at.partition, at.offset));
        return false;
    }
    void end(const error& why) {
        const std::lock_guard held{status_mutex_};
        if (why.code() != errc::closed) status_ = why;
    }
    error status() const {
        const std::lock_guard held{status_mutex_};
        return status_;
    }

    client client_;
    std::shared_ptr<callbacks> strand_;
    event_loop& loop_;

private:
    struct held {
        part_ptr part;
        std::size_t index;
    };
    /// With the lock: whether there is a next record of what was lent, at place_ of the first part.
    bool at_next() {
        while (!parts_.empty()) {
            const auto part = parts_.front();
            const auto& why = part->open();
            for (; place_ < part->size(); ++place_) {
                if (part->ends(place_) > loop_.now()) return true;
                part->forget(place_);  // others may have it by now
            }
            parts_.pop_front();
            place_ = 0;
            if (!why || rejects_bad()) continue;
            const auto partition = part->where().second;
            end(error{why.code(), fmt::format("{}-{}: {}", part->topic(), partition, why.what())}.located(part->topic(), partition));
            return false;
        }
        return false;
    }
    void settle(verdict rest) {
        for (const auto& each : std::exchange(in_hand_, {})) each.part->decide(each.index, rest);
    }

    const bool explicit_;
    const weir::on_bad_record bad_;
    const duration close_timeout_;
    std::shared_ptr<share_loop> work_;
    std::unique_ptr<doorbell> stop_;
    std::mutex mutex_;
    std::deque<part_ptr> parts_;
    std::size_t place_ = 0;  ///< in the first part
    std::vector<held> in_hand_;
    mutable std::mutex topics_mutex_;
    std::vector<std::string> topics_;
    mutable std::mutex status_mutex_;
    error status_;
};

namespace {

/// The op behind poll(): records are found and decoded where the result is taken. Where what cannot be decoded is rejected, the
/// first one is decoded before: a loan that has nothing else ends no poll.
class share_poll_state final : public share_poll, public share_source {
public:
    share_poll_state(std::shared_ptr<share_handle> of, time_point limit, std::shared_ptr<void> types, share_types how)
        : share_poll(of->strand_, limit), handle_(std::move(of)), types_(std::move(types)), how_(how) {}

    void end(std::vector<part_ptr> found, error why) override {
        if (found.empty() || !handle_->rejects_bad()) return share_poll::end(std::move(found), std::move(why));
        brought = std::move(found);
        ask_for_look();
    }
    void take(std::uint32_t index, void* into) override {
        if (cancelled(index) && !ended()) problem = error{errc::cancelled};
        else if (problem) handle_->end(problem);
        handle_->take_over(std::move(brought));
        how_.build(types_.get(), *this, into);
    }
    bool next(lent_record& found) override {
        if (handle_->next_lent(found, false)) return true;
        if (!problem) problem = handle_->status();
        return false;
    }
    bool undecodable(const lent_record& which, const error& why) override {
        if (handle_->undecodable(which, why)) return true;
        problem = handle_->status();
        return false;
    }
    const error& failure() const override { return problem; }

private:
    void look() override {
        if (ready(0)) return;  // cancelled
        handle_->take_over(std::exchange(brought, {}));
        if (handle_->find_decodable(types_.get(), how_)) return share_poll::end({}, {});
        handle_->post([self = std::static_pointer_cast<share_poll>(shared_from_this())](share_loop& work) { work.want(self); });
    }

    std::shared_ptr<share_handle> handle_;
    std::shared_ptr<void> types_;
    share_types how_;
};

}  // namespace

std::shared_ptr<op_core> share_handle::poll(duration most, std::shared_ptr<void> types, share_types how) {
    move_on();
    const auto limit = most == duration::max() ? time_point::max() : loop_.now() + most;
    auto waiting = std::make_shared<share_poll_state>(shared_from_this(), limit, std::move(types), how);
    if (auto why = status()) waiting->end({}, std::move(why));
    else post([waiting](share_loop& work) { work.want(waiting); });
    return waiting;
}

}  // namespace weir::detail

namespace weir {

share_consumer_base::share_consumer_base(const client& on, share_consumer_config config, std::vector<std::string> topics) {
    if (auto why = detail::resolve("share consumer", config, on.core().settings())) throw exception{std::move(why)};
    if (auto why = detail::check(config)) throw exception{std::move(why)};
    handle_ = std::make_shared<detail::share_handle>(on, std::move(config), std::move(topics));
}
share_consumer_base::share_consumer_base(share_consumer_base&&) noexcept = default;
share_consumer_base::~share_consumer_base() {
    if (handle_) handle_->let_go();
}
void share_consumer_base::subscribe(std::vector<std::string> topics) { handle_->subscribe(std::move(topics)); }
void share_consumer_base::unsubscribe() { handle_->subscribe({}); }
std::vector<std::string> share_consumer_base::subscription() const { return handle_->subscription(); }
std::optional<duration> share_consumer_base::acquisition_lock_timeout() const { return handle_->lock_timeout(); }
op<std::vector<acknowledged>> share_consumer_base::commit() { return handle_->commit(); }
void share_consumer_base::stop() noexcept { handle_->stop(); }
void share_consumer_base::stop_on(std::initializer_list<int> signals) {
    handle_->client_.core().on_signal(signals, [weak = std::weak_ptr{handle_}](int) {
        if (const auto handle = weak.lock()) handle->stop();
    });
}
op<> share_consumer_base::close(duration most) { return handle_->close(most); }
error share_consumer_base::status() const { return handle_->status(); }
bool share_consumer_base::take_next(detail::lent_record& into) { return handle_->take_next(into); }
bool share_consumer_base::undecodable(const detail::lent_record& which, const error& why) { return handle_->undecodable(which, why); }
std::shared_ptr<detail::op_core> share_consumer_base::start_poll(duration most, std::shared_ptr<void> types, detail::share_types how) {
    return handle_->poll(most, std::move(types), how);
}

}  // namespace weir

#include <weir/replica/fetch.hpp>

#include <algorithm>
#include <map>

namespace weir::replica {
namespace {

struct found {
    std::uint64_t bytes = 0;
    bool urgent = false;  // an error or a divergence: the client must hear of it now
};

// True when nothing can be read, by what every thread may look at; the answer is complete then.
bool nothing_new(fetch_item& item) {
    const auto& who = *item.who;
    const auto& asked = item.request;
    if (asked.beyond_high_watermark || !who.serves() || who.check_epoch(asked.current_leader_epoch) != errc::none || asked.last_fetched_epoch >= 0) return false;
    // Loaded once: a mark that moves meanwhile has told its listeners already, so an answer that names the new one and
    // was decided by the old one would have the fetch wait for what is there. The stable offset first, as it follows.
    const auto last_stable_offset = who.last_stable_offset();
    const auto high_watermark = who.high_watermark();
    const auto log_start_offset = who.log_start_offset();
    if ((asked.read_committed ? last_stable_offset : high_watermark) != asked.offset || asked.offset < log_start_offset) return false;
    item.answer = {};
    item.answer.high_watermark = high_watermark;
    item.answer.last_stable_offset = last_stable_offset;
    item.answer.log_start_offset = log_start_offset;
    return true;
}

// Goes round the cores that have something to read and comes back to `here`.
task<found> read_all(event_loop& here, std::vector<fetch_item>& items, std::uint64_t max_bytes) {
    found total;
    std::vector<fetch_item*> candidates;
    for (auto& item : items)
        if (!nothing_new(item)) candidates.push_back(&item);
    while (!candidates.empty()) {
        auto& core = candidates.front()->who->home();
        co_await switch_to{core};
        for (auto*& item : candidates) {
            if (&item->who->home() != &core) continue;
            auto request = item->request;
            const auto left = max_bytes > total.bytes ? max_bytes - total.bytes : 0;
            request.max_bytes = std::min(request.max_bytes, left);
            request.at_least_one = total.bytes == 0;
            item->answer = item->who->read(request);
            total.bytes += item->answer.records.size;
            total.urgent |= item->answer.code != errc::none || item->answer.diverging.has_value();
            item = nullptr;
        }
        std::erase(candidates, nullptr);
    }
    co_await switch_to{here};
    co_return total;
}

// Woken once, by whichever partition moves first or by the deadline.
class parked_fetch final : public progress_listener, public std::enable_shared_from_this<parked_fetch> {
public:
    explicit parked_fetch(event_loop& here) : here_(here) {}
    void on_progress() noexcept override {
        if (!fired_.exchange(true, std::memory_order_acq_rel)) here_.post([self = shared_from_this()] { self->wake(); });
    }
    /// `resume` gets this back: until then the timer owns it, and a loop that ends drops both.
    void start(time_point deadline, function<void(std::shared_ptr<parked_fetch>)> resume) {
        resume_ = std::move(resume);
        timer_ = here_.call_at(deadline, [self = shared_from_this()] {
            self->timer_ = timer_id::none;
            self->on_progress();
        });
    }

private:
    void wake() {
        here_.cancel(std::exchange(timer_, timer_id::none));
        if (resume_) std::exchange(resume_, nullptr)(shared_from_this());
    }
    event_loop& here_;
    std::atomic<bool> fired_{false};
    function<void(std::shared_ptr<parked_fetch>)> resume_;
    timer_id timer_ = timer_id::none;
};

struct watched {
    std::shared_ptr<partition> who;
    std::int64_t seen;      // where the reader's view ended when it looked
    bool committed_only;
};

template <class Step>
void run_on(event_loop& core, Step step) {
    if (core.running_here()) step();
    else core.post(std::move(step));
}

task<void> wait_for_progress(event_loop& here, const std::vector<fetch_item>& items, time_point deadline) {
    auto parked = std::make_shared<parked_fetch>(here);
    std::map<event_loop*, std::vector<watched>> by_core;
    for (const auto& item : items) {
        const bool committed = item.request.read_committed;
        const auto seen = committed ? item.answer.last_stable_offset : item.answer.high_watermark;
        by_core[&item.who->home()].push_back({item.who, seen, committed});
    }
    for (const auto& [core, list] : by_core)
        run_on(*core, [parked, list] {
            for (const auto& each : list) {
                each.who->add_listener(parked);
                // What moved between the look and now would never wake anybody.
                const auto end = each.committed_only ? each.who->last_stable_offset() : each.who->high_watermark();
                if (end > each.seen || !each.who->leads()) parked->on_progress();
            }
        });
    auto woken = completion<std::shared_ptr<parked_fetch>>([&](function<void(std::shared_ptr<parked_fetch>)> resume) {
        const auto waits = std::move(parked);
        waits->start(deadline, std::move(resume));
    });
    parked = co_await woken;
    for (auto& [core, list] : by_core)
        run_on(*core, [parked, list = std::move(list)] {
            for (const auto& each : list) each.who->remove_listener(parked);
        });
}

}  // namespace

task<void> fetch(event_loop& here, std::vector<fetch_item>& items, fetch_limits limits) {
    for (;;) {
        const auto total = co_await read_all(here, items, limits.max_bytes);
        if (total.urgent || total.bytes >= limits.min_bytes || here.now() >= limits.deadline || items.empty()) co_return;
        if (limits.parked) limits.parked->add(1);
        co_await wait_for_progress(here, items, limits.deadline);
        if (limits.parked) limits.parked->add(-1);
    }
}

}  // namespace weir::replica

#include <weir/coordinator/runtime.hpp>

#include "batch_queue.hpp"
#include "log_loader.hpp"

#include <weir/base/log.hpp>
#include <weir/coordinator/errors.hpp>

#include <algorithm>
#include <chrono>
#include <deque>

#include <fmt/format.h>

namespace weir::coordinator {

namespace {
log::logger runtime_logs{"weir.coordinator"};
}

struct partition_runtime::impl : std::enable_shared_from_this<impl> {
    struct waiting {
        std::int64_t until;  // goes when everything below is committed
        time_point deadline;
        answer finish;
    };

    impl(event_loop& loop, runtime_options options, machine_factory make)
        : loop(loop),
          options(std::move(options)),
          make(std::move(make)) {}

    instant now() const { return {loop.now(), loop.wall_now()}; }

    // Life of the partition.
    void start_load();
    static task<void> load(std::shared_ptr<impl> self, std::shared_ptr<partition_store> from,
                           std::shared_ptr<bool> current);
    void load_done(std::unique_ptr<state_machine> loaded, const result<load_report>& report, time_point began);
    void stop(errc why, runtime_state next);
    // Life of an operation.
    void run(function<outcome(state_machine&, instant)> decide, answer finish);
    void run_when_loaded(function<outcome(state_machine&, instant)> decide, answer finish);
    result<void> decide_and_apply(function<outcome(state_machine&, instant)>& decide);
    result<void> apply(const outcome& decided);
    void answer_when_committed(std::vector<answer> answers);
    void schedule_append();
    static task<void> append_all(std::shared_ptr<impl> self, std::shared_ptr<partition_store> to,
                                 std::shared_ptr<bool> current);
    void append_failed(const error& why);
    void release();
    // Time.
    void arm_tick();
    void tick();
    void arm_timeout();
    void expire_answers();

    event_loop& loop;
    const runtime_options options;
    machine_factory make;

    runtime_state state = runtime_state::unloaded;
    std::int32_t epoch = -1;
    std::shared_ptr<partition_store> store;
    // True while the state below is the one that coroutines under way began with.
    std::shared_ptr<bool> current = std::make_shared<bool>(true);
    std::unique_ptr<state_machine> machine;
    std::optional<batch_queue> queue;
    std::deque<waiting> answers;
    struct delayed {
        function<outcome(state_machine&, instant)> decide;
        answer finish;
    };
    std::vector<delayed> when_loaded;
    std::int64_t committed = 0;
    bool appending = false;
    timer_id append_timer = timer_id::none;
    timer_id tick_timer = timer_id::none;
    std::optional<time_point> tick_at;
    timer_id timeout_timer = timer_id::none;
    timer_id reload_timer = timer_id::none;
    int coroutines = 0;
    runtime_metrics metrics;
};

// ---- Loading and unloading

void partition_runtime::impl::start_load() {
    state = runtime_state::loading;
    spawn(load(shared_from_this(), store, current));
}

task<void> partition_runtime::impl::load(std::shared_ptr<impl> self, std::shared_ptr<partition_store> from,
                                         std::shared_ptr<bool> current) {
    ++self->coroutines;
    const auto began = self->loop.now();
    auto fresh = self->make();
    std::string name = self->options.partition;
    std::shared_ptr<const bool> goes_on = current;
    auto loading = load_log(self->loop, from, *fresh, std::move(name), self->options.load_bytes, std::move(goes_on));
    result<load_report> report{errc::unknown_server_error};
    try {
        report = co_await std::move(loading);
    } catch (const std::exception& thrown) {
        report = error{errc::unknown_server_error, fmt::format("unexpected: {}", thrown.what())};
    }
    if (report && *current) {
        // What the last leader wrote may still be on its way to the replicas; nobody may see it before it is there.
        auto settling = from->committed(report->next_offset);
        const auto settled = co_await std::move(settling);
        if (!settled) report = settled.error();
    }
    --self->coroutines;
    if (*current) self->load_done(std::move(fresh), report, began);
}

void partition_runtime::impl::load_done(std::unique_ptr<state_machine> loaded, const result<load_report>& report,
                                        time_point began) {
    if (!report) {
        state = runtime_state::failed;
        runtime_logs.error(fmt::format("{} (epoch {}) could not be loaded and is tried again in {} ms: {}", options.partition,
                               epoch, options.reload_delay.count(), report.error().message()));
        reload_timer = loop.call_after(options.reload_delay, [weak = weak_from_this(), was = current] {
            if (auto self = weak.lock(); self && *was) self->start_load();
        });
        return;
    }
    machine = std::move(loaded);
    queue.emplace(options.max_batch_bytes, report->next_offset);
    committed = report->next_offset;
    state = runtime_state::active;
    ++metrics.loads;
    metrics.last_load_time = std::chrono::duration_cast<milliseconds>(loop.now() - began);
    metrics.max_load_time = std::max(metrics.max_load_time, metrics.last_load_time);
    metrics.total_load_time += metrics.last_load_time;
    // Fifty empty partitions are no news.
    runtime_logs.write(report->records > 0 ? log::level::info : log::level::debug,
               fmt::format("{} (epoch {}) loaded: {} records, {} bytes, {} ms", options.partition, epoch,
                           report->records, report->bytes, metrics.last_load_time.count()));
    machine->loaded(now());
    arm_tick();
    answer_when_committed(machine->take_answers());
    for (auto& each : std::exchange(when_loaded, {})) run_when_loaded(std::move(each.decide), std::move(each.finish));
}

/// Forgets what memory holds and answers everyone. `why` is for those whose records may not be there.
void partition_runtime::impl::stop(errc why, runtime_state next) {
    *current = false;
    current = std::make_shared<bool>(true);
    state = next;
    loop.cancel(append_timer);
    loop.cancel(tick_timer);
    loop.cancel(timeout_timer);
    loop.cancel(reload_timer);
    append_timer = tick_timer = timeout_timer = reload_timer = timer_id::none;
    tick_at.reset();
    appending = false;
    queue.reset();
    auto unanswered = std::exchange(answers, {});
    auto given_up = next == runtime_state::loading ? std::vector<delayed>{} : std::exchange(when_loaded, {});
    auto gone = std::move(machine);
    // Answering runs other people's code, which may come back here: everything is settled before.
    for (auto& each : unanswered) each.finish(why);
    for (auto& each : given_up) each.finish(why);
    if (!gone) return;
    gone->shut_down(errc::not_coordinator);
    for (auto& each : gone->take_answers()) each(errc::none);
}

// ---- Operations

void partition_runtime::impl::run(function<outcome(state_machine&, instant)> decide, answer finish) {
    if (state == runtime_state::loading) return finish(errc::coordinator_load_in_progress);
    if (state != runtime_state::active) return finish(errc::not_coordinator);
    if (const auto done = decide_and_apply(decide); !done) {
        // The machine may have counted on records that were not written. Those who wait for it are told first, and nobody
        // before it is gone: an answer may come back here.
        answers.push_back({0, {}, std::move(finish)});
        return append_failed(done.error());
    }
    auto ready = machine->take_answers();
    ready.insert(ready.begin(), std::move(finish));
    arm_tick();
    schedule_append();
    answer_when_committed(std::move(ready));
}

void partition_runtime::impl::run_when_loaded(function<outcome(state_machine&, instant)> decide, answer finish) {
    const bool comes = state == runtime_state::loading || state == runtime_state::failed;
    if (!comes) return run(std::move(decide), std::move(finish));
    when_loaded.push_back({std::move(decide), std::move(finish)});
}

/// An exception is a bug in the machine; it costs a reload, not the broker.
result<void> partition_runtime::impl::decide_and_apply(function<outcome(state_machine&, instant)>& decide) {
    try {
        return apply(decide(*machine, now()));
    } catch (const std::exception& thrown) {
        return error{errc::unknown_server_error, fmt::format("unexpected: {}", thrown.what())};
    }
}

/// Queues and replays. After an error memory is of no use any more.
result<void> partition_runtime::impl::apply(const outcome& decided) {
    const auto wall = loop.wall_now();
    for (const auto& r : decided.records) {
        if (!queue->fits(r))
            return error{errc::message_too_large,
                         fmt::format("a record with a key of {} and a value of {} bytes fits no batch of "
                                     "{} bytes",
                                     r.key.size(), r.value ? r.value->size() : 0, options.max_batch_bytes)};
        const auto offset = queue->next_offset();
        queue->add(r, decided.producer, wall);
        const auto value = r.value ? std::optional<bytes_view>{*r.value} : std::nullopt;
        machine->replay(offset, decided.producer ? decided.producer->id : -1, r.key, value);
    }
    if (decided.marker && decided.producer) {
        queue->add_marker(*decided.producer, *decided.marker, decided.marker_coordinator_epoch, wall);
        machine->replay_marker(decided.producer->id, *decided.marker);
    }
    return {};
}

void partition_runtime::impl::answer_when_committed(std::vector<answer> ready) {
    if (ready.empty()) return;
    const auto until = queue->next_offset();
    if (until <= committed && answers.empty()) {
        const auto keep = shared_from_this();
        for (auto& each : ready) each(errc::none);
        return;
    }
    const auto deadline = loop.now() + options.write_timeout;
    for (auto& each : ready) answers.push_back({until, deadline, std::move(each)});
    arm_timeout();
}

void partition_runtime::impl::schedule_append() {
    if (appending || append_timer != timer_id::none || queue->empty()) return;
    const auto begin = [weak = weak_from_this(), was = current] {
        auto self = weak.lock();
        if (!self || !*was) return;
        self->append_timer = timer_id::none;
        if (!self->appending) spawn(append_all(self, self->store, was));
    };
    if (options.linger > milliseconds{0}) {
        append_timer = loop.call_after(options.linger, begin);
    } else {
        // Not a timer: what this turn of the loop still brings goes into the same batch.
        appending = true;
        loop.post([weak = weak_from_this(), was = current] {
            auto self = weak.lock();
            if (self && *was) spawn(append_all(self, self->store, was));
        });
    }
}

task<void> partition_runtime::impl::append_all(std::shared_ptr<impl> self, std::shared_ptr<partition_store> to,
                                               std::shared_ptr<bool> current) {
    ++self->coroutines;
    self->appending = true;
    while (*current && !self->queue->empty()) {
        auto batch = self->queue->take();
        const auto size = batch.content.size();
        auto appending = to->append(std::move(batch.content));
        const auto base = co_await std::move(appending);
        if (!*current) break;
        if (!base || *base != batch.first_offset) {
            --self->coroutines;
            // Somebody else wrote to this log: what memory says about offsets is wrong.
            self->append_failed(
                base ? error{errc::not_leader_or_follower,
                             fmt::format("the batch for offset {} went to {}", batch.first_offset, *base)}
                     : base.error());
            co_return;
        }
        ++self->metrics.appended_batches;
        self->metrics.appended_records += static_cast<std::uint64_t>(batch.next_offset - batch.first_offset);
        self->metrics.appended_bytes += size;
        self->committed = batch.next_offset;
        self->release();
    }
    --self->coroutines;
    if (*current) self->appending = false;
}

void partition_runtime::impl::release() {
    std::vector<answer> ready;
    while (!answers.empty() && answers.front().until <= committed) {
        ready.push_back(std::move(answers.front().finish));
        answers.pop_front();
    }
    if (answers.empty()) {
        loop.cancel(timeout_timer);
        timeout_timer = timer_id::none;
    }
    for (auto& each : ready) each(errc::none);
}

void partition_runtime::impl::append_failed(const error& why) {
    const auto keep = shared_from_this();
    ++metrics.failed_appends;
    runtime_logs.error(
        fmt::format("{} (epoch {}): a write failed, {} answers are failed and the state is read from the log again: {}",
                    options.partition, epoch, answers.size(), why.message()));
    const auto mapped = coordinator_error(why.code());
    const auto elected = epoch;
    stop(mapped, runtime_state::loading);
    // An answer may have led to an unload or a new election meanwhile. An append still under way does not matter: it
    // reached the local log before it was first waited for, and that is where we read.
    if (state == runtime_state::loading && epoch == elected) start_load();
}

// ---- Time

void partition_runtime::impl::arm_tick() {
    const auto next = machine->next_deadline();
    if (next == tick_at) return;
    loop.cancel(tick_timer);
    tick_timer = timer_id::none;
    tick_at = next;
    if (!next) return;
    tick_timer = loop.call_at(*next, [weak = weak_from_this(), was = current] {
        if (auto self = weak.lock(); self && *was) self->tick();
    });
}

void partition_runtime::impl::tick() {
    tick_timer = timer_id::none;
    tick_at.reset();
    const auto at = now();
    function<outcome(state_machine&, instant)> decide = [](state_machine& of, instant when) {
        outcome decided;
        decided.records = of.tick(when);
        return decided;
    };
    for (auto next = machine->next_deadline(); next && *next <= at.steady; next = machine->next_deadline()) {
        if (const auto done = decide_and_apply(decide); !done) return append_failed(done.error());
    }
    schedule_append();
    arm_tick();
    answer_when_committed(machine->take_answers());
}

void partition_runtime::impl::arm_timeout() {
    if (timeout_timer != timer_id::none || answers.empty()) return;
    timeout_timer = loop.call_at(answers.front().deadline, [weak = weak_from_this(), was = current] {
        if (auto self = weak.lock(); self && *was) self->expire_answers();
    });
}

/// The records stay on their way: only the wait ends. Whether they were committed the caller finds out by asking again.
void partition_runtime::impl::expire_answers() {
    timeout_timer = timer_id::none;
    std::vector<answer> late;
    while (!answers.empty() && answers.front().deadline <= loop.now()) {
        late.push_back(std::move(answers.front().finish));
        answers.pop_front();
    }
    arm_timeout();
    if (!late.empty())
        runtime_logs.warn(fmt::format("{} (epoch {}): {} answers waited {} ms for their records and are failed",
                              options.partition, epoch, late.size(), options.write_timeout.count()));
    for (auto& each : late) each(coordinator_error(errc::request_timed_out));
}

// ---- Public

partition_runtime::partition_runtime(event_loop& loop, runtime_options options, machine_factory make)
    : impl_(std::make_shared<impl>(loop, std::move(options), std::move(make))) {}

partition_runtime::~partition_runtime() {
    if (impl_->state != runtime_state::unloaded) impl_->stop(errc::not_coordinator, runtime_state::unloaded);
}

void partition_runtime::load(std::unique_ptr<partition_store> store, std::int32_t epoch) {
    if (impl_->state != runtime_state::unloaded && epoch <= impl_->epoch) return;
    impl_->epoch = epoch;
    impl_->stop(errc::not_coordinator, runtime_state::loading);
    impl_->store = std::move(store);
    impl_->start_load();
}

void partition_runtime::unload(std::int32_t epoch) {
    if (impl_->state == runtime_state::unloaded || epoch < impl_->epoch) return;
    impl_->epoch = epoch;
    runtime_logs.debug(fmt::format("{} is unloaded: it has a new leader (epoch {})", impl_->options.partition, epoch));
    impl_->stop(errc::not_coordinator, runtime_state::unloaded);
    impl_->store.reset();
}

void partition_runtime::run(function<outcome(state_machine&, instant)> decide, answer finish) {
    const auto keep = impl_;
    impl_->run(std::move(decide), std::move(finish));
}

void partition_runtime::run_when_loaded(function<outcome(state_machine&, instant)> decide, answer finish) {
    const auto keep = impl_;
    impl_->run_when_loaded(std::move(decide), std::move(finish));
}

runtime_state partition_runtime::state() const noexcept { return impl_->state; }
std::int32_t partition_runtime::epoch() const noexcept { return impl_->epoch; }
const state_machine* partition_runtime::machine() const noexcept { return impl_->machine.get(); }
const runtime_metrics& partition_runtime::metrics() const noexcept { return impl_->metrics; }
std::int64_t partition_runtime::committed_offset() const noexcept { return impl_->committed; }
bool partition_runtime::busy() const noexcept { return impl_->coroutines != 0; }

}  // namespace weir::coordinator

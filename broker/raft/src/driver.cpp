#include "recent_values.hpp"

#include <weir/raft/driver.hpp>

#include <weir/base/log.hpp>
#include <weir/protocol/records/batch_builder.hpp>
#include <weir/protocol/records/record.hpp>

#include <deque>
#include <map>

namespace weir::raft {
namespace {
const log::logger logs{"weir.raft"};
constexpr std::size_t delivery_bytes = 1 << 20;
}  // namespace

struct quorum_driver::state : std::enable_shared_from_this<quorum_driver::state> {
    event_loop& loop;
    file_system& files;
    durable_log& log;
    raft_transport* transport;
    quorum_listener& listener;
    driver_options options;
    std::string state_path;
    std::unique_ptr<quorum> core;
    bool started = false, stopped = false;

    timer_id timer = timer_id::none;
    time_point timer_due = time_point::max();
    std::optional<flush_request> wanted;      // a flush somebody asked for
    bool flush_scheduled = false, flushing = false;
    std::map<std::uint64_t, function<void(message_body)>> answers;
    std::uint64_t next_request = 1;
    std::deque<effects> undelivered;          // without their messages
    bool delivery_posted = false;
    log_offset applied = 0;
    quorum_epoch leading = -1;
    time_point appended{};
    struct proposal {
        log_offset last;
        time_point made;
    };
    std::deque<proposal> uncommitted;
    std::optional<time_point> leaderless;  // since when
    recent_values commits, elections, records;  // milliseconds, milliseconds, how many

    state(event_loop& on, file_system& fs, durable_log& store, raft_transport* net, quorum_listener& above, driver_options given)
        : loop(on), files(fs), log(store), transport(net), listener(above), options(std::move(given)) {}

    /// Does what the core asks for, until it asks for nothing: disk first, then network, then the listener, posted.
    void pump() {
        while (!stopped) {
            auto outcome = core->take_effects();
            if (outcome.empty()) break;
            if (outcome.persist) {
                if (auto kept = replace_file(files, state_path, as_bytes(write_quorum_state(*outcome.persist))); !kept)
                    return fail(error{kept.error().code(), "quorum-state could not be written; votes would be forgotten", kept.error()});
            }
            for (auto& outgoing : outcome.messages) dispatch(std::move(outgoing));
            outcome.messages.clear();
            measure(outcome);
            if (outcome.flush) {
                wanted = outcome.flush;
                schedule_flush();
            }
            if (outcome.stopped_leading || outcome.load_snapshot || outcome.high_watermark || outcome.began_leading || outcome.leader || outcome.failure) {
                undelivered.push_back(std::move(outcome));
                post_delivery();
            }
        }
        arm();
    }

    void measure(const effects& outcome) {
        const auto now = loop.now();
        const auto passed = [now](time_point since) { return std::chrono::duration<double, std::milli>(now - since).count(); };
        if (outcome.stopped_leading) uncommitted.clear();
        for (; outcome.high_watermark && !uncommitted.empty() && uncommitted.front().last < *outcome.high_watermark; uncommitted.pop_front())
            commits.add(passed(uncommitted.front().made), now);
        // To lead is more than to be elected: the first batch of the epoch is committed by then.
        const bool nobody = outcome.leader && outcome.leader->leader_id == no_node;
        const bool somebody = outcome.began_leading || (outcome.leader && !nobody && outcome.leader->leader_id != options.quorum.self.id);
        if (nobody && !leaderless) leaderless = now;
        if (somebody && leaderless) elections.add(passed(*std::exchange(leaderless, std::nullopt)), now);
    }

    void dispatch(message outgoing) {
        if (is_request(outgoing.body)) {
            if (!transport) return;
            const auto where = core->endpoints_of(outgoing.peer);
            return transport->send(std::move(outgoing), where);
        }
        const auto waiting = answers.find(outgoing.id);
        if (waiting == answers.end()) return;
        auto answer = std::move(waiting->second);
        answers.erase(waiting);
        loop.post([answer = std::move(answer), body = std::make_unique<message_body>(std::move(outgoing.body))]() mutable {
            answer(std::move(*body));
        });
    }

    void arm() {
        const auto due = stopped ? time_point::max() : core->deadline();
        if (due == timer_due) return;
        loop.cancel(timer);
        timer = timer_id::none;
        timer_due = due;
        if (due == time_point::max()) return;
        timer = loop.call_at(due, [self = shared_from_this()] {
            self->timer_due = time_point::max();
            self->timer = timer_id::none;
            if (self->stopped) return;
            self->core->tick(self->loop.now());
            self->pump();
        });
    }

    void schedule_flush() {
        if (flush_scheduled || flushing) return;  // the one that runs is followed by another
        flush_scheduled = true;
        function<void()> begin = [self = shared_from_this()] { self->flush(); };
        if (options.append_linger > nanoseconds{0}) loop.call_after(options.append_linger, std::move(begin));
        else loop.defer_to_turn_end(std::move(begin));
    }

    void flush() {
        flush_scheduled = false;
        if (stopped || flushing || !wanted) return;
        flushing = true;
        const auto covers = *std::exchange(wanted, std::nullopt);
        log.flush([self = shared_from_this(), covers](result<void> done) {
            self->flushing = false;
            if (self->stopped) return;
            if (!done) return self->fail(done.error());
            self->core->on_flushed(covers, self->loop.now());
            self->pump();
            if (self->wanted) self->schedule_flush();
        });
    }

    void fail(const error& why) {
        if (stopped) return;
        logs.error("the metadata quorum stops on this node: " + why.message());
        halt();
        loop.post([self = shared_from_this(), why] { self->listener.on_failure(why); });
    }

    void halt() {
        stopped = true;
        loop.cancel(timer);
        timer = timer_id::none;
        answers.clear();
        undelivered.clear();
    }

    void post_delivery() {
        if (delivery_posted) return;
        delivery_posted = true;
        loop.post([self = shared_from_this()] {
            self->delivery_posted = false;
            while (!self->stopped && !self->undelivered.empty()) {
                const auto next = std::move(self->undelivered.front());
                self->undelivered.pop_front();
                self->deliver(next);
            }
        });
    }

    void deliver(const effects& outcome) {
        if (outcome.failure) return fail(*outcome.failure);
        if (outcome.stopped_leading) {
            logs.info("node " + std::to_string(options.quorum.self.id) + " leads the metadata quorum no more");
            listener.on_resign(std::exchange(leading, -1));
        }
        if (outcome.load_snapshot && !stopped) load_snapshot();
        if (outcome.high_watermark && !stopped) commit(*outcome.high_watermark);
        if (outcome.began_leading && !stopped) {
            leading = *outcome.began_leading;
            logs.info("node " + std::to_string(options.quorum.self.id) + " leads the metadata quorum in epoch " + std::to_string(leading));
            listener.on_leadership(leading);
        }
        if (outcome.leader && !stopped) listener.on_leader(*outcome.leader);
    }

    void load_snapshot() {
        const auto newest = log.latest_snapshot();
        if (!newest || newest->id.offset <= applied) return;
        auto reader = log.open_snapshot(newest->id);
        if (!reader) return fail(reader.error());
        listener.on_snapshot(*reader);
        applied = newest->id.offset;
    }

    void commit(log_offset end) {
        while (!stopped && applied < end) {
            if (applied < log.start_offset()) return;  // replaced by a snapshot meanwhile, whose delivery follows
            const auto read = log.read(applied, delivery_bytes);
            if (!read) return fail(read.error());
            std::vector<committed_batch> batches;
            bytes_view rest{*read};
            while (!rest.empty()) {
                const auto batch = protocol::batch_view::open(rest);
                if (!batch) return fail(batch.error());
                if (batch->next_offset() > end) break;
                rest = rest.subspan(batch->size());
                if (batch->next_offset() <= applied) continue;
                auto& one = batches.emplace_back();
                one.base_offset = batch->base_offset();
                one.last_offset = batch->last_offset();
                one.epoch = batch->leader_epoch();
                one.timestamp = batch->max_timestamp();
                if (batch->control()) continue;
                protocol::record_cursor cursor{*batch, batch->payload()};
                protocol::record_view record;
                while (cursor.next(record)) one.frames.push_back(record.value.value_or(bytes_view{}));
                if (cursor.failed()) return fail(cursor.failure());
            }
            if (batches.empty()) break;
            applied = batches.back().last_offset + 1;
            listener.on_commit(batches);
        }
        if (!stopped) listener.on_high_watermark(applied);
    }
};

quorum_driver::quorum_driver(std::shared_ptr<state> state) : state_(std::move(state)) {}
quorum_driver::~quorum_driver() {
    if (!state_->stopped) state_->halt();
}

result<std::unique_ptr<quorum_driver>> quorum_driver::open(event_loop& loop, file_system& files, durable_log& log,
                                                           raft_transport* transport, quorum_listener& listener,
                                                           driver_options options) {
    auto made = std::make_shared<state>(loop, files, log, transport, listener, std::move(options));
    made->state_path = log.directory() + "/quorum-state";
    made->options.quorum.wall = &loop;
    made->leaderless = loop.now();
    quorum_state restored;
    if (const auto text = read_file(files, made->state_path, 1 << 20)) {
        const auto parsed = parse_quorum_state(as_text(*text));
        if (!parsed) return error{errc::malformed, made->state_path + " cannot be used", parsed.error()};
        restored = *parsed;
    } else if (text.error().code() != errc::not_found) {
        return text.error();
    }
    try {
        made->core = std::make_unique<quorum>(made->options.quorum, restored, log, made->options.seed, loop.now());
    } catch (const exception& thrown) {
        return error{thrown.error().code(), log.directory() + ": the metadata log cannot be read", thrown.error()};
    }
    const auto& voters = made->core->voters();
    const bool alone = voters.size() == 1 && voters.contains(made->options.quorum.self);
    if (!alone && !transport)
        return error{errc::invalid_setting, "controller.quorum.voters: " + std::to_string(voters.size()) +
                                                " voters, of which this node must be the only one when it has no link to others"};
    return std::unique_ptr<quorum_driver>{new quorum_driver{std::move(made)}};
}

void quorum_driver::start() {
    if (state_->started || state_->stopped) return;
    state_->started = true;
    state_->loop.post([self = state_] {
        if (self->stopped) return;
        self->load_snapshot();
        self->applied = std::max(self->applied, self->log.start_offset());
        self->pump();
    });
}

void quorum_driver::stop() {
    if (state_->stopped) return;
    if (state_->started && state_->transport && state_->core->is_leader()) {
        state_->core->resign(state_->loop.now());
        state_->pump();
    }
    state_->halt();
}

result<log_offset> quorum_driver::propose(const std::vector<bytes>& frames) {
    if (state_->stopped) return error{errc::not_leader_or_follower, "metadata quorum: this node has stopped taking part"};
    const auto now = state_->loop.wall_now();
    protocol::batch_builder builder;
    for (const auto& frame : frames)
        if (auto added = builder.append(now, std::nullopt, bytes_view{frame}); !added) return added.error();
    if (builder.empty()) return error{errc::invalid_request, "metadata quorum: no records to propose"};
    if (builder.uncompressed_size() > max_batch_bytes)
        return error{errc::record_list_too_large, "metadata batch of " + std::to_string(builder.uncompressed_size()) +
                                                      " bytes; the limit is 8388608: split it"};
    auto batch = builder.finish();
    if (!batch) return batch.error();
    auto last = state_->core->propose(*batch, state_->loop.now());
    if (last) {
        const auto at = state_->appended = state_->loop.now();
        state_->uncommitted.push_back({*last, at});
        state_->records.add(static_cast<double>(frames.size()), at);
    }
    state_->pump();
    return last;
}

void quorum_driver::resign() {
    if (state_->stopped) return;
    state_->core->resign(state_->loop.now());
    state_->pump();
}

void quorum_driver::request(node_id from, message_body body, function<void(message_body)> answer) {
    if (state_->stopped) return;
    const auto id = state_->next_request++;
    state_->answers.emplace(id, std::move(answer));
    state_->core->step({from, id, std::move(body)}, state_->loop.now());
    state_->pump();
}

void quorum_driver::receive(const message& answer) {
    if (state_->stopped || is_request(answer.body)) return;
    state_->core->step(answer, state_->loop.now());
    state_->pump();
}

result<std::unique_ptr<snapshot_writer>> quorum_driver::begin_snapshot(log_offset end) {
    auto& mine = *state_;
    const auto where = mine.log.directory() + ": snapshot at offset " + std::to_string(end);
    const auto newest = mine.log.latest_snapshot();
    if (end > mine.applied || end <= mine.log.start_offset() || (newest && end <= newest->id.offset))
        return error{errc::invalid_request, where + ": only what was delivered, and is in no snapshot yet, can be put in one"};
    const auto read = mine.log.read(end - 1, 1);
    if (!read) return read.error();
    const auto last = protocol::batch_view::open(*read);
    if (!last) return last.error();
    if (last->next_offset() != end) return error{errc::invalid_request, where + ": it lies inside a batch"};
    snapshot_writer::options options;
    options.info = mine.core->voters_at(end);
    options.info.id = {end, last->leader_epoch()};
    options.path = mine.log.directory() + "/" + snapshot_file_name(options.info.id);
    options.last_log_timestamp = last->max_timestamp();
    options.now = mine.loop.wall_now();
    return snapshot_writer::create(mine.files, std::move(options));
}

void quorum_driver::snapshot_finished(const snapshot_id& id) {
    if (state_->stopped) return;
    if (auto done = state_->log.snapshot_finished(id); !done) return state_->fail(done.error());
    state_->core->on_snapshot(state_->loop.now());
    state_->pump();
}

quorum_status quorum_driver::status() const { return state_->core->status(); }
quorum_figures quorum_driver::figures() const {
    const auto& mine = *state_;
    const auto now = mine.loop.now();
    return {mine.commits.average(now), mine.commits.max(now), mine.elections.average(now), mine.elections.max(now), mine.records.rate(now)};
}
bool quorum_driver::is_leader() const noexcept { return !state_->stopped && state_->core->is_leader(); }
leader_and_epoch quorum_driver::leader() const noexcept { return state_->core->leader(); }
log_offset quorum_driver::high_watermark() const noexcept { return state_->core->high_watermark(); }
time_point quorum_driver::last_append() const noexcept { return state_->appended; }

}  // namespace weir::raft

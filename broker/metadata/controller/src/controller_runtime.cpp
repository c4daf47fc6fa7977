#include <weir/metadata/controller_runtime.hpp>

#include <weir/metadata/image_builder.hpp>
#include <weir/metadata/metadata_frames.hpp>

#include <weir/base/log.hpp>
#include <weir/protocol/feature_levels.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <deque>

namespace weir::metadata {

namespace {

using namespace protocol;

log::logger logs{"weir.controller"};

/// Raft takes batches of up to 8 MiB; the rest is room for the batch header and the framing of each record.
constexpr std::size_t batch_bytes = 7 << 20;
constexpr std::size_t record_overhead = 24;

error not_controller(std::string_view why) {
    return error{errc::not_controller, fmt::format("this node is not the active controller: {}", why)};
}

/// What metadata.version the records are written at: the first ones of a log bring it along.
std::int16_t level_for(const image& before, const std::vector<metadata_record>& records) {
    if (before.metadata_version() > 0) return before.metadata_version();
    for (const auto& each : records)
        if (const auto* feature = std::get_if<feature_level_record>(&each);
            feature && feature->name == "metadata.version")
            return feature->feature_level;
    return protocol::latest_metadata_level;
}

}  // namespace

struct controller_runtime::state : std::enable_shared_from_this<state> {
    state(event_loop& loop, metadata_writer& writer, const config_schema& schema, controller_config config,
          std::uint64_t seed)
        : loop(loop),
          writer(writer),
          decider(std::move(config), schema, seed) {}

    event_loop& loop;
    metadata_writer& writer;
    controller decider;
    bool active = false;
    std::int32_t epoch = -1;
    image_ref speculative;
    struct waiting {
        std::int64_t offset;  // of the last record it needs
        function<void(result<void>)> done;
    };
    std::deque<waiting> queue;   // by offset
    std::int64_t proposed = -1;  // the last offset this leader proposed, -1: nothing
    std::int64_t high_watermark = 0;
    timer_id timer = timer_id::none;
    time_point timer_at;
    std::shared_ptr<metrics::histogram> waits, decisions;  // microseconds

    decision_context context(std::string principal) const {
        return {*speculative, loop.now(), loop.wall_now(), writer.next_offset(), std::move(principal)};
    }

    /// Makes `records` part of the speculative image and of the log; the offset of the last.
    result<std::int64_t> propose(const std::vector<metadata_record>& records) {
        image_builder next{speculative};
        if (auto done = next.apply(records); !done)
            return error{errc::unknown_server_error, "the controller made a record that does not fit its own image",
                         done.error()};
        const auto level = level_for(*speculative, records);
        auto frames = encode_frames(records, level);
        if (!frames) return frames.error();
        auto last = append(std::move(*frames), level);
        if (!last) return last;
        speculative = next.build({*last, epoch, loop.wall_now()}).after;
        proposed = *last;
        return last;
    }

    /// What is too large for one batch goes into several, inside a metadata transaction: readers see all of it or
    /// nothing. A broker epoch decided for such records is one below its record's offset, which is as unique.
    result<std::int64_t> append(std::vector<bytes> frames, std::int16_t level) {
        std::vector<std::vector<bytes>> batches(1);
        std::size_t size = 0;
        for (auto& frame : frames) {
            const auto more = frame.size() + record_overhead;
            if (size + more > batch_bytes && !batches.back().empty()) {
                batches.emplace_back();
                size = 0;
            }
            size += more;
            batches.back().push_back(std::move(frame));
        }
        if (batches.size() > 1) {
            auto begin = encode_frame(begin_transaction_record{}, level);
            auto end = encode_frame(end_transaction_record{}, level);
            if (!begin || !end)
                return error{errc::policy_violation,
                             "the change is too large for one batch of the metadata log: split the request"};
            batches.front().insert(batches.front().begin(), std::move(*begin));
            batches.back().push_back(std::move(*end));
        }
        result<std::int64_t> last = errc::unknown_server_error;
        for (const auto& batch : batches) {
            last = writer.propose(batch);
            if (!last)
                return last.code() == errc::not_leader_or_follower
                           ? result<std::int64_t>{not_controller("it lost the lead")}
                           : last;
        }
        return last;
    }

    /// For what the controller does by itself. A failure means that leadership is being lost: on_resign follows.
    void propose_unasked(const std::vector<metadata_record>& records, std::string_view what) {
        if (records.empty()) return;
        if (auto done = propose(records); !done)
            logs.warn(fmt::format("{} could not be written: {}", what, done.error().message()));
    }

    void wait_for(std::int64_t offset, function<void(result<void>)> done) {
        if (offset < high_watermark) return done({});
        queue.push_back({offset, std::move(done)});
    }

    void check_sessions() {
        timer = timer_id::none;
        if (!active) return;
        for (;;) {
            const auto now = context({});
            auto expired = decider.fence_expired(now);
            if (expired.response == no_broker) break;
            logs.info(fmt::format("broker {} is fenced: no heartbeat for {} ms", expired.response,
                                  decider.config().broker_session_timeout.count()));
            propose_unasked(expired.records, "fencing a broker");
        }
        plan_session_check();
    }
    void plan_session_check() {
        const auto next = decider.sessions().next_deadline();
        if (!next || !active) return;
        if (timer != timer_id::none && timer_at <= *next) return;  // it will look again then
        loop.cancel(timer);
        timer_at = *next;
        timer = loop.call_at(*next, [self = weak_from_this()] {
            if (auto here = self.lock()) here->check_sessions();
        });
    }

    static void record(const std::shared_ptr<metrics::histogram>& into, nanoseconds time) noexcept {
        if (into) into->record(static_cast<std::uint64_t>(std::max<std::int64_t>(time.count() / 1000, 0)));
    }

    void stop(const error& why) {
        active = false;
        speculative = nullptr;
        loop.cancel(std::exchange(timer, timer_id::none));
        for (auto& each : std::exchange(queue, {})) each.done(why);
    }

    template <class Response, class Decide>
    static task<result<Response>> run(std::shared_ptr<state> self, Decide decide,
                                      std::string principal = "User:ANONYMOUS") {
        if (!self->active) co_return not_controller("it does not lead the quorum");
        const auto begun = self->loop.now();
        auto decided = decide(self->decider, self->context(std::move(principal)));
        self->plan_session_check();
        // Without records it was a read, but one that may have seen what is not committed yet: it waits for that.
        result<std::int64_t> needed = self->proposed;
        if (!decided.records.empty()) needed = self->propose(decided.records);
        record(self->decisions, self->loop.now() - begun);
        if (!needed) co_return needed.error();
        auto commit = completion<result<void>>(
            [&](function<void(result<void>)> done) { self->wait_for(*needed, std::move(done)); });
        auto committed = co_await commit;
        if (!committed) co_return committed.error();
        co_return std::move(decided.response);
    }
};

controller_runtime::controller_runtime(event_loop& loop, metadata_writer& writer, const config_schema& schema,
                                       controller_config config, std::uint64_t seed)
    : state_(std::make_shared<state>(loop, writer, schema, std::move(config), seed)) {}
controller_runtime::~controller_runtime() { state_->stop(not_controller("it is stopping")); }

void controller_runtime::on_leadership(std::int32_t epoch, image_ref committed, std::vector<metadata_record> bootstrap,
                                       bool unfinished_transaction) {
    auto& self = *state_;
    self.active = true;
    self.epoch = epoch;
    self.proposed = -1;
    self.speculative = std::move(committed);
    self.high_watermark = std::max(self.high_watermark, self.speculative->position().offset + 1);
    self.decider.sessions().reset(*self.speculative, self.loop.now());
    if (unfinished_transaction) {
        abort_transaction_record abort;
        abort.reason = "Controller failover";
        self.propose_unasked({abort}, "aborting the transaction of the leader before");
    }
    if (self.speculative->metadata_version() == 0)
        self.propose_unasked(self.decider.bootstrap(std::move(bootstrap)), "the first records");
    self.plan_session_check();
}

void controller_runtime::on_high_watermark(std::int64_t offset) {
    auto& self = *state_;
    self.high_watermark = std::max(self.high_watermark, offset);
    // Who is answered may ask again, and so change the queue.
    std::vector<function<void(result<void>)>> ready;
    while (!self.queue.empty() && self.queue.front().offset < self.high_watermark) {
        ready.push_back(std::move(self.queue.front().done));
        self.queue.pop_front();
    }
    for (auto& done : ready) done({});
}

void controller_runtime::on_resign() {
    state_->stop(not_controller("it lost the lead before the change was committed"));
}

void controller_runtime::measure(metrics::registry& registry) {
    const std::string prefix = "kafka_controller_controllereventmanager_";
    state_->waits = registry.histogram(prefix + "eventqueuetimems", "Milliseconds a request waited for the controller's event loop.", {}, 0.001);
    state_->decisions = registry.histogram(prefix + "eventqueueprocessingtimems", "Milliseconds the controller took to decide a request and write its records.", {}, 0.001);
}

void controller_runtime::waited(nanoseconds time) noexcept { state::record(state_->waits, time); }

bool controller_runtime::active() const noexcept { return state_->active; }
image_ref controller_runtime::speculative() const { return state_->speculative; }

task<result<create_topics_response>> controller_runtime::create_topics(create_topics_request request,
                                                                       std::string principal) {
    return state::run<create_topics_response>(
        state_,
        [request = std::move(request)](controller& c, const decision_context& at) {
            return c.create_topics(at, request);
        },
        std::move(principal));
}
task<result<delete_topics_response>> controller_runtime::delete_topics(delete_topics_request request) {
    return state::run<delete_topics_response>(
        state_, [request = std::move(request)](controller& c, const decision_context& at) {
            return c.delete_topics(at, request);
        });
}
task<result<create_partitions_response>> controller_runtime::create_partitions(create_partitions_request request) {
    return state::run<create_partitions_response>(
        state_, [request = std::move(request)](controller& c, const decision_context& at) {
            return c.create_partitions(at, request);
        });
}
task<result<elect_leaders_response>> controller_runtime::elect_leaders(elect_leaders_request request) {
    return state::run<elect_leaders_response>(
        state_, [request = std::move(request)](controller& c, const decision_context& at) {
            return c.elect_leaders(at, request);
        });
}
task<result<alter_partition_response>> controller_runtime::alter_partition(alter_partition_request request) {
    return state::run<alter_partition_response>(
        state_, [request = std::move(request)](controller& c, const decision_context& at) {
            return c.alter_partition(at, request);
        });
}
task<result<alter_configs_response>> controller_runtime::alter_configs(alter_configs_request request) {
    return state::run<alter_configs_response>(
        state_, [request = std::move(request)](controller& c, const decision_context& at) {
            return c.alter_configs(at, request);
        });
}
task<result<incremental_alter_configs_response>> controller_runtime::incremental_alter_configs(
    incremental_alter_configs_request request) {
    return state::run<incremental_alter_configs_response>(
        state_, [request = std::move(request)](controller& c, const decision_context& at) {
            return c.incremental_alter_configs(at, request);
        });
}
task<result<update_features_response>> controller_runtime::update_features(update_features_request request,
                                                                           std::int16_t version) {
    return state::run<update_features_response>(
        state_, [request = std::move(request), version](controller& c, const decision_context& at) {
            return c.update_features(at, request, version);
        });
}
task<result<broker_registration_response>> controller_runtime::register_broker(broker_registration_request request) {
    return state::run<broker_registration_response>(
        state_, [request = std::move(request)](controller& c, const decision_context& at) {
            return c.register_broker(at, request);
        });
}
task<result<broker_heartbeat_response>> controller_runtime::broker_heartbeat(broker_heartbeat_request request) {
    return state::run<broker_heartbeat_response>(
        state_, [request = std::move(request)](controller& c, const decision_context& at) {
            return c.broker_heartbeat(at, request);
        });
}
task<result<assign_replicas_to_dirs_response>> controller_runtime::assign_replicas_to_dirs(
    assign_replicas_to_dirs_request request) {
    return state::run<assign_replicas_to_dirs_response>(
        state_, [request = std::move(request)](controller& c, const decision_context& at) {
            return c.assign_replicas_to_dirs(at, request);
        });
}
task<result<unregister_broker_response>> controller_runtime::unregister_broker(unregister_broker_request request) {
    return state::run<unregister_broker_response>(
        state_, [request = std::move(request)](controller& c, const decision_context& at) {
            return c.unregister_broker(at, request);
        });
}
task<result<controller_registration_response>> controller_runtime::register_controller(
    controller_registration_request request) {
    return state::run<controller_registration_response>(
        state_, [request = std::move(request)](controller& c, const decision_context& at) {
            return c.register_controller(at, request);
        });
}
task<result<allocate_producer_ids_response>> controller_runtime::allocate_producer_ids(
    allocate_producer_ids_request request) {
    return state::run<allocate_producer_ids_response>(
        state_, [request = std::move(request)](controller& c, const decision_context& at) {
            return c.allocate_producer_ids(at, request);
        });
}

bool snapshot_policy::due(std::int64_t bytes, timestamp_ms last, timestamp_ms now) const noexcept {
    if (bytes <= 0) return false;
    return bytes >= max_bytes || (max_interval.count() > 0 && now - last >= max_interval.count());
}

}  // namespace weir::metadata

#include <weir/replica/partition.hpp>

#include <weir/base/log.hpp>
#include <weir/replica/flusher.hpp>

#include <algorithm>
#include <utility>

namespace weir::replica {
namespace {

log::logger partition_logs{"weir.replica"};

}  // namespace

partition::partition(partition_id id, std::string topic, std::unique_ptr<storage::partition_log> log, event_loop& home,
                     flusher& flush)
    : id_(id),
      topic_(std::move(topic)),
      log_(std::move(log)),
      home_(home),
      flush_(flush) {
    log_start_offset_ = log_->log_start_offset();
}

partition::~partition() {
    flush_.forget(*this);
    home_.cancel(flush_timer_);
    if (copy_) home_.cancel(copy_->next_step);
}

void partition::lead(std::int32_t leader_epoch) {
    if (lost_place_ || (leads() && leader_epoch_.load() >= leader_epoch)) return;
    if (log_->latest_epoch() < leader_epoch) log_->begin_epoch(leader_epoch, log_->log_end_offset());
    leader_epoch_.store(leader_epoch, std::memory_order_release);
    if (!leads()) {
        recovered_end_ = log_->log_end_offset();
        recovering_.store(true, std::memory_order_release);
    }
    leads_.store(true, std::memory_order_release);
    if (log_->flushed_offset() < log_->log_end_offset()) flush_.add(*this);
    advance_high_watermark();
}

void partition::resign() {
    const auto stays = weak_from_this().lock();
    leads_.store(false, std::memory_order_release);
    fail_waiters(error{errc::not_leader_or_follower, topic_ + "-" + std::to_string(id_.index)});
    tell_listeners();
}

result<storage::append_outcome> partition::append(mutable_bytes batch, storage::append_origin origin,
                                                  std::vector<storage::record_refusal>* refused) {
    if (!leads()) return error{errc::not_leader_or_follower, topic_ + "-" + std::to_string(id_.index)};
    auto outcome = log_->append(batch, leader_epoch(), origin, refused);
    if (!outcome) {
        if (outcome.code() == errc::kafka_storage_error) on_flushed();
        return outcome;
    }
    if (!outcome->duplicate) {
        if (log_->config().flush_before_ack)
            flush_.add(*this);
        else {
            flush_in_time();
            advance_high_watermark();  // last: who hears of it may take the log
        }
    }
    return outcome;
}

// Without a flush before the answer, flush.messages and flush.ms bound what a power cut can take.
void partition::flush_in_time() {
    const auto& config = log_->config();
    if (log_->flush_due()) return flush_.add(*this);
    // A time of years is Kafka's word for never.
    if (config.flush_ms > std::chrono::hours{24 * 365} || flush_timer_ != timer_id::none) return;
    flush_timer_ = home_.call_after(config.flush_ms, [this] {
        flush_timer_ = timer_id::none;
        flush_.add(*this);
    });
}

void partition::when_committed(std::int64_t offset, time_point deadline, function<void(result<void>)> done) {
    if (!leads()) return done(error{errc::not_leader_or_follower, topic_ + "-" + std::to_string(id_.index)});
    if (high_watermark() >= offset) return done({});
    // Duplicates wait for offsets that others already wait for, so the newcomer may belong before the last.
    auto at = std::upper_bound(waiters_.begin(), waiters_.end(), offset,
                               [](std::int64_t wanted, const waiter& other) { return wanted < other.offset; });
    waiters_.insert(at, waiter{offset, deadline, std::move(done)});
    flush_.watch_deadlines(*this);
}

void partition::on_flushed() {
    // Who hears of it may remove this partition: its log is gone then, and nobody else may hold it.
    const auto stays = weak_from_this().lock();
    advance_high_watermark();
    if (!log_ || log_->writable()) return;
    fail_waiters(error{errc::kafka_storage_error, log_->directory()});
    tell_listeners();
}

// With one in-sync replica, this one, committed is what is durable here, or what is written when the topic does not
// ask for a flush before the answer.
void partition::advance_high_watermark() {
    if (!leads()) return;
    const auto committed = log_->config().flush_before_ack ? log_->flushed_offset() : log_->log_end_offset();
    const auto before = high_watermark();
    const auto stable_before = last_stable_offset();
    if (committed > before) high_watermark_.store(committed, std::memory_order_release);
    const auto mark = high_watermark();
    log_->note_high_watermark(mark);
    if (mark >= recovered_end_) recovering_.store(false, std::memory_order_release);
    const auto unstable = log_->first_unstable_offset(mark);
    const auto stable = unstable ? std::min(*unstable, mark) : mark;
    if (stable > stable_before) last_stable_offset_.store(stable, std::memory_order_release);
    while (!waiters_.empty() && waiters_.front().offset <= mark) {
        auto done = std::move(waiters_.front().done);
        waiters_.pop_front();
        done({});
    }
    if (mark != before || stable > stable_before) tell_listeners();
}

void partition::fail_waiters(const error& why) {
    for (auto& each : std::exchange(waiters_, {})) each.done(why);
}

bool partition::expire_waiters(time_point now) {
    const auto stays = weak_from_this().lock();
    std::vector<waiter> late;
    for (auto at = waiters_.begin(); at != waiters_.end();) {
        if (at->deadline > now) {
            ++at;
            continue;
        }
        late.push_back(std::move(*at));
        at = waiters_.erase(at);
    }
    for (auto& each : late)
        each.done(error{errc::request_timed_out,
                        topic_ + "-" + std::to_string(id_.index) + " was written but not committed in time"});
    return !waiters_.empty();
}

errc partition::check_epoch(std::int32_t current_leader_epoch) const noexcept {
    if (current_leader_epoch < 0) return errc::none;
    if (current_leader_epoch < leader_epoch()) return errc::fenced_leader_epoch;
    return current_leader_epoch > leader_epoch() ? errc::unknown_leader_epoch : errc::none;
}

read_answer partition::read(const read_request& request) const {
    const auto refuse = [](errc code) {  // of where the partition stands nothing is said then, as in Kafka
        read_answer refused;
        refused.code = code;
        return refused;
    };
    if (!leads() || (!serves() && !request.beyond_high_watermark)) return refuse(errc::not_leader_or_follower);
    if (const auto code = check_epoch(request.current_leader_epoch); code != errc::none) return refuse(code);
    read_answer answer;
    answer.high_watermark = high_watermark();
    answer.last_stable_offset = last_stable_offset();
    answer.log_start_offset = log_->log_start_offset();
    if (request.last_fetched_epoch >= 0) {
        const auto end = log_->end_of_epoch(request.last_fetched_epoch);
        if (end.epoch < 0) return refuse(errc::offset_out_of_range);
        if (end.epoch < request.last_fetched_epoch || end.end_offset < request.offset) {
            answer.diverging = end;
            return answer;
        }
    }
    const auto limit = request.beyond_high_watermark ? log_->log_end_offset()
                       : request.read_committed      ? answer.last_stable_offset
                                                     : answer.high_watermark;
    if (request.offset < answer.log_start_offset || request.offset > log_->log_end_offset())
        return refuse(errc::offset_out_of_range);
    if (request.offset >= limit) return answer;
    auto found = log_->read(request.offset, request.max_bytes, limit, request.at_least_one, request.read_committed);
    if (!found) {
        // Whoever reads there tries again and again.
        if (std::exchange(unreadable_at_, request.offset) != request.offset)
            partition_logs.error("reading " + topic_ + "-" + std::to_string(id_.index) + " at offset " +
                                 std::to_string(request.offset) + ": " + found.error().message());
        return refuse(found.code());
    }
    answer.records = std::move(found->records);
    answer.aborted = std::move(found->aborted);
    return answer;
}

void partition::abandon() noexcept { const auto dropped = std::exchange(waiters_, {}); }

void partition::add_listener(std::weak_ptr<progress_listener> listener) { listeners_.push_back(std::move(listener)); }

void partition::remove_listener(const std::weak_ptr<progress_listener>& listener) noexcept {
    std::erase_if(listeners_, [&](const auto& each) {
        return each.expired() || (!each.owner_before(listener) && !listener.owner_before(each));
    });
}

void partition::tell_listeners() {
    for (const auto& each : listeners_) {
        if (const auto there = each.lock()) there->on_progress();
    }
}

result<std::int64_t> partition::delete_records(std::int64_t before_offset) {
    if (!leads()) return error{errc::not_leader_or_follower, topic_ + "-" + std::to_string(id_.index)};
    if (log_->config().compacts() && !log_->config().deletes())  // in Kafka's words
        return error{errc::policy_violation, "Records of partition " + topic_ + "-" + std::to_string(id_.index) +
                                                 " can not be deleted due to the configured policy"};
    const auto target = before_offset == -1 ? high_watermark() : before_offset;
    if (target < 0 || target > high_watermark())
        return error{errc::offset_out_of_range,
                     topic_ + "-" + std::to_string(id_.index) + ": records can be deleted up to offset " +
                         std::to_string(high_watermark()) + ", not " + std::to_string(target)};
    if (target > log_->log_start_offset()) {
        if (auto moved = log_->advance_log_start(target); !moved) return moved.error();
        log_start_offset_.store(log_->log_start_offset(), std::memory_order_release);
    }
    return log_->log_start_offset();
}

partition_figures partition::figures() const {
    return {.topic = topic_,
            .index = id_.index,
            .leads = leads(),
            .bytes = log_->size_bytes(),
            .segments = log_->segment_count(),
            .log_start = log_->log_start_offset(),
            .log_end = log_->log_end_offset(),
            .high_watermark = high_watermark(),
            .last_stable = last_stable_offset(),
            .min_in_sync = log_->config().min_insync_replicas,
            .producers = log_->producer_count(),
            .compaction = log_->compacted(),
            .uncleanable = compaction_failed_,
            .log_directory = log_->directory().substr(0, log_->directory().rfind('/')),
            .waiting_writers = waiters_.size()};
}

void partition::set_config(const storage::log_config& config) {
    log_->set_config(config);
    if (copy_) copy_->set_config(config);
}

void partition::maintain() {
    if (!log_->writable()) return;
    const auto note = [this](const char* what, const error& why) {
        partition_logs.error(std::string{what} + " of " + log_->directory() + " failed: " + why.message());
    };
    if (auto rolled = log_->roll_if_due(); !rolled) note("rolling", rolled.error());
    if (auto dropped = log_->apply_retention(high_watermark()); !dropped) note("retention", dropped.error());
    if (auto collected = log_->collect_garbage(); !collected) note("removal of old files", collected.error());
    log_->expire_producers();
    log_start_offset_.store(log_->log_start_offset(), std::memory_order_release);
}

storage::compaction_step partition::compact(std::uint64_t budget, std::size_t map_bytes) {
    if (!log_->writable()) return {};
    auto step = log_->compact(high_watermark(), budget, map_bytes);
    if (!step) {
        tell_compaction(step.error());
        return {};
    }
    if (!step->more) compaction_failed_ = false;
    return *std::move(step);
}

void partition::compaction_synced(const file_ptr& which, const result<void>& synced) {
    if (auto fine = log_->compaction_synced(which, synced); !fine) {
        tell_compaction(fine.error());
        on_flushed();  // the log may be offline
    }
}

// It is tried in every round, and told once.
void partition::tell_compaction(const error& why) {
    if (!std::exchange(compaction_failed_, true))
        partition_logs.error("compaction of " + log_->directory() + " failed: " + why.message());
}

std::unique_ptr<storage::partition_log> partition::take_log() noexcept {
    cancel_move();
    flush_.forget(*this);
    home_.cancel(std::exchange(flush_timer_, timer_id::none));
    return std::move(log_);
}

result<void> partition::close() {
    resign();
    result<void> copied;
    if (const auto copy = std::exchange(copy_, nullptr)) {
        home_.cancel(copy->next_step);
        copied = copy->future().close();
    }
    auto closed = log_->close();
    return closed ? copied : closed;
}

}  // namespace weir::replica

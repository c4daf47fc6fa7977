#include "sender.hpp"

#include <weir/base/log.hpp>
#include <weir/protocol/messages/init_producer_id.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <atomic>

namespace weir::detail {
namespace {

log::logger sender_logs{"weir.client.producer"};
constexpr milliseconds callbacks_have{1000};  // to return after close(), at least

/// Whether asking again cannot help before somebody changes the cluster.
bool pointless(errc code) noexcept {
    return code == errc::invalid_topic || code == errc::topic_authorization_failed || code == errc::cluster_authorization_failed || code == errc::policy_violation;
}

}  // namespace

sender::sender(std::shared_ptr<cluster> view, std::shared_ptr<callbacks> strand, std::shared_ptr<accumulator> records,
               std::shared_ptr<transaction_manager> transactions, producer_config& config)
    : view_(std::move(view)), strand_(std::move(strand)), keeps_records_(std::move(records)), records_(*keeps_records_),
      config_{config.required_acks, config.idempotence, config.linger, config.delivery_timeout, config.max_block, config.partitioner_availability_timeout,
              config.metadata_max_idle, std::min(config.max_request_size, accumulator::largest), config.max_in_flight, config.retries},
      transactions_(std::move(transactions)),
      on_lost_(std::make_shared<function<void(const error&)>>(std::move(config.on_lost))),
      on_acknowledgement_(std::make_shared<function<void(const result<record_metadata>&)>>(std::move(config.on_acknowledgement))),
      counters_(std::make_shared<producer_counters>()) {
    if (transactions_) counters_->transactional_id = transactions_->id();
    counters_->buffer_bytes = config.buffer_memory;
    counters_->queued_bytes = [records = std::weak_ptr{keeps_records_}] {
        const auto held = records.lock();
        return held ? held->used() : 0;
    };
    view_->counters().add(counters_);
}

void sender::learn(const std::string& topic) {
    if (abandoned_ || closing_) return;
    if (!std::exchange(watching_, true)) {
        view_->watch(this, [weak = weak_from_this()] {
            if (const auto self = weak.lock()) self->update_topics();
        });
    }
    topics_[topic].needed_until = view_->loop().now() + config_.max_block;
    records_.refuse(topic, {});
    view_->want(this, topic, true);
    const auto* known = view_->find(topic);
    if (known && !known->partitions.empty()) update_topics();
    else view_->refresh();
}

void sender::update_topics() {
    if (view_->closed()) return abandon(error{errc::closed, "the client is closed"});
    const auto now = view_->loop().now();
    for (auto at = topics_.begin(); at != topics_.end();) {
        if (!disused(at->first, at->second.needed_until)) {
            ++at;
            continue;
        }
        view_->unwant(this, at->first);
        at = topics_.erase(at);
    }
    for (auto& [name, mine] : topics_) {
        const auto* known = view_->find(name);
        if (!known || known->partitions.empty()) {
            if (known && pointless(known->code)) records_.refuse(name, error{known->code, fmt::format("{}: the cluster refuses the topic", name)});
            else if (now < mine.needed_until && !view_->last_failure().permanent()) view_->refresh();  // somebody waits for it
            continue;
        }
        const auto before = std::exchange(mine.id, known->id);
        records_.set_partitions(name, known->partitions.size(), !before.is_zero() && before != known->id);
        for (std::size_t i = 0; i < known->partitions.size(); ++i) {
            const auto leader = known->partitions[i].leader;
            records_.set_available(name, i, leader >= 0 && !stalled(leader));
        }
    }
    records_.changed(view_->last_failure());
    if (changed_) changed_();
    run();
}

// The queues stay, for their sequences go on.
bool sender::disused(const std::string& name, time_point needed_until) {
    const auto now = view_->loop().now();
    const auto recent = [&](time_point last) { return now - last < config_.metadata_max_idle; };
    return !recent(needed_until) && records_.let_go(name, [&](partition_queue& queue) {
        return !queue.shipped.empty() || !queue.retry.empty() || recent(queue.last_sent);
    });
}

bool sender::stalled(std::int32_t broker) const {
    const auto at = stalled_since_.find(broker);
    return at != stalled_since_.end() && view_->loop().now() - at->second >= config_.availability_timeout;
}

// A broker that takes nothing for a while gets no more records that could go elsewhere (partitioner.availability.timeout.ms).
void sender::note_stalls(const std::map<std::int32_t, shipment>& out, time_point& wake_at) {
    if (config_.availability_timeout <= milliseconds{0}) return;
    bool changed = false;
    for (const auto& [broker, load] : out) {
        const bool before = stalled(broker);
        if (!load.items.empty() || !load.stalled) stalled_since_.erase(broker);
        else stalled_since_.try_emplace(broker, view_->loop().now());
        const bool after = stalled(broker);
        changed |= before != after;
        if (const auto at = stalled_since_.find(broker); at != stalled_since_.end() && !after) wake_at = std::min(wake_at, at->second + config_.availability_timeout);
    }
    if (!changed) return;
    for (const auto& [name, mine] : topics_) {
        const auto* known = view_->find(name);
        for (std::size_t i = 0; known && i < known->partitions.size(); ++i) {
            const auto leader = known->partitions[i].leader;
            records_.set_available(name, i, leader >= 0 && !stalled(leader));
        }
    }
}

std::int32_t sender::leader_of(const partition_queue& queue) const {
    const auto* known = view_->find(queue.topic);
    const auto index = static_cast<std::size_t>(queue.partition);
    return known && index < known->partitions.size() ? known->partitions[index].leader : -1;
}

void sender::expire(partition_queue& queue, time_point& wake_at) {
    const auto now = view_->loop().now();
    const auto fail = [&](const batch_ptr& late) {
        const auto* why = late->last_failure ? "; last: " : "";
        lose(late, error{errc::timed_out, fmt::format("{}: not delivered within {} ms (delivery.timeout.ms) in {} attempts; the leader is {}{}{}", late->partition_name(),
                                                      config_.delivery_timeout.count(), late->attempts, view_->name_of(leader_of(queue)), why,
                                                      late->last_failure ? late->last_failure.message() : "")});
    };
    // What is on its way stays there: the answer may be long in coming, and those behind wait for it.
    std::vector<batch_ptr> late_on_the_way;
    for (const auto& each : queue.shipped) {
        if (each->ended()) continue;
        if (const auto due = each->created + config_.delivery_timeout; due > now) wake_at = std::min(wake_at, due);
        else late_on_the_way.push_back(each);
    }
    for (const auto& late : late_on_the_way) fail(late);
    while (!queue.retry.empty() && queue.retry.front()->created + config_.delivery_timeout <= now) {
        const auto late = queue.retry.front();
        queue.retry.pop_front();
        fail(late);
    }
    for (;;) {
        const auto waiting = records_.look(queue, queue.hungry);
        if (waiting.oldest == time_point::max()) break;
        if (waiting.oldest + config_.delivery_timeout > now) {
            wake_at = std::min(wake_at, waiting.oldest + config_.delivery_timeout);
            break;
        }
        fail(records_.pop(queue));
    }
    if (!queue.retry.empty()) wake_at = std::min(wake_at, queue.retry.front()->created + config_.delivery_timeout);
}

// In a transaction of protocol V1 a partition is announced before the first batch goes there.
bool sender::admitted(partition_queue& queue) {
    if (!transactions_ || queue.admitted == transactions_->number()) return true;
    if (!transactions_->admit({queue.topic, queue.partition})) {
        if (transaction_moved_) transaction_moved_();
        return false;
    }
    queue.admitted = transactions_->number();
    return true;
}

batch_ptr sender::next_batch(partition_queue& queue, shipment& to, bool idle_leader, bool room, time_point& wake_at) {
    const auto now = view_->loop().now();
    if (!queue.retry.empty()) {
        // What is sent again must not be overtaken, nor overtake what is still on its way.
        if (!queue.shipped.empty()) return nullptr;
        if (now < queue.retry_at) {
            wake_at = std::min(wake_at, queue.retry_at);
            return nullptr;
        }
        to.stalled |= !room;
        if (!room || !admitted(queue)) return nullptr;
        auto next = std::move(queue.retry.front());
        queue.retry.pop_front();
        return next;
    }
    // A broker knows the last five batches of a producer again: with more under way, at the leaders before and after a move, one
    // that is there already might be taken for lost. And of somebody new it takes any sequence for the first.
    const auto most = queue.introduced ? static_cast<std::size_t>(config_.max_in_flight) : 1;
    if (config_.idempotence && queue.shipped.size() >= most) return nullptr;
    // After a gap the old sequences run out before new ones begin.
    if (config_.idempotence && !queue.shipped.empty() && (queue.producer_id != producer_id_ || queue.epoch != epoch_)) return nullptr;
    const auto waiting = records_.look(queue, idle_leader);
    if (!waiting.ready && !waiting.open) return nullptr;
    to.stalled |= !room;
    if (!room || !admitted(queue)) return nullptr;
    if (waiting.ready) return records_.pop(queue);
    const auto due = waiting.open->created + config_.linger;
    const bool flushed = std::any_of(flushing_.begin(), flushing_.end(), [&](const auto& each) { return waiting.open->id < each.id; });
    if (idle_leader || flushed || now >= due || records_.pressed()) return records_.pop(queue);
    wake_at = std::min(wake_at, due);
    return nullptr;
}

result<void> sender::seal(partition_queue& queue, batch& records) {
    if (!config_.idempotence) return records.encoded ? result<void>{} : records.seal(-1, -1, -1);
    if (records.sequence >= 0) return {};  // it may be in the log, and is known there by this number
    if (queue.producer_id != producer_id_ || queue.epoch != epoch_) {
        if (queue.producer_id != producer_id_) queue.introduced = false;
        queue.producer_id = producer_id_;
        queue.epoch = epoch_;
        queue.next_sequence = 0;
    }
    const auto first = queue.next_sequence;
    queue.next_sequence = protocol::advance_sequence(first, records.count);
    return records.seal(producer_id_, epoch_, first);
}

// The broker misses what was given up, or has lost track: nothing of what waits here is in its log, nor ever would be. A new
// epoch begins the sequences anew (KIP-360). Batches of other partitions keep theirs: they may be in a log. So may in a moment
// what was sent here once without an answer: under a new number it might be there twice.
void sender::restart_sequences(partition_queue& queue) {
    if (!config_.idempotence || transactions_) return;
    std::deque<batch_ptr> sure;
    for (auto& each : std::exchange(queue.retry, {})) {
        if (each->doubtful) {
            lose(each, error{errc::out_of_order_sequence_number, fmt::format("{}: the leader misses what was sent before, and one attempt to send this was never answered: it may be in the log or not", each->partition_name()), each->last_failure});
            continue;
        }
        each->sequence = -1;
        sure.push_back(std::move(each));
    }
    queue.retry = std::move(sure);
    if (queue.producer_id != producer_id_ || queue.epoch != epoch_) return;
    if (epoch_ < std::numeric_limits<std::int16_t>::max()) ++epoch_;
    else producer_id_ = -1;
}

void sender::run() {
    if (abandoned_) return;
    if (std::exchange(running_, true)) {
        run_again_ = true;
        return;
    }
    do {
        run_again_ = false;
        for (auto& fresh : records_.take_listed()) active_.push_back(std::move(fresh));
        if (transactions_) {
            producer_id_ = transactions_->identity().id;
            epoch_ = transactions_->identity().epoch;
        } else if (config_.idempotence && producer_id_ < 0 && !active_.empty() && !asking_id_) {
            asking_id_ = true;
            spawn(init_producer_id(shared_from_this()));
        }
        const bool may_send = !config_.idempotence || producer_id_ >= 0;
        auto wake_at = time_point::max();
        std::map<std::int32_t, shipment> out;
        bool leaderless = false;
        if (!active_.empty()) std::rotate(active_.begin(), active_.begin() + static_cast<std::ptrdiff_t>(turn_++ % active_.size()), active_.end());
        for (auto& queue : active_) {
            expire(*queue, wake_at);
            const auto leader = leader_of(*queue);
            if (leader < 0 || !may_send) {
                leaderless |= leader < 0;
                if (leader < 0) view_->want(this, queue->topic, true);  // records wait for it, even if it was deleted
                continue;
            }
            const auto requests = requests_[leader];
            auto& to = out[leader];
            const bool room = requests < config_.max_in_flight && to.bytes < config_.max_request_size;
            auto next = next_batch(*queue, to, requests == 0, room, wake_at);
            if (!next) continue;
            if (auto sealed = seal(*queue, *next); !sealed) {
                lose(next, sealed.error());
                continue;
            }
            if (to.bytes > 0 && to.bytes + next->encoded->size() > config_.max_request_size) {
                queue->retry.push_front(std::move(next));  // first in the next request
                to.bytes = config_.max_request_size;
                continue;
            }
            to.bytes += next->encoded->size();
            ++next->attempts;
            queue->shipped.push_back(next);
            queue->last_sent = view_->loop().now();
            to.items.push_back({queue, std::move(next)});
        }
        if (leaderless) view_->refresh();
        note_stalls(out, wake_at);
        forget_idle();
        for (auto& [broker, load] : out) {
            if (load.items.empty()) continue;
            ++requests_[broker];
            spawn(ship(shared_from_this(), broker, std::move(load.items)));
            run_again_ = true;  // another batch of the same partitions may go along
        }
        view_->loop().cancel(std::exchange(alarm_, timer_id::none));
        if (wake_at != time_point::max() && !run_again_) {
            alarm_ = view_->loop().call_at(wake_at, [self = shared_from_this()] {
                self->alarm_ = timer_id::none;
                self->run();
            });
        }
    } while (run_again_);
    running_ = false;
}

void sender::drain(std::uint64_t id, function<void(const error&)> done) {
    if (abandoned_) return done(abandoned_);
    if (records_.oldest_unfinished() >= id) return done({});
    flushing_.push_back({id, std::move(done)});
    run();
}

void sender::flush(std::uint64_t id, std::shared_ptr<op_state<void>> done) {
    drain(id, [this, done = std::move(done)](const error& why) {
        strand_->after_posted([done, came = outcome(why)]() mutable { done->complete(std::move(came)); });
    });
}

void sender::drop(const error& why) {
    if (dropping_ || abandoned_) return;
    dropping_ = why;
    lose_waiting(why);
}

void sender::close(std::uint64_t id, milliseconds most, bool callbacks_too, std::shared_ptr<op_state<void>> done) {
    closing_ = true;
    const auto until = most == milliseconds::max() ? time_point::max() : view_->loop().now() + most;
    drain(id, [this, until, callbacks_too, done = std::move(done)](const error& why) {
        if (!callbacks_too) return done->complete(outcome(why));
        const auto told = std::make_shared<std::atomic_flag>();
        const auto tell = [done, told](result<void> came) { if (!told->test_and_set()) done->complete(std::move(came)); };
        strand_->after_posted([tell, came = outcome(why)] { tell(came); });
        if (told->test() || until == time_point::max()) return;
        auto& loop = view_->loop();
        loop.call_at(std::max(until, loop.now() + callbacks_have), [tell] { tell(error{errc::timed_out, "the producer is closed, and callbacks of what it sent have not returned"}); });
    });
    if (changed_) changed_();
    if (flushing_.empty()) {
        retire();
        return;
    }
    const auto give_up = [self = shared_from_this(), most] {
        self->give_up_ = timer_id::none;
        self->abandon(error{errc::closed, fmt::format("the producer was closed, and {} ms were not enough to deliver what was under way", most.count())});
    };
    if (most <= milliseconds{0}) give_up();
    else if (most != milliseconds::max()) give_up_ = view_->loop().call_after(most, give_up);
}

void sender::retire() {
    view_->forget(this);
    view_->loop().cancel(std::exchange(alarm_, timer_id::none));
    view_->loop().cancel(std::exchange(give_up_, timer_id::none));
}

void sender::abandon(const error& why) {
    if (abandoned_) return;
    abandoned_ = why;
    retire();
    records_.close(why);
    for (auto& queue : records_.all()) {
        for (auto& each : std::vector{queue->shipped}) lose(each, why);
    }
    lose_waiting(why);
    active_.clear();
    for (auto waiting = std::exchange(flushing_, {}); auto& each : waiting) each.done(why);
    if (changed_) changed_();
}

void sender::lose_waiting(const error& why) {
    for (auto& queue : records_.all()) {
        for (auto waiting = std::exchange(queue->retry, {}); auto& each : waiting) lose(each, why);
        while (auto next = records_.pop(*queue)) lose(next, why);
    }
    forget_idle();
}

void sender::forget_idle() {
    std::erase_if(active_, [&](const queue_ptr& queue) { return queue->shipped.empty() && queue->retry.empty() && records_.unlist(*queue); });
}

task<void> sender::init_producer_id(std::shared_ptr<sender> self) {
    while (!self->abandoned_) {
        auto finding = cluster::any(self->view_);
        auto link = co_await finding;
        error why = link.error();
        if (link) {
            protocol::init_producer_id_request request;
            request.transactional_id.reset();
            request.transaction_timeout_ms = std::numeric_limits<std::int32_t>::max();
            auto calling = (*link)->call(request);
            auto got = co_await calling;
            why = got.error();
            if (got && got->message.error_code == 0) {
                self->producer_id_ = got->message.producer_id;
                self->epoch_ = got->message.producer_epoch;
                self->id_failures_ = 0;
                break;
            }
            if (got) {
                why = error{errc_from_wire(got->message.error_code), "InitProducerId"};
                if (!why.retriable()) {
                    self->abandon(why);
                    break;
                }
            }
        }
        if (!link && why.permanent()) {
            self->lose_waiting(why);
            break;
        }
        sender_logs.debug("no producer id yet: " + why.message());
        pause_for pause{self->view_->loop(), self->view_->retry().after(++self->id_failures_, self->view_->random())};
        co_await pause;
        self->run();  // what waits may expire meanwhile
    }
    self->asking_id_ = false;
    self->run();
}

}  // namespace weir::detail

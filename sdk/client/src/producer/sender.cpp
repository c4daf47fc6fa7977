#include "sender.hpp"

#include <weir/base/log.hpp>
#include <weir/protocol/messages/init_producer_id.hpp>
#include <weir/protocol/messages/produce.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace weir::detail {
namespace {

log::logger logs{"weir.client.producer"};
// 13 names topics by id; the versions before it by name.
constexpr std::int16_t newest_produce = 12;

std::string place(const batch& records) { return fmt::format("{}-{}", records.topic, records.partition); }

bool sequence_error(errc code) noexcept {
    return code == errc::out_of_order_sequence_number || code == errc::unknown_producer_id || code == errc::invalid_producer_epoch;
}

}  // namespace

sender::sender(std::shared_ptr<cluster> view, std::shared_ptr<callbacks> strand, std::shared_ptr<accumulator> records, producer_config& config)
    : view_(std::move(view)), strand_(std::move(strand)), keeps_records_(std::move(records)), records_(*keeps_records_),
      config_{config.required_acks, config.idempotence, config.linger, config.delivery_timeout, config.max_block, config.max_request_size, config.max_in_flight},
      on_lost_(std::make_shared<function<void(const error&)>>(std::move(config.on_lost))) {}

void sender::learn(const std::string& topic) {
    if (abandoned_) return;
    if (topics_.empty()) view_->watch(this, [this] { update_topics(); });
    topics_[topic] = view_->loop().now() + config_.max_block;
    view_->want(topic);
    if (view_->find(topic)) update_topics();
}

void sender::update_topics() {
    const auto now = view_->loop().now();
    for (const auto& [name, needed_until] : topics_) {
        const auto* known = view_->find(name);
        if (!known || known->partitions.empty()) {
            // Somebody waits for it, unless they have just been told that it is of no use.
            if (now < needed_until && !view_->last_failure().fatal()) view_->refresh();
            continue;
        }
        records_.set_partitions(name, known->partitions.size());
        for (std::size_t i = 0; i < known->partitions.size(); ++i) records_.set_available(name, i, known->partitions[i].leader >= 0);
    }
    records_.changed(view_->last_failure());
    if (changed_) changed_();
    run();
}

std::int32_t sender::leader_of(const partition_queue& queue) const {
    const auto* known = view_->find(queue.topic);
    const auto index = static_cast<std::size_t>(queue.partition);
    return known && index < known->partitions.size() ? known->partitions[index].leader : -1;
}

bool sender::expire(partition_queue& queue, time_point& wake_at) {
    const auto now = view_->loop().now();
    const auto fail = [&](const batch_ptr& late) {
        const auto* why = late->last_failure ? "; last: " : "";
        lose(late, error{errc::timed_out, fmt::format("{}: not delivered within {} ms (delivery.timeout.ms) in {} attempts; the leader is {}{}{}", place(*late),
                                                      config_.delivery_timeout.count(), late->attempts, view_->name_of(leader_of(queue)), why,
                                                      late->last_failure ? late->last_failure.message() : "")});
    };
    bool gap = false;
    while (!queue.retry.empty() && queue.retry.front()->created + config_.delivery_timeout <= now) {
        const auto late = queue.retry.front();
        queue.retry.pop_front();
        gap |= late->sequence >= 0;
        fail(late);
    }
    if (gap) restart_sequences(queue);
    for (;;) {
        const auto waiting = records_.look(queue, queue.hungry);
        if (waiting.oldest == time_point::max()) break;
        if (waiting.oldest + config_.delivery_timeout > now) {
            wake_at = std::min(wake_at, waiting.oldest + config_.delivery_timeout);
            break;
        }
        fail(records_.pop(queue, true));
    }
    if (!queue.retry.empty()) wake_at = std::min(wake_at, queue.retry.front()->created + config_.delivery_timeout);
    return gap;
}

batch_ptr sender::next_batch(partition_queue& queue, bool idle_leader, bool room, time_point& wake_at) {
    const auto now = view_->loop().now();
    if (!queue.retry.empty()) {
        // What is sent again must not be overtaken, nor overtake what is still on its way.
        if (!queue.shipped.empty() || !room) return nullptr;
        if (now < queue.retry_at) {
            wake_at = std::min(wake_at, queue.retry_at);
            return nullptr;
        }
        auto next = std::move(queue.retry.front());
        queue.retry.pop_front();
        return next;
    }
    // After a gap the old sequences run out before new ones begin.
    if (config_.idempotence && !queue.shipped.empty() && (queue.producer_id != producer_id_ || queue.epoch != epoch_)) return nullptr;
    const auto waiting = records_.look(queue, idle_leader);
    if (!room || (!waiting.closed && !waiting.open)) return nullptr;
    if (waiting.closed) return records_.pop(queue, false);
    const auto due = waiting.open->created + config_.linger;
    const bool flushed = std::any_of(flushing_.begin(), flushing_.end(), [&](const auto& each) { return waiting.open->id < each.id; });
    if (idle_leader || flushed || now >= due || records_.pressed()) return records_.pop(queue, true);
    wake_at = std::min(wake_at, due);
    return nullptr;
}

result<void> sender::seal(partition_queue& queue, batch& records) {
    if (!config_.idempotence) return records.encoded ? result<void>{} : records.seal(-1, -1, -1);
    if (queue.producer_id != producer_id_ || queue.epoch != epoch_) {
        queue.producer_id = producer_id_;
        queue.epoch = epoch_;
        queue.next_sequence = 0;
    }
    if (records.sequence >= 0 && records.producer_id == queue.producer_id && records.epoch == queue.epoch) return {};
    const auto first = queue.next_sequence;
    queue.next_sequence = protocol::advance_sequence(first, records.count);
    return records.seal(producer_id_, epoch_, first);
}

// A batch that may or may not be in the log is given up, or the broker lost track: later sequences would never be accepted.
// A new epoch begins them anew (KIP-360).
void sender::restart_sequences(partition_queue& queue) {
    if (!config_.idempotence || queue.producer_id != producer_id_ || queue.epoch != epoch_) return;
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
        if (config_.idempotence && producer_id_ < 0 && !active_.empty() && !asking_id_) {
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
                continue;
            }
            const auto requests = requests_[leader];
            auto& to = out[leader];
            const bool room = requests < config_.max_in_flight && to.bytes < config_.max_request_size;
            auto next = next_batch(*queue, requests == 0, room, wake_at);
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
            to.items.push_back({queue, std::move(next)});
        }
        if (leaderless) view_->refresh();
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

task<void> sender::ship(std::shared_ptr<sender> self, std::int32_t broker, std::vector<item> items) {
    protocol::produce_request request;
    request.acks = static_cast<std::int16_t>(self->config_.required_acks);
    request.timeout_ms = static_cast<std::int32_t>(self->view_->request_timeout().count());
    std::sort(items.begin(), items.end(), [](const item& a, const item& b) { return a.records->topic < b.records->topic; });
    for (const auto& each : items) {
        if (request.topic_data.empty() || request.topic_data.back().name != each.records->topic) request.topic_data.emplace_back().name = each.records->topic;
        auto& part = request.topic_data.back().partition_data.emplace_back();
        part.index = each.records->partition;
        part.records = protocol::record_data{bytes_view{*each.records->encoded}, each.records->encoded};
    }
    const auto fail_all = [&](const error& why) {
        for (auto& each : items) {
            each.records->last_failure = why;
            if (!why.fatal()) {
                self->try_again(each, why.code(), why.what());
                continue;
            }
            landed(each);
            self->lose(each.records, why);
        }
    };
    auto reaching = cluster::broker(self->view_, broker);
    auto link = co_await reaching;
    if (!link) {
        fail_all(link.error());
        self->view_->refresh();
    } else if (self->config_.required_acks == acks::none) {
        auto told = (*link)->tell(request, newest_produce);
        for (auto& each : items) {
            if (told) self->settle(each, errc::none, "", -1, no_timestamp);
            else self->settle(each, told.error().code(), told.error().what(), -1, no_timestamp);
        }
    } else {
        auto calling = (*link)->call(request, newest_produce);
        auto got = co_await calling;
        if (!got) {
            fail_all(got.error());
            self->view_->refresh();
        } else {
            for (auto& node : got->message.node_endpoints) self->view_->learn_broker(node.node_id, {node.host, static_cast<std::uint16_t>(node.port)});
            for (auto& each : items) {
                const protocol::produce_response::partition_produce_response* found = nullptr;
                for (const auto& topic : got->message.responses) {
                    if (topic.name != each.records->topic) continue;
                    for (const auto& part : topic.partition_responses) if (part.index == each.records->partition) found = &part;
                }
                if (!found) {
                    self->try_again(each, errc::unknown_server_error, "the answer does not mention the partition");
                    continue;
                }
                if (found->current_leader.leader_id >= 0) self->view_->learn_leader(each.records->topic, each.records->partition, found->current_leader.leader_id, found->current_leader.leader_epoch);
                self->settle(each, errc_from_wire(found->error_code), found->error_message.value_or(""), found->base_offset, found->log_append_time_ms);
            }
        }
    }
    --self->requests_[broker];
    self->run();
}

void sender::settle(item& each, errc code, std::string_view message, std::int64_t base_offset, timestamp_ms append_time) {
    if (each.records->ended()) return landed(each);  // given up meanwhile
    if (code == errc::none || code == errc::duplicate_sequence_number) {
        landed(each);
        succeed(each, code == errc::none ? base_offset : -1, append_time);
        return;
    }
    auto& records = *each.records;
    records.last_failure = error{code, fmt::format("{}: {}", place(records), message.empty() ? describe(code).condition : message)};
    if (config_.idempotence && sequence_error(code)) {
        // Behind one that is to be sent again this is what follows; at the front the broker has lost track of us.
        const bool front = each.queue->retry.empty() && each.queue->shipped.size() == 1;
        if (front) restart_sequences(*each.queue);
        try_again(each, code, message);
        return;
    }
    if (describe(code).refresh) view_->refresh();
    if (describe(code).retriable) {
        try_again(each, code, message);
        return;
    }
    landed(each);
    const bool gap = records.sequence >= 0;
    auto why = records.last_failure;
    if (code == errc::message_too_large) why = error{code, fmt::format("{}: a batch of {} bytes is more than the topic takes; lower batch.size or raise the topic's max.message.bytes", place(records), records.encoded->size())};
    lose(each.records, std::move(why));
    if (gap) restart_sequences(*each.queue);
}

void sender::landed(const item& each) { std::erase(each.queue->shipped, each.records); }

void sender::try_again(item& each, errc code, std::string_view message) {
    auto& queue = *each.queue;
    landed(each);
    if (abandoned_) return;
    logs.debug(fmt::format("{}: {} {}, to be sent again", place(*each.records), describe(code).name, message));
    const auto where = std::find_if(queue.retry.begin(), queue.retry.end(), [&](const batch_ptr& other) { return other->id > each.records->id; });
    queue.retry.insert(where, each.records);
    queue.retry_at = view_->loop().now() + view_->retry().after(std::max(each.records->attempts, 1), view_->random());
}

void sender::succeed(const item& each, std::int64_t base_offset, timestamp_ms append_time) {
    each.records->succeed(base_offset, append_time);
    ended(each.records);
}

void sender::lose(const batch_ptr& records, error why) {
    if (records->ended()) return;
    if (records->unattended()) {
        if (!lost_) lost_ = why;
        if (*on_lost_) strand_->post([tell = on_lost_, why] { (*tell)(why); });
    }
    records->fail(std::move(why));
    ended(records);
}

void sender::ended(const batch_ptr& records) {
    records_.release(records);
    if (!flushing_.empty()) {
        const auto done_below = records_.oldest_unfinished();
        for (auto& each : flushing_) {
            if (each.id > done_below) continue;
            each.done->complete(lost_ ? result<void>{std::exchange(lost_, error{})} : result<void>{});
        }
        std::erase_if(flushing_, [](const flush_waiter& each) { return each.done->ended(); });
        if (closing_ && flushing_.empty()) retire();
    }
    if (changed_) changed_();
}

void sender::flush(std::uint64_t id, std::shared_ptr<op_state<void>> done) {
    if (records_.oldest_unfinished() >= id) {
        done->complete(lost_ ? result<void>{std::exchange(lost_, error{})} : result<void>{});
        return;
    }
    flushing_.push_back({id, std::move(done)});
    run();
}

void sender::close(std::uint64_t id, milliseconds most, std::shared_ptr<op_state<void>> done) {
    closing_ = true;
    flush(id, std::move(done));
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
    for (auto& queue : records_.all()) {
        for (auto& each : std::vector{queue->shipped}) lose(each, why);
    }
    lose_waiting(why);
    active_.clear();
    for (auto waiting = std::exchange(flushing_, {}); auto& each : waiting) each.done->complete(why);
}

void sender::lose_waiting(const error& why) {
    for (auto& queue : records_.all()) {
        for (auto waiting = std::exchange(queue->retry, {}); auto& each : waiting) lose(each, why);
        while (auto next = records_.pop(*queue, true)) lose(next, why);
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
                    self->records_.close(why);
                    self->abandon(why);
                    break;
                }
            }
        }
        if (!link && why.fatal()) {
            self->lose_waiting(why);
            break;
        }
        logs.debug("no producer id yet: " + why.message());
        pause_for pause{self->view_->loop(), self->view_->retry().after(++self->id_failures_, self->view_->random())};
        co_await pause;
        self->run();  // what waits may expire meanwhile
    }
    self->asking_id_ = false;
    self->run();
}

}  // namespace weir::detail

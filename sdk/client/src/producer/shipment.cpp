// The way of batches to a leader, and what its answer makes of them.
#include "sender.hpp"

#include "../hook.hpp"

#include <weir/base/log.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace weir::detail {
namespace {

log::logger shipment_logs{"weir.client.producer"};


/// What a broker says when it has appended, or may have.
bool may_be_there(errc code) noexcept { return code == errc::request_timed_out || code == errc::not_enough_replicas_after_append || code == errc::unknown_server_error; }

bool sequence_error(errc code) noexcept {
    return code == errc::out_of_order_sequence_number || code == errc::unknown_producer_id || code == errc::invalid_producer_epoch;
}

}  // namespace

// Version 13 names topics by id. From 12 on producing makes a partition part of the transaction, which protocol V1 does not mean.
std::int16_t sender::fill(protocol::produce_request& request, std::vector<item>& items) const {
    std::int16_t newest = transactions_ && !transactions_->v2() ? 11 : 13;
    if (transactions_) request.transactional_id = transactions_->id();
    request.acks = static_cast<std::int16_t>(config_.required_acks);
    request.timeout_ms = static_cast<std::int32_t>(view_->request_timeout().count());
    std::sort(items.begin(), items.end(), [](const item& a, const item& b) { return a.records->topic < b.records->topic; });
    for (auto& each : items) {
        const auto* const known = view_->find(each.records->topic);
        if (known) each.topic_id = known->id;
        if (each.topic_id == uuid{}) newest = std::min<std::int16_t>(newest, 12);
        if (request.topic_data.empty() || request.topic_data.back().name != each.records->topic) {
            auto& topic = request.topic_data.emplace_back();
            topic.name = each.records->topic;
            topic.topic_id = each.topic_id;
        }
        auto& part = request.topic_data.back().partition_data.emplace_back();
        part.index = each.records->partition;
        part.records = protocol::record_data{bytes_view{*each.records->encoded}, each.records->encoded};
    }
    return newest;
}

task<void> sender::ship(std::shared_ptr<sender> self, std::int32_t broker, std::vector<item> items) {
    protocol::produce_request request;
    const auto newest = self->fill(request, items);
    auto reaching = cluster::broker(self->view_, broker);
    auto link = co_await reaching;
    if (!link) {
        self->fail_all(items, link.error());
    } else if (self->config_.required_acks == acks::none) {
        self->count(items);
        auto telling = (*link)->tell(request, newest);
        const auto told = co_await telling;
        request.topic_data.clear();
        if (!told) self->fail_all(items, told.error());
        else for (auto& each : items) self->settle(each, errc::none, "", -1, no_timestamp);
    } else {
        self->count(items);
        const auto began = self->view_->loop().now();
        auto calling = (*link)->call(request, newest);
        auto got = co_await calling;
        request.topic_data.clear();  // nobody reads the batches any more: their memory can be used again
        if (got) self->counters_->latency.record(static_cast<std::uint64_t>((self->view_->loop().now() - began) / std::chrono::microseconds{1}));
        if (got) {
            self->read(got->message, items);
        } else {
            for (auto& each : items) each.records->doubtful = true;
            self->fail_all(items, got.error());
        }
    }
    --self->requests_[broker];
    self->run();
}

void sender::count(const std::vector<item>& sent) {
    auto& to = *counters_;
    const auto now = view_->loop().now();
    to.requests.add();
    for (const auto& [queue, records, id] : sent) {
        if (!records->encoded) continue;  // given up meanwhile
        ++records->sent;
        const auto size = records->encoded->size();
        to.records.add(static_cast<std::uint64_t>(records->count));
        to.batches.add();
        to.bytes.add(size);
        to.plain_bytes.add(records->uncompressed);
        to.batch_bytes.record(size);
        if (records->attempts == 1) to.queue_time.record(static_cast<std::uint64_t>((now - records->created) / std::chrono::microseconds{1}));
    }
}

void sender::fail_all(std::vector<item>& items, const error& why) {
    for (auto& each : items) {
        each.records->last_failure = why;
        if (!why.permanent()) {
            try_again(each, why.code(), why.what());
            continue;
        }
        landed(each);
        lose(each.records, why);
    }
    view_->refresh();
}

void sender::read(const protocol::produce_response& answer, std::vector<item>& items) {
    for (const auto& node : answer.node_endpoints) view_->learn_broker(node.node_id, {node.host, static_cast<std::uint16_t>(node.port)});
    std::vector<bool> mentioned(items.size());
    std::size_t at = 0;  // brokers answer in the order of the request
    for (const auto& topic : answer.responses) {
        for (const auto& part : topic.partition_responses) {
            const auto meant = [&](const item& each) {
                return each.records->partition == part.index && (topic.name.empty() ? each.topic_id == topic.topic_id : each.records->topic == topic.name);
            };
            if (at >= items.size() || !meant(items[at])) at = static_cast<std::size_t>(std::find_if(items.begin(), items.end(), meant) - items.begin());
            if (at == items.size() || mentioned[at]) continue;
            mentioned[at] = true;
            auto& each = items[at++];
            const auto& leader = part.current_leader;
            if (leader.leader_id >= 0) view_->learn_leader(each.records->topic, each.records->partition, leader.leader_id, leader.leader_epoch);
            settle(each, errc_from_wire(part.error_code), part.error_message.value_or(""), part.base_offset, part.log_append_time_ms);
        }
    }
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (mentioned[i]) continue;
        items[i].records->doubtful = true;
        try_again(items[i], errc::unknown_server_error, "the answer does not mention the partition");
    }
}

void sender::settle(item& each, errc code, std::string_view message, std::int64_t base_offset, timestamp_ms append_time) {
    if (each.records->ended()) return landed(each);  // given up meanwhile
    if (code == errc::none || code == errc::duplicate_sequence_number) {
        landed(each);
        each.queue->introduced |= each.records->producer_id == each.queue->producer_id;
        succeed(each, code == errc::none ? base_offset : -1, append_time);
        return;
    }
    auto& records = *each.records;
    auto& queue = *each.queue;
    records.last_failure = error{code, fmt::format("{}: {}", records.partition_name(), message.empty() ? describe(code).condition : message)};
    const bool front = queue.shipped.size() == 1 && (queue.retry.empty() || queue.retry.front()->place() > records.place());
    if (config_.idempotence && sequence_error(code)) {
        // Behind one that is to be sent again this is what follows; at the front something before it was given up, or the
        // broker has lost track of us.
        const bool hopeless = transactions_ && (front || code == errc::invalid_producer_epoch);
        if (!hopeless) {
            try_again(each, code, message);
            if (front) restart_sequences(queue);
            return;
        }
    }
    if (describe(code).refresh) view_->refresh();
    if (describe(code).retriable) {
        records.doubtful |= may_be_there(code);
        try_again(each, code, message);
        return;
    }
    if ((code == errc::message_too_large || code == errc::record_list_too_large) && records.count > 1 && split(each)) return;
    landed(each);
    const bool gap = front && records.sent == 1;  // the next one needs not find out
    auto why = records.last_failure;
    if (code == errc::message_too_large) {
        why = error{code, fmt::format("{}: a record of {} bytes is more than the topic takes; raise its max.message.bytes", records.partition_name(), records.encoded->size())};
    }
    lose(each.records, std::move(why));
    if (gap) restart_sequences(queue);
}

// The halves take the sequences of the whole, which the broker has not used.
bool sender::split(item& each) {
    auto& whole = *each.records;
    if (dropping_ || abandoned_) return false;
    const auto size = whole.encoded->size();
    auto parts = whole.split(each.records, records_.settings());
    if (!parts) return false;
    shipment_logs.debug(fmt::format("{}: {} bytes are too large for the topic, and go in two halves", whole.partition_name(), size));
    records_.limit_batches(whole.topic, whole.uncompressed / 2);
    landed(each);
    for (auto& part : *parts) put_back(*each.queue, part);
    each.queue->retry_at = view_->loop().now();
    return true;
}

void sender::landed(const item& each) { std::erase(each.queue->shipped, each.records); }

void sender::put_back(partition_queue& queue, batch_ptr records) {
    const auto where = std::find_if(queue.retry.begin(), queue.retry.end(), [&](const batch_ptr& other) { return other->place() > records->place(); });
    queue.retry.insert(where, std::move(records));
}

void sender::try_again(item& each, errc code, std::string_view message) {
    landed(each);
    if (abandoned_ || each.records->ended()) return;
    if (dropping_) return lose(each.records, dropping_);
    if (each.records->sent > config_.retries) {
        lose(each.records, error{code, fmt::format("{}: sent {} times and not delivered (retries={})", each.records->partition_name(), each.records->sent, config_.retries), each.records->last_failure});
        return;
    }
    counters_->retried.add(static_cast<std::uint64_t>(each.records->count));
    shipment_logs.debug(fmt::format("{}: {} {}, to be sent again", each.records->partition_name(), describe(code).name, message));
    put_back(*each.queue, each.records);
    each.queue->retry_at = view_->loop().now() + view_->retry().after(std::max(each.records->attempts, 1), view_->random());
}

void sender::succeed(const item& each, std::int64_t base_offset, timestamp_ms append_time) {
    each.records->succeed(base_offset, append_time);
    acknowledge(each.records);
    ended(each.records);
}

// In a transaction its end tells of losses.
void sender::lose(const batch_ptr& records, error why) {
    if (records->ended()) return;
    counters_->failed.add(static_cast<std::uint64_t>(records->count));
    if (transactions_) {
        transactions_->batch_lost(why, records->sequence >= 0);
        if (transaction_moved_) transaction_moved_();
    } else if (records->unattended()) {
        if (!lost_) lost_ = why;
        if (*on_lost_) strand_->post([tell = on_lost_, why] { run_hook(shipment_logs, "on_lost", *tell, why); });
    }
    records->fail(std::move(why));
    acknowledge(records);
    ended(records);
}

void sender::acknowledge(const batch_ptr& records) const {
    if (!*on_acknowledgement_) return;
    strand_->post([hear = on_acknowledgement_, records] {
        for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(records->count); ++i) {
            result<record_metadata> outcome{errc::closed};
            records->take(i, &outcome);
            run_hook(shipment_logs, "on_acknowledgement", *hear, outcome);
        }
    });
}

void sender::acknowledge(const error& why) const {
    if (!*on_acknowledgement_) return;
    strand_->post([hear = on_acknowledgement_, why] { run_hook(shipment_logs, "on_acknowledgement", *hear, result<record_metadata>{why}); });
}

void sender::ended(batch_ptr records) {
    auto room = records->surrender();
    while (auto whole = records->leave_whole()) {
        if (!whole->ended()) return;
        records = std::move(whole);
    }
    records_.release(records, std::move(room));
    if (!flushing_.empty()) {
        const auto done_below = records_.oldest_unfinished();
        const auto over = std::stable_partition(flushing_.begin(), flushing_.end(), [&](const flush_waiter& each) { return each.id > done_below; });
        std::vector<flush_waiter> done{std::make_move_iterator(over), std::make_move_iterator(flushing_.end())};
        flushing_.erase(over, flushing_.end());
        for (auto& each : done) each.done({});
        if (closing_ && flushing_.empty()) retire();
    }
    if (changed_) changed_();
}

}  // namespace weir::detail

// How a record gets from the application into its batch, at once or after a wait.
#include "producer_core.hpp"

#include "../hook.hpp"

#include <weir/base/log.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace weir::detail {
namespace {

log::logger sending_logs{"weir.client.producer"};

thread_local byte_sink key_sink, value_sink;

bool legal_topic(std::string_view name) {
    const auto legal = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-'; };
    return !name.empty() && name.size() <= 249 && name != "." && name != ".." && std::all_of(name.begin(), name.end(), legal);
}

error illegal_topic(std::string_view name) {
    return error{errc::invalid_topic, fmt::format("'{}' can be no topic: 1 to 249 letters, digits, dots, dashes and underscores are allowed, but not '.' and '..'", name)};
}

}  // namespace

// The hook sees the record as it would be sent, and may change all but its bytes.
void producer_core::run_on_send(outbound& out, std::string_view topic) {
    auto seen = out.shown(topic);
    for (const auto& each : out.record.headers) seen.options.headers.push_back({std::string{each.key}, each.value ? std::optional<bytes>{to_bytes(*each.value)} : std::nullopt});
    run_hook(sending_logs, "on_send", config_.on_send, seen);
    out.options = std::move(seen.options);
    out.take(out.options);
}

// Outside the accumulator's lock: what users call may send, too.
appended producer_core::try_append(std::string_view topic, outbound& out) {
    auto& record = out.record;
    if (config_.partitioner && record.partition < 0 && !out.chosen) [[unlikely]] {
        const auto partitions = records_->partitions_of(topic);
        if (partitions > 0) {
            const auto seen = out.shown(topic);
            try {
                record.partition = config_.partitioner(seen, static_cast<std::int32_t>(partitions));
            } catch (const std::exception& thrown) {
                return {append_outcome::refused, nullptr, 0, false, error{errc::invalid_record, fmt::format("{}: the partitioner threw: {}", topic, thrown.what())}};
            }
            out.chosen = true;
        }
    }
    auto outcome = records_->append(topic, record);
    if (outcome.wake) wake();
    return outcome;
}

void producer_core::refused(const error& why, std::int64_t transaction) {
    sender_->acknowledge(why);
    if (!transactions_ || transaction == no_transaction) return;
    loop_.post([transactions = transactions_, transaction, why] { transactions->fail(transaction, why); });
}

delivery producer_core::failed(error why, std::int64_t transaction) {
    refused(why, transaction);
    return ended_op<record_metadata>(strand_, std::move(why));
}

error producer_core::late(std::string_view topic, append_outcome what) const {
    if (what == append_outcome::full) {
        return error{errc::buffer_full, fmt::format("{}: no room within {} ms (max.block.ms); {} bytes wait for delivery (buffer.memory)", topic, config_.max_block.count(), config_.buffer_memory)};
    }
    const auto text = fmt::format("{}: the cluster did not tell its partitions within {} ms (max.block.ms); create the topic, or see whether the bootstrap servers are right", topic, config_.max_block.count());
    const auto obstacle = records_->obstacle();
    return obstacle ? error{errc::unknown_topic_or_partition, text, obstacle} : error{errc::unknown_topic_or_partition, text};
}

delivery producer_core::send(std::string_view topic, const erased& key, const erased& value, const send_options* options, std::int64_t transaction) {
    if (!options && !hooked_) [[likely]] {
        encoded_record plain;
        encode(key, key_sink, plain.key);
        encode(value, value_sink, plain.value);
        plain.transaction = transaction;
        auto outcome = records_->append(topic, plain);
        if (outcome.wake) wake();
        if (outcome.outcome == append_outcome::appended) [[likely]] return delivery{std::move(outcome.where), outcome.index};
    }
    return send_slowly(topic, key, value, options, transaction);
}

delivery producer_core::send_slowly(std::string_view topic, const erased& key, const erased& value, const send_options* options, std::int64_t transaction) {
    own_sinks sinks;
    outbound out{sinks, key, value, loop_, options, transaction};
    if (config_.on_send) run_on_send(out, topic);
    auto outcome = try_append(topic, out);
    if (outcome.outcome == append_outcome::appended) return delivery{std::move(outcome.where), outcome.index};
    if (outcome.outcome == append_outcome::refused) return failed(std::move(outcome.why), transaction);
    if (outcome.outcome == append_outcome::full && config_.when_full == when_full::fail) {
        return failed(error{errc::buffer_full, fmt::format("{}: {} bytes wait for delivery (buffer.memory)", topic, config_.buffer_memory)}, transaction);
    }
    if (outcome.outcome == append_outcome::unknown_topic && !legal_topic(topic)) return failed(illegal_topic(topic), transaction);
    if (strand_->would_deadlock()) return failed(error{errc::would_deadlock, fmt::format("{}: send() would have to wait; use enqueue() here", topic)}, transaction);
    const auto until = loop_.now() + config_.max_block;
    bool learning = false;
    const auto learn = [&] {
        if (!std::exchange(learning, true)) loop_.post([sender = sender_, name = std::string{topic}] { sender->learn(name); });
    };
    if (outcome.outcome == append_outcome::unknown_topic) learn();
    for (bool asked = false;; asked = true) {
        const auto seen = records_->changes();
        outcome = try_append(topic, out);
        if (outcome.outcome == append_outcome::appended) return delivery{std::move(outcome.where), outcome.index};
        if (outcome.outcome == append_outcome::refused || (asked && outcome.why)) return failed(std::move(outcome.why), transaction);
        if (outcome.outcome == append_outcome::unknown_topic) learn();  // it was let go while this waited for room
        wake();  // open batches go out while somebody waits for room
        if (!records_->wait_for_change(seen, until - loop_.now())) return failed(late(topic, outcome.outcome), transaction);
    }
}

op<delivery> producer_core::enqueue(std::string_view topic, const erased& key, const erased& value, const send_options* options, std::int64_t transaction) {
    const auto fail = [&](error why) {
        refused(why, transaction);
        return ended_op<delivery>(strand_, std::move(why));
    };
    own_sinks sinks;
    outbound out{sinks, key, value, loop_, options, transaction};
    if (config_.on_send) [[unlikely]] run_on_send(out, topic);
    // Not before those that wait already.
    appended outcome;
    outcome.outcome = append_outcome::full;
    if (waiting_->expected == 0) [[likely]] outcome = try_append(topic, out);
    if (outcome.outcome == append_outcome::appended) return ended_op<delivery>(strand_, delivery{std::move(outcome.where), outcome.index});
    if (outcome.outcome == append_outcome::refused) return fail(std::move(outcome.why));
    if (outcome.outcome == append_outcome::unknown_topic && !legal_topic(topic)) return fail(illegal_topic(topic));
    const auto held = std::make_shared<kept_record>(std::move(out), topic);
    auto done = std::make_shared<op_state<delivery>>(strand_);
    waiting_room::guest guest;
    guest.until = loop_.now() + config_.max_block;
    guest.attempt = [weak = weak_from_this(), held, done, transaction] {
        const auto self = weak.lock();
        if (!self) {
            done->complete(error{errc::closed, "the producer is gone"});
            return waiting_room::outcome::over;
        }
        auto again = self->try_append(held->topic, held->out);
        if (again.outcome == append_outcome::appended) {
            done->complete(delivery{std::move(again.where), again.index});
        } else if (again.why) {
            self->refused(again.why, transaction);
            done->complete(std::move(again.why));
        } else if (again.outcome == append_outcome::full) {
            return waiting_room::outcome::no_room;
        } else {
            if (!std::exchange(held->learning, true)) self->loop_.post([sender = self->sender_, held] { sender->learn(held->topic); });
            return waiting_room::outcome::no_topic;
        }
        return waiting_room::outcome::over;
    };
    guest.too_late = [weak = weak_from_this(), held, done, transaction] {
        const auto self = weak.lock();
        if (!self) return done->complete(error{errc::closed, "the producer is gone"});
        const bool known = self->records_->partitions_of(held->topic) > 0;
        auto why = self->late(held->topic, known ? append_outcome::full : append_outcome::unknown_topic);
        self->refused(why, transaction);
        done->complete(std::move(why));
    };
    ++waiting_->expected;
    loop_.post([self = shared_from_this(), guest = std::move(guest), held]() mutable {
        self->waiting_->add_record(std::move(guest));
        held->learning = self->records_->partitions_of(held->topic) == 0;
        if (held->learning) self->sender_->learn(held->topic);
        else self->sender_->run();
        self->waiting_->retry();
    });
    return op<delivery>{std::move(done)};
}

op<std::vector<partition_info>> producer_core::partitions_for(std::string topic) {
    auto done = std::make_shared<op_state<std::vector<partition_info>>>(strand_);
    if (!legal_topic(topic)) {
        done->complete(illegal_topic(topic));
        return op<std::vector<partition_info>>{std::move(done)};
    }
    loop_.post([self = shared_from_this(), topic = std::move(topic), done] {
        waiting_room::guest asking;
        asking.until = self->loop_.now() + self->config_.max_block;
        asking.attempt = [view = self->view_, records = self->records_, topic, done] {
            const auto* known = view->find(topic);
            if (known && !known->partitions.empty()) {
                std::vector<partition_info> all;
                for (const auto& each : known->partitions) all.push_back({static_cast<std::int32_t>(all.size()), each.leader, each.leader_epoch});
                done->complete(std::move(all));
            } else if (auto why = records->refusal(topic)) {
                done->complete(std::move(why));
            }
            return done->ended() ? waiting_room::outcome::over : waiting_room::outcome::no_topic;
        };
        asking.too_late = [weak = self->weak_from_this(), done, topic] {
            const auto alive = weak.lock();
            done->complete(alive ? alive->late(topic, append_outcome::unknown_topic) : error{errc::closed, "the producer is gone"});
        };
        self->waiting_->add_question(std::move(asking));
        self->sender_->learn(topic);
        self->waiting_->retry();
    });
    return op<std::vector<partition_info>>{std::move(done)};
}

}  // namespace weir::detail

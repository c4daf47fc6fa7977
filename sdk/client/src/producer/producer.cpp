#include <weir/producer.hpp>

#include "../client_core.hpp"
#include "../config/resolve.hpp"
#include "sender.hpp"

#include <fmt/format.h>

namespace weir {
namespace detail {
namespace {

/// What no single setting shows; the ranges are in producer_settings.cpp.
error check(const producer_config& config) {
    const auto refuse = [](std::string text) { return error{errc::invalid_setting, std::move(text)}; };
    if (config.delivery_timeout <= config.linger) {
        return refuse(fmt::format("delivery.timeout.ms={}: allowed is more than linger.ms={}", config.delivery_timeout.count(), config.linger.count()));
    }
    if (config.idempotence && config.required_acks != acks::all) {
        return refuse(fmt::format("acks={}: allowed is -1 (all) with enable.idempotence=true", static_cast<int>(config.required_acks)));
    }
    if (config.idempotence && config.max_in_flight > 5) {
        return refuse(fmt::format("max.in.flight.requests.per.connection={}: allowed is 1 to 5 with enable.idempotence=true", config.max_in_flight));
    }
    if (config.compression_level) {
        const auto range = protocol::levels_of(static_cast<protocol::codec>(config.compression));
        const auto name = protocol::codec_name(static_cast<protocol::codec>(config.compression));
        if (!range) return refuse(fmt::format("compression_level={}: {} has no levels", *config.compression_level, name));
        if (*config.compression_level < range->lowest || *config.compression_level > range->highest) {
            return refuse(fmt::format("compression.{}.level={}: allowed is {} to {}", name, *config.compression_level, range->lowest, range->highest));
        }
    }
    return {};
}

thread_local byte_sink key_sink, value_sink;

std::optional<bytes_view> encode(const erased& field, byte_sink& sink) {
    if (!field.value || (field.ops->is_null && field.ops->is_null(field.value))) return std::nullopt;
    if (field.ops->view) return field.ops->view(field.value);
    sink.clear();
    field.ops->encode(field.state, field.value, sink);
    return sink.view();
}

}  // namespace

/// What the copies of a producer share. The sender and what is under way keep `records` alive, never the client.
class producer_handle {
public:
    producer_handle(const client& on, producer_config config)
        : client_(on), config_(std::move(config)), strand_(client_.core().strand()), loop_(client_.core().loop()),
          records_(std::make_shared<accumulator>(config_, strand_, client_.core().next_seed())),
          sender_(std::make_shared<sender>(client_.core().view(), strand_, records_, config_)) {
        sender_->on_change([waiting = waiting_] { waiting->retry(); });
    }
    ~producer_handle() {
        // On the client's own threads nothing may wait for delivery; what is under way is given up.
        if (!strand_->would_deadlock()) (void)close(config_.close_timeout).get();
        else (void)close(duration{0});
    }

    delivery send(std::string_view topic, const erased& key, const erased& value, const send_options* options);
    op<delivery> enqueue(std::string_view topic, const erased& key, const erased& value, const send_options* options);
    op<> flush();
    op<> close(duration most);

private:
    /// Records of enqueue() that wait for their topic or for room, in order. On the loop.
    struct waiting_room {
        struct guest {
            std::string topic;
            std::optional<bytes> key, value;
            std::int32_t partition;
            timestamp_ms time;
            time_point until;
            std::shared_ptr<op_state<delivery>> done;
        };
        std::deque<guest> guests;
        function<bool(guest&)> attempt;
        void retry() {
            while (!guests.empty() && (guests.front().done->ended() || attempt(guests.front()))) guests.pop_front();
        }
    };

    appended try_append(std::string_view topic, const encoded_record& record) {
        auto outcome = records_->append(topic, record, loop_.now());
        if (outcome.wake) wake();
        return outcome;
    }
    void wake() {
        loop_.post([sender = sender_] { sender->run(); });
    }
    delivery failed(error why) { return ended_op<record_metadata>(strand_, std::move(why)); }
    error late(std::string_view topic, append_outcome what) const {
        if (what == append_outcome::full) {
            return error{errc::buffer_full, fmt::format("{}: no room within {} ms (max.block.ms); {} bytes wait for delivery (buffer.memory)", topic, config_.max_block.count(), config_.buffer_memory)};
        }
        const auto text = fmt::format("{}: the cluster did not tell its partitions within {} ms (max.block.ms); create the topic, or see whether the bootstrap servers are right", topic, config_.max_block.count());
        const auto obstacle = records_->obstacle();
        return obstacle ? error{errc::unknown_topic_or_partition, text, obstacle} : error{errc::unknown_topic_or_partition, text};
    }

    client client_;
    producer_config config_;
    std::shared_ptr<callbacks> strand_;
    event_loop& loop_;
    std::shared_ptr<accumulator> records_;
    std::shared_ptr<sender> sender_;
    std::shared_ptr<waiting_room> waiting_ = std::make_shared<waiting_room>();
};

delivery producer_handle::send(std::string_view topic, const erased& key, const erased& value, const send_options* options) {
    encoded_record record;
    record.key = encode(key, key_sink);
    record.value = encode(value, value_sink);
    record.time = loop_.wall_now();
    std::vector<protocol::header_view> headers;
    if (options) {
        record.partition = options->partition;
        if (options->time) record.time = options->time->time_since_epoch().count();
        for (const auto& each : options->headers) {
            headers.push_back({each.name, each.value ? std::optional<bytes_view>{*each.value} : std::nullopt});
        }
        record.headers = headers;
    }
    auto outcome = try_append(topic, record);
    if (outcome.outcome == append_outcome::appended) [[likely]] return delivery{std::move(outcome.where), outcome.index};
    if (outcome.outcome == append_outcome::refused) return failed(std::move(outcome.why));
    if (outcome.outcome == append_outcome::full && config_.when_full == when_full::fail) {
        return failed(error{errc::buffer_full, fmt::format("{}: {} bytes wait for delivery (buffer.memory)", topic, config_.buffer_memory)});
    }
    if (strand_->would_deadlock()) return failed(error{errc::would_deadlock, fmt::format("{}: send() would have to wait; use enqueue() here", topic)});
    const auto until = loop_.now() + config_.max_block;
    if (outcome.outcome == append_outcome::unknown_topic) loop_.post([sender = sender_, name = std::string{topic}] { sender->learn(name); });
    for (;;) {
        const auto seen = records_->changes();
        outcome = try_append(topic, record);
        if (outcome.outcome == append_outcome::appended) return delivery{std::move(outcome.where), outcome.index};
        if (outcome.outcome == append_outcome::refused) return failed(std::move(outcome.why));
        wake();  // open batches go out while somebody waits for room
        if (!records_->wait_for_change(seen, until - loop_.now())) return failed(late(topic, outcome.outcome));
        if (outcome.outcome != append_outcome::unknown_topic) continue;
        if (auto obstacle = records_->obstacle(); obstacle.fatal()) return failed(std::move(obstacle));
    }
}

op<delivery> producer_handle::enqueue(std::string_view topic, const erased& key, const erased& value, const send_options* options) {
    encoded_record record;
    record.key = encode(key, key_sink);
    record.value = encode(value, value_sink);
    record.time = loop_.wall_now();
    if (options) record.partition = options->partition;
    auto outcome = try_append(topic, record);
    if (outcome.outcome == append_outcome::appended) return ended_op<delivery>(strand_, delivery{std::move(outcome.where), outcome.index});
    if (outcome.outcome == append_outcome::refused) return ended_op<delivery>(strand_, std::move(outcome.why));
    const auto owned = [](const std::optional<bytes_view>& view) { return view ? std::optional<bytes>{to_bytes(*view)} : std::nullopt; };
    auto done = std::make_shared<op_state<delivery>>(strand_);
    waiting_room::guest guest{std::string{topic}, owned(record.key), owned(record.value), record.partition, record.time, loop_.now() + config_.max_block, done};
    loop_.post([room = waiting_, records = records_, sender = sender_, guest = std::move(guest), why = late(topic, outcome.outcome), &loop = loop_]() mutable {
        if (!room->attempt) {
            room->attempt = [records, weak = std::weak_ptr{sender}, &loop](waiting_room::guest& each) {
                encoded_record again;
                if (each.key) again.key = bytes_view{*each.key};
                if (each.value) again.value = bytes_view{*each.value};
                again.partition = each.partition;
                again.time = each.time;
                auto outcome = records->append(each.topic, again, loop.now());
                if (outcome.outcome == append_outcome::refused) each.done->complete(std::move(outcome.why));
                else if (outcome.outcome == append_outcome::appended) each.done->complete(delivery{std::move(outcome.where), outcome.index});
                else if (auto obstacle = records->obstacle(); outcome.outcome == append_outcome::unknown_topic && obstacle.fatal()) each.done->complete(std::move(obstacle));
                else return false;
                if (const auto sender = weak.lock()) sender->run();
                return true;
            };
        }
        loop.call_at(guest.until, [done = guest.done, records, why = std::move(why)] {
            const auto obstacle = records->obstacle();
            done->complete(obstacle ? error{why.code(), std::string{why.what()}, obstacle} : why);
        });
        const auto name = guest.topic;
        room->guests.push_back(std::move(guest));
        sender->learn(name);
        room->retry();
    });
    return op<delivery>{std::move(done)};
}

op<> producer_handle::flush() {
    auto done = std::make_shared<op_state<void>>(strand_);
    loop_.post([sender = sender_, id = records_->next_id(), done] { sender->flush(id, done); });
    return op<>{std::move(done)};
}

op<> producer_handle::close(duration most) {
    auto done = std::make_shared<op_state<void>>(strand_);
    records_->close(error{errc::closed, "the producer is closed"});
    loop_.post([sender = sender_, id = records_->next_id(), done, most] { sender->close(id, most, done); });
    return op<>{std::move(done)};
}

}  // namespace detail

producer::producer(const client& on, producer_config config) {
    if (auto why = detail::resolve("producer", config, on.core().settings())) throw exception{std::move(why)};
    if (auto why = detail::check(config)) throw exception{std::move(why)};
    handle_ = std::make_shared<detail::producer_handle>(on, std::move(config));
}
delivery producer::send_erased(std::string_view to, detail::erased key, detail::erased value, const send_options* options) {
    return handle_->send(to, key, value, options);
}
op<delivery> producer::enqueue_erased(std::string_view to, detail::erased key, detail::erased value, const send_options* options) {
    return handle_->enqueue(to, key, value, options);
}
op<> producer::flush() { return handle_->flush(); }
op<> producer::close(duration most) { return handle_->close(most); }

}  // namespace weir

#include "producer_handle.hpp"

#include "../config/resolve.hpp"
#include "../hook.hpp"

#include <weir/base/log.hpp>

#include <fmt/format.h>

namespace weir {
namespace detail {
namespace {

log::logger logs{"weir.client.producer"};

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
    if (config.idempotence && config.retries == 0) return refuse("retries=0: allowed is more with enable.idempotence=true");
    if (!config.transactional_id.empty() && !config.idempotence) return refuse("enable.idempotence=false: allowed is true with transactional.id");
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

/// As Java's producer: idempotence that nobody asked for by name goes when other settings do not allow it.
void imply(producer_config& config, bool by_name) {
    if (!by_name && config.transactional_id.empty() && (config.required_acks != acks::all || config.retries == 0)) config.idempotence = false;
}

thread_local byte_sink key_sink, value_sink;

/// Memory for the encoded fields of a record whose owner may call user code, which may send too, before they are in a batch.
class own_sinks {
public:
    struct pair {
        byte_sink key, value;
    };
    own_sinks() : mine_(spare ? std::move(spare) : std::make_unique<pair>()) {}
    own_sinks(const own_sinks&) = delete;
    own_sinks& operator=(const own_sinks&) = delete;
    ~own_sinks() { spare = std::move(mine_); }
    pair* operator->() const noexcept { return mine_.get(); }

private:
    static thread_local std::unique_ptr<pair> spare;
    std::unique_ptr<pair> mine_;
};
thread_local std::unique_ptr<own_sinks::pair> own_sinks::spare;

// Into its place: see batch_builder about copies.
void encode(const erased& field, byte_sink& sink, std::optional<bytes_view>& into) {
    if (!field.value || (field.ops->is_null && field.ops->is_null(field.value))) return;
    if (field.ops->view) {
        into.emplace(field.ops->view(field.value));
        return;
    }
    sink.clear();
    field.ops->encode(field.state, field.value, sink);
    into.emplace(sink.view());
}

bool legal_topic(std::string_view name) {
    const auto legal = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-'; };
    return !name.empty() && name.size() <= 249 && name != "." && name != ".." && std::all_of(name.begin(), name.end(), legal);
}

error illegal_topic(std::string_view name) {
    return error{errc::invalid_topic, fmt::format("'{}' can be no topic: 1 to 249 letters, digits, dots, dashes and underscores are allowed, but not '.' and '..'", name)};
}

}  // namespace

/// A record between the call and its batch.
struct producer_core::outbound {
    encoded_record record;
    std::vector<protocol::header_view> views;
    send_options options;  // when a hook may have changed them
    bool chosen = false;   // the partition was asked for, and is

    /// The record's bytes may lie in `sinks`.
    outbound(const own_sinks& sinks, const erased& key, const erased& value, const event_loop& loop, const send_options* given, std::int64_t transaction) {
        encode(key, sinks->key, record.key);
        encode(value, sinks->value, record.value);
        record.transaction = transaction;
        if (given) take(*given);
        if (!given || !given->time) record.time = loop.wall_now();
    }
    void take(const send_options& from) {
        record.partition = from.partition;
        if (from.time) record.time = from.time->time_since_epoch().count();
        views.clear();
        for (const auto& each : from.headers) views.push_back({each.name, each.value ? std::optional<bytes_view>{*each.value} : std::nullopt});
        record.headers = views;
    }
};

producer_core::producer_core(client_core& on, producer_config config)
    : config_(std::move(config)),
      hooked_(config_.on_send || config_.partitioner),
      strand_(on.strand()),
      view_(on.view()),
      loop_(on.loop()),
      records_(std::make_shared<accumulator>(config_, strand_, loop_, on.next_seed())),
      manager_(config_.transactional_id.empty() ? nullptr : std::make_shared<transaction_manager>(config_.transactional_id, config_.transaction_timeout)),
      sender_(std::make_shared<sender>(view_, strand_, records_, manager_, config_)) {
    sender_->on_change([waiting = waiting_] { waiting->retry(); });
    if (!manager_) return;
    transactions_ = std::make_shared<transactions>(view_, records_, sender_, manager_, config_.max_block, config_.transaction_timeout);
    transactions_->start();
}

void producer_core::waiting_room::add_record(guest waiting) {
    watch(waiting.until);
    records_.push_back(std::move(waiting));
}

void producer_core::waiting_room::add_question(guest waiting) {
    watch(waiting.until);
    questions_.push_back(std::move(waiting));
}

// Who waits for a topic does not stand in the way of those whose topics are known.
void producer_core::waiting_room::retry() {
    for (auto at = records_.begin(); at != records_.end();) {
        const auto came = at->attempt();
        if (came == outcome::no_room) break;
        if (came == outcome::no_topic) {
            ++at;
            continue;
        }
        at = records_.erase(at);
        --expected;
    }
    std::erase_if(questions_, [](guest& each) { return each.attempt() == outcome::over; });
}

void producer_core::waiting_room::watch(time_point until) {
    if (until >= alarm_at_) return;
    alarm_at_ = until;
    loop_.call_at(until, [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->look_at_the_clock();
    });
}

void producer_core::waiting_room::look_at_the_clock() {
    alarm_at_ = time_point::max();
    const auto late = [now = loop_.now()](guest& each) {
        if (each.until > now) return false;
        each.too_late();
        return true;
    };
    expected -= std::erase_if(records_, late);
    std::erase_if(questions_, late);
    auto next = time_point::max();
    for (const auto& each : records_) next = std::min(next, each.until);
    for (const auto& each : questions_) next = std::min(next, each.until);
    watch(next);
    retry();  // those behind who left may fit
}

// The hook sees the record as it would be sent, and may change all but its bytes.
void producer_core::run_on_send(outbound& out, std::string_view topic) {
    auto& record = out.record;
    outgoing_record seen{topic, record.key, record.value, {record.partition, timestamp{duration{record.time}}, {}}};
    for (const auto& each : record.headers) seen.options.headers.push_back({std::string{each.key}, each.value ? std::optional<bytes>{to_bytes(*each.value)} : std::nullopt});
    run_hook(logs, "on_send", config_.on_send, seen);
    out.options = std::move(seen.options);
    out.take(out.options);
}

// Outside the accumulator's lock: what users call may send, too.
appended producer_core::try_append(std::string_view topic, outbound& out) {
    auto& record = out.record;
    if (config_.partitioner && record.partition < 0 && !out.chosen) [[unlikely]] {
        const auto partitions = records_->partitions_of(topic);
        if (partitions > 0) {
            outgoing_record seen{topic, record.key, record.value, {record.partition, timestamp{duration{record.time}}, {}}};
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

void producer_core::wake() {
    loop_.run_or_post([sender = sender_] { sender->run(); });
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
    if (outcome.outcome == append_outcome::unknown_topic) loop_.post([sender = sender_, name = std::string{topic}] { sender->learn(name); });
    for (bool asked = false;; asked = true) {
        const auto seen = records_->changes();
        outcome = try_append(topic, out);
        if (outcome.outcome == append_outcome::appended) return delivery{std::move(outcome.where), outcome.index};
        if (outcome.outcome == append_outcome::refused || (asked && outcome.why)) return failed(std::move(outcome.why), transaction);
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
    // The record waits on the loop, with bytes of its own.
    struct kept {
        outbound out;
        std::string topic;
        std::optional<bytes> key, value;
        std::vector<header> headers;
    };
    auto held = std::make_shared<kept>(kept{std::move(out), std::string{topic}, {}, {}, {}});
    auto& record = held->out.record;
    if (record.key) record.key = held->key.emplace(to_bytes(*record.key));
    if (record.value) record.value = held->value.emplace(to_bytes(*record.value));
    for (auto& each : held->out.views) {
        auto& own = held->headers.emplace_back(header{std::string{each.key}, each.value ? std::optional<bytes>{to_bytes(*each.value)} : std::nullopt});
        each.value = own.value ? std::optional<bytes_view>{*own.value} : std::nullopt;
    }
    for (std::size_t i = 0; i < held->headers.size(); ++i) held->out.views[i].key = held->headers[i].name;
    record.headers = held->out.views;
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
        } else {
            return again.outcome == append_outcome::full ? waiting_room::outcome::no_room : waiting_room::outcome::no_topic;
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
        if (self->records_->partitions_of(held->topic) == 0) self->sender_->learn(held->topic);
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

op<transaction> producer_core::begin(std::weak_ptr<producer_handle> handle) {
    auto done = std::make_shared<op_state<transaction>>(strand_);
    if (!transactions_) {
        done->complete(error{errc::invalid_setting, "begin(): the producer has no transactional.id"});
        return op<transaction>{std::move(done)};
    }
    loop_.post([self = shared_from_this(), handle = std::move(handle), done] {
        const auto timer = self->loop_.call_after(self->config_.max_block, [done, most = self->config_.max_block, id = self->config_.transactional_id] {
            done->complete(error{errc::timed_out, fmt::format("transactional.id '{}': no transaction could begin within {} ms (max.block.ms)", id, most.count())});
        });
        self->transactions_->begin([handle, done] { return done->ended() || handle.expired(); }, [handle, done, timer, &loop = self->loop_](const result<std::int64_t>& number) {
            loop.cancel(timer);
            auto held = handle.lock();
            if (number && held) done->complete(transaction{std::move(held), *number});
            else done->complete(number ? error{errc::closed, "the producer is gone"} : number.error());
        });
    });
    return op<transaction>{std::move(done)};
}

op<> producer_core::end(std::int64_t number, bool commit) {
    auto done = std::make_shared<op_state<void>>(strand_);
    loop_.post([self = shared_from_this(), number, commit, done] {
        self->transactions_->end(number, commit, [weak = self->weak_from_this(), done](result<void> outcome) {
            if (const auto alive = weak.lock()) alive->abort_cause_ = alive->manager_->failure();
            done->complete(std::move(outcome));
        });
    });
    return op<>{std::move(done)};
}

void producer_core::drop(std::int64_t number) {
    loop_.post([transactions = transactions_, number] { transactions->end(number, false, [](const result<void>&) {}); });
}

op<> producer_core::add_offsets(std::int64_t number, group_metadata group, std::vector<partition_offset> offsets) {
    auto done = std::make_shared<op_state<void>>(strand_);
    loop_.post([self = shared_from_this(), number, group = std::move(group), offsets = std::move(offsets), done]() mutable {
        self->transactions_->add_offsets(number, std::move(group), std::move(offsets), [done](result<void> outcome) { done->complete(std::move(outcome)); });
    });
    return op<>{std::move(done)};
}

op<> producer_core::flush() {
    auto done = std::make_shared<op_state<void>>(strand_);
    loop_.post([sender = sender_, id = records_->next_id(), done] { sender->flush(id, done); });
    return op<>{std::move(done)};
}

op<> producer_core::close(duration most, bool callbacks_too) {
    auto done = std::make_shared<op_state<void>>(strand_);
    if (!transactions_) {
        records_->close(error{errc::closed, "the producer is closed"});
        loop_.post([sender = sender_, id = records_->next_id(), done, most, callbacks_too] { sender->close(id, most, callbacks_too, done); });
        return op<>{std::move(done)};
    }
    loop_.post([&loop = loop_, records = records_, transactions = transactions_, sender = sender_, done, most, callbacks_too] {
        const auto began = loop.now();
        auto timer = timer_id::none;
        if (most > duration{0} && most != duration::max()) timer = loop.call_after(most, [transactions] { transactions->give_up(); });
        transactions->close([&loop, records, sender, done, most, callbacks_too, began, timer] {
            loop.cancel(timer);
            records->close(error{errc::closed, "the producer is closed"});
            const auto used = std::chrono::ceil<duration>(loop.now() - began);
            sender->close(records->next_id(), most == duration::max() ? most : std::max(most - used, duration{0}), callbacks_too, done);
        });
        if (most <= duration{0}) transactions->give_up();
    });
    return op<>{std::move(done)};
}

}  // namespace detail

producer::producer(const client& on, producer_config config) {
    const bool by_name = config.extra.find("enable.idempotence") || on.core().settings().given.find("enable.idempotence");
    if (auto why = detail::resolve("producer", config, on.core().settings())) throw exception{std::move(why)};
    detail::imply(config, by_name);
    if (auto why = detail::check(config)) throw exception{std::move(why)};
    handle_ = std::make_shared<detail::producer_handle>(on, std::move(config));
}
delivery producer::send_erased(std::string_view to, const detail::erased& key, const detail::erased& value, const send_options* options) {
    return (*handle_)->send(to, key, value, options, detail::producer_core::no_transaction);
}
op<delivery> producer::enqueue_erased(std::string_view to, const detail::erased& key, const detail::erased& value, const send_options* options) {
    return (*handle_)->enqueue(to, key, value, options, detail::producer_core::no_transaction);
}
op<transaction> producer::begin() { return handle_->begin(); }
op<> producer::flush() { return (*handle_)->flush(); }
op<std::vector<partition_info>> producer::partitions_for(std::string topic) { return (*handle_)->partitions_for(std::move(topic)); }
op<> producer::close(duration most) { return (*handle_)->close(most); }

transaction& transaction::operator=(transaction&& other) noexcept {
    if (this != &other) {
        drop();
        handle_ = std::move(other.handle_);
        number_ = other.number_;
    }
    return *this;
}
transaction::~transaction() { drop(); }
void transaction::drop() noexcept {
    if (const auto handle = std::exchange(handle_, nullptr)) (*handle)->drop(number_);
}
delivery transaction::send_erased(std::string_view to, const detail::erased& key, const detail::erased& value, const send_options* options) {
    return (*handle_)->send(to, key, value, options, number_);
}
op<delivery> transaction::enqueue_erased(std::string_view to, const detail::erased& key, const detail::erased& value, const send_options* options) {
    return (*handle_)->enqueue(to, key, value, options, number_);
}
op<> transaction::add_offsets(group_metadata of, std::vector<partition_offset> offsets) { return (*handle_)->add_offsets(number_, std::move(of), std::move(offsets)); }
op<> transaction::commit() { return (*handle_)->end(number_, true); }
op<> transaction::abort() { return (*handle_)->end(number_, false); }

}  // namespace weir

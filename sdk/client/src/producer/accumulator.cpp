#include "accumulator.hpp"

#include <weir/protocol/hashes.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace weir::detail {

accumulator::accumulator(const producer_config& config, std::shared_ptr<callbacks> strand, const clock& time, std::uint64_t seed)
    : batch_size_(std::clamp<std::size_t>(config.batch_size, 1, largest)),
      max_record_(std::min(config.max_request_size, largest)),
      budget_(config.buffer_memory),
      ignore_keys_(config.partitioner_ignore_keys),
      adaptive_(config.partitioner_adaptive_partitioning),
      strand_(std::move(strand)),
      time_(time),
      stamps_(time),
      random_(seed) {
    settings_.compression = static_cast<protocol::codec>(config.compression);
    settings_.level = config.compression_level;
    settings_.transactional = !config.transactional_id.empty();
    if (settings_.transactional) close_transaction(error{errc::invalid_request, fmt::format("transactional.id '{}': records are sent in a transaction; begin() one, and send() through it", config.transactional_id)});
}

inline std::int32_t accumulator::choose(topic_state& topic, const encoded_record& record) {
    if (record.partition >= 0) return record.partition;
    if (record.key && !ignore_keys_) return protocol::partition_for_key(*record.key, static_cast<std::int32_t>(topic.count));
    return topic.sticky.partition(std::span{topic.queued}.first(topic.count), adaptive_, random_);
}

inline accumulator::topic_state* accumulator::find(std::string_view name) {
    if (last_ && last_->first == name) [[likely]] return &last_->second;  // mostly the same as before
    return look_up(name);
}

accumulator::topic_state* accumulator::look_up(std::string_view name) {
    const auto at = topics_.find(name);
    if (at == topics_.end()) return nullptr;
    last_ = &*at;
    return &at->second;
}

namespace {

/// The size at which the open batch counts for one more.
std::size_t heavy_at(const partition_queue& queue) noexcept { return queue.ready_bytes * static_cast<std::size_t>(queue.open->weight); }

bool fits(const partition_queue& queue, std::size_t bound) noexcept {
    if (!queue.open) return false;
    const auto size = queue.open->builder.uncompressed_size();
    return size + bound <= queue.most_bytes && size < heavy_at(queue);
}

}  // namespace

// Nearly all records only go behind the last one: what else may come is in functions of its own, out of their way.
appended accumulator::append(std::string_view name, const encoded_record& record) {
    const auto bound = protocol::batch_builder::record_size_bound(record.key, record.value, record.headers);
    appended answer;
    const std::lock_guard held{mutex_};
    auto* const topic = find(name);
    if (closed_ || record.transaction != transaction_ || bound + protocol::batch_header_bytes > max_record_ || used_ + bound > budget_ || !topic || topic->count == 0) [[unlikely]] {
        turn_away(answer, name, topic, record, bound);
        return answer;
    }
    const auto partition = static_cast<std::size_t>(choose(*topic, record));
    if (partition >= topic->count) [[unlikely]] {
        answer.why = error{errc::unknown_topic_or_partition, fmt::format("{}-{}: the topic has {} partitions", name, static_cast<std::int32_t>(partition), topic->count)};
        return answer;
    }
    auto& queue = *topic->partitions[partition];
    bool news = false;
    if (!fits(queue, bound)) [[unlikely]] news = make_way(*topic, queue, bound);
    answer.index = queue.open->append(record.time == no_timestamp ? stamps_.now() : record.time, record.key, record.value, record.headers, bound);
    if (answer.index == std::numeric_limits<std::uint32_t>::max()) [[unlikely]] {
        answer.why = error{errc::invalid_record, fmt::format("{}-{}: the record does not fit a batch", name, partition)};
        return answer;
    }
    used_ += bound;
    answer.outcome = append_outcome::appended;
    answer.where = queue.open;
    if ((!record.key || ignore_keys_) && record.partition < 0) topic->sticky.appended(bound, topic->ready_bytes);
    if (!queue.listed) [[unlikely]] {
        queue.listed = true;
        listed_.push_back(topic->partitions[partition]);
        news = true;
    }
    if (news) [[unlikely]] answer.wake = !std::exchange(woken_, true);
    return answer;
}

void accumulator::turn_away(appended& answer, std::string_view name, const topic_state* topic, const encoded_record& record, std::size_t bound) {
    if (closed_ || record.transaction != transaction_) {
        answer.why = closed_ ? closed_ : outside_;
    } else if (bound + protocol::batch_header_bytes > max_record_ || bound > budget_) {
        answer.why = error{errc::message_too_large, fmt::format("{}: a record of {} bytes; max.request.size={} and buffer.memory={} are the limits", name, bound, max_record_, budget_)};
    } else if (!topic || topic->count == 0) {
        answer.outcome = append_outcome::unknown_topic;
        answer.why = topic && topic->refused ? topic->refused : obstacle_.permanent() ? obstacle_ : error{};
    } else {
        answer.outcome = append_outcome::full;
        answer.wake = !std::exchange(woken_, true);
    }
}

// As much as the last batch took, and some more; all that a batch may have, where that would soon be too little.
bytes accumulator::room_for(const partition_queue& queue) {
    constexpr std::size_t slack = 64;  // for the encoder, which reckons with longer numbers than it writes
    const auto usual = queue.usual_bytes + queue.usual_bytes / 8;
    const auto wanted = 2 * usual > queue.most_bytes ? queue.most_bytes + slack : usual;
    bytes room;
    if (!spare_.empty()) {
        room = std::move(spare_.back());
        spare_.pop_back();
        spare_bytes_ -= room.capacity();
    }
    if (room.capacity() < wanted) {
        room = {};
        room.reserve(wanted);
    }
    return room;
}

bool accumulator::make_way(topic_state& topic, partition_queue& queue, std::size_t bound) {
    auto& waiting = topic.queued[static_cast<std::size_t>(queue.partition)];
    bool news = false;
    if (queue.open && queue.open->builder.uncompressed_size() + bound > queue.most_bytes) {
        queue.closed.push_back(std::exchange(queue.open, nullptr));
        news = true;
    }
    if (queue.open) {
        if (queue.open->builder.uncompressed_size() < heavy_at(queue)) return news;
        news |= queue.open->weight++ == 1;
    } else {
        queue.open = std::make_shared<batch>(strand_, queue.topic, queue.partition, settings_, time_.now(), next_id_, room_for(queue));
        unfinished_.emplace_back(next_id_++, false);
        news |= queue.hungry;
    }
    if (waiting >= 0) ++waiting;
    return news;
}

std::size_t accumulator::partitions_of(std::string_view name) {
    const std::lock_guard held{mutex_};
    const auto* const topic = find(name);
    return topic ? topic->count : 0;
}

void accumulator::open_transaction(std::int64_t number) {
    const std::lock_guard held{mutex_};
    transaction_ = number;
}

void accumulator::close_transaction(error why) {
    const std::lock_guard held{mutex_};
    transaction_ = -1;
    outside_ = std::move(why);
    ++changes_;
    room_.notify_all();
}

void accumulator::refuse(const std::string& name, error why) {
    const std::lock_guard held{mutex_};
    state_of(name).refused = std::move(why);
}

error accumulator::refusal(std::string_view name) {
    const std::lock_guard held{mutex_};
    if (closed_) return closed_;
    const auto* const topic = find(name);
    return topic && topic->refused ? topic->refused : obstacle_.permanent() ? obstacle_ : error{};
}

void accumulator::limit_batches(const std::string& name, std::size_t bytes) {
    const std::lock_guard held{mutex_};
    auto& topic = state_of(name);
    topic.ready_bytes = std::min(topic.ready_bytes, bytes);
    topic.most_bytes = std::min(topic.most_bytes, bytes);
    for (auto& queue : topic.partitions) {
        queue->ready_bytes = topic.ready_bytes;
        queue->most_bytes = topic.most_bytes;
    }
}

accumulator::topic_state& accumulator::state_of(const std::string& name) {
    auto [at, fresh] = topics_.try_emplace(name);
    if (fresh) {
        at->second.ready_bytes = batch_size_;
        at->second.most_bytes = std::max(batch_size_, max_record_);
    }
    return at->second;
}

void accumulator::set_partitions(const std::string& name, std::size_t count, bool anew) {
    const std::lock_guard held{mutex_};
    auto& topic = state_of(name);
    topic.count = anew ? count : std::max(topic.count, count);
    while (topic.partitions.size() < count) {
        auto queue = std::make_shared<partition_queue>();
        queue->topic = name;
        queue->partition = static_cast<std::int32_t>(topic.partitions.size());
        queue->ready_bytes = topic.ready_bytes;
        queue->most_bytes = topic.most_bytes;
        topic.partitions.push_back(std::move(queue));
        topic.queued.push_back(0);
    }
}

bool accumulator::let_go(const std::string& name, function<bool(partition_queue&)> busy) {
    const std::lock_guard held{mutex_};
    auto& topic = state_of(name);
    if (std::ranges::any_of(topic.partitions, [&](const queue_ptr& each) { return each->open || !each->closed.empty() || busy(*each); })) return false;
    topic.count = 0;
    return true;
}

void accumulator::set_available(const std::string& name, std::size_t partition, bool available) {
    const std::lock_guard held{mutex_};
    auto& topic = state_of(name);
    auto& waiting = topic.queued[partition];
    if (available == (waiting >= 0)) return;
    const auto& queue = *topic.partitions[partition];
    waiting = available ? (queue.open ? queue.open->weight : 0) : -1;
    for (std::size_t i = 0; available && i < queue.closed.size(); ++i) waiting += queue.closed[i]->weight;
}

std::vector<queue_ptr> accumulator::take_listed() {
    const std::lock_guard held{mutex_};
    woken_ = false;
    return std::exchange(listed_, {});
}

accumulator::head accumulator::look(partition_queue& queue, bool idle_leader) {
    const std::lock_guard held{mutex_};
    queue.hungry = idle_leader;
    head seen{queue.open, !queue.closed.empty() || (queue.open && queue.open->builder.uncompressed_size() >= queue.ready_bytes)};
    if (!queue.closed.empty()) seen.oldest = queue.closed.front()->created;
    else if (queue.open) seen.oldest = queue.open->created;
    return seen;
}

batch_ptr accumulator::pop(partition_queue& queue) {
    const std::lock_guard held{mutex_};
    batch_ptr next;
    if (queue.closed.empty()) {
        next = std::exchange(queue.open, nullptr);
    } else {
        next = std::move(queue.closed.front());
        queue.closed.pop_front();
    }
    if (next) {
        queue.usual_bytes = next->builder.uncompressed_size();
        auto& waiting = state_of(queue.topic).queued[static_cast<std::size_t>(queue.partition)];
        if (waiting >= 0) waiting = std::max(waiting - next->weight, 0);
    }
    return next;
}

bool accumulator::unlist(partition_queue& queue) {
    const std::lock_guard held{mutex_};
    if (queue.open || !queue.closed.empty()) return false;
    queue.listed = false;
    queue.hungry = true;
    return true;
}

void accumulator::release(const batch_ptr& ended, bytes room) {
    const std::lock_guard held{mutex_};
    used_ -= std::exchange(ended->charged, 0);
    const auto at = std::lower_bound(unfinished_.begin(), unfinished_.end(), ended->id, [](const auto& each, std::uint64_t id) { return each.first < id; });
    if (at != unfinished_.end() && at->first == ended->id) at->second = true;
    while (!unfinished_.empty() && unfinished_.front().second) unfinished_.pop_front();
    keep(std::move(room));
    ++changes_;
    if (waiters_ > 0) room_.notify_all();
}

// With the records under way it stays within the budget; at rest little is kept.
void accumulator::keep(bytes room) {
    const auto most = unfinished_.empty() ? budget_ / 8 : budget_ - used_;
    if (room.capacity() >= batch_size_ / 2) {
        spare_bytes_ += room.capacity();
        spare_.push_back(std::move(room));
    }
    while (spare_bytes_ > most) {
        spare_bytes_ -= spare_.back().capacity();
        spare_.pop_back();
    }
}

std::uint64_t accumulator::next_id() {
    const std::lock_guard held{mutex_};
    return next_id_;
}

std::uint64_t accumulator::oldest_unfinished() {
    const std::lock_guard held{mutex_};
    return unfinished_.empty() ? next_id_ : unfinished_.front().first;
}

std::size_t accumulator::used() {
    const std::lock_guard held{mutex_};
    return used_;
}

bool accumulator::pressed() {
    const std::lock_guard held{mutex_};
    return waiters_ > 0;
}

std::uint64_t accumulator::changes() {
    const std::lock_guard held{mutex_};
    return changes_;
}

error accumulator::obstacle() {
    const std::lock_guard held{mutex_};
    return obstacle_;
}

void accumulator::changed(error obstacle) {
    const std::lock_guard held{mutex_};
    obstacle_ = std::move(obstacle);
    ++changes_;
    room_.notify_all();
}

bool accumulator::wait_for_change(std::uint64_t seen, nanoseconds most) {
    std::unique_lock held{mutex_};
    ++waiters_;
    bool news = false;
    if (strand_->in_virtual_time()) {
        held.unlock();
        news = strand_->pass_time([&] { return changes() != seen; }, most);
        held.lock();
    } else {
        news = room_.wait_for(held, most, [&] { return changes_ != seen; });
    }
    --waiters_;
    return news;
}

std::vector<queue_ptr> accumulator::all() {
    const std::lock_guard held{mutex_};
    std::vector<queue_ptr> every;
    for (auto& [name, topic] : topics_) every.insert(every.end(), topic.partitions.begin(), topic.partitions.end());
    return every;
}

void accumulator::close(const error& why) {
    const std::lock_guard held{mutex_};
    if (!closed_) closed_ = why;
    ++changes_;
    room_.notify_all();
}

}  // namespace weir::detail

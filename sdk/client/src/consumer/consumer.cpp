#include <weir/consumer.hpp>

#include "../client_core.hpp"
#include "consumer_loop.hpp"
#include "consumer_settings.hpp"
#include "dead_letters.hpp"
#include "offset_queries.hpp"

#include <mutex>

namespace weir::detail {

/// What a consumer has. The parts below know nothing of the client, so that it ends with the last handle.
class consumer_handle {
public:
    consumer_handle(const client& on, consumer_config config, std::vector<std::string> topics)
        : client_(on), strand_(on.core().strand()), loop_(on.core().loop()), close_timeout_(config.close_timeout) {
        reader_settings how;
        how.max_poll_records = static_cast<std::size_t>(config.max_poll_records);
        how.max_poll_interval = config.max_poll_interval;
        how.bad = config.on_bad_record;
        if (config.on_consume) how.on_consume = std::make_shared<function<void(const incoming_record&)>>(std::move(config.on_consume));
        group_id_ = config.group_id;
        auto letters_to = config.dead_letter_topic;
        work_ = std::make_shared<consumer_loop>(on.core().view(), strand_, std::move(config));
        work_->open();
        if (!letters_to.empty()) {
            letters_ = std::make_shared<dead_letters>(on, loop_, std::move(letters_to), group_id_, work_->shared_inbox(), work_->letters());
            how.letters = letters_;
        }
        reader_ = std::make_shared<reader>(work_->shared_inbox(), strand_, loop_, how);
        reader_->open();
        if (!group_id_.empty()) wish_.topics = std::move(topics);
        implied_ = !wish_.empty();
    }
    ~consumer_handle() {
        reader_->stop();
        // On the client's own threads nothing may be waited for: what is under way goes on for as long as the client lives,
        // and nobody hears of it.
        const bool waits = !strand_->would_deadlock();
        if (!waits) post([](consumer_loop& work) { work.mute(); });
        auto closing = close(close_timeout_, farewell::standard);
        if (waits) (void)closing.get();
    }

    template <class F>
    void post(F&& step) {
        loop_.post([work = work_, step = std::forward<F>(step)]() mutable { step(*work); });
    }
    /// Runs `begin(work, state)` on the loop; the state is what the op waits for.
    template <class T, class F>
    op<T> ask(F&& begin) {
        auto done = std::make_shared<op_state<T>>(strand_);
        post([done, begin = std::forward<F>(begin)](consumer_loop& work) mutable { begin(work, std::move(done)); });
        return op<T>{std::move(done)};
    }
    /// The topics that the constructor was given are subscribed to when records are first asked for, unless something
    /// else was said before.
    void begin() {
        if (!implied_.load(std::memory_order_relaxed)) return;
        const std::lock_guard held{wish_mutex_};
        if (implied_.exchange(false)) post([wish = wish_](consumer_loop& work) { work.subscribe(wish); });
    }
    /// From now on it is this; `step` says so to the loop.
    template <class F>
    void instead(weir::subscription wish, F&& step) {
        const std::lock_guard held{wish_mutex_};  // posted in the order of what subscription() tells
        implied_ = false;
        wish_ = std::move(wish);
        post(std::forward<F>(step));
    }
    void subscribe(const weir::subscription& to) {
        instead(to, [to](consumer_loop& work) { work.subscribe(to); });
    }
    weir::subscription subscription() const {
        const std::lock_guard held{wish_mutex_};
        return wish_;
    }
    op<> close(duration most, farewell how) {
        return ask<void>([most, how](consumer_loop& work, auto done) { work.close(most, how, std::move(done)); });
    }

    client client_;
    std::shared_ptr<callbacks> strand_;
    event_loop& loop_;
    duration close_timeout_;
    std::string group_id_;
    mutable std::mutex wish_mutex_;
    weir::subscription wish_;
    std::atomic<bool> implied_ = false;
    std::shared_ptr<consumer_loop> work_;
    std::shared_ptr<dead_letters> letters_;
    std::shared_ptr<reader> reader_;
};

}  // namespace weir::detail

namespace weir {

consumer_base::consumer_base(const client& on, consumer_config config, std::vector<std::string> topics) {
    config = detail::settled(std::move(config), on.core().settings());
    hooked_ = static_cast<bool>(config.on_consume);
    handle_ = std::make_shared<detail::consumer_handle>(on, std::move(config), std::move(topics));
    disturbed_ = &handle_->reader_->disturbed();
}
consumer_base::consumer_base(consumer_base&&) noexcept = default;
consumer_base::~consumer_base() = default;

bool consumer_base::refill() {
    handle_->begin();
    return handle_->reader_->refill(window_);
}
void consumer_base::hear(const detail::raw_record& which, const record_info& where) { handle_->reader_->hear(which, where); }
bool consumer_base::undecodable(const detail::raw_record& which, const error& why) { return handle_->reader_->undecodable(window_, which, why); }
std::shared_ptr<detail::op_core> consumer_base::start_poll(duration most, std::size_t records, std::shared_ptr<void> types, detail::poll_types how) {
    handle_->begin();
    if (window_.of) handle_->reader_->leave(window_);
    return handle_->reader_->poll(most, records, std::move(types), how);
}

void consumer_base::subscribe(std::vector<std::string> topics) {
    handle_->subscribe({std::move(topics), {}});
}
void consumer_base::subscribe_matching(std::string pattern) {
    handle_->subscribe({{}, std::move(pattern)});
}
void consumer_base::unsubscribe() {
    handle_->instead({}, [](detail::consumer_loop& work) { work.unsubscribe(); });
}
void consumer_base::on_rebalance(rebalance_listener listener) {
    handle_->post([listener = std::move(listener)](detail::consumer_loop& work) mutable { work.on_rebalance(std::move(listener)); });
}
void consumer_base::assign(const std::vector<topic_partition>& to, at::position from) {
    handle_->instead({}, [to, from](detail::consumer_loop& work) { work.assign(to, from); });
}
std::vector<topic_partition> consumer_base::assignment() const { return handle_->work_->assignment(); }
weir::subscription consumer_base::subscription() const { return handle_->subscription(); }
void consumer_base::seek(const topic_partition& where, at::position to) {
    handle_->work_->shared_inbox()->close(where);
    handle_->post([where, to](detail::consumer_loop& work) { work.seek(where, to); });
}
void consumer_base::seek(const partition_offset& to) {
    handle_->work_->shared_inbox()->close(to.where);
    handle_->post([to](detail::consumer_loop& work) { work.seek(to); });
}
void consumer_base::pause(const std::vector<topic_partition>& which) {
    for (const auto& each : which) handle_->work_->shared_inbox()->pause(each, true);
    handle_->post([which](detail::consumer_loop& work) { work.pause(which); });
}
void consumer_base::resume(const std::vector<topic_partition>& which) {
    for (const auto& each : which) handle_->work_->shared_inbox()->pause(each, false);
    handle_->post([which](detail::consumer_loop& work) { work.pause(which); });
}
std::vector<topic_partition> consumer_base::paused() const { return handle_->work_->shared_inbox()->paused(); }
op<std::int64_t> consumer_base::position(const topic_partition& where) {
    return handle_->ask<std::int64_t>([where](detail::consumer_loop& work, auto done) { work.questions().position(where, std::move(done)); });
}
op<std::int64_t> consumer_base::lag(const topic_partition& of) {
    return handle_->ask<std::int64_t>([of](detail::consumer_loop& work, auto done) { work.questions().lag(of, std::move(done)); });
}
op<std::int64_t> consumer_base::lag() {
    return handle_->ask<std::int64_t>([](detail::consumer_loop& work, auto done) { work.questions().lag(std::nullopt, std::move(done)); });
}

op<> consumer_base::commit() {
    return handle_->ask<void>([read = handle_->work_->read_so_far(false)](detail::consumer_loop& work, auto done) { work.commit_read(read, std::move(done)); });
}
op<> consumer_base::commit(const record_info& finished) {
    std::vector<partition_offset> one(1);
    one[0].where = finished.where();
    one[0].offset = finished.offset + 1;
    one[0].leader_epoch = finished.leader_epoch;
    return commit(std::move(one));
}
op<> consumer_base::commit(std::vector<partition_offset> offsets) {
    return handle_->ask<void>([offsets = std::move(offsets)](detail::consumer_loop& work, auto done) mutable { work.commit(std::move(offsets), std::move(done)); });
}
op<std::vector<partition_offset>> consumer_base::committed(std::vector<topic_partition> of) {
    return handle_->ask<std::vector<partition_offset>>([of = std::move(of)](detail::consumer_loop& work, auto done) mutable { work.committed(std::move(of), std::move(done)); });
}
op<group_metadata> consumer_base::metadata() {
    return handle_->ask<group_metadata>([](detail::consumer_loop& work, auto done) { done->complete(work.metadata()); });
}
void consumer_base::rejoin(std::string reason) {
    handle_->post([reason = std::move(reason)](detail::consumer_loop& work) mutable { work.rejoin(std::move(reason)); });
}

op<std::vector<partition_info>> consumer_base::partitions_for(const std::string& topic) {
    return handle_->ask<std::vector<partition_info>>([topic](detail::consumer_loop& work, auto done) { work.questions().partitions_for(topic, std::move(done)); });
}
op<std::map<std::string, std::vector<partition_info>>> consumer_base::list_topics() {
    return handle_->ask<std::map<std::string, std::vector<partition_info>>>([](detail::consumer_loop& work, auto done) { work.questions().list_topics(std::move(done)); });
}
namespace {
op<std::vector<offset_and_time>> find(detail::consumer_handle& handle, std::vector<std::pair<topic_partition, std::int64_t>> asked) {
    return handle.ask<std::vector<offset_and_time>>([asked = std::move(asked)](detail::consumer_loop& work, auto done) mutable { work.questions().find_offsets(std::move(asked), std::move(done)); });
}
std::vector<std::pair<topic_partition, std::int64_t>> all_at(std::vector<topic_partition> of, std::int64_t when) {
    std::vector<std::pair<topic_partition, std::int64_t>> asked;
    for (auto& each : of) asked.emplace_back(std::move(each), when);
    return asked;
}
}  // namespace
op<std::vector<offset_and_time>> consumer_base::beginning_offsets(std::vector<topic_partition> of) { return find(*handle_, all_at(std::move(of), detail::earliest_offset)); }
op<std::vector<offset_and_time>> consumer_base::end_offsets(std::vector<topic_partition> of) { return find(*handle_, all_at(std::move(of), detail::latest_offset)); }
op<std::vector<offset_and_time>> consumer_base::offsets_for_times(std::vector<std::pair<topic_partition, timestamp>> of) {
    std::vector<std::pair<topic_partition, std::int64_t>> asked;
    for (auto& [where, when] : of) asked.emplace_back(std::move(where), when.time_since_epoch().count());
    return find(*handle_, std::move(asked));
}

void consumer_base::stop() noexcept { handle_->reader_->stop(); }
void consumer_base::stop_on(std::initializer_list<int> signals) {
    handle_->client_.core().on_signal(signals, [weak = std::weak_ptr{handle_->reader_}](int) {
        if (const auto reader = weak.lock()) reader->stop();
    });
}
op<> consumer_base::close(duration most, farewell to_group) {
    handle_->reader_->stop();
    return handle_->close(most, to_group);
}
error consumer_base::status() const { return handle_->reader_->status(); }

}  // namespace weir

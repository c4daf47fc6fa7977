// The generic part of every admin operation: many items, each with its place and its outcome; requests per place; retries.
#pragma once
#include "call.hpp"

#include <weir/outcomes.hpp>

#include <map>
#include <span>

namespace weir::detail {

/// What is known about each item so far. An item stays open as long as another attempt may settle it.
template <class Key, class T>
class book {
public:
    using key_type = Key;
    explicit book(std::vector<Key> keys) : entries_(keys.size()), keys_(std::move(keys)), open_(entries_.size()) {}

    const Key& key(std::size_t i) const { return keys_[i]; }
    std::size_t size() const noexcept { return keys_.size(); }
    bool open() const noexcept { return open_ > 0; }
    bool open(std::size_t i) const { return !entries_[i].outcome; }
    bool untouched() const noexcept { return open_ == entries_.size(); }
    /// nullopt when nobody asked for it. Answers mostly come in the order of the request.
    std::optional<std::size_t> find(const Key& key) {
        if (next_ < keys_.size() && keys_[next_] == key) return next_++;
        if (index_.empty()) {
            for (std::size_t i = 0; i < keys_.size(); ++i) index_.try_emplace(keys_[i], i);
        }
        const auto at = index_.find(key);
        if (at == index_.end()) return std::nullopt;
        next_ = at->second + 1;
        return at->second;
    }
    void settle(std::size_t i, result<T> outcome) {
        auto& entry = entries_[i];
        if (entry.outcome) return;
        if (!outcome && may_pass(outcome.code())) {
            entry.obstacle = outcome.error();
            return;
        }
        entry.outcome.emplace(std::move(outcome));
        --open_;
    }
    void settle(const Key& key, result<T> outcome) {
        if (const auto i = find(key)) settle(*i, std::move(outcome));
    }
    /// Settled whatever the code.
    void close(std::size_t i, result<T> outcome) {
        auto& entry = entries_[i];
        if (entry.outcome) return;
        entry.outcome.emplace(std::move(outcome));
        --open_;
    }
    void close_open(const error& why) {
        for (std::size_t i = 0; i < entries_.size(); ++i) close(i, why);
    }
    const error& obstacle(std::size_t i) const { return entries_[i].obstacle; }
    void hinder(std::size_t i, const error& why) { entries_[i].obstacle = why; }
    outcomes<T, Key> take() {
        std::vector<typename outcomes<T, Key>::item> items;
        items.reserve(keys_.size());
        for (std::size_t i = 0; i < keys_.size(); ++i) items.push_back({std::move(keys_[i]), *std::move(entries_[i].outcome)});
        return outcomes<T, Key>{std::move(items)};
    }

    bool unknown_topics_pass = false;  ///< and how long is for carry_out() to say
    bool quota_passes = true;
    milliseconds throttled{0};         ///< by the last answer

private:
    struct entry {
        std::optional<result<T>> outcome;
        error obstacle;
    };
    bool may_pass(errc code) const {
        if (code == errc::unknown_topic_or_partition) return unknown_topics_pass;
        if (code == errc::throttling_quota_exceeded) return quota_passes;
        return passing(code);
    }
    std::vector<entry> entries_;
    std::vector<Key> keys_;
    std::map<Key, std::size_t> index_;
    std::size_t open_;
    std::size_t next_ = 0;
};

/// What operations are made of. Plain code, no I/O; a plan says which API, where each item goes, and how to ask and read:
///
///     struct some_plan : plan_of<protocol::delete_topics_request, std::string, void> {
///         std::vector<std::string> keys() const;
///         place where(std::size_t item) const;                                   // default: any broker
///         request ask(std::span<const std::size_t> which, const ask_context&) const;
///         error read(response& answer, std::span<const std::size_t> which, answers& into) const;  // of the answer as a whole
///     };
struct ask_context {
    std::int16_t version;
    std::int32_t timeout_ms;
};
template <class Request, class Key, class T>
struct plan_of {
    using request = Request;
    using response = typename Request::response_type;
    using key = Key;
    using value = T;
    using answers = book<Key, T>;
    static constexpr std::int16_t newest = Request::max_version;
    place where(std::size_t) const { return any_broker(); }
    /// How many items one request can carry.
    static std::size_t capacity(std::int16_t /*version*/) { return static_cast<std::size_t>(-1); }
    bool retries_quota() const { return true; }
};

/// Throttle times tell when a refused mutation has a chance again (KIP-599).
template <class Response>
milliseconds throttle_of(const Response& answer) {
    if constexpr (requires { answer.throttle_time_ms; }) return milliseconds{answer.throttle_time_ms};
    else return milliseconds{0};
}

template <class Plan>
task<void> exchange(call_ptr call, const Plan& plan, connection_ptr link, std::vector<std::size_t> items, typename Plan::answers& into, error& whole) {
    using request_type = typename Plan::request;
    const auto version = link->version_of(request_type::api_key, request_type::min_version, Plan::newest);
    const request_type request = plan.ask(items, ask_context{version, call->left_ms()});
    auto asking = link->call(request, Plan::newest, call->patience());
    auto got = co_await asking;
    error why = got.error();
    if (got) {
        into.throttled = std::max(into.throttled, throttle_of(got->message));
        why = plan.read(got->message, items, into);
    }
    const bool of_all = plan.where(items.front()).how == place::kind::any;
    if (why && of_all) whole = why;
    for (const auto i : items) {
        if (!into.open(i)) continue;
        if (why) into.settle(i, why);
        else if (!into.obstacle(i)) into.close(i, error{errc::unknown_server_error, "the broker's answer says nothing about it"});
        if (into.open(i)) forget(*call, plan.where(i), into.obstacle(i).code());
    }
}

/// Ends with the outcome of every item. The error of the whole is that of a request which any broker could have served.
template <class Plan>
task<result<outcomes<typename Plan::value, typename Plan::key>>> carry_out(call_ptr call, Plan plan) {
    typename Plan::answers all{plan.keys()};
    all.quota_passes = plan.retries_quota();
    const auto count = plan.keys().size();
    attempts tries{call};
    while (all.open()) {
        std::vector<std::size_t> pending;
        std::vector<place> places;
        for (std::size_t i = 0; i < count; ++i) {
            if (!all.open(i)) continue;
            pending.push_back(i);
            places.push_back(plan.where(i));
            all.hinder(i, {});
        }
        all.unknown_topics_pass = places.front().how == place::kind::leader && tries.failed() + 1 < attempts_at_unknown_topics;
        all.throttled = {};
        const bool of_all = places.front().how == place::kind::any;
        const bool nothing_yet = all.untouched();
        auto looking = locate(call, places);
        auto links = co_await looking;
        error whole;
        std::vector<std::pair<connection_ptr, std::vector<std::size_t>>> loads;
        std::map<const net::connection*, std::size_t> load_of;
        for (std::size_t n = 0; n < pending.size(); ++n) {
            if (!links[n]) {
                if (of_all) whole = links[n].error();
                all.settle(pending[n], links[n].error());
                if (all.open(pending[n])) forget(*call, places[n], links[n].code());
                continue;
            }
            using request_type = typename Plan::request;
            const auto capacity = Plan::capacity((*links[n])->version_of(request_type::api_key, request_type::min_version, Plan::newest));
            const auto [at, fresh] = load_of.try_emplace(links[n]->get(), loads.size());
            if (!fresh && loads[at->second].second.size() >= capacity) at->second = loads.size();
            if (at->second == loads.size()) loads.emplace_back(*links[n], std::vector<std::size_t>{});
            loads[at->second].second.push_back(pending[n]);
        }
        std::vector<task<void>> parts;
        for (auto& [link, items] : loads) parts.push_back(exchange(call, plan, link, std::move(items), all, whole));
        auto exchanging = when_all(std::move(parts));
        co_await exchanging;
        if (whole && nothing_yet && !all.open()) co_return whole;
        if (!all.open()) break;
        error obstacle = whole;
        for (std::size_t n = 0; n < pending.size() && !obstacle; ++n) obstacle = all.obstacle(pending[n]);
        auto pausing = tries.again(obstacle, all.throttled);
        if (auto more = co_await pausing; !more) {
            if (of_all && all.untouched()) co_return more.error();
            for (const auto i : pending) {
                if (all.open(i)) all.close(i, error{more.code(), std::string{more.error().what()}, all.obstacle(i)});
            }
        }
    }
    co_return all.take();
}

/// One request, and its answer once `verdict` has nothing against it.
template <class Request>
task<result<typename Request::response_type>> ask(call_ptr call, place to, Request request, error (*verdict)(const typename Request::response_type&),
                                                  std::int16_t newest = Request::max_version) {
    for (attempts tries{call};;) {
        auto looking = locate(call, to);
        auto link = co_await looking;
        error obstacle = link.error();
        if (link) {
            auto asking = (*link)->call(request, newest, call->patience());
            auto got = co_await asking;
            obstacle = got.error();
            if (got) obstacle = verdict(got->message);
            if (!obstacle) co_return std::move(got->message);
        }
        if (!passing(obstacle.code())) co_return obstacle;
        forget(*call, to, obstacle.code());
        auto pausing = tries.again(obstacle);
        if (auto more = co_await pausing; !more) co_return more.error();
    }
}

/// The outcome of the only item.
template <class T, class Key>
result<T> only(result<outcomes<T, Key>> all) {
    if (!all) return all.error();
    return std::move(all->items().front().outcome);
}

}  // namespace weir::detail

// The generic part of every admin operation: many items, each with its place and its outcome; requests per place; retries.
//
// How it goes is the same whatever the types, and written once (carry_out.cpp). What is left for each kind of request is here:
// to encode and to decode it.
#pragma once
#include "ledger.hpp"

#include <span>

namespace weir::detail {

struct ask_context {
    std::int16_t version;
    std::int32_t timeout_ms;
};

/// What operations are made of. Plain code, no I/O; a plan says which API, where each item goes, and how to ask and read:
///
///     struct some_plan : plan_of<protocol::delete_topics_request, std::string, void> {
///         std::vector<std::string> keys() const;
///         place where(std::size_t item) const;                                   // default: any broker
///         request ask(std::span<const std::size_t> which, const ask_context&) const;
///         error read(response& answer, std::span<const std::size_t> which, answers& into) const;  // of the answer as a whole
///     };
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

/// Which API, in which versions.
struct dialect {
    protocol::api_key key;
    std::int16_t oldest, newest;
    template <class Request>
    static constexpr dialect of(std::int16_t newest = Request::max_version) { return {Request::api_key, Request::min_version, newest}; }
    std::int16_t version_on(const net::connection& link) const { return link.version_of(key, oldest, newest); }
};

/// A plan and what is known of its items, whatever their types.
class undertaking {
public:
    undertaking() = default;
    undertaking(const undertaking&) = delete;
    undertaking& operator=(const undertaking&) = delete;
    virtual ~undertaking() = default;
    virtual dialect speaks() const = 0;
    virtual ledger& items() = 0;
    virtual place where(std::size_t item) const = 0;
    virtual std::size_t capacity(std::int16_t version) const = 0;
    /// A request about `which`, made at once.
    virtual net::request_framer ask(std::span<const std::size_t> which, const ask_context& context) const = 0;
    /// Puts down what the answer says; the error of the answer as a whole.
    virtual error read(net::connection& link, const net::raw_answer& answer, std::span<const std::size_t> which) = 0;
};

/// Ends when no item is open any more. Its error is that of a request which any broker could have served.
task<result<void>> carry_out(call_ptr call, undertaking& work);

/// Throttle times tell when a refused mutation has a chance again (KIP-599).
template <class Response>
milliseconds throttle_of(const Response& answer) {
    if constexpr (requires { answer.throttle_time_ms; }) return milliseconds{answer.throttle_time_ms};
    else return milliseconds{0};
}

template <class Plan>
class undertaking_of final : public undertaking {
public:
    explicit undertaking_of(Plan plan) : plan_(std::move(plan)), book_(plan_.keys()) { book_.quota_passes = plan_.retries_quota(); }
    dialect speaks() const override { return dialect::of<typename Plan::request>(Plan::newest); }
    ledger& items() override { return book_; }
    place where(std::size_t item) const override { return plan_.where(item); }
    std::size_t capacity(std::int16_t version) const override { return Plan::capacity(version); }
    net::request_framer ask(std::span<const std::size_t> which, const ask_context& context) const override {
        return [request = plan_.ask(which, context)](std::int16_t version, std::int32_t correlation, const std::string& client) {
            return protocol::encode_request_frame(request, version, correlation, client);
        };
    }
    error read(net::connection& link, const net::raw_answer& answer, std::span<const std::size_t> which) override {
        auto got = link.read<typename Plan::response>(answer);
        if (!got) return got.error();
        book_.throttled = std::max(book_.throttled, throttle_of(*got));
        return plan_.read(*got, which, book_);
    }
    auto take() { return book_.take(); }

private:
    Plan plan_;
    typename Plan::answers book_;
};

/// Ends with the outcome of every item.
template <class Plan>
task<result<outcomes<typename Plan::value, typename Plan::key>>> carry_out(call_ptr call, Plan plan) {
    undertaking_of<Plan> work{std::move(plan)};
    auto doing = carry_out(std::move(call), static_cast<undertaking&>(work));
    if (auto done = co_await doing; !done) co_return done.error();
    co_return work.take();
}

/// Reads an answer; its error is what speaks against it.
using answer_reader = function<error(net::connection&, const net::raw_answer&)>;
/// One request, sent again until there is an answer that nothing speaks against. Both stay valid until then.
task<result<void>> ask(call_ptr call, place to, dialect speaks, net::request_framer& request, answer_reader& read);

/// One request, and its answer once `verdict` has nothing against it.
template <class Request>
task<result<typename Request::response_type>> ask(call_ptr call, place to, Request request, error (*verdict)(const typename Request::response_type&),
                                                  std::int16_t newest = Request::max_version) {
    typename Request::response_type message;
    auto framer = net::framer_of(request);
    answer_reader reader = [&message, verdict](net::connection& link, const net::raw_answer& answer) {
        auto got = link.read<typename Request::response_type>(answer);
        if (!got) return got.error();
        message = *std::move(got);
        return verdict(message);
    };
    const auto speaks = dialect::of<Request>(newest);
    auto asking = ask(std::move(call), std::move(to), speaks, framer, reader);
    if (auto done = co_await asking; !done) co_return done.error();
    co_return std::move(message);
}

/// The outcome of the only item.
template <class T, class Key>
result<T> only(result<outcomes<T, Key>> all) {
    if (!all) return all.error();
    return std::move(all->items().front().outcome);
}

}  // namespace weir::detail

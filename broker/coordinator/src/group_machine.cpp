#include "group_machine.hpp"

namespace weir::coordinator {

namespace {
template <class Response>
Response refusal(errc why) {
    Response out;
    out.error_code = wire_code(why);
    return out;
}
}  // namespace

template <class Response, class Decide>
outcome group_machine::park(waiters<Response>& where, function<void(Response)> deliver, Decide decide) {
    const auto token = group::reply_token{++last_token_};
    where.emplace(last_token_, std::move(deliver));
    auto decided = decide(token);
    if (decided.response) immediate_.push_back({token, std::move(*decided.response)});
    outcome out;
    out.records = std::move(decided.records);
    return out;
}

outcome group_machine::join(const group::request_context& context, protocol::join_group_request request, instant now,
                            function<void(join_response)> deliver) {
    return park(joins_, std::move(deliver),
                [&](group::reply_token token) { return shard.join_group(context, std::move(request), token, now); });
}

outcome group_machine::sync(const group::request_context& context, protocol::sync_group_request request, instant now,
                            function<void(sync_response)> deliver) {
    return park(syncs_, std::move(deliver),
                [&](group::reply_token token) { return shard.sync_group(context, std::move(request), token, now); });
}

template <class Response>
void group_machine::wake(waiters<Response>& where, group::reply_token token, Response response,
                         std::vector<answer>& out) {
    auto waiter = where.extract(static_cast<std::uint64_t>(token));
    if (!waiter) return;
    out.push_back([deliver = std::move(waiter.mapped()), response = std::move(response)](errc outcome) mutable {
        if (outcome != errc::none) {
            response = {};
            response.error_code = wire_code(outcome);
        }
        deliver(std::move(response));
    });
}

std::vector<answer> group_machine::take_answers() {
    std::vector<answer> out;
    auto ready = std::exchange(immediate_, {});
    for (auto& later : shard.take_replies()) ready.push_back(std::move(later));
    for (auto& each : ready) {
        if (auto* joined = std::get_if<join_response>(&each.body))
            wake(joins_, each.token, std::move(*joined), out);
        else
            wake(syncs_, each.token, std::move(std::get<sync_response>(each.body)), out);
    }
    if (closed_ == errc::none) return out;
    // Whatever the shard has no record of any more: nobody is left without an answer.
    while (!joins_.empty())
        wake(joins_, group::reply_token{joins_.begin()->first}, refusal<join_response>(closed_), out);
    while (!syncs_.empty())
        wake(syncs_, group::reply_token{syncs_.begin()->first}, refusal<sync_response>(closed_), out);
    return out;
}

}  // namespace weir::coordinator

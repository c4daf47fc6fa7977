// Requests that members and producers send, sent by hand: groups and transactions with somebody in them.
#pragma once
#include "suite.hpp"

#include "client_core.hpp"

#include <weir/protocol/embedded.hpp>

#include <future>

namespace weir::suite {

template <class Request>
task<void> ask_coordinator(detail::coordinator_kind kind, std::string key, Request request, std::int16_t newest, std::promise<result<typename Request::response_type>>& into) {
    const auto view = kafka().core().view();
    for (int attempt = 0;; ++attempt) {
        auto finding = detail::cluster::coordinator(view, kind, key);
        auto link = co_await finding;
        if (link) {
            auto asking = (*link)->call(request, newest);
            auto got = co_await asking;
            if (got) into.set_value(std::move(got->message));
            else into.set_value(got.error());
            co_return;
        }
        if (attempt == 50 || !link.error().retriable()) {
            into.set_value(link.error());
            co_return;
        }
        pause_for pause{view->loop(), 200ms};
        co_await pause;
    }
}
/// The answer; retried while the coordinator is on its way.
template <class Request>
typename Request::response_type tell(detail::coordinator_kind kind, const std::string& key, const Request& request, std::int16_t newest = Request::max_version) {
    std::promise<result<typename Request::response_type>> got;
    kafka().core().loop().post([&] { spawn(ask_coordinator(kind, key, request, newest, got)); });
    auto answer = got.get_future().get();
    if (!answer && answer.code() == errc::unsupported_version) {
        leave_out(answer.error());
        throw answer.error();
    }
    REQUIRE_MESSAGE(answer, answer.error().message());
    return *std::move(answer);
}

}  // namespace weir::suite

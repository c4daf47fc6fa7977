// Boost.Asio: `co_await` an op, or give it any completion token. The only header of the client that includes Asio.
//
//     weir::awaitable<void> produce(weir::producer& out) {
//         auto sent = co_await out.send(orders, "o-1", first);       // result<record_metadata>
//         auto last = out.send(orders, "o-2", second);               // under way
//         *co_await std::move(last);
//     }
#pragma once
#include <weir/client.hpp>
#include <weir/op.hpp>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <optional>

namespace weir {

using boost::asio::awaitable;

/// Starts nothing: the operation runs already. The handler is posted to its associated executor; cancelling its slot
/// cancels the op. Inside co_await name aggregates first: g++ 12 miscompiles `co_await out.send(t, k, {.user = "a"})`.
template <class T, boost::asio::completion_token_for<void(result<T>)> Token>
auto weir_initiate(op<T> running, Token&& token) {
    return boost::asio::async_initiate<Token, void(result<T>)>(
        [](auto handler, op<T> started) {
            auto executor = boost::asio::get_associated_executor(handler);
            auto slot = boost::asio::get_associated_cancellation_slot(handler);
            if (slot.is_connected()) slot.assign([started](boost::asio::cancellation_type) mutable { started.cancel(); });
            // Taken where the handler runs: what a consumer fetched is decoded there.
            started.when_ready(
                [handler = std::move(handler), work = boost::asio::make_work_guard(executor)](op<T> ended) mutable {
                    auto where = work.get_executor();
                    boost::asio::post(where, [handler = std::move(handler), ended = std::move(ended)]() mutable {
                        std::move(handler)(ended.take());
                    });
                },
                detail::continue_on::any_thread);
        },
        token, std::move(running));
}

/// Runs the coroutine on this thread and gives what it returns; what it throws comes out here.
template <class T>
T run(awaitable<T> work) {
    boost::asio::io_context here{1};
    std::exception_ptr thrown;
    if constexpr (std::is_void_v<T>) {
        boost::asio::co_spawn(here, std::move(work), [&](const std::exception_ptr& why) { thrown = why; });
        here.run();
        if (thrown) std::rethrow_exception(thrown);
    } else {
        std::optional<T> value;
        boost::asio::co_spawn(here, std::move(work), [&](const std::exception_ptr& why, T result) {
            thrown = why;
            if (!why) value.emplace(std::move(result));
        });
        here.run();
        if (thrown) std::rethrow_exception(thrown);
        return *std::move(value);
    }
}

/// Runs `task` on a thread of the client's, which all tasks share, never the one that serves sockets. What it throws is
/// logged. What has not ended when the client closes goes no further, and is dropped with the client.
void spawn(const client& on, awaitable<void> task);

/// A client configuration that runs completions on `context`, such as an io_context, which outlives the client.
template <class Context>
client_config run_on(Context& context, client_config base = client_config{}) {
    base.post = [executor = context.get_executor()](function<void()> step) {
        boost::asio::post(executor, [step = std::move(step)]() mutable { step(); });
    };
    return base;
}

}  // namespace weir

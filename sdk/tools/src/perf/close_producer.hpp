// The end of a tool that counts deliveries.
#pragma once
#include <weir/producer.hpp>

#include <future>

namespace weir::tools {

/// Closes, and returns when every callback has run: those of the last records may still wait when close() itself is done.
inline result<void> close_after_callbacks(producer& out) {
    std::promise<result<void>> told;
    out.close().then([&](result<void> outcome) { told.set_value(std::move(outcome)); });  // callbacks run in order
    return told.get_future().get();
}

}  // namespace weir::tools

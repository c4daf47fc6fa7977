// Functions of the application that are told something and cannot refuse: what they throw is logged, and goes no further.
#pragma once
#include <weir/base/log.hpp>

#include <fmt/format.h>

#include <exception>
#include <string_view>
#include <utility>

namespace weir::detail {

template <class Hook, class... Told>
void run_hook(const log::logger& logs, std::string_view name, Hook& hook, Told&&... told) noexcept {
    try {
        hook(std::forward<Told>(told)...);
    } catch (const std::exception& thrown) {
        logs.warn(fmt::format("{} threw: {}", name, thrown.what()));
    } catch (...) {
        logs.warn(fmt::format("{} threw what is no std::exception", name));
    }
}

}  // namespace weir::detail

#include <weir/server/services.hpp>

namespace weir::server {

metadata_cache::slot::slot(event_loop& on) : loop(on), image(std::make_shared<const metadata::image>()) {}

metadata_cache::metadata_cache(const std::vector<event_loop*>& cores) {
    for (auto* loop : cores) slots_.push_back(std::make_unique<slot>(*loop));
}

task<void> metadata_cache::set(event_loop& here, slot& where, metadata::image_ref next) {
    co_await switch_to{where.loop};
    where.image = std::move(next);
    auto waiting = std::exchange(where.waiters, {});
    for (auto& each : waiting) {
        if (each.offset <= where.image->position().offset) each.resume(true);
        else where.waiters.push_back(std::move(each));
    }
    co_await switch_to{here};
}

task<void> metadata_cache::publish(event_loop& here, metadata::image_ref next) {
    std::vector<task<void>> parts;
    for (auto& slot : slots_) parts.push_back(set(here, *slot, next));
    co_await when_all(std::move(parts));
}

task<void> metadata_cache::wait_for(std::size_t core, std::int64_t offset) {
    auto& slot = *slots_[core];
    if (slot.released || slot.image->position().offset >= offset) co_return;
    auto waiting = completion<bool>([&](function<void(bool)> resume) { slot.waiters.push_back({offset, std::move(resume)}); });
    co_await waiting;
}

task<void> metadata_cache::release_slot(event_loop& here, slot& where) {
    co_await switch_to{where.loop};
    where.released = true;
    for (auto& each : std::exchange(where.waiters, {})) each.resume(false);
    co_await switch_to{here};
}

task<void> metadata_cache::release(event_loop& here) {
    std::vector<task<void>> parts;
    for (auto& slot : slots_) parts.push_back(release_slot(here, *slot));
    co_await when_all(std::move(parts));
}

}  // namespace weir::server
